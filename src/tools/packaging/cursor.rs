//! Cursors: opaque to clients, and bound to the question that they go on with.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::tools::ToolError;

/// A cursor of this place.
pub(super) fn write<T: Serialize>(place: &T) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(place).unwrap_or_default())
}

/// The place of a cursor, if there is one.
pub(super) fn read<T: DeserializeOwned>(cursor: Option<&str>) -> Result<Option<T>, ToolError> {
    let Some(cursor) = cursor.filter(|cursor| !cursor.is_empty()) else {
        return Ok(None);
    };
    let place = BASE64_URL_SAFE_NO_PAD
        .decode(cursor)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    place.map(Some).ok_or_else(foreign)
}

/// The cursor is of another question, or of none.
pub(super) fn foreign() -> ToolError {
    ToolError::invalid("Argument cursor: this is no next_cursor of the same question; leave it out to begin anew.")
}
