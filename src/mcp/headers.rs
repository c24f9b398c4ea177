//! The protocol version of a request, and the headers that must agree with its body.
//!
//! Owns `MCP-Protocol-Version` (2025-06-18 and later) and `Mcp-Method`, `Mcp-Name` and `Mcp-Param-*` (2026-07-28,
//! "Standard Request Headers" and "Custom Headers from Tool Parameters").
//!
//! Invariant: a header that routes requests occurs once, so that an intermediary and this server read the same.

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};

use super::{Method, Request, RpcError, Version};
use crate::error_code::ErrorCode;

const PROTOCOL_VERSION: &str = "mcp-protocol-version";
const METHOD: &str = "Mcp-Method";
const NAME: &str = "Mcp-Name";
const PARAM_PREFIX: &str = "mcp-param-";

impl Request {
    /// Determines the version of the protocol that a request uses, and checks its headers and `_meta` against it.
    ///
    /// `initialize` negotiates by its body, so its header is not judged, unless `_meta` says that the request is one of a
    /// version without handshake.
    pub fn version(&self, headers: &HeaderMap) -> Result<Version, RpcError> {
        let declared = self.meta.protocol_version.as_deref();
        if self.is_handshake() {
            return Ok(Version::negotiate(
                &self.params.protocol_version.string().unwrap_or_default(),
            ));
        }
        let version = match version_header(headers)? {
            Some(header) => Version::parse(header).ok_or_else(|| RpcError::unsupported_version(header))?,
            None if declared.is_some() && self.id.is_some() => {
                return Err(mismatch(
                    "The header MCP-Protocol-Version is missing; `_meta` names a version.",
                ));
            }
            None => Version::DEFAULT,
        };
        if version.is_self_describing() {
            self.check_routing_headers(headers)?;
        }
        if self.id.is_some() {
            self.check_meta(version)?;
        }
        Ok(version)
    }

    fn check_meta(&self, version: Version) -> Result<(), RpcError> {
        let declared = self.meta.protocol_version.as_deref();
        if declared.is_some_and(|declared| declared != version.as_str()) {
            return Err(mismatch(
                "The header MCP-Protocol-Version and the version in `_meta` differ.",
            ));
        }
        if version.is_self_describing() || self.method == Some(Method::Discover) {
            let missing = self.meta.missing();
            if !missing.is_empty() {
                let message = format!("`_meta` in `params` has no valid {}.", missing.join(", "));
                return Err(RpcError::undecodable(message));
            }
        }
        Ok(())
    }

    fn check_routing_headers(&self, headers: &HeaderMap) -> Result<(), RpcError> {
        match single(headers, METHOD)? {
            Some(method) if method == self.method_name => {}
            Some(_) => return Err(mismatch("The header Mcp-Method and the method of the body differ.")),
            None => {
                return Err(mismatch(
                    "The header Mcp-Method is missing; it must match the method of the body.",
                ));
            }
        }
        let (expected, member) = match self.method {
            Some(Method::CallTool | Method::GetPrompt) => (&self.params.name, "name"),
            Some(Method::ReadResource) => (&self.params.uri, "uri"),
            _ => return Ok(()),
        };
        let Some(expected) = expected else { return Ok(()) };
        match single(headers, NAME)?.map(decoded) {
            Some(Some(name)) if name == *expected => Ok(()),
            Some(Some(_)) => Err(mismatch(format!(
                "The header Mcp-Name and `{member}` in `params` differ."
            ))),
            Some(None) => Err(mismatch("The header Mcp-Name is not valid Base64.")),
            None => Err(mismatch(format!(
                "The header Mcp-Name is missing; it must match `{member}` in `params`."
            ))),
        }
    }
}

/// An argument of a tool that also stands in a header, from `x-mcp-header` in the tool's input schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ParamHeader {
    /// Names of members from the arguments down to the value.
    path: Vec<String>,
    /// The header, in lower case.
    header: String,
}

impl ParamHeader {
    /// Finds the annotations of an input schema.
    pub(super) fn of(input_schema: &Map<String, Value>) -> Vec<Self> {
        let mut found = Vec::new();
        collect(input_schema.get("properties"), &mut Vec::new(), &mut found);
        found
    }

    /// Checks that the header has the value of the argument. An argument that is null or absent has no header.
    pub(super) fn check(&self, headers: &HeaderMap, arguments: &Map<String, Value>) -> Result<(), RpcError> {
        let mut path = self.path.iter();
        let first = path.next().and_then(|name| arguments.get(name));
        let value = path.fold(first, |value, name| value.and_then(|value| value.get(name)));
        let header = single(headers, &self.header)?;
        let name = &self.header;
        match (header, value.filter(|value| !value.is_null())) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(mismatch(format!(
                "The header {name} is missing; it must match an argument."
            ))),
            (Some(_), None) => Err(mismatch(format!(
                "The header {name} repeats an argument that is absent."
            ))),
            (Some(header), Some(value)) => match decoded(header) {
                None => Err(mismatch(format!("The header {name} is not valid Base64."))),
                Some(header) if is_same(&header, value) => Ok(()),
                Some(_) => Err(mismatch(format!(
                    "The header {name} and the argument that it repeats differ."
                ))),
            },
        }
    }
}

fn collect(properties: Option<&Value>, path: &mut Vec<String>, found: &mut Vec<ParamHeader>) {
    let Some(Value::Object(properties)) = properties else {
        return;
    };
    for (name, schema) in properties {
        path.push(name.clone());
        if let Some(header) = schema
            .get("x-mcp-header")
            .and_then(Value::as_str)
            .filter(|header| !header.is_empty())
        {
            let header = format!("{PARAM_PREFIX}{}", header.to_ascii_lowercase());
            found.push(ParamHeader {
                path: path.clone(),
                header,
            });
        }
        collect(schema.get("properties"), path, found);
        path.pop();
    }
}

/// Compares a header with an argument: integers by their value (`42.0` is `42`), everything else by its text.
fn is_same(header: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => text == header,
        Value::Bool(value) => header == if *value { "true" } else { "false" },
        Value::Number(number) => {
            let as_number = header.parse::<f64>().ok();
            number.to_string() == header || as_number.is_some_and(|header| Some(header) == number.as_f64())
        }
        _ => false,
    }
}

fn mismatch(message: impl Into<std::borrow::Cow<'static, str>>) -> RpcError {
    RpcError::refusal(ErrorCode::HeaderMismatch, message)
}

/// The version in the headers. Proxies may repeat the header with the same value.
fn version_header(headers: &HeaderMap) -> Result<Option<&str>, RpcError> {
    let mut values = headers.get_all(PROTOCOL_VERSION).iter();
    let Some(first) = values.next() else { return Ok(None) };
    if values.any(|other| other != first) {
        return Err(mismatch(
            "The header MCP-Protocol-Version occurs with different values.",
        ));
    }
    Ok(Some(first.to_str().unwrap_or_default()))
}

/// The value of a header that may occur once.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, RpcError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(mismatch(format!("The header {name} occurs more than once.")));
    }
    value
        .to_str()
        .map(Some)
        .map_err(|_| mismatch(format!("The header {name} has characters that are not ASCII.")))
}

/// Decodes a value that may be wrapped as `=?base64?…?=`.
fn decoded(value: &str) -> Option<String> {
    match value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) {
        Some(encoded) => String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok(),
        None => Some(value.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn annotated_arguments_must_be_repeated_in_their_header() {
        let schema = json!({ "properties": {
            "region": { "type": "string", "x-mcp-header": "Region" },
            "page": { "properties": { "size": { "type": "integer", "x-mcp-header": "Size" } } },
        } });
        let found = ParamHeader::of(schema.as_object().unwrap());
        assert_eq!(
            found.iter().map(|found| found.header.as_str()).collect::<Vec<_>>(),
            ["mcp-param-region", "mcp-param-size"]
        );
        let check = |pairs: &[(&'static str, &str)], arguments: Value| {
            found
                .iter()
                .all(|found| found.check(&headers(pairs), arguments.as_object().unwrap()).is_ok())
        };
        assert!(check(&[], json!({ "region": null })));
        assert!(check(
            &[("mcp-param-region", "eu"), ("mcp-param-size", "42.0")],
            json!({ "region": "eu", "page": { "size": 42 } })
        ));
        assert!(check(
            &[("mcp-param-region", "=?base64?w6k=?=")],
            json!({ "region": "é" })
        ));
        for (pairs, arguments) in [
            (vec![], json!({ "region": "eu" })),
            (vec![("mcp-param-region", "eu")], json!({})),
            (vec![("mcp-param-region", "us")], json!({ "region": "eu" })),
            (
                vec![("mcp-param-region", "eu"), ("mcp-param-region", "eu")],
                json!({ "region": "eu" }),
            ),
            (vec![("mcp-param-region", "=?base64?*?=")], json!({ "region": "é" })),
        ] {
            assert!(!check(&pairs, arguments), "{pairs:?}");
        }
    }
}
