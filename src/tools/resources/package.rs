//! Contents of a package, as one JSON document.

use quilt_format::QuiltUri;
use serde::Serialize;

use super::{Body, Content, MAX_BYTES, entry};
use crate::error_code::ErrorCode;
use crate::packages::Listed;
use crate::tools::estimate::{estimate_item_bytes, estimate_items_bytes};
use crate::tools::json_object::serialization_error;
use crate::tools::manifest_json::NOT_FINITE;
use crate::tools::{ManifestJson, Session, ToolError};

/// Maximum number of entries that are listed for the document.
const MAX_ENTRIES: usize = 5_000;
/// Maximum size of the entries in the document, in bytes; the rest of the document is the package's metadata.
const MAX_KEY_BYTES: usize = 512 * 1024;

#[derive(Serialize)]
struct Document<'a> {
    bucket: &'a str,
    name: &'a str,
    hash: &'a str,
    message: Option<&'a str>,
    metadata: Option<ManifestJson>,
    workflow: Option<ManifestJson>,
    total_entries: u64,
    total_bytes: u64,
    truncated: bool,
    entries: Vec<DocumentEntry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'static str>,
}

#[derive(Serialize)]
struct DocumentEntry<'a> {
    logical_key: &'a str,
    size: u64,
}

pub(super) async fn read(session: &Session, uri: &QuiltUri) -> Result<Content, ToolError> {
    let file = entry::manifest(session, uri, estimate_items_bytes(MAX_ENTRIES / 2)).await?;
    let explain = |error| session.explain_package(error);
    let (listed, next) = match file.find("").await.map_err(explain)? {
        Some(root) => file
            .list(&root, true, None, MAX_ENTRIES, |_| true)
            .await
            .map_err(explain)?,
        None => (Vec::new(), None),
    };
    let metadata: usize = listed.iter().map(Listed::estimate_metadata_bytes).sum();
    session
        .reserve(estimate_items_bytes(MAX_ENTRIES / 2) + estimate_item_bytes(0, metadata))
        .await?;
    let mut key_bytes = 0;
    let all = listed.len();
    let entries: Vec<DocumentEntry<'_>> = listed
        .iter()
        .filter_map(|listed| match listed {
            Listed::File(entry) => Some(entry),
            Listed::Directory { .. } => None,
        })
        .take_while(|entry| {
            key_bytes += entry.logical_key.as_str().len() + 40;
            key_bytes <= MAX_KEY_BYTES
        })
        .map(|entry| DocumentEntry {
            logical_key: entry.logical_key.as_str(),
            size: entry.size,
        })
        .collect();
    let header = &file.index.header;
    let whole = file.index.whole;
    let metadata = header.user_meta().map(ManifestJson::of);
    let document = Document {
        bucket: &uri.bucket,
        name: uri.name.as_str(),
        hash: file.hash.as_str(),
        message: header.message(),
        warning: metadata.as_ref().filter(|shown| !shown.is_exact()).map(|_| NOT_FINITE),
        metadata,
        workflow: header.workflow().map(ManifestJson::of),
        total_entries: whole.entries,
        total_bytes: u64::try_from(whole.total_bytes).unwrap_or(u64::MAX),
        truncated: next.is_some() || entries.len() < all,
        entries,
    };
    let text = serde_json::to_string(&document).map_err(|_| serialization_error())?;
    if text.len() as u64 > MAX_BYTES {
        let message = format!("The description of this package is longer than the {MAX_BYTES} bytes of a resource.");
        return Err(ToolError::new(ErrorCode::TooLarge, message).with_hint("Browse it with package_browse."));
    }
    Ok(Content {
        mime_type: Some("application/json".to_owned()),
        body: Body::Text(text),
    })
}
