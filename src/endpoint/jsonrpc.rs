//! The JSON-RPC message of a body, its protocol version, and its trace context.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::request::Parts;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::body::{MAX_UNPROVED_BODY, Reservation};
use super::record;
use super::response::{Refusal, refuse, refuse_with};
use crate::error_code::ErrorCode;
use crate::json::{Shape, deserialize_present};
use crate::mcp::{Request, RpcError, Version};
use crate::telemetry::trace::{self, RemoteContext, RequestAttributes};

/// A request that was read. Without `Debug`: it holds what the caller sent.
pub(super) struct Parsed {
    pub parts: Parts,
    pub request: Request,
    pub version: Version,
    /// Counts of the body's values.
    pub shape: Shape,
    /// The memory of the body.
    pub reservation: Reservation,
}

impl Parsed {
    /// Parses a body, checks the headers against it, and names the request in its span. `reserved` is the body's memory.
    pub(super) fn read(parts: Parts, body: &Bytes, reserved: Reservation) -> Result<Self, Refusal> {
        let (shape, request) = parse(body).map_err(|(error, id)| refuse_with(&error, id.as_deref()))?;
        let id = request.id().map(AsRef::as_ref);
        if request.needs_no_caller() && shape.bytes > MAX_UNPROVED_BODY {
            let message = "The request body is larger than a discovery method needs (64 KiB).";
            return Err(refuse(ErrorCode::TooLarge, message, id));
        }
        tracing::Span::current().record("rpc", request.log_name());
        record::method(&parts, &request);
        if trace::is_enabled() {
            describe(&parts.headers, &request);
        }
        let version = request
            .version(&parts.headers)
            .map_err(|error| refuse_with(&error, id))?;
        Ok(Self {
            parts,
            request,
            version,
            shape,
            reservation: reserved,
        })
    }
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    jsonrpc: Option<&'a RawValue>,
    /// Present where it is null, too, which is no id.
    #[serde(borrow, default, deserialize_with = "deserialize_present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<&'a RawValue>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

type Refused = (RpcError, Option<Arc<RawValue>>);

/// Parses a body as one JSON-RPC request or notification. The error has the id of the request where there is one.
fn parse(body: &Bytes) -> Result<(Shape, Request), Refused> {
    let without_id = |code, message: &'static str| (RpcError::refusal(code, message), None);
    // RFC 8259 section 8.1: a byte order mark may be ignored.
    let body = body
        .strip_prefix(b"\xef\xbb\xbf")
        .map_or_else(|| body.clone(), |rest| body.slice_ref(rest));
    let shape = Shape::measure(&body).map_err(|_| {
        without_id(
            ErrorCode::ParseError,
            "The JSON is nested deeper, or has more values, than this server reads.",
        )
    })?;
    let text = std::str::from_utf8(&body).map_err(|_| without_id(ErrorCode::ParseError, "The body is not UTF-8."))?;
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    let message: Message<'_> = match serde_json::from_str(text) {
        Ok(message) if first == Some(&b'{') => message,
        _ if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() => {
            return Err(without_id(ErrorCode::ParseError, "The body is not JSON."));
        }
        _ if first == Some(&b'[') => {
            let message = "Batches are not supported; send one JSON-RPC request at a time.";
            return Err(without_id(ErrorCode::InvalidRequest, message));
        }
        _ if first == Some(&b'{') => {
            let message = "The JSON-RPC message has a duplicate member, or a member name that is not valid Unicode.";
            return Err(without_id(ErrorCode::InvalidRequest, message));
        }
        _ => return Err(without_id(ErrorCode::InvalidRequest, "The body is not a JSON object.")),
    };
    if message.id.is_some_and(|id| !Request::is_id(id)) {
        let message =
            "`id` of a JSON-RPC request must be a string or a signed 64-bit integer; a notification has none.";
        return Err(without_id(ErrorCode::InvalidRequest, message));
    }
    let id: Option<Arc<RawValue>> = message.id.map(|id| Arc::from(id.to_owned()));
    let invalid = |message: &'static str| (RpcError::refusal(ErrorCode::InvalidRequest, message), id.clone());
    if message.jsonrpc.map(RawValue::get) != Some("\"2.0\"") {
        return Err(invalid("`jsonrpc` must be the string \"2.0\"."));
    }
    if message.result.is_some() || message.error.is_some() {
        return Err(invalid(
            "This server sends no requests, so it takes no JSON-RPC responses.",
        ));
    }
    let method = message
        .method
        .and_then(|method| serde_json::from_str(method.get()).ok());
    let Some(method) = method else {
        return Err(invalid(
            "`method` of a JSON-RPC request is required and must be a string.",
        ));
    };
    let request = Request::read(id.clone(), method, message.params, &body).map_err(|error| (error, id))?;
    Ok((shape, request))
}

/// Tells the trace what the request is.
fn describe(headers: &HeaderMap, request: &Request) {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let (parent, state) = request.trace_context();
    trace::record_request(
        &tracing::Span::current(),
        &RequestAttributes {
            method: request.log_name(),
            target: request.target(),
            id: request.id().map(|id| id.get()),
            protocol: header("mcp-protocol-version"),
            in_meta: RemoteContext { parent, state },
            in_headers: RemoteContext {
                parent: header("traceparent"),
                state: header("tracestate"),
            },
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(body: &str) -> Option<ErrorCode> {
        parse(&Bytes::copy_from_slice(body.as_bytes()))
            .err()
            .map(|(error, _)| error.code)
    }

    #[test]
    fn tells_broken_json_from_json_that_is_no_request() {
        for body in ["", "{", "{\"a\":}", "\u{0}", "nul"] {
            assert_eq!(code(body), Some(ErrorCode::ParseError), "{body}");
        }
        for body in [
            "[]",
            r#"[{"jsonrpc":"2.0","method":"ping"}]"#,
            "1",
            r#""ping""#,
            "null",
            "{}",
            r#"{"jsonrpc":"2.0","id":1}"#,
            r#"{"jsonrpc":"2.0","method":1}"#,
            r#"{"jsonrpc":"2.0","method":"\ud83e"}"#,
            r#"{"method":"ping"}"#,
            r#"{"jsonrpc":"1.0","method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":"\ud800","method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}"#,
        ] {
            assert_eq!(code(body), Some(ErrorCode::InvalidRequest), "{body}");
        }
        let deep = format!(
            r#"{{"jsonrpc":"2.0","method":"ping","params":{{"x":{}{}}}}}"#,
            "[".repeat(10_000),
            "]".repeat(10_000)
        );
        assert_eq!(code(&deep), Some(ErrorCode::ParseError), "deeper than the bound");
        let many = format!(
            r#"{{"jsonrpc":"2.0","method":"ping","params":{{"x":[0{}]}}}}"#,
            ",0".repeat(200_000)
        );
        assert_eq!(
            code(&many),
            Some(ErrorCode::ParseError),
            "each value would cost a hundred bytes"
        );
        let nested = format!(
            r#"{{"jsonrpc":"2.0","method":"ping","params":{{"x":[[]{}]}}}}"#,
            ",[[[]]]".repeat(50_000)
        );
        assert_eq!(
            code(&nested),
            Some(ErrorCode::ParseError),
            "each array would cost a thousand"
        );
        let text = format!(
            r#"{{"jsonrpc":"2.0","method":"ping","params":{{"x":"\"{}"}}}}"#,
            "[".repeat(10_000)
        );
        assert_eq!(code(&text), None, "brackets in a string are no nesting");
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        assert_eq!(code("\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"), None);
        assert_eq!(code("\u{feff}"), Some(ErrorCode::ParseError));
    }

    #[test]
    fn known_methods_with_undecodable_params_are_invalid_params() {
        for body in [
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["auth_status"]}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[1]}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{}}"#,
        ] {
            assert_eq!(code(body), Some(ErrorCode::InvalidParams), "{body}");
        }
        assert_eq!(
            code(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}"#),
            None
        );
    }

    #[test]
    fn the_id_is_kept_as_it_was_written() {
        for (body, id) in [
            (r#"{"jsonrpc":"2.0","id":"a-1","method":"ping"}"#, Some("\"a-1\"")),
            (r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#, Some("7")),
            (r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, None),
        ] {
            let (_, request) = parse(&Bytes::copy_from_slice(body.as_bytes())).ok().unwrap();
            assert_eq!(request.id().map(|id| id.get()), id);
            assert!(request.needs_no_caller());
        }
        let call = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}"#;
        assert!(!parse(&Bytes::from_static(call)).ok().unwrap().1.needs_no_caller());
    }
}
