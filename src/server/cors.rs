//! CORS: preflights, and the responses that web pages may read.
//!
//! It is around every route, refusals and unknown paths included: a page that cannot read a refusal reports only that its
//! fetch failed. Bearers are headers, so credentials mode is off and origins are listed one by one.

use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderName, Method, header};
use axum::response::{IntoResponse, Response};
use futures::future::{Either, MapOk, Ready, TryFutureExt as _, ready};
use tower::{Layer, Service};
use tower_http::cors::{AllowHeaders, AllowOrigin, AllowPrivateNetwork, Any, CorsLayer};

use crate::endpoint::{AllowedOrigins, HostPolicy};

/// How long browsers keep the answer to a preflight.
const MAX_AGE: Duration = Duration::from_hours(2);

/// Answers preflights of listed origins, and lets their pages read every answer. Asked-for headers are mirrored: which ones
/// a page's tracing adds is not known here, and none has a meaning that CORS protects.
pub(super) fn listed_origins(origins: AllowedOrigins) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| origins.allows(origin)))
        .allow_methods([Method::GET, Method::POST, Method::OPTIONS])
        .allow_headers(AllowHeaders::mirror_request())
        // A public page that calls a server of a private network is asked for this by some browsers.
        .allow_private_network(AllowPrivateNetwork::yes())
        .expose_headers([
            header::WWW_AUTHENTICATE,
            header::RETRY_AFTER,
            HeaderName::from_static("x-request-id"),
            HeaderName::from_static("mcp-protocol-version"),
            HeaderName::from_static("mcp-session-id"),
        ])
        .max_age(MAX_AGE)
}

/// Lets pages of every origin read public documents.
pub(super) fn any_origin() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::OPTIONS])
        .allow_headers(AllowHeaders::mirror_request())
        .max_age(MAX_AGE)
}

/// Refuses preflights of origins that are not listed, so that the log and the browser's network tab show them.
#[derive(Clone)]
pub(super) struct RefusePreflights(pub HostPolicy);

impl<S> Layer<S> for RefusePreflights {
    type Service = RefusePreflight<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RefusePreflight {
            inner,
            policy: self.0.clone(),
        }
    }
}

/// The service of [`RefusePreflights`].
#[derive(Clone)]
pub(super) struct RefusePreflight<S> {
    inner: S,
    policy: HostPolicy,
}

impl<S: Service<Request, Response: IntoResponse>> Service<Request> for RefusePreflight<S> {
    type Response = Response;
    type Error = S::Error;
    type Future = Either<Ready<Result<Response, S::Error>>, MapOk<S::Future, fn(S::Response) -> Response>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if request.method() == Method::OPTIONS
            && let Err(refusal) = self.policy.check_origin(request.headers(), request.uri())
        {
            return Either::Left(ready(Ok(refusal.into_response())));
        }
        Either::Right(self.inner.call(request).map_ok(IntoResponse::into_response))
    }
}
