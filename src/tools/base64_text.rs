//! Bytes in a result.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use super::ToolError;
use super::written::unwritable;

/// Bytes as base64. It is made as the JSON string that it is in a result, because what base64 is written with needs no
/// escaping: it is looked at once, to see that it is JSON, and then copied.
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
        RawValue::from_string(quoted).map(Self).map_err(|_| unwritable())
    }

    /// The base64 itself.
    pub(super) fn as_str(&self) -> &str {
        self.0.get().trim_matches('"')
    }
}
