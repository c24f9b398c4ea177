//! What is refused without a look at what is asked: foreign hosts and origins, before a byte of the body is read.

use axum::extract::Request;
use axum::http::{HeaderMap, Uri, header};

use super::allow_list::is_same_host;
use super::reply::{self, Problem, Refusal};
use super::{AllowedHosts, AllowedOrigins};
use crate::error_code::ErrorCode;

/// The two allow-lists.
pub(super) struct Gate {
    pub hosts: AllowedHosts,
    pub origins: AllowedOrigins,
}

/// The host, and the port if any, that a request was sent to: HTTP/2 has it in the URI, HTTP/1.1 in a header.
pub(super) fn authority<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> &'a str {
    let header = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    uri.authority().map(axum::http::uri::Authority::as_str).or(header).unwrap_or_default()
}

impl Gate {
    /// Refuses requests to a foreign host or from a foreign origin.
    pub(super) fn check(&self, request: &Request) -> Result<(), Refusal> {
        if request.headers().get_all(header::HOST).iter().count() > 1 {
            let message = "The request has more than one Host header.";
            let what = Problem::new(ErrorCode::InvalidRequest, message);
            return Err(reply::problem(&what, None).into());
        }
        let authority = authority(request.headers(), request.uri());
        if !self.hosts.allows(authority) {
            let message = "This server does not answer to the Host of this request; the operator can add the name to \
                           QUILT_MCP_ALLOWED_HOSTS.";
            let what = Problem::new(ErrorCode::HostNotAllowed, message);
            return Err(reply::problem(&what, None).into());
        }
        let foreign = |origin: &_| !self.origins.allows(origin) && !is_same_host(origin, authority);
        if request.headers().get(header::ORIGIN).is_some_and(foreign) {
            let message = "This server does not answer pages of the Origin of this request; the operator can add it to \
                           QUILT_MCP_ALLOWED_ORIGINS.";
            let what = Problem::new(ErrorCode::OriginNotAllowed, message);
            return Err(reply::problem(&what, None).into());
        }
        Ok(())
    }
}
