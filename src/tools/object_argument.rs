//! The arguments that name an object: an S3 URI, a bucket and a key, or the URI of an entry of a package.

use quilt_format::QuiltUri;
use schemars::JsonSchema;
use serde::Deserialize;

use super::resources::find_entry;
use super::{Session, ToolError};
use crate::aws::s3::{BucketName, ObjectKey, ObjectUri, key_in};

/// Beginning of the URI of a package.
const PACKAGE_SCHEME: &str = "quilt+s3://";

/// The arguments of every tool that reads one object. They are flattened into the arguments of the tool.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub struct ObjectArgument {
    /// Percent-encoded `s3://bucket/key[?versionId=ID]`, or `quilt+s3://` of an entry
    s3_uri: Option<String>,
    /// With key
    bucket: Option<String>,
    /// Not encoded
    key: Option<String>,
    /// Version of the key
    #[schemars(extend("x-unlisted" = true))]
    version_id: Option<String>,
}

impl ObjectArgument {
    /// Returns the object. The entry of a package is looked up with the caller's rights.
    pub async fn resolve(&self, session: &Session) -> Result<ObjectUri, ToolError> {
        let object = match (&self.s3_uri, &self.bucket, &self.key) {
            (Some(uri), None, None) => named_by(session, uri).await?,
            (None, Some(bucket), Some(key)) => named_in(bucket, key)?,
            (None, Some(_), None) => return Err(ToolError::invalid("Argument key: missing; bucket needs a key.")),
            (None, None, Some(_)) => return Err(ToolError::invalid("Argument bucket: missing; key needs a bucket.")),
            (None, None, None) => {
                return Err(ToolError::invalid(
                    "Argument s3_uri: missing; give it, or bucket and key.",
                ));
            }
            (Some(uri), bucket, key) => {
                let object = named_by(session, uri).await?;
                let is_same = bucket.as_ref().is_none_or(|bucket| bucket == object.bucket.as_str())
                    && key.as_ref().is_none_or(|key| key == object.key.as_str());
                if !is_same {
                    let message =
                        format!("Argument s3_uri: it names {object}, and bucket and key name another object.");
                    return Err(ToolError::invalid(message).with_hint("Give s3_uri, or bucket and key."));
                }
                object
            }
        };
        match (&self.version_id, &object.version_id) {
            (Some(asked), Some(named)) if asked != named => {
                let message = format!("Argument version_id: it is {asked}, and s3_uri names the version {named}.");
                Err(ToolError::invalid(message))
            }
            (Some(asked), _) => Ok(ObjectUri {
                version_id: Some(asked.clone()),
                ..object
            }),
            (None, _) => Ok(object),
        }
    }
}

async fn named_by(session: &Session, uri: &str) -> Result<ObjectUri, ToolError> {
    let invalid = |problem: &dyn std::fmt::Display| ToolError::invalid(format!("Argument s3_uri: {problem}."));
    if !uri.trim_start().starts_with(PACKAGE_SCHEME) {
        return uri.parse().map_err(|problem: String| invalid(&problem));
    }
    let uri: QuiltUri = uri.trim().parse().map_err(|problem| invalid(&problem))?;
    match &uri.path {
        Some(path) => find_entry(session, &uri, path).await,
        None => Err(invalid(&"it names a package; add &path= and a logical key")),
    }
}

fn named_in(bucket: &str, key: &str) -> Result<ObjectUri, ToolError> {
    let bucket: BucketName = bucket
        .parse()
        .map_err(|problem| ToolError::invalid(format!("Argument bucket: {problem}.")))?;
    let invalid = |problem: String| ToolError::invalid(format!("Argument key: {problem}."));
    let key: ObjectKey = key_in(&bucket, key).map_err(invalid)?.parse().map_err(invalid)?;
    Ok(ObjectUri::latest(bucket, key))
}
