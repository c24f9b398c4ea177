//! Lookup of the object that contains the bytes of a package's entry.

use quilt_format::{PackageName, QuiltUri, Revision};

use crate::aws::s3::{BucketName, ObjectUri};
use crate::error_code::ErrorCode;
use crate::packages::{Listed, ManifestAccess, ManifestFile, PackageBucket, object_of};
use crate::telemetry::text::without_controls;
use crate::tools::{Session, ToolError};

/// Finds the object of an entry. The bucket may begin with `s3://`; the default revision is the latest.
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
    let name = PackageName::from_listing(package.trim())
        .map_err(|problem| ToolError::invalid(format!("package: {problem}.")))?;
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

/// Opens the manifest of the revision that a URI names. Reserves memory for it and for `result_bytes`.
pub(super) async fn manifest(
    session: &Session,
    uri: &QuiltUri,
    result_bytes: usize,
) -> Result<ManifestFile, ToolError> {
    let bucket = uri
        .bucket
        .parse()
        .map_err(|problem| ToolError::invalid(format!("bucket: {problem}.")))?;
    let packages: PackageBucket = session.packages(session.s3().await?, bucket);
    let explain = |error| session.explain_package(error);
    let hash = packages.revision(&uri.name, &uri.revision).await.map_err(explain)?;
    session
        .reserve(packages.estimate_manifest_bytes(&hash, ManifestAccess::Page).await + result_bytes)
        .await?;
    let file = packages.open(&hash).await.map_err(explain)?;
    session.release_above(packages.estimate_manifest_bytes(&hash, ManifestAccess::Page).await + result_bytes);
    Ok(file)
}

/// Finds the object of the entry at `path`.
pub(in crate::tools) async fn find(session: &Session, uri: &QuiltUri, path: &str) -> Result<ObjectUri, ToolError> {
    let file = manifest(session, uri, 0).await?;
    let explain = |error| session.explain_package(error);
    let quoted = without_controls(path, 200);
    let listed = match file.find(path).await.map_err(explain)? {
        Some(place) => file.list(&place, true, None, 1, |_| true).await.map_err(explain)?.0,
        None => Vec::new(),
    };
    match listed.first() {
        Some(Listed::File(entry)) if entry.logical_key.as_str() == path => {
            object_of(&entry.physical_key).map_err(|problem| {
                let message = format!("The entry `{quoted}` is in a location that this server cannot read: {problem}.");
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
            let message = format!("The package {package} has no entry `{quoted}`.");
            Err(ToolError::new(ErrorCode::NoSuchKey, message).with_hint("Browse the package to see its entries."))
        }
    }
}
