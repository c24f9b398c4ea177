//! Metadata between tools and manifests. Nothing is invented into it, and nothing is dropped.

use serde_json::{Map, Value};

use crate::quilt::json;

/// An entry's `meta` around the user's.
pub(super) fn of_entry(user_meta: Option<Map<String, Value>>) -> json::Value {
    let mut meta = json::Object::new();
    if let Some(user_meta) = user_meta {
        meta.set("user_meta", json::Value::from(&Value::Object(user_meta)));
    }
    meta.into()
}

/// As a result shows it.
pub(super) fn shown(value: &json::Value) -> Value {
    Value::from(value)
}

/// The metadata of the package with some of its keys set anew. Anything that is no object is replaced.
pub(super) fn merged(old: Option<&json::Value>, new: &Map<String, Value>) -> json::Value {
    let mut merged = old.and_then(json::Value::as_object).cloned().unwrap_or_default();
    for (key, value) in new {
        merged.set(key, json::Value::from(value));
    }
    merged.into()
}
