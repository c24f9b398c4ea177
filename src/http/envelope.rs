//! The JSON-RPC envelope of a request: enough of it to decide who may call, without decoding the whole.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::reply::{INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR, Problem};

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

/// What a request is, before MCP decodes it.
#[derive(Debug, Clone)]
pub(super) struct Envelope {
    /// The JSON-RPC method.
    pub method: String,
    /// The request's id; notifications have none.
    pub id: Option<Arc<RawValue>>,
}

#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    method: Option<String>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

/// The fields that the methods below cannot do without. A missing field and one of another type are alike.
#[derive(Deserialize, Default)]
struct Params {
    #[serde(default)]
    name: Option<serde_json::Value>,
    #[serde(default)]
    uri: Option<serde_json::Value>,
    #[serde(default)]
    arguments: Option<serde_json::Value>,
    #[serde(default, rename = "protocolVersion")]
    protocol_version: Option<serde_json::Value>,
}

impl Envelope {
    /// Whether the method is for discovery and asks for nobody's data.
    pub(super) fn is_open(&self) -> bool {
        self.method.starts_with("notifications/") || OPEN_METHODS.contains(&self.method.as_str())
    }

    /// Reads a body. The error carries the request's id where there is one.
    pub(super) fn parse(body: &[u8]) -> Result<Self, (Problem<'static>, Option<Arc<RawValue>>)> {
        let invalid = |message| Problem { code: INVALID_REQUEST, message, error_code: "invalid_request" };
        if is_too_deep(body) {
            let message = "The JSON is nested deeper than this server reads.";
            return Err((Problem { code: PARSE_ERROR, message, error_code: "parse_error" }, None));
        }
        let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
        let raw: Raw<'_> = match serde_json::from_slice(body) {
            Ok(raw) if first == Some(&b'{') => raw,
            _ if serde_json::from_slice::<serde::de::IgnoredAny>(body).is_err() => {
                let message = "The body is not JSON.";
                return Err((Problem { code: PARSE_ERROR, message, error_code: "parse_error" }, None));
            }
            _ if first == Some(&b'[') => {
                return Err((invalid("Batches are not served; send one JSON-RPC request at a time."), None));
            }
            _ => return Err((invalid("The body is not a JSON-RPC request object."), None)),
        };
        let id = raw.id.filter(|id| id.get() != "null").map(|id| Arc::from(id.to_owned()));
        let Some(method) = raw.method else {
            return Err((invalid("The JSON-RPC request names no method."), id));
        };
        if let Some(message) = missing_param(&method, raw.params) {
            return Err((Problem { code: INVALID_PARAMS, message, error_code: "invalid_params" }, id));
        }
        Ok(Self { method, id })
    }
}

/// Whether brackets are nested deeper than `serde_json` would follow them into a value (128 levels), looked at before
/// anything is decoded: a decoder's own limit shows up as whatever error stands nearest.
fn is_too_deep(body: &[u8]) -> bool {
    const DEEPEST: usize = 120;
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    body.iter().any(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > DEEPEST
    })
}

/// What rmcp would answer with "no such method", although the method is known: params that it cannot decode.
fn missing_param(method: &str, params: Option<&RawValue>) -> Option<&'static str> {
    use serde_json::Value;
    let is_text = |value: &Option<Value>| matches!(value, Some(Value::String(_)));
    let params = match params {
        None => Params::default(),
        Some(raw) => match serde_json::from_str(raw.get()) {
            Ok(params) => params,
            Err(_) => return Some("The params are not an object."),
        },
    };
    match method {
        "tools/call" | "prompts/get" if !is_text(&params.name) => {
            Some("The params hold no name, which must be a text.")
        }
        "tools/call" | "prompts/get" if !matches!(params.arguments, None | Some(Value::Object(_) | Value::Null)) => {
            Some("The arguments in the params are not an object.")
        }
        "resources/read" if !is_text(&params.uri) => Some("The params hold no uri, which must be a text."),
        "initialize" if !is_text(&params.protocol_version) => {
            Some("The params hold no protocolVersion, which must be a text.")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(body: &str) -> i64 {
        Envelope::parse(body.as_bytes()).map_or_else(|(problem, _)| problem.code, |_| 0)
    }

    #[test]
    fn tells_broken_json_from_json_that_is_no_request() {
        for body in ["", "{", "{\"a\":}", "\u{0}", "nul"] {
            assert_eq!(code(body), PARSE_ERROR, "{body}");
        }
        for body in ["[]", "[{\"method\":\"ping\"}]", "1", "\"ping\"", "null", "{}", "{\"id\":1}", "{\"method\":1}"] {
            assert_eq!(code(body), INVALID_REQUEST, "{body}");
        }
        let deep = format!("{{\"method\":\"ping\",\"params\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(code(&deep), PARSE_ERROR, "deeper than anybody writes by hand");
        let text = format!(r#"{{"method":"ping","params":{{"x":"\"{}"}}}}"#, "[".repeat(10_000));
        assert_eq!(code(&text), 0, "brackets in a text are no nesting");
    }

    #[test]
    fn known_methods_with_undecodable_params_are_invalid_params() {
        for body in [
            r#"{"id":1,"method":"tools/call"}"#,
            r#"{"id":1,"method":"tools/call","params":{}}"#,
            r#"{"id":1,"method":"tools/call","params":{"name":1}}"#,
            r#"{"id":1,"method":"tools/call","params":{"name":"x","arguments":[]}}"#,
            r#"{"id":1,"method":"tools/call","params":[]}"#,
            r#"{"id":1,"method":"resources/read","params":{}}"#,
            r#"{"id":1,"method":"initialize","params":{}}"#,
        ] {
            assert_eq!(code(body), INVALID_PARAMS, "{body}");
        }
        assert_eq!(code(r#"{"id":1,"method":"tools/call","params":{"name":"x"}}"#), 0);
    }

    #[test]
    fn the_id_is_kept_as_it_was_written() {
        for (body, id) in [
            (r#"{"id":"a-1","method":"ping"}"#, Some("\"a-1\"")),
            (r#"{"id":7,"method":"ping"}"#, Some("7")),
            (r#"{"id":null,"method":"ping"}"#, None),
            (r#"{"method":"notifications/initialized"}"#, None),
        ] {
            let envelope = Envelope::parse(body.as_bytes()).unwrap();
            assert_eq!(envelope.id.as_deref().map(RawValue::get), id);
            assert!(envelope.is_open());
        }
        assert!(!Envelope::parse(br#"{"id":1,"method":"tools/call","params":{"name":"x"}}"#).unwrap().is_open());
    }
}
