//! Rejections of requests that cannot be authenticated, with their HTTP status and challenge.
//!
//! A client decides by status and `WWW-Authenticate` whether a new login helps: 401 if it does, 503 if the token could not
//! be verified, 400 if the request itself is wrong.

use axum::http::StatusCode;
use jiff::Timestamp;

use crate::error_code::ErrorCode;

/// Why a request is rejected. No variant contains the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Occurs when the request has no bearer token.
    #[error("{detail} Send the header `Authorization: Bearer <token>` with this request.")]
    Missing { detail: &'static str },
    /// Occurs when the verification of the token fails. `remedy` is a sentence that says what to do.
    #[error("The bearer token was refused: {detail}. {remedy}")]
    Invalid { detail: String, remedy: &'static str },
    /// Occurs when the token was valid until `at`.
    #[error("The bearer token expired at {at}. Log in again and send the new token.")]
    Expired { at: Timestamp },
    /// Occurs when the registry knows the token and vends no credentials for its owner.
    #[error(
        "The registry knows this token and denies access: {detail}. Ask an administrator of the catalog for access."
    )]
    Forbidden { detail: String },
    /// Occurs when the service that verifies the token does not answer.
    #[error("The bearer token could not be verified: {}. Try again in a few seconds.", .detail.trim_end_matches(['.', '?']))]
    Unavailable { detail: String },
    /// Occurs when the keys that verify tokens were fetched, and none of them is usable.
    #[error(
        "The bearer token could not be verified: {detail}. A new token does not help; the operator of this server corrects \
         MCP_JWT_JWKS_URL, or the keys that are published there."
    )]
    NoUsableKey { detail: String },
    /// Occurs when the request sends its token in a way that is not allowed.
    #[error("The request was refused: {detail}.")]
    Malformed { detail: &'static str },
}

/// The remedy where another token of the same issuer may be accepted.
pub(super) const NEW_LOGIN: &str = "Log in again and send the new token.";

impl Rejection {
    /// Rejects a token that a new login replaces.
    #[must_use]
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::invalid_with(detail, NEW_LOGIN)
    }

    /// Rejects a token with another remedy: a sentence with its full stop.
    #[must_use]
    pub fn invalid_with(detail: impl Into<String>, remedy: &'static str) -> Self {
        Self::Invalid {
            detail: detail.into(),
            remedy,
        }
    }

    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Missing { .. } => ErrorCode::MissingJwt,
            Self::Invalid { .. } => ErrorCode::InvalidJwt,
            Self::Expired { .. } => ErrorCode::TokenExpired,
            Self::Forbidden { .. } => ErrorCode::Forbidden,
            Self::Unavailable { .. } | Self::NoUsableKey { .. } => ErrorCode::VerifierUnavailable,
            Self::Malformed { .. } => ErrorCode::InvalidRequest,
        }
    }

    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.code().status()
    }

    /// Returns the `WWW-Authenticate` challenge (RFC 6750 section 3), for the statuses that have one. As the RFC demands,
    /// the challenge for a request without a token has no error code.
    #[must_use]
    pub fn challenge(&self) -> Option<String> {
        let realm = r#"Bearer realm="quilt-mcp""#;
        match self {
            Self::Missing { .. } => Some(realm.to_owned()),
            Self::Invalid { detail, .. } => {
                let detail = header_safe(detail);
                Some(format!(
                    r#"{realm}, error="invalid_token", error_description="{detail}""#
                ))
            }
            Self::Expired { at } => Some(format!(
                r#"{realm}, error="invalid_token", error_description="the token expired at {at}""#
            )),
            Self::Forbidden { .. } | Self::Unavailable { .. } | Self::NoUsableKey { .. } | Self::Malformed { .. } => {
                None
            }
        }
    }
}

/// Removes the characters that a quoted header parameter must not have (RFC 6750: printable ASCII, no quote or backslash).
fn header_safe(text: &str) -> String {
    text.chars()
        .filter(|c| (' '..='~').contains(c) && !matches!(c, '"' | '\\'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_always_a_valid_header() {
        let rejection = Rejection::invalid("a \"quoted\" \\ ü\r\nX: y");
        let challenge = rejection.challenge().unwrap();
        assert!(axum::http::HeaderValue::from_str(&challenge).is_ok());
        assert!(
            challenge.ends_with(r#"error_description="a quoted  X: y""#),
            "{challenge}"
        );
    }
}
