//! Errors of requests.

use std::borrow::Cow;

use axum::http::StatusCode;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::Version;
use crate::error_code::ErrorCode;
use crate::telemetry::text::bounded;
use crate::tools::ToolError;

/// Longest text of a request that an error repeats, in bytes; URIs of S3 objects are shorter.
pub(super) const MAX_ECHO: usize = 4096;

/// A JSON-RPC error: an error code, one sentence and data.
#[derive(Debug, Clone, PartialEq)]
pub struct RpcError {
    /// The code. It determines the number, and the status of a refusal.
    pub code: ErrorCode,
    /// The problem and its remedy, in one or two sentences.
    message: Cow<'static, str>,
    /// Whether the same request may succeed later.
    retryable: bool,
    /// Members of `data` beside `error_code` and `retryable`.
    details: Map<String, Value>,
    /// Whether the request was refused before its method ran.
    is_refusal: bool,
}

impl RpcError {
    /// An error of a method that ran.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        let message = message.into();
        Self {
            code,
            message,
            retryable: code.is_retryable(),
            details: Map::new(),
            is_refusal: false,
        }
    }

    /// An error that ends a request before its method runs. Its HTTP status is that of the code.
    #[must_use]
    pub fn refusal(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            is_refusal: true,
            ..Self::new(code, message)
        }
    }

    /// The params cannot be decoded.
    #[must_use]
    pub(super) fn undecodable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::refusal(ErrorCode::InvalidParams, message)
    }

    /// The version of the protocol that a request names is not supported.
    #[must_use]
    pub(super) fn unsupported_version(requested: &str) -> Self {
        let supported = Version::ALL.map(Version::as_str);
        let message = format!(
            "This protocol version is not supported; supported are {}.",
            supported.join(", ")
        );
        Self::refusal(ErrorCode::UnsupportedVersion, message)
            .with("requested", json!(bounded(requested, MAX_ECHO)))
            .with("supported", json!(supported))
    }

    /// The failure of something that is not a tool, such as the read of a resource.
    #[must_use]
    pub(super) fn from_tool(error: ToolError) -> Self {
        let (code, retryable, message) = (error.code, error.retryable, error.message.clone());
        let mut details = error.into_json();
        for member in ["success", "error", "error_code", "retryable"] {
            details.remove(member);
        }
        Self {
            code,
            message: message.into(),
            retryable,
            details,
            is_refusal: false,
        }
    }

    /// Adds a member to `data`.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.details.insert(name.to_owned(), value);
        self
    }

    /// The HTTP status of the answer. A refusal has the status of its code. An error of a method is an answer like any
    /// other, but for the statuses that 2026-07-28 defines ("Streamable HTTP", "Sending Messages").
    #[must_use]
    pub fn status(&self, version: Version) -> StatusCode {
        let is_defined = version.is_self_describing()
            && matches!(
                self.code,
                ErrorCode::HeaderMismatch
                    | ErrorCode::UnsupportedVersion
                    | ErrorCode::MissingCapability
                    | ErrorCode::MethodNotFound
            );
        if self.is_refusal || is_defined {
            self.code.status()
        } else {
            StatusCode::OK
        }
    }

    /// The error object of a JSON-RPC response in this version.
    #[must_use]
    pub fn in_version(&self, version: Version) -> impl Serialize {
        let mut number = self.code.rpc_code_of(self.retryable);
        if version.is_self_describing() && number == self.code.rpc_code() {
            number = self.code.rpc_code_2026();
        }
        ErrorObject {
            code: number,
            message: &self.message,
            data: Data(self),
        }
    }
}

#[derive(Serialize)]
struct ErrorObject<'a> {
    code: i32,
    message: &'a str,
    data: Data<'a>,
}

/// `data`, in the order in which it is read: the code first.
struct Data<'a>(&'a RpcError);

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let error = self.0;
        let mut data = serializer.serialize_map(Some(2 + error.details.len()))?;
        data.serialize_entry("error_code", &error.code)?;
        data.serialize_entry("retryable", &error.retryable)?;
        for (name, value) in &error.details {
            data.serialize_entry(name, value)?;
        }
        data.end()
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::ErrorCode as Number;

    use super::*;

    fn number(code: ErrorCode, version: Version) -> i32 {
        let error = serde_json::to_value(RpcError::new(code, "").in_version(version)).unwrap();
        i32::try_from(error["code"].as_i64().unwrap()).unwrap()
    }

    #[test]
    fn numbers_are_those_of_the_model() {
        for (code, expected) in [
            (ErrorCode::ParseError, Number::PARSE_ERROR),
            (ErrorCode::InvalidRequest, Number::INVALID_REQUEST),
            (ErrorCode::InvalidParams, Number::INVALID_PARAMS),
            (ErrorCode::MethodNotFound, Number::METHOD_NOT_FOUND),
            (ErrorCode::Internal, Number::INTERNAL_ERROR),
            (ErrorCode::NoSuchKey, Number::RESOURCE_NOT_FOUND),
            (ErrorCode::HeaderMismatch, Number::HEADER_MISMATCH),
            (ErrorCode::MissingCapability, Number::MISSING_REQUIRED_CLIENT_CAPABILITY),
            (ErrorCode::UnsupportedVersion, Number::UNSUPPORTED_PROTOCOL_VERSION),
        ] {
            assert_eq!(number(code, Version::V2025November), expected.0, "{code}");
        }
        assert_eq!(
            number(ErrorCode::NoSuchKey, Version::V2026July),
            Number::INVALID_PARAMS.0
        );
    }

    #[test]
    fn data_begins_with_the_code_and_whether_to_retry() {
        let error = RpcError::new(ErrorCode::NoSuchKey, "It is not there.").with("a", json!(1));
        let text = serde_json::to_string(&error.in_version(Version::DEFAULT)).unwrap();
        let expected = r#"{"code":-32002,"message":"It is not there.","data":{"error_code":"no_such_key","retryable":false,"a":1}}"#;
        assert_eq!(text, expected);
    }

    #[test]
    fn a_refusal_has_the_status_of_its_code_and_an_error_of_a_method_is_an_answer() {
        let (old, new) = (Version::V2025November, Version::V2026July);
        let refusal = RpcError::refusal(ErrorCode::InvalidParams, "");
        assert_eq!((refusal.status(old).as_u16(), refusal.status(new).as_u16()), (400, 400));
        for (code, of_old, of_new) in [
            (ErrorCode::InvalidParams, 200, 200),
            (ErrorCode::UnknownTool, 200, 200),
            (ErrorCode::MethodNotFound, 200, 404),
            (ErrorCode::MissingCapability, 200, 400),
        ] {
            let error = RpcError::new(code, "");
            assert_eq!(
                (error.status(old).as_u16(), error.status(new).as_u16()),
                (of_old, of_new),
                "{code}"
            );
        }
    }
}
