//! Decoding of a JWT without verification, for display only.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::identity::{BearerToken, Claims};

/// The header and claims of a token that is not proved.
pub(super) struct Unproved {
    pub header: Map<String, Value>,
    pub claims: Map<String, Value>,
}

/// Decodes a token of three parts; `None` if it is not a JWT (RFC 7519).
pub(super) fn decode(token: &BearerToken) -> Option<Unproved> {
    let mut parts = token.secret().split('.');
    let (header, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    Some(Unproved {
        header: object(header)?,
        claims: object(claims)?,
    })
}

/// Returns the subject that an unproved token claims.
pub(super) fn subject(token: &BearerToken) -> Option<String> {
    Claims::from(decode(token)?.claims).subject().map(str::to_owned)
}

fn object(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
