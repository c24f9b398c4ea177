//! `_meta` of a request: progress token, trace context, and from 2026-07-28 on what describes the request and its client.

use rmcp::model::RequestMetaObject;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::RpcError;
use super::params::RawJson;

/// Longest progress token, in bytes as it is written: each notification repeats it. Longer ones are ignored.
const MAX_PROGRESS_TOKEN: usize = 1024;

/// The members of `_meta` that this server reads. Without `Debug`: it holds what the caller sent.
#[derive(Default)]
pub(super) struct Meta {
    /// The version of the protocol that the request uses.
    pub protocol_version: Option<String>,
    /// The capabilities that the client declares.
    pub capabilities: Option<Capabilities>,
    /// The token of progress notifications, as JSON text; the client requests them if it is present.
    pub progress_token: Option<Box<RawValue>>,
    /// W3C trace context (SEP-414).
    pub traceparent: Option<String>,
    /// W3C trace state (SEP-414).
    pub tracestate: Option<String>,
    /// Whether the client wants log messages.
    #[cfg_attr(
        not(feature = "conformance"),
        expect(dead_code, reason = "fixtures of the conformance suite read it")
    )]
    pub wants_log: bool,
}

/// The capabilities of a client, as far as an answer depends on them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Capabilities {
    pub elicitation: Option<Elicitation>,
    pub sampling: Option<Present>,
    pub roots: Option<Present>,
}

/// Which kinds of questions a client shows its user.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Elicitation {
    pub form: Option<Present>,
    pub url: Option<Present>,
}

/// An object whose members do not matter.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Present {}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Members<'a> {
    #[serde(borrow, rename = "io.modelcontextprotocol/protocolVersion")]
    protocol_version: Option<&'a RawValue>,
    #[serde(borrow, rename = "io.modelcontextprotocol/clientCapabilities")]
    capabilities: Option<&'a RawValue>,
    #[serde(borrow, rename = "io.modelcontextprotocol/logLevel")]
    log_level: Option<&'a RawValue>,
    #[serde(borrow, rename = "progressToken")]
    progress_token: Option<&'a RawValue>,
    #[serde(borrow)]
    traceparent: Option<&'a RawValue>,
    #[serde(borrow)]
    tracestate: Option<&'a RawValue>,
}

impl Meta {
    pub(super) fn read(text: &RawJson) -> Result<Self, RpcError> {
        if text.as_bytes().first() != Some(&b'{') {
            return Ok(Self::default());
        }
        let members: Members<'_> = serde_json::from_slice(text.as_bytes()).map_err(|_| {
            RpcError::undecodable(
                "`_meta` in `params` has a duplicate member, or a member name that is not valid Unicode.",
            )
        })?;
        let string = |value: Option<&RawValue>| value.and_then(|value| serde_json::from_str(value.get()).ok());
        Ok(Self {
            protocol_version: string(members.protocol_version),
            capabilities: members
                .capabilities
                .and_then(|value| serde_json::from_str(value.get()).ok()),
            progress_token: members
                .progress_token
                .filter(|token| is_progress_token(token))
                .map(ToOwned::to_owned),
            traceparent: string(members.traceparent),
            tracestate: string(members.tracestate),
            wants_log: members.log_level.is_some(),
        })
    }

    /// Names of members that 2026-07-28 requires and that are missing or cannot be decoded.
    pub(super) fn missing(&self) -> Vec<&'static str> {
        let [version, capabilities] = RequestMetaObject::DRAFT_REQUIRED_KEYS;
        let is_missing = [
            (version, self.protocol_version.is_none()),
            (capabilities, self.capabilities.is_none()),
        ];
        is_missing
            .into_iter()
            .filter(|(_, is_missing)| *is_missing)
            .map(|(name, _)| name)
            .collect()
    }
}

fn is_progress_token(value: &RawValue) -> bool {
    value.get().len() <= MAX_PROGRESS_TOKEN && is_id(value)
}

/// Whether a value is one that MCP accepts as the id of a request or a progress token: a string, or a signed 64-bit integer.
pub(super) fn is_id(value: &RawValue) -> bool {
    let text = value.get();
    if text.starts_with('"') {
        serde_json::from_str::<String>(text).is_ok()
    } else {
        text.parse::<i64>().is_ok()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn read(text: &str) -> Meta {
        let body = Bytes::from(format!("{{\"_meta\":{text}}}"));
        let raw: &RawValue = serde_json::from_slice(&body).unwrap();
        let params = super::super::params::Params::read(Some(raw), &body).ok().unwrap();
        Meta::read(&params.meta).ok().unwrap()
    }

    #[test]
    fn names_are_those_of_the_model() {
        assert_eq!(read("{}").missing(), RequestMetaObject::DRAFT_REQUIRED_KEYS);
        let whole = r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28",
            "io.modelcontextprotocol/clientCapabilities":{"elicitation":{"form":{}},"experimental":{"x":[1]}}}"#;
        assert!(read(whole).missing().is_empty());
        let wrong = r#"{"io.modelcontextprotocol/protocolVersion":7,
            "io.modelcontextprotocol/clientCapabilities":{"elicitation":"all"}}"#;
        assert_eq!(read(wrong).missing(), RequestMetaObject::DRAFT_REQUIRED_KEYS);
    }

    #[test]
    fn a_progress_token_is_a_string_or_an_integer() {
        for (token, is_one) in [
            ("1", true),
            (r#""a""#, true),
            ("1.5", false),
            ("{}", false),
            (r#""\ud800""#, false),
        ] {
            let meta = read(&format!("{{\"progressToken\":{token}}}"));
            assert_eq!(meta.progress_token.is_some(), is_one, "{token}");
        }
    }
}
