//! Host and Origin checks, made before the body is read.

use std::num::NonZeroU32;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderMap, Uri, header};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use super::allow_list::is_same_host;
use super::response::{Refusal, refuse};
use super::{AllowedHosts, AllowedOrigins};
use crate::error_code::ErrorCode;
use crate::telemetry::{metrics, text};

/// Most warnings about refused origins in a minute.
const MAX_WARNINGS: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// The allow-lists. Clones share them.
#[derive(Clone)]
pub struct HostPolicy {
    hosts: AllowedHosts,
    origins: AllowedOrigins,
    warnings: Arc<DefaultDirectRateLimiter>,
}

/// The host, and the port if any, that a request was sent to.
#[must_use]
pub fn authority<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> &'a str {
    let header = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    uri.authority()
        .map(axum::http::uri::Authority::as_str)
        .or(header)
        .unwrap_or_default()
}

impl HostPolicy {
    /// A policy of these lists.
    #[must_use]
    pub fn new(hosts: AllowedHosts, origins: AllowedOrigins) -> Self {
        Self {
            hosts,
            origins,
            warnings: Arc::new(RateLimiter::direct(Quota::per_minute(MAX_WARNINGS))),
        }
    }

    /// The origins that are listed.
    #[must_use]
    pub fn origins(&self) -> &AllowedOrigins {
        &self.origins
    }

    /// Refuses requests to a host, or from an origin, that is not listed.
    pub fn check(&self, request: &Request) -> Result<(), Refusal> {
        if request.headers().get_all(header::HOST).iter().count() > 1 {
            return Err(refuse(
                ErrorCode::InvalidRequest,
                "The request has more than one Host header.",
                None,
            ));
        }
        if !self.hosts.allows(authority(request.headers(), request.uri())) {
            let message = "This server does not answer to the Host of this request; the operator can add the name to \
                           QUILT_MCP_ALLOWED_HOSTS.";
            metrics::refusal(ErrorCode::HostNotAllowed.as_str());
            return Err(refuse(ErrorCode::HostNotAllowed, message, None));
        }
        self.check_origin(request.headers(), request.uri())
    }

    /// Refuses requests of web pages from an origin that is neither listed nor the server's own. The page itself cannot read
    /// the answer, so the log names the origin and the setting.
    pub fn check_origin(&self, headers: &HeaderMap, uri: &Uri) -> Result<(), Refusal> {
        let authority = authority(headers, uri);
        if headers.get_all(header::ORIGIN).iter().count() > 1 {
            return Err(refuse(
                ErrorCode::InvalidRequest,
                "The request has more than one Origin header.",
                None,
            ));
        }
        let foreign = |origin: &&_| !self.origins.allows(origin) && !is_same_host(origin, authority);
        let Some(origin) = headers.get(header::ORIGIN).filter(foreign) else {
            return Ok(());
        };
        if self.warnings.check().is_ok() {
            let origin = text::bounded(origin.to_str().unwrap_or(text::UNKNOWN), text::MAX_ERROR_BYTES);
            tracing::warn!(
                origin,
                "a web page of this origin was refused; QUILT_MCP_ALLOWED_ORIGINS does not list it"
            );
        }
        metrics::refusal(ErrorCode::OriginNotAllowed.as_str());
        let message = "This server does not answer web pages of the Origin of this request; the operator can add it to \
                       QUILT_MCP_ALLOWED_ORIGINS.";
        Err(refuse(ErrorCode::OriginNotAllowed, message, None))
    }
}
