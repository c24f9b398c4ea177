//! Responses: results, errors and events, with their status and headers. Every response of the endpoint is written here.
//!
//! A message has its members in the order `jsonrpc`, `id`, `result` or `error`. The id of a request is repeated as it was
//! written, and left out where it is not known: MCP's schema has no null id.

use std::any::Any;
use std::io::{self, Write as _};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use hyper::body::{Frame, SizeHint};
use serde_json::value::RawValue;

use crate::error_code::ErrorCode;
use crate::mcp::{Answer, ChunkedJson, RpcError, Version};
use crate::memory::CallReservation;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// One URL has many responses, none of which may be cached.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The answer to a request that ends before its method runs.
pub struct Refusal(Box<Response>);

impl Refusal {
    /// The response.
    pub fn into_response(self) -> Response {
        *self.0
    }

    /// Replaces the status.
    pub(super) fn with_status(mut self, status: StatusCode) -> Self {
        *self.0.status_mut() = status;
        self
    }

    /// Adds a header.
    pub fn with(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.0.headers_mut().insert(name, value);
        self
    }

    /// Announces that the connection is closed after the response, as it is where the body of the request is not read. A
    /// client that reused the connection would lose its next request.
    pub fn closing(self) -> Self {
        self.with(header::CONNECTION, HeaderValue::from_static("close"))
    }

    /// Sets `Retry-After`.
    pub fn retry_after(self, seconds: u64) -> Self {
        self.with(header::RETRY_AFTER, HeaderValue::from(seconds))
    }
}

/// Refuses a request with a code and a sentence.
pub fn refuse(code: ErrorCode, message: impl Into<std::borrow::Cow<'static, str>>, id: Option<&RawValue>) -> Refusal {
    refuse_with(&RpcError::refusal(code, message), id)
}

/// Refuses a request with an error.
pub(super) fn refuse_with(error: &RpcError, id: Option<&RawValue>) -> Refusal {
    Refusal(Box::new(Message::error(error, id, Version::DEFAULT).into_response()))
}

/// A serialized JSON-RPC response.
pub(super) struct Message {
    status: StatusCode,
    text: ChunkedJson,
    /// The code of an error. The response has it as an extension, for the request log.
    code: Option<ErrorCode>,
}

impl Message {
    /// The answer of a method.
    pub(super) fn of(answer: Result<Answer, RpcError>, id: Option<&RawValue>, version: Version) -> Self {
        match answer.map(|answer| result(answer, id, version)) {
            Ok(Ok(text)) => Self {
                status: StatusCode::OK,
                text,
                code: None,
            },
            Ok(Err(_)) => Self::error(&serialization_error(), id, version),
            Err(error) => Self::error(&error, id, version),
        }
    }

    /// An error.
    pub(super) fn error(error: &RpcError, id: Option<&RawValue>, version: Version) -> Self {
        let mut text = ChunkedJson::default();
        // Writing to memory does not fail, and an error object has string keys only.
        let written = open(&mut text, id, "error")
            .and_then(|()| Ok(serde_json::to_writer(&mut text, &error.in_version(version))?))
            .and_then(|()| text.write_all(b"}"));
        let status = written.map_or(StatusCode::INTERNAL_SERVER_ERROR, |()| error.status(version));
        let code = Some(error.code);
        Self { status, text, code }
    }

    /// The message as the body of a response.
    pub(super) fn into_response(self) -> Response {
        let headers = [(header::CONTENT_TYPE, JSON), (header::CACHE_CONTROL, NO_STORE)];
        let mut response = (self.status, headers, self.text.into_body()).into_response();
        if let Some(code) = self.code {
            response.extensions_mut().insert(code);
        }
        response
    }

    /// The message as chunks of a stream.
    pub(super) fn into_text(self) -> ChunkedJson {
        self.text
    }
}

fn open(text: &mut ChunkedJson, id: Option<&RawValue>, member: &str) -> io::Result<()> {
    match id {
        Some(id) => write!(text, r#"{{"jsonrpc":"2.0","id":{id},"{member}":"#),
        None => write!(text, r#"{{"jsonrpc":"2.0","{member}":"#),
    }
}

fn result(answer: Answer, id: Option<&RawValue>, version: Version) -> io::Result<ChunkedJson> {
    let mut text = ChunkedJson::default();
    open(&mut text, id, "result")?;
    answer.write(version, &mut text)?;
    text.write_all(b"}")?;
    Ok(text)
}

fn serialization_error() -> RpcError {
    RpcError::refusal(ErrorCode::Internal, "This server failed to write the result.")
}

/// The response to a notification.
pub(super) fn accepted() -> Response {
    (StatusCode::ACCEPTED, [(header::CACHE_CONTROL, NO_STORE)]).into_response()
}

/// A stream of events.
pub(super) fn events(body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (
            header::HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        ),
    ];
    (headers, body).into_response()
}

/// The response to an HTTP method other than POST.
pub(super) fn method_not_allowed() -> Refusal {
    let message = "This endpoint takes POST only. If the client sent a POST, a redirect may have turned it into a GET.";
    refuse(ErrorCode::InvalidRequest, message, None)
        .with_status(StatusCode::METHOD_NOT_ALLOWED)
        .with(header::ALLOW, HeaderValue::from_static("POST"))
        .with(header::VARY, HeaderValue::from_static("accept"))
}

/// The response for a path that is not served.
pub async fn not_found() -> Response {
    let message = "There is nothing at this path; the MCP endpoint is POST /mcp.";
    refuse(ErrorCode::NotFound, message, None).into_response()
}

/// A panic outside of a method. Its message may hold anything, so it is not shown.
pub fn panicked(_: Box<dyn Any + Send>) -> Response {
    let message = "This server failed; see its log for the reason.";
    refuse(ErrorCode::Internal, message, None).into_response()
}

/// Keeps the memory reservation and the permits of a request until the last byte of its response is written to the socket
/// or the connection is closed.
pub(super) fn keep_until_sent(response: Response, memory: CallReservation, permits: Arc<dyn Send + Sync>) -> Response {
    // The length of a stream is not known.
    if let Some(length) = response.body().size_hint().exact() {
        memory.release_above(usize::try_from(length).unwrap_or(usize::MAX));
    }
    let guards: Arc<dyn Send + Sync> = Arc::new((memory, permits));
    response.map(|body| Body::new(ReservedBody { body, guards }))
}

/// A body whose chunks own the guards of the request until they are written.
struct ReservedBody {
    body: Body,
    guards: Arc<dyn Send + Sync>,
}

impl HttpBody for ReservedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        let reserved = |bytes| {
            Bytes::from_owner(ReservedBytes {
                bytes,
                _guards: self.guards.clone(),
            })
        };
        frame.map_ok(|frame| frame.map_data(reserved))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

struct ReservedBytes {
    bytes: Bytes,
    _guards: Arc<dyn Send + Sync>,
}

impl AsRef<[u8]> for ReservedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
