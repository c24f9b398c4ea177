//! Failures of what is not a tool, as JSON-RPC errors: the tools' sentences and codes, under a number of the protocol.

use rmcp::ErrorData;
use serde_json::{Value, json};

use crate::error_code::ErrorCode;
use crate::tools::ToolError;

/// A failure, with what it was about. From 2026-07-28 on rmcp replaces the number where that version has another one.
pub(super) fn failure(error: ToolError, uri: Option<&str>) -> ErrorData {
    let (number, message) = (error.code.rpc_code_of(error.retryable), error.message.clone());
    let mut data = error.into_json();
    data.remove("success");
    data.remove("error");
    data.extend(uri.map(|uri| ("uri".to_owned(), uri.into())));
    ErrorData::new(rmcp::model::ErrorCode(number), message, Some(Value::Object(data)))
}

/// A request that cannot be served.
pub(super) fn refusal(code: ErrorCode, message: impl Into<String>) -> ErrorData {
    let data = json!({ "error_code": code, "retryable": code.is_retryable() });
    ErrorData::new(rmcp::model::ErrorCode(code.rpc_code()), message.into(), Some(data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_rmcp() {
        use rmcp::model::ErrorCode as Number;
        for (code, number) in [
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
            assert_eq!(refusal(code, "").code, number, "{code}");
        }
        assert_eq!(ErrorCode::NoSuchKey.rpc_code_2026(), Number::INVALID_PARAMS.0);
    }
}
