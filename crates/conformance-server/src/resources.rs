//! Resources of the conformance suite.

use rmcp::model::{Resource, ResourceTemplate};
use serde_json::{Value, json};

use crate::{PNG, decoded};

const TEXT: &str = "test://static-text";
const BINARY: &str = "test://static-binary";
const WATCHED: &str = "test://watched-resource";

/// Returns all listed resources.
#[must_use]
pub fn all() -> Vec<Resource> {
    let listed = [
        (TEXT, "A text", "text/plain"),
        (BINARY, "An image", "image/png"),
        (WATCHED, "A text", "text/plain"),
    ];
    let resource = |(uri, name, mime_type): (&str, &str, &str)| {
        decoded(json!({ "uri": uri, "name": name, "mimeType": mime_type })).ok()
    };
    listed.into_iter().filter_map(resource).collect()
}

/// Returns all resource templates.
#[must_use]
pub fn templates() -> Vec<ResourceTemplate> {
    let template =
        json!({ "uriTemplate": "test://template/{id}/data", "name": "Data", "mimeType": "application/json" });
    decoded(template).into_iter().collect()
}

/// Returns the result of `resources/read`, or `None` if the resource is not one of these.
pub(super) fn read(uri: &str) -> Option<Value> {
    let text = |mime_type: &str, text: &str| json!({ "uri": uri, "mimeType": mime_type, "text": text });
    let content = match uri {
        TEXT => text("text/plain", "This is the content of the static text resource."),
        BINARY => json!({ "uri": uri, "mimeType": "image/png", "blob": PNG }),
        WATCHED => text("text/plain", "Nothing ever changes here."),
        _ => {
            let id = uri.strip_prefix("test://template/")?.strip_suffix("/data")?;
            let data = json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") });
            text("application/json", &data.to_string())
        }
    };
    Some(json!({ "resultType": "complete", "contents": [content], "ttlMs": 0, "cacheScope": "private" }))
}
