//! `bucket_object_link`: a link that lets whoever holds it read one object for a while.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::s3::ObjectUri;
use crate::tools::args::Bounded;
use crate::tools::tool::{Hints, Reply, Tool, Toolset};
use crate::tools::{Session, ToolError};

/// Links to an object.
pub struct BucketObjectLink;

/// Which object, for how long.
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

/// The link. Not `Debug`: whoever reads the URL can use it.
#[derive(Serialize, JsonSchema)]
pub struct Output {
    url: String,
    #[schemars(with = "String")]
    expires_at: Timestamp,
    /// Whether the credentials' own end made the link's life shorter than asked.
    capped: bool,
}

impl Tool for BucketObjectLink {
    const NAME: &'static str = "bucket_object_link";
    const TITLE: &'static str = "Link to an object";
    const DESCRIPTION: &'static str = "Makes a URL with which anybody can download one object until it ends. The caller's \
                                       right to read the object is checked first.";
    const TOOLSET: Toolset = Toolset::Buckets;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<Reply<Output>, ToolError> {
        let s3 = session.s3().await?;
        // A link is signed without asking S3. One that cannot work would fail in the hands of somebody who cannot know
        // why, so S3 is asked first; that also finds the bucket's region.
        s3.head(&args.s3_uri).await.map_err(|error| session.explain(&error))?;
        let asked = Duration::from_secs(args.expiration.get());
        let link = s3
            .presign(&args.s3_uri, asked, session.clock().now())
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
