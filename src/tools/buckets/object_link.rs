//! `bucket_object_link`: a presigned URL, with which anyone can read one object until it expires.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::s3::{ObjectHead, ObjectUri, UserS3};
use crate::credentials::Source;
use crate::identity::AuthenticatedCaller;
use crate::tools::arguments::types::Bounded;
use crate::tools::object_argument::ObjectArgument;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

pub struct BucketObjectLink;

#[derive(Debug, Deserialize, JsonSchema)]
pub struct Args {
    #[serde(flatten)]
    object: ObjectArgument,
    /// Lifetime: 1 to 604800 seconds, by default 3600
    #[serde(default)]
    expiration: Bounded<1, 604_800, 3_600>,
}

/// The link. It does not implement `Debug`, because the URL grants access.
#[derive(Serialize, JsonSchema)]
pub struct Output {
    url: String,
    #[schemars(with = "String")]
    expires_at: Timestamp,
    /// Whether the link expires earlier than requested.
    capped: bool,
    /// Why it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    capped_by: Option<CappedBy>,
    /// The version that the link opens; absent for the latest one.
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
    /// Bytes.
    size: u64,
    content_type: Option<String>,
}

/// What ends a link earlier than requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum CappedBy {
    /// The credentials that signed it expire.
    Credentials,
    /// The caller's token expires.
    Token,
    /// The server's own credentials signed it, whose links end within [`AMBIENT_LIFETIME`].
    AmbientCredentials,
}

/// Maximum lifetime of a link that the server's own credentials sign: it cannot be revoked without revoking those.
const AMBIENT_LIFETIME: Duration = Duration::from_mins(5);

/// Returns the lifetime of a link that the caller's token and the credential source allow, and what shortens it.
fn allowed_lifetime(session: &Session, asked: Duration, now: Timestamp) -> (Duration, Option<CappedBy>) {
    let token = session.authenticated().and_then(AuthenticatedCaller::expires_at);
    let token = token.map(|end| Duration::try_from(end.duration_since(now)).unwrap_or_default());
    let ambient = (session.credential_source() == Some(Source::Ambient)).then_some(AMBIENT_LIFETIME);
    let limits = [(token, CappedBy::Token), (ambient, CappedBy::AmbientCredentials)];
    let limits = limits.into_iter().filter_map(|(limit, by)| Some((limit?, by)));
    match limits.min_by_key(|(limit, _)| *limit) {
        Some((limit, by)) if limit < asked => (limit, Some(by)),
        _ => (asked, None),
    }
}

/// Refuses a key that browsers and HTTP libraries change when they parse its URL: they would ask for another object, with a
/// signature that does not match.
fn refuse_folded_key(object: &ObjectUri) -> Result<(), ToolError> {
    if object.key.has_dot_segment() {
        let message = format!(
            "{object} cannot be linked: its key has a path segment `.` or `..`, which browsers and other clients resolve."
        );
        return Err(ToolError::invalid(message).with_hint("Read it with bucket_object_text or bucket_object_fetch."));
    }
    Ok(())
}

/// Checks that the link will work. Signing needs no request to S3, and a link without permission would fail for its recipient,
/// who could not know why. An object may be described to a caller who cannot read it, so a byte is read, too.
async fn check_readable(session: &Session, s3: &UserS3, object: &ObjectUri) -> Result<ObjectHead, ToolError> {
    let head = match s3.head(object).await {
        Ok(head) => head,
        Err(error) => return Err(session.explain_object(s3, &error).await),
    };
    if head.must_be_restored() {
        return Err(ToolError::archived(&object.to_string(), head.restore.is_some()));
    }
    match s3.get_range(object, 0, 1).await {
        Ok(_) => Ok(head),
        Err(error) => Err(session.explain_object(s3, &error).await),
    }
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
        let object = args.object.resolve(&session).await?;
        refuse_folded_key(&object)?;
        let s3 = session.s3().await?;
        let head = check_readable(&session, &s3, &object).await?;
        let now = session.clock().now();
        let (lifetime, capped_by) = allowed_lifetime(&session, Duration::from_secs(args.expiration.get()), now);
        let link = s3
            .presign(&object, lifetime, now)
            .await
            .map_err(|error| session.explain(&error))?;
        let capped_by = if link.capped {
            Some(CappedBy::Credentials)
        } else {
            capped_by
        };
        Ok(Output {
            url: link.url,
            expires_at: link.expires_at,
            capped: capped_by.is_some(),
            capped_by,
            version_id: object.version_id,
            size: head.size,
            content_type: head.content_type,
        }
        .into())
    }
}
