//! From an entry of a package to the object that holds its bytes.

use super::revision::{Look, Package};
use crate::quilt::manifest::Row;
use crate::quilt::{PackageName, PhysicalKey, QuiltUri, Revision};
use crate::s3::{BucketName, ObjectUri};
use crate::tools::{Session, ToolError, code};

/// The object of an entry. Names are as people write them: the bucket with or without `s3://`, the revision by default the
/// latest.
pub async fn entry_object(
    session: &Session,
    bucket: &str,
    package: &str,
    hash: Option<&str>,
    path: &str,
) -> Result<ObjectUri, ToolError> {
    let bucket: BucketName = bucket.parse().map_err(|problem| ToolError::invalid(format!("bucket: {problem}.")))?;
    let name = PackageName::listed(package).map_err(|problem| ToolError::invalid(format!("package: {problem}.")))?;
    let revision = hash.map_or(Revision::Unspecified, |hash| Revision::Hash(hash.to_owned()));
    let uri = QuiltUri { bucket: bucket.to_string(), name, revision, path: None, catalog: None };
    find(session, &uri, path).await
}

/// The object of the entry at `path`.
pub(super) async fn find(session: &Session, uri: &QuiltUri, path: &str) -> Result<ObjectUri, ToolError> {
    let package = Package::of(session, uri).await?;
    let mut found = None;
    package
        .rows(|row| match row {
            Row::Entry(entry) if entry.logical_key.as_str() == path => {
                found = Some(entry.physical_key);
                Look::Enough
            }
            _ => Look::On,
        })
        .await?;
    let shown: String = path.chars().filter(|c| !c.is_control()).take(200).collect();
    let Some(key) = found else {
        let message = format!("The package {} has no entry `{shown}`.", package.uri());
        return Err(ToolError::new(code::NO_SUCH_KEY, message).with_hint("Browse the package to see its entries."));
    };
    object(&key).map_err(|problem| {
        let message = format!("The entry `{shown}` lies where this server cannot read: {problem}.");
        ToolError::new(code::NO_SUCH_KEY, message)
    })
}

fn object(key: &PhysicalKey) -> Result<ObjectUri, String> {
    match key {
        PhysicalKey::S3 { bucket, key, version_id } => {
            Ok(ObjectUri { bucket: bucket.parse()?, key: key.parse()?, version_id: version_id.clone() })
        }
        PhysicalKey::File { .. } => Err("it is a file of the machine that built the package".to_owned()),
    }
}
