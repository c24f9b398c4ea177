//! Record of one request, which the endpoint fills in, for the request log of the development environment.

use std::sync::Arc;

use axum::http::request::Parts;

use crate::identity::{Rejection, extract};
use crate::mcp::Request;
use crate::telemetry::{RequestRecord, TokenState};

/// Records the method and the tool.
pub(super) fn method(parts: &Parts, request: &Request) {
    if let Some(record) = of(parts) {
        record.set_method(request.log_name(), request.target());
    }
}

/// Records whether the token is accepted.
pub(super) fn token(parts: &Parts, rejection: Option<&Rejection>) {
    let Some(record) = of(parts) else { return };
    record.set_token(match rejection {
        // The server may have a caller for requests without a token.
        None if matches!(extract(&parts.headers, &parts.uri), Ok(None)) => TokenState::None,
        None => TokenState::Good,
        Some(Rejection::Missing { .. }) => TokenState::None,
        Some(Rejection::Expired { .. }) => TokenState::Expired,
        Some(Rejection::Unavailable { .. } | Rejection::NoUsableKey { .. }) => TokenState::Undecided,
        Some(Rejection::Invalid { .. } | Rejection::Forbidden { .. } | Rejection::Malformed { .. }) => TokenState::Bad,
    });
}

fn of(parts: &Parts) -> Option<&RequestRecord> {
    parts.extensions.get::<Arc<RequestRecord>>().map(AsRef::as_ref)
}
