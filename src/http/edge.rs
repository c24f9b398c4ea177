//! The edge in front of the MCP endpoint: one method, one kind of body, one envelope; and what clients send in ways that
//! rmcp would refuse although it is clear what they mean.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::audit;
use super::envelope::Envelope;
use super::payload::{self, Arrived, Brought, ReadError};
use super::reply::{self, INVALID_PARAMS, INVALID_REQUEST, Problem, Refusal, UNAVAILABLE, problem};
use crate::mcp::served_versions;
use crate::memory::Memory;
use crate::telemetry::trace::{self, Described, Remote};

/// Longest time that a body may take to arrive.
const BODY_PATIENCE: Duration = Duration::from_secs(20);
/// Largest body of a method that needs no token: discovery has little to say.
const MAX_OPEN_BODY: usize = 64 * 1024;
/// The handshake, which 2026-07-28 has no more.
const INITIALIZE: &str = "initialize";
/// Methods that are served here, whose params rmcp may still fail to decode.
const SERVED: [&str; 10] = [
    INITIALIZE,
    "server/discover",
    "tools/list",
    "tools/call",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "prompts/list",
    "prompts/get",
    "completion/complete",
];

/// What bodies may be like.
pub(super) struct Intake {
    /// Most bytes of one.
    pub max_body: usize,
    /// Memory for all of them.
    pub memory: Memory,
}

/// A request that has come in.
pub(super) struct Entered {
    pub parts: Parts,
    pub envelope: Envelope,
    pub body: Bytes,
    pub brought: Brought,
    /// Whether its method is one that this server has in the version that the request names.
    pub is_served: bool,
}

impl Intake {
    /// Takes a request in: its body, its envelope, its version.
    pub(super) async fn enter(&self, request: Request) -> Result<Entered, Refusal> {
        if request.method() != Method::POST {
            return Err((StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")]).into_response().into());
        }
        let invalid = |status, error_code, message| {
            Refusal::from(problem(status, &Problem { code: INVALID_REQUEST, message, error_code }, None))
        };
        if !is_json(&request) {
            let message = "The Content-Type must be application/json.";
            return Err(invalid(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message));
        }
        let (mut parts, body) = request.into_parts();
        let Arrived { bytes: body, share } =
            payload::read(&self.memory, body, self.max_body, BODY_PATIENCE).await.map_err(|error| match error {
                ReadError::TooSlow => {
                    let message = "The request body took too long to arrive.";
                    invalid(StatusCode::REQUEST_TIMEOUT, "timeout", message)
                }
                ReadError::TooLarge => {
                    let message = "The request body is larger than this server takes (QUILT_MCP_MAX_BODY).";
                    invalid(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
                }
                ReadError::Broken => invalid(StatusCode::BAD_REQUEST, "parse_error", "The request body broke off."),
                ReadError::NoMemory(refused) => {
                    audit::refused(None, refused.code().as_str(), None);
                    payload::refuse(refused, None)
                }
            })?;
        let envelope =
            Envelope::parse(&body).map_err(|(what, id)| problem(StatusCode::BAD_REQUEST, &what, id.as_deref()))?;
        if envelope.is_open() && body.len() > MAX_OPEN_BODY {
            let message = "The request body is larger than a discovery method needs.";
            return Err(invalid(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message));
        }
        let version = parts.headers.get("mcp-protocol-version").map(|version| version.to_str().unwrap_or_default());
        if let Some(version) = version.filter(|version| !served_versions().any(|served| served == *version)) {
            return Err(reply::unsupported_version(version, envelope.id.as_deref()).into());
        }
        // Versions are dates, so they compare as text.
        let is_gone = envelope.method == INITIALIZE && version >= Some("2026-07-28");
        let is_served = SERVED.contains(&envelope.method.as_str()) && !is_gone;
        tracing::Span::current().record("rpc", envelope.method.as_str());
        if trace::is_on() {
            describe(&parts.headers, &envelope);
        }
        // Clients send no Accept, or one of the two types; what they get depends on the call alone.
        let both = HeaderValue::from_static("application/json, text/event-stream");
        parts.headers.insert(header::ACCEPT, both);
        let brought = Brought::of(&body, share);
        Ok(Entered { parts, envelope, body, brought, is_served })
    }
}

/// Tells the trace what the request is.
fn describe(headers: &HeaderMap, envelope: &Envelope) {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let meta = envelope.trace_meta();
    trace::describe(
        &tracing::Span::current(),
        &Described {
            method: &envelope.method,
            target: envelope.name.as_deref(),
            id: envelope.id.as_deref().map(RawValue::get),
            protocol: header("mcp-protocol-version"),
            in_meta: Remote { parent: meta.traceparent.as_deref(), state: meta.tracestate.as_deref() },
            in_headers: Remote { parent: header("traceparent"), state: header("tracestate") },
        },
    );
}

/// What rmcp says in plain text, or with a code that means something else, as the JSON-RPC error that it is.
pub(super) async fn as_json_rpc(response: Response, id: Option<&RawValue>, is_served: bool) -> Response {
    let status = response.status();
    let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_json = content_type.is_some_and(|value| value.starts_with("application/json"));
    let is_failure = status.is_client_error() || status.is_server_error();
    if is_failure && !is_json && status != StatusCode::METHOD_NOT_ALLOWED {
        if status.is_server_error() {
            return ended(id);
        }
        let message = "The request cannot be decoded as MCP.";
        let what = Problem { code: INVALID_REQUEST, message, error_code: "invalid_request" };
        return problem(StatusCode::BAD_REQUEST, &what, id);
    }
    let may_be_misjudged = is_json && is_served;
    if !may_be_misjudged || response.body().size_hint().exact().is_none_or(|size| size > SHORT) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let is_unknown_method = serde_json::from_slice::<Failed>(&body).is_ok_and(|failed| failed.error.code == -32601);
    if is_unknown_method {
        let message = "The params of this method cannot be decoded.";
        let what = Problem { code: INVALID_PARAMS, message, error_code: "invalid_params" };
        return problem(StatusCode::BAD_REQUEST, &what, id);
    }
    Response::from_parts(parts, Body::from(body))
}

/// The answer to a call that was ended before it had one.
pub(super) fn ended(id: Option<&RawValue>) -> Response {
    let message = "The call was ended, most likely because this server is shutting down; try again.";
    let what = Problem { code: UNAVAILABLE, message, error_code: "cancelled" };
    problem(StatusCode::SERVICE_UNAVAILABLE, &what, id)
}

/// Longest answer that is looked at again; rmcp's own errors are shorter.
const SHORT: u64 = 512;

#[derive(Deserialize)]
struct Failed {
    error: FailedError,
}

#[derive(Deserialize)]
struct FailedError {
    code: i64,
}

fn is_json(request: &Request) -> bool {
    request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}
