//! What a package holds, as one JSON document.

use serde_json::{Value, json};

use super::revision::{Look, Package};
use super::{Body, Content, MOST, TOO_LARGE};
use crate::quilt::QuiltUri;
use crate::quilt::manifest::Row;
use crate::tools::{Session, ToolError};

/// Most bytes of entries that are shown; the rest of the document is the package's metadata.
const ENTRIES: usize = 512 * 1024;

pub(super) async fn read(session: &Session, uri: &QuiltUri) -> Result<Content, ToolError> {
    let package = Package::of(session, uri).await?;
    let (mut message, mut metadata, mut workflow) = (Value::Null, Value::Null, Value::Null);
    let (mut total_entries, mut total_bytes, mut shown_bytes) = (0_u64, 0_u64, 0_usize);
    let mut entries = Vec::new();
    package
        .rows(|row| {
            match row {
                Row::Header(header) => {
                    message = header.message().map_or(Value::Null, Value::from);
                    metadata = header.user_meta().map_or(Value::Null, Value::from);
                    workflow = header.workflow().map_or(Value::Null, Value::from);
                }
                Row::Directory(_) => {}
                Row::Entry(entry) => {
                    total_entries += 1;
                    total_bytes = total_bytes.saturating_add(entry.size);
                    shown_bytes += entry.logical_key.as_str().len() + 40;
                    if shown_bytes <= ENTRIES {
                        entries.push(json!({ "logical_key": entry.logical_key.as_str(), "size": entry.size }));
                    }
                }
            }
            Look::On
        })
        .await?;
    let document = json!({
        "bucket": uri.bucket,
        "name": uri.name.as_str(),
        "hash": package.top_hash.as_str(),
        "message": message,
        "metadata": metadata,
        "workflow": workflow,
        "total_entries": total_entries,
        "total_bytes": total_bytes,
        "truncated": shown_bytes > ENTRIES,
        "entries": entries,
    });
    let text = document.to_string();
    if text.len() as u64 > MOST {
        return Err(too_large());
    }
    Ok(Content { mime_type: Some("application/json".to_owned()), body: Body::Text(text) })
}

fn too_large() -> ToolError {
    let message = format!("What is to be said of this package is longer than the {MOST} bytes of a resource.");
    ToolError::new(TOO_LARGE, message).with_hint("Browse it with package_browse.")
}
