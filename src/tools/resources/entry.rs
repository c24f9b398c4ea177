//! From an entry of a package to the object that holds its bytes.

use quilt_format::{PackageName, QuiltUri, Revision};

use crate::error_code::ErrorCode;
use crate::packages::{Listed, ManifestFile, PackageBucket, Use, object_of};
use crate::s3::{BucketName, ObjectUri};
use crate::telemetry::text::without_controls;
use crate::tools::{Session, ToolError};

/// The object of an entry. Names are as people write them: the bucket with or without `s3://`, the revision by default the
/// latest.
pub async fn entry_object(
    session: &Session,
    bucket: &str,
    package: &str,
    hash: Option<&str>,
    path: &str,
) -> Result<ObjectUri, ToolError> {
    let bucket: BucketName = bucket
        .parse()
        .map_err(|problem| ToolError::invalid(format!("bucket: {problem}.")))?;
    let name = PackageName::listed(package).map_err(|problem| ToolError::invalid(format!("package: {problem}.")))?;
    let revision = hash.map_or(Revision::Unspecified, |hash| Revision::Hash(hash.to_owned()));
    let uri = QuiltUri {
        bucket: bucket.to_string(),
        name,
        revision,
        path: None,
        catalog: None,
    };
    find(session, &uri, path).await
}

/// The manifest of the revision that a URI names, with memory for it and for so much `beside` it.
pub(super) async fn manifest(session: &Session, uri: &QuiltUri, beside: usize) -> Result<ManifestFile, ToolError> {
    let bucket = uri
        .bucket
        .parse()
        .map_err(|problem| ToolError::invalid(format!("bucket: {problem}.")))?;
    let packages: PackageBucket = session.packages(session.s3().await?, bucket);
    let told = |error| session.explain_package(error);
    let hash = packages.revision(&uri.name, &uri.revision).await.map_err(told)?;
    session.hold(packages.room(&hash, Use::Page).await + beside).await?;
    let file = packages.open(&hash).await.map_err(told)?;
    session.settle(packages.room(&hash, Use::Page).await + beside);
    Ok(file)
}

/// The object of the entry at `path`.
pub(super) async fn find(session: &Session, uri: &QuiltUri, path: &str) -> Result<ObjectUri, ToolError> {
    let file = manifest(session, uri, 0).await?;
    let told = |error| session.explain_package(error);
    let shown = without_controls(path, 200);
    let listed = match file.find(path).await.map_err(told)? {
        Some(place) => file.list(&place, true, None, 1).await.map_err(told)?.0,
        None => Vec::new(),
    };
    match listed.first() {
        Some(Listed::File(entry)) if entry.logical_key.as_str() == path => {
            object_of(&entry.physical_key).map_err(|problem| {
                let message = format!("The entry `{shown}` lies where this server cannot read: {problem}.");
                ToolError::new(ErrorCode::NoSuchKey, message)
            })
        }
        _ => {
            let revision = Revision::Hash(file.hash.to_string());
            let package = QuiltUri {
                revision,
                path: None,
                catalog: None,
                ..uri.clone()
            };
            let message = format!("The package {package} has no entry `{shown}`.");
            Err(ToolError::new(ErrorCode::NoSuchKey, message).with_hint("Browse the package to see its entries."))
        }
    }
}
