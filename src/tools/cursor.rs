//! Cursors of pages: opaque to clients, and bound to the arguments of the first page.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::tools::ToolError;

/// Encodes a cursor.
pub(in crate::tools) fn write<T: Serialize>(cursor: &T) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(cursor).unwrap_or_default())
}

/// Decodes a cursor, if one is given.
pub(in crate::tools) fn read<T: DeserializeOwned>(cursor: Option<&str>) -> Result<Option<T>, ToolError> {
    let Some(cursor) = cursor.filter(|cursor| !cursor.is_empty()) else {
        return Ok(None);
    };
    let decoded = BASE64_URL_SAFE_NO_PAD
        .decode(cursor)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    decoded.map(Some).ok_or_else(foreign)
}

/// Makes the error for a cursor of other arguments, or of none.
pub(in crate::tools) fn foreign() -> ToolError {
    ToolError::invalid("Argument cursor: this is no next_cursor of the same question; leave it out to begin anew.")
}
