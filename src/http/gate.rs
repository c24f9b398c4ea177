//! What is refused without a look at what is asked: foreign hosts and origins, before a byte of the body is read.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::allow_list::is_same_host;
use super::reply::{self, Problem};
use super::{AllowedHosts, AllowedOrigins};

/// The two allow-lists.
pub(super) struct Gate {
    pub hosts: AllowedHosts,
    pub origins: AllowedOrigins,
}

/// The host, and the port if any, that a request was sent to: HTTP/2 has it in the URI, HTTP/1.1 in a header.
pub(super) fn authority(request: &Request) -> &str {
    let header = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    request.uri().authority().map(axum::http::uri::Authority::as_str).or(header).unwrap_or_default()
}

/// Refuses requests to a foreign host or from a foreign origin.
pub(super) async fn check(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let authority = authority(&request);
    if !gate.hosts.allows(authority) {
        let message = "This server does not answer to the Host of this request; the operator can add the name to \
                       QUILT_MCP_ALLOWED_HOSTS.";
        return reply::problem(StatusCode::FORBIDDEN, &Problem::refused("host_not_allowed", message), None);
    }
    let foreign = |origin: &_| !gate.origins.allows(origin) && !is_same_host(origin, authority);
    if request.headers().get(header::ORIGIN).is_some_and(foreign) {
        let message = "This server does not answer pages of the Origin of this request; the operator can add it to \
                       QUILT_MCP_ALLOWED_ORIGINS.";
        return reply::problem(StatusCode::FORBIDDEN, &Problem::refused("origin_not_allowed", message), None);
    }
    next.run(request).await
}
