//! The JSON-RPC envelope of a request: enough of it to decide who may call, without decoding the whole.

use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::reply::Problem;
use crate::error_code::ErrorCode;
use crate::json::{Shape, parse_object};
use crate::mcp::ToolCall;
use crate::tools;

const TOOLS_CALL: &str = "tools/call";

/// Methods that anybody may call.
const OPEN_METHODS: [&str; 7] = [
    "initialize",
    "ping",
    "server/discover",
    "tools/list",
    "resources/list",
    "resources/templates/list",
    "prompts/list",
];

/// What a request is, before MCP decodes it. Without `Debug`: it holds what the caller sent.
pub(super) struct Envelope {
    /// The JSON-RPC method.
    pub method: String,
    /// The request's id; notifications have none.
    pub id: Option<Arc<RawValue>>,
    /// The tool or prompt that it names.
    pub name: Option<String>,
    /// What the body becomes when it is decoded.
    pub shape: Shape,
    /// The params, unread, as a part of the body.
    params: Bytes,
    /// The arguments of a tool call, unread, as a part of the params.
    arguments: Bytes,
    /// Whether it asks a module what it can do.
    is_question: bool,
}

/// Trace context in the `_meta` of the params (SEP-414).
#[derive(Debug, Default, Deserialize)]
pub(super) struct TraceMeta {
    #[serde(default)]
    pub traceparent: Option<String>,
    #[serde(default)]
    pub tracestate: Option<String>,
}

#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(borrow, default)]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    method: Option<String>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// The fields that the methods below cannot do without, unread: a value is looked at by its first byte, because building
/// it here would cost its size many times over before anybody is known to have the right to send it.
#[derive(Deserialize, Default)]
struct Params<'a> {
    #[serde(borrow, default)]
    name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    uri: Option<&'a RawValue>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow, default)]
    cursor: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "_meta")]
    meta: Option<&'a RawValue>,
}

/// Whether a value is there and begins with this byte.
fn begins(value: Option<&RawValue>, byte: u8) -> bool {
    value.is_some_and(|value| value.get().as_bytes().first() == Some(&byte))
}

fn is_absent(value: Option<&RawValue>) -> bool {
    value.is_none_or(|value| value.get() == "null")
}

impl Envelope {
    /// Whether the method is for discovery and asks for nobody's data.
    pub(super) fn is_open(&self) -> bool {
        self.method.starts_with("notifications/") || OPEN_METHODS.contains(&self.method.as_str()) || self.is_question
    }

    /// The call of a tool, if it is one, with its arguments parsed; and the body without them. To be called when the call
    /// has the memory that [`Self::shape`] asks for.
    pub(super) fn take_call(&mut self, body: Bytes) -> Result<(Bytes, Option<ToolCall>), Problem<'static>> {
        let (params, arguments) = (std::mem::take(&mut self.params), std::mem::take(&mut self.arguments));
        let Some(id) = self.id.clone().filter(|_| self.method == TOOLS_CALL) else { return Ok((body, None)) };
        let parsed = match &arguments[..] {
            [] | b"null" => None,
            text => Some(parse_object(text).map_err(|_| {
                let message = "The arguments in the params cannot be decoded: a number or a string is not valid.";
                Problem::new(ErrorCode::InvalidParams, message)
            })?),
        };
        let call = ToolCall { id, params: without(&params, &arguments), arguments: parsed };
        // The suite's fixtures have a header that rmcp compares with an argument; that build serves nothing else.
        let is_whole = arguments.is_empty() || cfg!(feature = "conformance");
        let body = if is_whole { body } else { without(&body, &arguments).into() };
        Ok((body, Some(call)))
    }

    /// Reads a body. The error carries the request's id where there is one.
    pub(super) fn parse(body: &Bytes) -> Result<Self, (Problem<'static>, Option<Arc<RawValue>>)> {
        let invalid = |message| Problem::new(ErrorCode::InvalidRequest, message);
        let Ok(shape) = Shape::measure(body) else {
            let message = "The JSON is nested deeper, or holds more values, than this server reads.";
            return Err((Problem::new(ErrorCode::ParseError, message), None));
        };
        let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
        let raw: Raw<'_> = match serde_json::from_slice(body) {
            Ok(raw) if first == Some(&b'{') => raw,
            _ if serde_json::from_slice::<serde::de::IgnoredAny>(body).is_err() => {
                let message = "The body is not JSON.";
                return Err((Problem::new(ErrorCode::ParseError, message), None));
            }
            _ if first == Some(&b'[') => {
                return Err((invalid("Batches are not served; send one JSON-RPC request at a time."), None));
            }
            _ => return Err((invalid("The body is not a JSON-RPC request object."), None)),
        };
        if raw.id.is_some_and(|id| !is_id(id)) {
            return Err((invalid("The id of a JSON-RPC request is a text or a whole number."), None));
        }
        let id = raw.id.map(|id| Arc::from(id.to_owned()));
        if raw.jsonrpc.map(RawValue::get) != Some("\"2.0\"") {
            return Err((invalid("A JSON-RPC request says \"jsonrpc\": \"2.0\"."), id));
        }
        if raw.result.is_some() || raw.error.is_some() {
            return Err((invalid("This server asks nothing, so it takes no JSON-RPC responses."), id));
        }
        let Some(method) = raw.method else {
            return Err((invalid("The JSON-RPC request names no method."), id));
        };
        let undecodable = |message| Problem::new(ErrorCode::InvalidParams, message);
        let params = match read_params(raw.params) {
            Ok(params) => params,
            Err(message) => return Err((undecodable(message), id)),
        };
        if let Some(message) = missing_param(&method, &params) {
            return Err((undecodable(message), id));
        }
        let arguments = params.arguments.filter(|_| method == TOOLS_CALL);
        let in_arguments = arguments.and_then(|arguments| Shape::measure(arguments.get().as_bytes()).ok());
        if shape.private_tokens > in_arguments.map_or(0, |shape| shape.private_tokens) {
            let message = "A string outside of a tool's arguments is a private token of this server's JSON parser.";
            return Err((undecodable(message), id));
        }
        let name = params.name.and_then(|name| serde_json::from_str::<String>(name.get()).ok());
        let is_question =
            method == TOOLS_CALL && name.as_ref().is_some_and(|name| tools::is_question(name, params.arguments));
        let unread = |raw: Option<&RawValue>| raw.map(|raw| body.slice_ref(raw.get().as_bytes())).unwrap_or_default();
        let (arguments, params) = (unread(arguments), unread(raw.params));
        Ok(Self { method, id, name, shape, params, arguments, is_question })
    }

    /// The trace of which the sender says that it is a part.
    pub(super) fn trace_meta(&self) -> TraceMeta {
        let params: Params<'_> = serde_json::from_slice(&self.params).unwrap_or_default();
        params.meta.and_then(|meta| serde_json::from_str(meta.get()).ok()).unwrap_or_default()
    }
}

/// A JSON text without the part `inner`, which is a slice of it, and which becomes an empty object.
fn without(text: &Bytes, inner: &Bytes) -> Vec<u8> {
    let begin = (inner.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
    match (text.get(..begin), text.get(begin.saturating_add(inner.len())..)) {
        (Some(before), Some(behind)) if !inner.is_empty() => [before, b"{}", behind].concat(),
        _ => text.to_vec(),
    }
}

/// An id that MCP takes: a text, or a whole number that fits 64 bits.
fn is_id(id: &RawValue) -> bool {
    begins(Some(id), b'"') || id.get().parse::<i64>().is_ok()
}

fn read_params(params: Option<&RawValue>) -> Result<Params<'_>, &'static str> {
    let Some(params) = params.filter(|params| !is_absent(Some(*params))) else { return Ok(Params::default()) };
    if !begins(Some(params), b'{') {
        return Err("The params are not an object.");
    }
    serde_json::from_str(params.get()).map_err(|_| "The params hold a field twice.")
}

/// What rmcp would answer with "no such method", although the method is known: params that it cannot decode.
fn missing_param(method: &str, params: &Params<'_>) -> Option<&'static str> {
    let is_object_or_absent = |value| is_absent(value) || begins(value, b'{');
    match method {
        _ if !is_object_or_absent(params.meta) => Some("The _meta in the params is not an object."),
        "tools/call" | "prompts/get" if !begins(params.name, b'"') => {
            Some("The params hold no name, which must be a text.")
        }
        "tools/call" | "prompts/get" if !is_object_or_absent(params.arguments) => {
            Some("The arguments in the params are not an object.")
        }
        "tools/list" | "resources/list" | "resources/templates/list" | "prompts/list"
            if !is_absent(params.cursor) && !begins(params.cursor, b'"') =>
        {
            Some("The cursor in the params is not a text.")
        }
        "resources/read" if !begins(params.uri, b'"') => Some("The params hold no uri, which must be a text."),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(body: &str) -> Option<ErrorCode> {
        Envelope::parse(&Bytes::copy_from_slice(body.as_bytes())).err().map(|(problem, _)| problem.code)
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
            r#"{"method":"ping"}"#,
            r#"{"jsonrpc":"1.0","method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
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
        assert_eq!(code(&deep), Some(ErrorCode::ParseError), "deeper than anybody writes by hand");
        let many = format!(r#"{{"jsonrpc":"2.0","method":"ping","params":{{"x":[0{}]}}}}"#, ",0".repeat(200_000));
        assert_eq!(code(&many), Some(ErrorCode::ParseError), "each of them would cost a hundred bytes");
        let nested =
            format!(r#"{{"jsonrpc":"2.0","method":"ping","params":{{"x":[[]{}]}}}}"#, ",[[[]]]".repeat(50_000));
        assert_eq!(code(&nested), Some(ErrorCode::ParseError), "and each of these a thousand");
        let text = format!(r#"{{"jsonrpc":"2.0","method":"ping","params":{{"x":"\"{}"}}}}"#, "[".repeat(10_000));
        assert_eq!(code(&text), None, "brackets in a text are no nesting");
    }

    #[test]
    fn known_methods_with_undecodable_params_are_invalid_params() {
        for body in [
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":1}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":[]}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["auth_status"]}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[]}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":7}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{}}"#,
        ] {
            assert_eq!(code(body), Some(ErrorCode::InvalidParams), "{body}");
        }
        assert_eq!(code(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}"#), None);
    }

    #[test]
    fn the_id_is_kept_as_it_was_written() {
        for (body, id) in [
            (r#"{"jsonrpc":"2.0","id":"a-1","method":"ping"}"#, Some("\"a-1\"")),
            (r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#, Some("7")),
            (r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, None),
        ] {
            let envelope = Envelope::parse(&Bytes::copy_from_slice(body.as_bytes())).unwrap();
            assert_eq!(envelope.id.as_deref().map(RawValue::get), id);
            assert!(envelope.is_open());
        }
        assert!(
            !Envelope::parse(&Bytes::from_static(
                br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}"#
            ))
            .unwrap()
            .is_open()
        );
    }
}
