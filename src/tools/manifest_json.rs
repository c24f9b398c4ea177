//! Values of manifests in results, as the JSON text that Python writes: integers of any size and doubles are exact.

use std::borrow::Cow;

use quilt_format::json;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// Warning of results in which a number is shown as a string.
pub const NOT_FINITE: &str = "JSON has no NaN and no infinity: such numbers of the metadata are shown as strings.";

/// A value of a manifest. `serde_json::Value` would round its integers to 64 bits.
#[derive(Debug, Clone)]
pub struct ManifestJson {
    text: Box<RawValue>,
    is_exact: bool,
}

impl ManifestJson {
    /// Converts a value of a manifest.
    #[must_use]
    pub fn of(value: &json::Value) -> Self {
        let mut text = Vec::new();
        let is_exact = value.write_json(&mut text);
        let text = String::from_utf8(text)
            .ok()
            .and_then(|text| RawValue::from_string(text).ok());
        Self {
            text: text.unwrap_or_else(|| RawValue::NULL.to_owned()),
            is_exact,
        }
    }

    /// Converts a value, as much of it as `max` bytes hold, and returns whether any is missing. Members of an object are shown
    /// whole or not at all; of another value, all or nothing is shown.
    #[must_use]
    pub fn beginning_of(value: &json::Value, max: usize) -> (Option<Self>, bool) {
        let whole = Self::of(value);
        if whole.len() <= max {
            return (Some(whole), false);
        }
        let Some(object) = value.as_object() else {
            return (None, true);
        };
        let mut shown = json::Object::new();
        let mut length = 2;
        for (name, value) in object.iter() {
            let Some(name) = name.as_str() else { continue };
            let needed = Self::of(&json::Value::from(name)).len() + Self::of(value).len() + 2;
            if length + needed <= max {
                length += needed;
                shown.set(name, value.clone());
            }
        }
        let is_empty = shown.is_empty();
        (Some(Self::of(&shown.into())).filter(|_| !is_empty), true)
    }

    /// Returns the length of the text in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.text.get().len()
    }

    /// Returns whether no number is shown as a string.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.is_exact
    }
}

impl Serialize for ManifestJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

impl JsonSchema for ManifestJson {
    fn schema_name() -> Cow<'static, str> {
        serde_json::Value::schema_name()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        serde_json::Value::json_schema(generator)
    }
}
