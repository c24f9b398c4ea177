//! The short road of a tool call: from its parameters to the handler and back, in the task that reads the request.
//!
//! rmcp's transport makes four tasks and three channels of each request, copies it into a JSON value, and its results into
//! another. That is as much as all the rest of a call that needs no AWS. So a call that is just as its version of the
//! protocol wants it, and did not ask to hear of progress, does without. Whatever is unusual takes rmcp's road, which knows
//! how to refuse it; nothing is judged in two places.
//!
//! Invariants: the answer is the one that rmcp would give, letter for letter; a client that leaves cancels its call and
//! does not drop it, so that it ends as it would have on the other road.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Polled, Poll};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures::future::BoxFuture;
use rmcp::ErrorData;
use rmcp::model::{CallToolRequestParams, ProtocolVersion, RequestMetaObject};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span};

use super::McpServer;
use super::context::{Context, Standing};
use super::result::{Called, answer};

/// A tool call, as far as its envelope was read. Without `Debug`: it holds what the caller sent.
pub struct ToolCall {
    /// The request's id, as it was written.
    pub id: Arc<RawValue>,
    /// The params, without their arguments.
    pub params: Vec<u8>,
    /// The arguments, parsed within the bounds of [`crate::json`].
    pub arguments: Option<Map<String, Value>>,
}

/// A call that may take the short road.
pub(super) struct Usual {
    params: CallToolRequestParams,
    meta: RequestMetaObject,
    version: ProtocolVersion,
}

impl Usual {
    /// Reads a call, if there is nothing unusual about it.
    pub(super) fn read(server: &McpServer, headers: &HeaderMap, call: &mut ToolCall) -> Option<Self> {
        let mut params: CallToolRequestParams = serde_json::from_slice(&call.params).ok()?;
        let meta = params.meta.take().unwrap_or_default();
        if !server.knows(&params.name) || meta.contains_key(PROGRESS_TOKEN) {
            return None;
        }
        let version = match only(headers, "mcp-protocol-version") {
            Ok(None) => ProtocolVersion::V_2025_03_26,
            Ok(Some(name)) => ProtocolVersion::KNOWN_VERSIONS.iter().find(|known| known.as_str() == name)?.clone(),
            Err(Several) => return None,
        };
        let is_as_it_should_be = if version.as_str() < ProtocolVersion::V_2026_07_28.as_str() {
            // A version in the body is for the newer ones alone.
            meta.protocol_version().is_none()
        } else {
            let is = |name, value| matches!(only(headers, name), Ok(Some(said)) if said == value);
            // A tool whose arguments also stand in headers would have to be looked at: a test sees that there is none.
            is("mcp-method", "tools/call")
                && is("mcp-name", params.name.as_ref())
                && meta.protocol_version().as_ref() == Some(&version)
                && meta.missing_required_keys(&version).is_empty()
        };
        if !is_as_it_should_be {
            return None;
        }
        params.arguments = call.arguments.take();
        Some(Self { params, meta, version })
    }

    /// Makes the call. `None` when `ends` was cancelled before the answer was there.
    pub(super) async fn call(
        self,
        server: McpServer,
        standing: Standing,
        id: Arc<RawValue>,
        ends: &CancellationToken,
    ) -> Option<Response> {
        let client_left = CancellationToken::new();
        let call = {
            let client_left = client_left.clone();
            Box::pin(async move {
                let Self { params, meta, version } = self;
                let context = Context::new(&standing, &meta, version, &client_left);
                written(server.called(params, &context, None).await, &id, context.speaks_2026())
            })
        };
        let mut call = Unabandoned { call: Some(call), client_left };
        tokio::select! {
            biased;
            answer = &mut call => Some(answer),
            () = ends.cancelled() => None,
        }
    }
}

const PROGRESS_TOKEN: &str = "progressToken";

/// A header that may be there once came several times, or is no text.
struct Several;

fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Several> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Several),
        (Some(_), Some(_)) => Err(Several),
    }
}

fn written(called: Result<Called, ErrorData>, id: &RawValue, has_type: bool) -> Response {
    let body = match called {
        Ok(Called::Done(done)) => done.answer(id, has_type),
        Ok(Called::Asked(asked)) => answer(id, "result", &asked),
        Err(error) => answer(id, "error", &error),
    };
    match body {
        Ok(body) => {
            let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
            (json, body.into_body()).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A call that, when nobody waits for it any more, is cancelled and goes on to its end.
struct Unabandoned {
    call: Option<BoxFuture<'static, Response>>,
    client_left: CancellationToken,
}

impl Future for Unabandoned {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Polled<'_>) -> Poll<Response> {
        // Taken out, so that one which panics is not gone on with.
        let Some(mut call) = self.call.take() else { return Poll::Pending };
        let polled = call.as_mut().poll(cx);
        if polled.is_pending() {
            self.call = Some(call);
        }
        polled
    }
}

impl Drop for Unabandoned {
    fn drop(&mut self) {
        if let (Some(call), Ok(runtime)) = (self.call.take(), tokio::runtime::Handle::try_current()) {
            self.client_left.cancel();
            drop(runtime.spawn(call.instrument(Span::current())));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::tools::Toolbox;

    /// rmcp compares such headers with the arguments; the short road does not.
    #[test]
    fn no_argument_of_a_tool_stands_in_a_header_too() {
        let toolbox = Toolbox::new();
        assert!(!toolbox.typed().is_empty());
        for tool in toolbox.typed() {
            let schema = Value::Object(tool.input_schema.clone()).to_string();
            assert!(!schema.contains("x-mcp-header"), "{}: {schema}", tool.name);
        }
    }
}
