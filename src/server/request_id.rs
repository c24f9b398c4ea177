//! The id of a request: in its answer, in every line that is logged about it, and in its trace.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use crate::error_code::ErrorCode;
use crate::telemetry::{RequestLog, metrics, text, trace};

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Takes the caller's id if it is valid, else makes one; logs the request when it is answered.
pub(super) async fn assign(State(log): State<Option<RequestLog>>, mut request: Request, next: Next) -> Response {
    let id = request
        .headers()
        .get(HEADER)
        .and_then(|value| value.to_str().ok())
        .filter(|id| is_valid(id))
        .map_or_else(|| Uuid::new_v4().to_string(), str::to_owned);
    let method = text::http_method(request.method());
    // The route's own text, whatever was sent.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let path = route.as_ref().map_or(text::UNKNOWN, MatchedPath::as_str);
    let is_mcp = is_mcp(path);
    let record = log.filter(|_| is_mcp && *request.method() != Method::GET).map(|log| {
        let origin = request
            .headers()
            .get(header::ORIGIN)
            .and_then(|value| value.to_str().ok());
        log.begin(&id, method, origin)
    });
    if let Some(record) = &record {
        request.extensions_mut().insert(record.clone());
    }
    let span = if is_mcp {
        tracing::info_span!(
            "request",
            request_id = %id,
            rpc = tracing::field::Empty,
            caller = tracing::field::Empty,
            trace_id = tracing::field::Empty,
            otel.name = tracing::field::Empty,
            otel.kind = tracing::field::Empty,
        )
    } else {
        tracing::info_span!(target: trace::UNTRACED, "request", request_id = %id)
    };
    async move {
        let started = Instant::now();
        let mut response = next.run(request).await;
        let status = response.status().as_u16();
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Some(record) = record {
            record.set_status(status);
            if let Some(code) = response.extensions().get::<ErrorCode>() {
                record.set_code(code.as_str());
            }
        }
        if is_mcp {
            metrics::request(status);
            trace::record_status(&Span::current(), status);
            tracing::info!(method, path, status, duration_ms, "request answered");
        } else {
            tracing::debug!(method, path, status, duration_ms, "request answered");
        }
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(HEADER, value);
        }
        response
    }
    .instrument(span)
    .await
}

/// Whether a route is one of the MCP endpoint.
fn is_mcp(route: &str) -> bool {
    route.trim_end_matches('/').ends_with("/mcp") && !route.contains("/.well-known/")
}

fn is_valid(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:/+=".contains(&b))
}
