//! Why a caller is refused, and the HTTP answer that says so.
//!
//! A client decides by status and `WWW-Authenticate` whether a new login would help: 401 when it would, 503 when the
//! verifier could not decide, 400 when the request itself is wrong.

use axum::http::StatusCode;
use jiff::Timestamp;

use crate::error_code::ErrorCode;

/// Why a request is not let in. No variant can hold the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No token came. Send one.
    #[error("{detail} Send the header `Authorization: Bearer <token>` with this request.")]
    Missing {
        /// What was found instead.
        detail: &'static str,
    },
    /// The token cannot be trusted. Log in again to get a valid one.
    #[error("The bearer token was refused: {detail}. Log in again and send the new token.")]
    Invalid {
        /// What is wrong with it.
        detail: String,
    },
    /// The token was good until `at`. Log in again to get a new one.
    #[error("The bearer token expired at {at}. Log in again and send the new token.")]
    Expired {
        /// The token's `exp`.
        at: Timestamp,
    },
    /// The token is known, and its owner may not have credentials. Ask an administrator for a role.
    #[error("The registry knows this token and refuses it: {detail}. Ask an administrator of the catalog for access.")]
    Forbidden {
        /// What the registry said.
        detail: String,
    },
    /// Nobody could say whether the token is good. Try again.
    #[error("The bearer token could not be checked: {detail}. Try again in a few seconds.")]
    Unavailable {
        /// Which party did not answer, and how.
        detail: String,
    },
    /// The request is wrong however good its token. Correct it.
    #[error("The request was refused: {detail}.")]
    Malformed {
        /// What to change.
        detail: &'static str,
    },
}

impl Rejection {
    /// The code of this case.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Missing { .. } => ErrorCode::MissingJwt,
            Self::Invalid { .. } => ErrorCode::InvalidJwt,
            Self::Expired { .. } => ErrorCode::TokenExpired,
            Self::Forbidden { .. } => ErrorCode::Forbidden,
            Self::Unavailable { .. } => ErrorCode::VerifierUnavailable,
            Self::Malformed { .. } => ErrorCode::InvalidRequest,
        }
    }

    /// The HTTP status of this case.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.code().status()
    }

    /// The `WWW-Authenticate` challenge (RFC 6750 section 3), for the statuses that have one. A request that brought no
    /// token gets no error code, as the RFC wants.
    #[must_use]
    pub fn challenge(&self) -> Option<String> {
        let realm = r#"Bearer realm="quilt-mcp""#;
        match self {
            Self::Missing { .. } => Some(realm.to_owned()),
            Self::Invalid { detail } => {
                let detail = header_safe(detail);
                Some(format!(
                    r#"{realm}, error="invalid_token", error_description="{detail}""#
                ))
            }
            Self::Expired { at } => Some(format!(
                r#"{realm}, error="invalid_token", error_description="the token expired at {at}""#
            )),
            Self::Forbidden { .. } | Self::Unavailable { .. } | Self::Malformed { .. } => None,
        }
    }
}

/// What may stand between the quotes of a header parameter (RFC 6750: no quote, no backslash, printable ASCII).
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
        let rejection = Rejection::Invalid {
            detail: String::from("a \"quoted\" \\ ü\r\nX: y"),
        };
        let challenge = rejection.challenge().unwrap();
        assert!(axum::http::HeaderValue::from_str(&challenge).is_ok());
        assert!(
            challenge.ends_with(r#"error_description="a quoted  X: y""#),
            "{challenge}"
        );
    }
}
