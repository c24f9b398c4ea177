//! What a package holds, as one JSON document.

use quilt_format::QuiltUri;
use serde_json::{Value, json};

use super::{Body, Content, MOST, entry};
use crate::error_code::ErrorCode;
use crate::packages::Listed;
use crate::tools::{Session, ToolError, weight};

/// Most entries that are looked at for the document.
const ENTRIES: usize = 5_000;
/// Most bytes of keys that are shown; the rest of the document is the package's metadata.
const KEYS: usize = 512 * 1024;

pub(super) async fn read(session: &Session, uri: &QuiltUri) -> Result<Content, ToolError> {
    let file = entry::manifest(session, uri, weight::of_items(ENTRIES / 2)).await?;
    let told = |error| session.explain_package(error);
    let (listed, next) = match file.find("").await.map_err(told)? {
        Some(root) => file.list(&root, true, None, ENTRIES).await.map_err(told)?,
        None => (Vec::new(), None),
    };
    let metadata: usize = listed.iter().map(Listed::weight).sum();
    session
        .hold(weight::of_items(ENTRIES / 2) + weight::of_item(0, metadata))
        .await?;
    let mut shown_bytes = 0;
    let all = listed.len();
    let entries: Vec<Value> = listed
        .iter()
        .filter_map(|listed| match listed {
            Listed::File(entry) => Some(entry),
            Listed::Directory { .. } => None,
        })
        .take_while(|entry| {
            shown_bytes += entry.logical_key.as_str().len() + 40;
            shown_bytes <= KEYS
        })
        .map(|entry| json!({ "logical_key": entry.logical_key.as_str(), "size": entry.size }))
        .collect();
    let (header, whole) = (&file.index.header, file.index.whole);
    let document = json!({
        "bucket": uri.bucket,
        "name": uri.name.as_str(),
        "hash": file.hash.as_str(),
        "message": header.message(),
        "metadata": header.user_meta().map(Value::from),
        "workflow": header.workflow().map(Value::from),
        "total_entries": whole.entries,
        "total_bytes": u64::try_from(whole.total_bytes).unwrap_or(u64::MAX),
        "truncated": next.is_some() || entries.len() < all,
        "entries": entries,
    });
    let text = document.to_string();
    if text.len() as u64 > MOST {
        let message = format!("What is to be said of this package is longer than the {MOST} bytes of a resource.");
        return Err(ToolError::new(ErrorCode::TooLarge, message).with_hint("Browse it with package_browse."));
    }
    Ok(Content {
        mime_type: Some("application/json".to_owned()),
        body: Body::Text(text),
    })
}
