//! Base64 in a result.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use super::ToolError;
use super::json_object::serialization_error;

/// Bytes as base64, encoded directly as the JSON string of the result. Base64 needs no escaping, so the string is
/// validated once and then copied.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(transparent)]
pub struct Base64Text(#[schemars(with = "String")] Box<RawValue>);

impl Base64Text {
    pub(super) fn of(bytes: &[u8]) -> Result<Self, ToolError> {
        let mut quoted = String::with_capacity(bytes.len().div_ceil(3) * 4 + 2);
        quoted.push('"');
        BASE64_STANDARD.encode_string(bytes, &mut quoted);
        quoted.push('"');
        RawValue::from_string(quoted)
            .map(Self)
            .map_err(|_| serialization_error())
    }

    /// Returns the base64 without its quotes.
    pub(super) fn as_str(&self) -> &str {
        self.0.get().trim_matches('"')
    }
}
