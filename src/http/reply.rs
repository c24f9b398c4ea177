//! Answers that this room gives itself: always a JSON-RPC error body, whatever the status.

use std::any::Any;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::mcp::served_versions;

/// JSON-RPC: the bytes are no JSON.
pub const PARSE_ERROR: i64 = -32700;
/// JSON-RPC: the JSON is no request.
pub const INVALID_REQUEST: i64 = -32600;
/// JSON-RPC: the method is known and its params are not usable.
pub const INVALID_PARAMS: i64 = -32602;
/// MCP: the version of the protocol is not served.
pub const UNSUPPORTED_VERSION: i64 = -32022;
/// Ours, outside the range that JSON-RPC and MCP reserve: no proof of who calls.
pub const UNAUTHORIZED: i64 = -31401;
/// Ours: the caller is known and may not.
pub const FORBIDDEN: i64 = -31403;
/// Ours: too much at once.
pub const LIMITED: i64 = -31429;
/// Ours: a party this server needs does not answer.
pub const UNAVAILABLE: i64 = -31503;

/// The answer to a request that goes no further.
pub(super) struct Refusal(Box<Response>);

impl From<Response> for Refusal {
    fn from(answer: Response) -> Self {
        Self(Box::new(answer))
    }
}

impl Refusal {
    pub(super) fn into_response(self) -> Response {
        *self.0
    }
}

/// What is wrong, for a JSON-RPC error.
#[derive(Debug)]
pub(super) struct Problem<'a> {
    pub code: i64,
    pub message: &'a str,
    /// The contract's code, as `data.error_code`.
    pub error_code: &'a str,
}

impl<'a> Problem<'a> {
    /// The request may not be made.
    pub(super) fn refused(error_code: &'a str, message: &'a str) -> Self {
        Self { code: FORBIDDEN, message, error_code }
    }

    /// The request is one too many.
    pub(super) fn limited(error_code: &'a str, message: &'a str) -> Self {
        Self { code: LIMITED, message, error_code }
    }
}

/// The header names a version of the protocol that is not served.
pub(super) fn unsupported_version(requested: &str, id: Option<&RawValue>) -> Response {
    let supported: Vec<&str> = served_versions().collect();
    let message = format!("This version of the protocol is not served; served are: {}.", supported.join(", "));
    let data = json!({ "error_code": "unsupported_version", "requested": requested, "supported": supported });
    answer(StatusCode::BAD_REQUEST, UNSUPPORTED_VERSION, &message, &data, id)
}

/// An error answer. The request's id is echoed where it is known, and left out where it is not: `null` is no id.
pub(super) fn problem(status: StatusCode, problem: &Problem<'_>, id: Option<&RawValue>) -> Response {
    answer(status, problem.code, problem.message, &json!({ "error_code": problem.error_code }), id)
}

fn answer(status: StatusCode, code: i64, message: &str, data: &Value, id: Option<&RawValue>) -> Response {
    let mut body = json!({ "jsonrpc": "2.0", "error": { "code": code, "message": message, "data": data } });
    let id = id.and_then(|id| serde_json::from_str::<Value>(id.get()).ok());
    if let (Some(id), Some(body)) = (id, body.as_object_mut()) {
        body.insert("id".to_owned(), id);
    }
    (status, Json(body)).into_response()
}

/// A path that is not served.
pub(super) async fn not_found() -> Response {
    let message = "There is nothing at this path; the MCP endpoint is POST /mcp.";
    problem(StatusCode::NOT_FOUND, &Problem { code: INVALID_REQUEST, message, error_code: "not_found" }, None)
}

/// A panic outside the handlers' own guard. What it says may hold anything, so it is not shown.
pub(super) fn panicked(_: Box<dyn Any + Send>) -> Response {
    let message = "This server made a mistake; its operator finds the reason in the log.";
    problem(StatusCode::INTERNAL_SERVER_ERROR, &Problem { code: -32603, message, error_code: "internal" }, None)
}
