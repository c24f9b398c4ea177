//! The edge in front of the MCP endpoint: one method, one kind of body, one envelope; and what clients send in ways that
//! rmcp would refuse although it is clear what they mean.

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::audit;
use super::envelope::Envelope;
use super::payload::{self, Arrived, BodyBounds, ReadError};
use super::reply::{self, Problem, Refusal, problem};
use crate::error_code::ErrorCode;
use crate::mcp::served_versions;
use crate::memory::{Memory, Share};
use crate::telemetry::trace::{self, Described, Remote};

/// Largest body of a request whose caller is not proved: discovery has little to say.
pub(super) const MAX_UNPROVED_BODY: usize = 64 * 1024;
/// Slowest rates at which a body may arrive, in bytes a second.
const MIN_RATE: u32 = 2 * 1024;
const MIN_UNPROVED_RATE: u32 = 16 * 1024;
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
    /// The memory that the body lies in.
    pub share: Share,
    /// Whether its method is one that this server has in the version that the request names.
    pub is_served: bool,
}

/// Refuses what is no POST of JSON, by the head of the request alone.
pub(super) fn check_head(request: &Request) -> Result<(), Refusal> {
    if request.method() != Method::POST {
        return Err((StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")]).into_response().into());
    }
    if !is_json(request) {
        let message = "The Content-Type must be application/json.";
        return Err(refuse(ErrorCode::UnsupportedMediaType, message));
    }
    Ok(())
}

fn refuse(code: ErrorCode, message: &str) -> Refusal {
    problem(&Problem::new(code, message), None).into()
}

impl Intake {
    /// Bounds of a body.
    fn bounds(&self, proved: bool) -> BodyBounds {
        if proved {
            BodyBounds { max_bytes: self.max_body, min_rate: MIN_RATE, proved }
        } else {
            let max_bytes = self.max_body.min(MAX_UNPROVED_BODY);
            BodyBounds { max_bytes, min_rate: MIN_UNPROVED_RATE, proved }
        }
    }

    /// Whether a body is announced to be larger than any that is taken.
    pub(super) fn check_announced(&self, body: &Body) -> Result<(), Refusal> {
        let announced = body.size_hint().lower();
        if usize::try_from(announced).is_ok_and(|announced| announced <= self.max_body) {
            return Ok(());
        }
        Err(too_large())
    }

    /// Takes a request in: its body, its envelope, its version.
    pub(super) async fn enter(&self, mut parts: Parts, body: Body, proved: bool) -> Result<Entered, Refusal> {
        let read = payload::read(&self.memory, body, self.bounds(proved)).await;
        let Arrived { bytes: body, share } = read.map_err(|error| match error {
            ReadError::TooSlow => refuse(ErrorCode::Timeout, "The request body took too long to arrive."),
            ReadError::TooLarge if proved => too_large(),
            ReadError::TooLarge => {
                let message =
                    "The request body is larger than a request without a proved bearer token may be (64 KiB).";
                refuse(ErrorCode::TooLarge, message)
            }
            ReadError::Broken => refuse(ErrorCode::ParseError, "The request body broke off."),
            ReadError::NoMemory(refused) => {
                audit::refused(None, refused.code(), None);
                payload::refuse(refused, None)
            }
        })?;
        let envelope = Envelope::parse(&body).map_err(|(what, id)| problem(&what, id.as_deref()))?;
        if envelope.is_open() && body.len() > MAX_UNPROVED_BODY {
            let message = "The request body is larger than a discovery method needs.";
            return Err(refuse(ErrorCode::TooLarge, message));
        }
        let version = parts.headers.get("mcp-protocol-version").map(|version| version.to_str().unwrap_or_default());
        if let Some(version) = version.filter(|version| !served_versions().any(|served| served == *version)) {
            return Err(reply::unsupported_version(version, envelope.id.as_deref()).into());
        }
        // Versions are dates, so they compare as text.
        let is_gone = envelope.method == INITIALIZE && version >= Some("2026-07-28");
        let is_served = SERVED.contains(&envelope.method.as_str()) && !is_gone;
        tracing::Span::current().record("rpc", crate::telemetry::text::rpc_method(&envelope.method));
        if trace::is_on() {
            describe(&parts.headers, &envelope);
        }
        // Clients send no Accept, or one of the two types; what they get depends on the call alone.
        let both = HeaderValue::from_static("application/json, text/event-stream");
        parts.headers.insert(header::ACCEPT, both);
        Ok(Entered { parts, envelope, body, share, is_served })
    }
}

fn too_large() -> Refusal {
    let message = "The request body is larger than this server takes (QUILT_MCP_MAX_BODY).";
    refuse(ErrorCode::TooLarge, message)
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
        return problem(&Problem::new(ErrorCode::InvalidRequest, message), id);
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
        return problem(&Problem::new(ErrorCode::InvalidParams, message), id);
    }
    Response::from_parts(parts, Body::from(body))
}

/// The answer to a call that was ended before it had one.
pub(super) fn ended(id: Option<&RawValue>) -> Response {
    let message = "The call was ended, most likely because this server is shutting down; try again.";
    problem(&Problem::new(ErrorCode::Cancelled, message), id)
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
