//! The params of a request and their decoding.
//!
//! Owns the syntax of params. Does not own their meaning.
//!
//! Params are read in two steps. [`Params::read`] finds the members and checks their types without building values, because
//! the caller is not known yet and no memory is reserved. The members are decoded when the method runs.
//!
//! Invariants: no member becomes a `serde_json::Value` but through [`crate::json`], because `Value` gives some keys a
//! meaning of its own; an empty array stands for an empty object, because that is how PHP and Lua encode it.

use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Method, RpcError};
use crate::json::parse_object;
use crate::telemetry::text::without_controls;

/// The text of a JSON value; empty where the member is absent or null. Without `Debug`: it holds what the caller sent.
#[derive(Default)]
pub(super) struct RawJson(Bytes);

impl RawJson {
    /// The text of a part of `whole`.
    fn of(whole: &Bytes, part: Option<&RawValue>) -> Self {
        Self(
            part.map(|part| whole.slice_ref(part.get().as_bytes()))
                .unwrap_or_default(),
        )
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn is_absent(&self) -> bool {
        self.0.is_empty()
    }

    fn is_string(&self) -> bool {
        self.0.first() == Some(&b'"')
    }

    /// Whether it is an object, or the empty array that stands for one.
    fn is_object(&self) -> bool {
        self.0.first() == Some(&b'{') || self.is_empty_array()
    }

    fn is_empty_array(&self) -> bool {
        let inner = self.0.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"));
        inner.is_some_and(|inner| inner.iter().all(u8::is_ascii_whitespace))
    }

    /// The text of an object; `None` where it is absent, or the empty array that stands for an empty object.
    pub(super) fn object_text(&self) -> Option<&[u8]> {
        (!self.is_absent() && !self.is_empty_array()).then_some(&self.0)
    }

    /// The value as a string, if it is a valid one.
    pub(super) fn string(&self) -> Option<String> {
        serde_json::from_slice(&self.0).ok()
    }

    /// Decodes a value whose type takes no arbitrary JSON.
    pub(super) fn decode<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(if self.is_absent() { b"null" } else { &self.0 })
    }

    /// The value as an object. The text has been measured, and memory for it is reserved.
    pub(super) fn object(&self) -> Result<Map<String, Value>, serde_json::Error> {
        if self.is_absent() || self.is_empty_array() {
            Ok(Map::new())
        } else {
            parse_object(&self.0)
        }
    }
}

/// The members of the params of all methods.
pub(super) struct Params {
    pub meta: RawJson,
    /// The name of a tool or prompt.
    pub name: Option<String>,
    /// The URI of a resource.
    pub uri: Option<String>,
    pub arguments: RawJson,
    pub cursor: RawJson,
    /// The prompt or resource template of a completion.
    pub reference: RawJson,
    /// The argument that is completed.
    pub argument: RawJson,
    /// The other arguments of a completion.
    pub context: RawJson,
    /// Answers to the questions of an earlier `input_required` result.
    pub input_responses: RawJson,
    pub request_state: RawJson,
    pub protocol_version: RawJson,
    capabilities: RawJson,
    client_info: RawJson,
    /// The whole, for methods that this server does not implement.
    #[cfg_attr(
        not(feature = "conformance"),
        expect(dead_code, reason = "fixtures of the conformance suite read it")
    )]
    pub whole: RawJson,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Members<'a> {
    #[serde(borrow, rename = "_meta")]
    meta: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    uri: Option<&'a RawValue>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow)]
    cursor: Option<&'a RawValue>,
    #[serde(borrow, rename = "ref")]
    reference: Option<&'a RawValue>,
    #[serde(borrow)]
    argument: Option<&'a RawValue>,
    #[serde(borrow)]
    context: Option<&'a RawValue>,
    #[serde(borrow)]
    input_responses: Option<&'a RawValue>,
    #[serde(borrow)]
    request_state: Option<&'a RawValue>,
    #[serde(borrow)]
    protocol_version: Option<&'a RawValue>,
    #[serde(borrow)]
    capabilities: Option<&'a RawValue>,
    #[serde(borrow)]
    client_info: Option<&'a RawValue>,
}

impl Params {
    /// Reads the params of a request. `body` is the text that they are a part of.
    pub(super) fn read(params: Option<&RawValue>, body: &Bytes) -> Result<Self, RpcError> {
        let whole = RawJson::of(body, params);
        if !whole.is_absent() && !whole.is_object() {
            return Err(RpcError::undecodable("`params` must be an object."));
        }
        let members: Members<'_> = match params.filter(|_| !whole.is_empty_array()) {
            Some(params) => serde_json::from_str(params.get()).map_err(|_| {
                RpcError::undecodable("`params` has a duplicate member, or a member name that is not valid Unicode.")
            })?,
            None => Members::default(),
        };
        let raw = |part| RawJson::of(body, part);
        let string = |value: RawJson, name| {
            if value.is_absent() {
                return Ok(None);
            }
            let invalid = || format!("`{name}` in `params` must be a string{}.", unpaired(&value));
            value.string().map(Some).ok_or_else(|| RpcError::undecodable(invalid()))
        };
        let params = Self {
            meta: raw(members.meta),
            name: string(raw(members.name), "name")?,
            uri: string(raw(members.uri), "uri")?,
            arguments: raw(members.arguments),
            cursor: raw(members.cursor),
            reference: raw(members.reference),
            argument: raw(members.argument),
            context: raw(members.context),
            input_responses: raw(members.input_responses),
            request_state: raw(members.request_state),
            protocol_version: raw(members.protocol_version),
            capabilities: raw(members.capabilities),
            client_info: raw(members.client_info),
            whole,
        };
        params.check_types()?;
        Ok(params)
    }

    fn check_types(&self) -> Result<(), RpcError> {
        for (value, name) in [
            (&self.meta, "_meta"),
            (&self.arguments, "arguments"),
            (&self.input_responses, "inputResponses"),
        ] {
            if !value.is_absent() && !value.is_object() {
                return Err(RpcError::undecodable(format!(
                    "`{name}` in `params` must be an object."
                )));
            }
        }
        for (value, name) in [(&self.cursor, "cursor"), (&self.request_state, "requestState")] {
            if !value.is_absent() && !value.is_string() {
                return Err(RpcError::undecodable(format!("`{name}` in `params` must be a string.")));
            }
        }
        Ok(())
    }

    /// Checks that the members are there without which a method cannot be decoded.
    pub(super) fn check_required(&self, method: Method) -> Result<(), RpcError> {
        let missing = match method {
            Method::CallTool | Method::GetPrompt if self.name.is_none() => "`name` (a string)",
            Method::ReadResource if self.uri.is_none() => "`uri` (a string)",
            Method::Initialize if !self.protocol_version.is_string() => "`protocolVersion` (a string)",
            Method::Initialize if !self.capabilities.is_object() => "`capabilities` (an object, which may be empty)",
            Method::Initialize if !is_client_info(&self.client_info) => {
                "`clientInfo` (an object with `name` and `version`)"
            }
            _ => return Ok(()),
        };
        Err(RpcError::undecodable(format!(
            "`params` of {} must have {missing}.",
            method.as_str()
        )))
    }

    /// Decodes the arguments of a tool or prompt.
    pub(super) fn arguments(&self) -> Result<Map<String, Value>, RpcError> {
        self.arguments
            .object()
            .map_err(|_| undecodable_argument(&self.arguments))
    }
}

fn is_client_info(value: &RawJson) -> bool {
    #[derive(Deserialize)]
    struct ClientInfo {
        #[serde(rename = "name")]
        _name: String,
        #[serde(rename = "version")]
        _version: String,
    }
    value.decode::<ClientInfo>().is_ok()
}

/// Names the argument that cannot be decoded.
fn undecodable_argument(arguments: &RawJson) -> RpcError {
    let members = serde_json::from_slice::<std::collections::BTreeMap<String, &RawValue>>(arguments.as_bytes());
    let Ok(members) = members else {
        let message = "The name of an argument cannot be decoded: it contains an unpaired UTF-16 surrogate.";
        return RpcError::undecodable(message);
    };
    let is_wrong = |value: &RawValue| parse_object(format!("{{\"value\":{}}}", value.get()).as_bytes()).is_err();
    let Some((name, value)) = members.into_iter().find(|(_, value)| is_wrong(value)) else {
        return RpcError::undecodable("The arguments cannot be decoded.");
    };
    let name = without_controls(&name, 80);
    let value = RawJson(Bytes::copy_from_slice(value.get().as_bytes()));
    let why = if unpaired(&value).is_empty() {
        ": a number is out of range"
    } else {
        unpaired(&value)
    };
    RpcError::undecodable(format!("Argument {name} cannot be decoded{why}."))
}

/// Why a JSON string cannot be decoded, if it is for a surrogate: JavaScript cuts strings between the halves of a character.
fn unpaired(value: &RawJson) -> &'static str {
    let has_surrogate = value.as_bytes().windows(4).any(|text| {
        let [b'\\', b'u', b'd' | b'D', digit] = text else {
            return false;
        };
        matches!(digit.to_ascii_lowercase(), b'8' | b'9' | b'a'..=b'f')
    });
    if has_surrogate {
        ": it contains an unpaired UTF-16 surrogate (half of a character)"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(method: Method, params: &str) -> Result<Params, String> {
        let body = Bytes::copy_from_slice(params.as_bytes());
        let raw: &RawValue = serde_json::from_slice(&body).unwrap();
        let params = Params::read(Some(raw), &body).and_then(|params| params.check_required(method).map(|()| params));
        params.map_err(|error| {
            serde_json::to_value(error.in_version(super::super::Version::DEFAULT)).unwrap()["message"]
                .as_str()
                .unwrap()
                .to_owned()
        })
    }

    #[test]
    fn an_empty_array_is_an_empty_object_and_null_is_absence() {
        for params in ["[]", "[ ]", "{}", r#"{"cursor":null,"_meta":[]}"#] {
            assert!(read(Method::ListTools, params).is_ok(), "{params}");
        }
        for arguments in ["[]", "null", "{}"] {
            let params = read(Method::CallTool, &format!(r#"{{"name":"x","arguments":{arguments}}}"#))
                .ok()
                .unwrap();
            assert_eq!(params.arguments().unwrap(), Map::new(), "{arguments}");
        }
    }

    #[test]
    fn a_member_of_a_wrong_type_is_named() {
        for (method, params, named) in [
            (Method::ListTools, "[1]", "`params`"),
            (Method::ListTools, r#"{"cursor":1}"#, "`cursor`"),
            (Method::ListTools, r#"{"_meta":7}"#, "`_meta`"),
            (Method::CallTool, "{}", "`name`"),
            (Method::CallTool, r#"{"name":1}"#, "`name`"),
            (Method::CallTool, r#"{"name":"a","name":"b"}"#, "duplicate"),
            (Method::CallTool, r#"{"name":"a","arguments":[1]}"#, "`arguments`"),
            (Method::CallTool, r#"{"name":"a","requestState":1}"#, "`requestState`"),
            (Method::ReadResource, "{}", "`uri`"),
            (Method::ReadResource, r#"{"uri":"\ud83e"}"#, "half of a character"),
            (Method::Initialize, "{}", "`protocolVersion`"),
            (Method::Initialize, r#"{"protocolVersion":"x"}"#, "`capabilities`"),
            (
                Method::Initialize,
                r#"{"protocolVersion":"x","capabilities":{}}"#,
                "`clientInfo`",
            ),
            (
                Method::Initialize,
                r#"{"protocolVersion":"x","capabilities":{},"clientInfo":{"name":"n"}}"#,
                "`clientInfo`",
            ),
        ] {
            let message = read(method, params).err().unwrap();
            assert!(message.contains(named), "{params}: {message}");
        }
    }

    #[test]
    fn an_argument_that_cannot_be_decoded_is_named() {
        for (arguments, expected) in [
            (
                r#"{"bucket":"b","prefix":"plankton \ud83e"}"#,
                "Argument prefix cannot be decoded: it contains an unpaired UTF-16 surrogate (half of a character).",
            ),
            (
                r#"{"max_keys":1e999}"#,
                "Argument max_keys cannot be decoded: a number is out of range.",
            ),
        ] {
            let params = read(Method::CallTool, &format!(r#"{{"name":"x","arguments":{arguments}}}"#))
                .ok()
                .unwrap();
            let error = serde_json::to_value(
                params
                    .arguments()
                    .unwrap_err()
                    .in_version(super::super::Version::DEFAULT),
            );
            assert_eq!(error.unwrap()["message"], expected);
        }
    }
}
