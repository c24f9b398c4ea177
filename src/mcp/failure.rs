//! Failures of what is not a tool, as JSON-RPC errors: the tools' sentences and codes, under a number of the protocol.

use rmcp::ErrorData;
use rmcp::model::ErrorCode;
use serde_json::Value;

use crate::tools::{ToolError, code};

/// Ours, outside the range that JSON-RPC and MCP reserve: the caller is known and may not.
const FORBIDDEN: ErrorCode = ErrorCode(-31403);
/// Ours: a party this server needs does not answer.
const UNAVAILABLE: ErrorCode = ErrorCode(-31503);

/// A failure, with what it was about.
pub(super) fn failure(error: ToolError, uri: Option<&str>) -> ErrorData {
    let (retryable, error_code, message) = (error.retryable, error.code, error.message.clone());
    let mut data = error.into_json();
    data.remove("success");
    data.remove("error");
    data.extend(uri.map(|uri| ("uri".to_owned(), uri.into())));
    let data = Some(Value::Object(data));
    match error_code {
        code::NO_SUCH_KEY | code::NO_SUCH_BUCKET | code::NO_SUCH_PACKAGE => {
            // rmcp gives it the number that the peer's version wants.
            ErrorData::resource_not_found(message, data)
        }
        code::INVALID_ARGUMENT | "too_large" => ErrorData::invalid_params(message, data),
        code::INTERNAL | code::CANCELLED | "invalid_manifest" => ErrorData::internal_error(message, data),
        code::THROTTLED | code::TIMEOUT | code::UPSTREAM => ErrorData::new(UNAVAILABLE, message, data),
        _ if retryable => ErrorData::new(UNAVAILABLE, message, data),
        // What is left are the codes of denials and of credential sources.
        _ => ErrorData::new(FORBIDDEN, message, data),
    }
}
