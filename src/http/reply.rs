//! Answers that this room gives itself: always a JSON-RPC error body, whatever the status.

use std::any::Any;

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::error_code::ErrorCode;
use crate::mcp::served_versions;

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

/// What is wrong with a request. Status and number of the answer are those of the code.
#[derive(Debug)]
pub(super) struct Problem<'a> {
    pub code: ErrorCode,
    pub message: &'a str,
}

impl<'a> Problem<'a> {
    pub(super) const fn new(code: ErrorCode, message: &'a str) -> Self {
        Self { code, message }
    }
}

/// The header names a version of the protocol that is not served.
pub(super) fn unsupported_version(requested: &str, id: Option<&RawValue>) -> Response {
    let supported: Vec<&str> = served_versions().collect();
    let message = format!("This version of the protocol is not served; served are: {}.", supported.join(", "));
    let code = ErrorCode::UnsupportedVersion;
    let data = json!({ "error_code": code, "requested": requested, "supported": supported });
    answer(code, &message, &data, id)
}

/// An error answer. The request's id is echoed where it is known, and left out where it is not: `null` is no id.
pub(super) fn problem(problem: &Problem<'_>, id: Option<&RawValue>) -> Response {
    answer(problem.code, problem.message, &json!({ "error_code": problem.code }), id)
}

fn answer(code: ErrorCode, message: &str, data: &Value, id: Option<&RawValue>) -> Response {
    let error = json!({ "code": code.rpc_code(), "message": message, "data": data });
    let mut body = json!({ "jsonrpc": "2.0", "error": error });
    let id = id.and_then(|id| serde_json::from_str::<Value>(id.get()).ok());
    if let (Some(id), Some(body)) = (id, body.as_object_mut()) {
        body.insert("id".to_owned(), id);
    }
    (code.status(), Json(body)).into_response()
}

/// A path that is not served.
pub(super) async fn not_found() -> Response {
    let message = "There is nothing at this path; the MCP endpoint is POST /mcp.";
    problem(&Problem::new(ErrorCode::NotFound, message), None)
}

/// A panic outside the handlers' own guard. What it says may hold anything, so it is not shown.
pub(super) fn panicked(_: Box<dyn Any + Send>) -> Response {
    let message = "This server made a mistake; its operator finds the reason in the log.";
    problem(&Problem::new(ErrorCode::Internal, message), None)
}
