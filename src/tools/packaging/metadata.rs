//! Metadata between tools and manifests, which neither add to it nor drop any of it.

use std::borrow::Cow;

use quilt_format::json;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::json::{Shape, deserialize_value};

/// Metadata as the caller wrote it: an object, or an object as JSON text. Keys keep their order, integers their size.
#[derive(Debug, Clone)]
pub(super) struct Metadata(pub json::Object);

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = match deserialize_value(deserializer)? {
            Value::String(text) => parse_text(&text).map_err(D::Error::custom)?,
            value => json::Value::from(&value),
        };
        match value {
            json::Value::Object(object) => Ok(Self(object)),
            _ => Err(D::Error::custom("expected an object, or an object as JSON text")),
        }
    }
}

/// Parses the JSON text of metadata, or of a JSON string that holds it.
fn parse_text(text: &str) -> Result<json::Value, String> {
    Shape::measure(text.as_bytes()).map_err(|excess| excess.to_string())?;
    let value = json::parse(text).map_err(|problem| format!("it is not a JSON object ({problem})"))?;
    let json::Value::String(inner) = &value else {
        return Ok(value);
    };
    let inner = inner.as_str().ok_or("its text holds half of a surrogate pair")?;
    Shape::measure(inner.as_bytes()).map_err(|excess| excess.to_string())?;
    json::parse(inner).map_err(|problem| format!("expected an object, or an object as JSON text ({problem})"))
}

impl JsonSchema for Metadata {
    fn schema_name() -> Cow<'static, str> {
        "Metadata".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Map::<String, Value>::json_schema(generator)
    }
}

/// Makes an entry's `meta` of the user's metadata.
pub(super) fn of_entry(user_meta: Option<Metadata>) -> json::Value {
    let mut meta = json::Object::new();
    if let Some(Metadata(user_meta)) = user_meta {
        meta.set("user_meta", user_meta.into());
    }
    meta.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(metadata: &Value) -> Result<String, String> {
        let metadata: Metadata = Metadata::deserialize(metadata).map_err(|error| error.to_string())?;
        Ok(json::Value::from(metadata.0).canonical())
    }

    #[test]
    fn metadata_keeps_integers_keys_and_private_tokens() {
        let text = r#"{"n":123456789012345678901234567890,"$serde_json::private::RawValue":"[1, 2]"}"#;
        let sorted = r#"{"$serde_json::private::RawValue":"[1, 2]","n":123456789012345678901234567890}"#;
        assert_eq!(written(&text.into()).unwrap(), sorted);
        assert_eq!(
            written(&Value::from(text).to_string().into()).unwrap(),
            sorted,
            "as JSON text"
        );
        let object = serde_json::json!({ "$serde_json::private::RawValue": "[1, 2]" });
        assert_eq!(written(&object).unwrap(), object.to_string());
    }

    #[test]
    fn metadata_that_is_no_object_is_refused() {
        for bad in ["[1]", "1", "\"x\"", "{", "\"[1]\"", "\"\""] {
            assert!(written(&bad.into()).is_err(), "{bad}");
        }
        let deep = format!("{{\"x\":{}1{}}}", "[".repeat(500), "]".repeat(500));
        assert!(written(&deep.clone().into()).is_err() && written(&Value::from(deep).to_string().into()).is_err());
    }
}
