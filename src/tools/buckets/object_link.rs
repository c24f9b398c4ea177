//! `bucket_object_link`: a presigned URL, with which anyone can read one object until it expires.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::s3::ObjectUri;
use crate::tools::args::Bounded;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

pub struct BucketObjectLink;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// `s3://bucket/key[?versionId=ID]`, percent-encoded
    #[schemars(with = "String")]
    s3_uri: ObjectUri,
    /// Seconds
    #[serde(default)]
    expiration: Bounded<1, 604_800, 3_600>,
}

/// The link. It does not implement `Debug`, because the URL grants access.
#[derive(Serialize, JsonSchema)]
pub struct Output {
    url: String,
    #[schemars(with = "String")]
    expires_at: Timestamp,
    /// Whether the link expires earlier than requested, because the credentials do.
    capped: bool,
}

impl Tool for BucketObjectLink {
    const NAME: &'static str = "bucket_object_link";
    const TITLE: &'static str = "Link to an object";
    const DESCRIPTION: &'static str = "Creates a URL with which anyone can download one object until it expires. The \
                                       caller's right to read the object is checked first.";
    const TOOLSET: Toolset = Toolset::Buckets;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let s3 = session.s3().await?;
        // Signing needs no request to S3. A link without permission would fail for its recipient, who could not know why,
        // so the permission is checked first; that also finds the bucket's region.
        s3.head(&args.s3_uri).await.map_err(|error| session.explain(&error))?;
        let lifetime = Duration::from_secs(args.expiration.get());
        let link = s3
            .presign(&args.s3_uri, lifetime, session.clock().now())
            .await
            .map_err(|error| session.explain(&error))?;
        Ok(Output {
            url: link.url,
            expires_at: link.expires_at,
            capped: link.capped,
        }
        .into())
    }
}
