//! The failure of a tool, for the person or model that has to act on it.

use serde_json::{Map, Value, json};

use super::ConfirmationRequest;
use super::answer_size::{beginning, length};
use crate::credentials::NoCredentials;
use crate::error_code::ErrorCode;
use crate::memory::ReservationError;

/// Maximum length of the sentence of a failure, in characters.
const MAX_ERROR_CHARS: usize = 8000;
/// Maximum length of the details of a failure, in characters; longer ones are left out.
const MAX_DETAILS_CHARS: usize = 24_000;

/// Why a tool failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ToolError {
    /// The kind of the failure.
    pub code: ErrorCode,
    /// One sentence for people.
    pub message: String,
    /// Whether a repeated call may succeed soon.
    pub retryable: bool,
    /// How to resolve it.
    pub hint: Option<String>,
    /// Details for programs.
    pub details: Option<Box<Value>>,
    /// The part of the result that is valid in spite of the failure.
    pub partial: Option<Box<Map<String, Value>>>,
    /// The question to the user that would resolve the failure, for clients that can show one.
    pub confirmation_request: Option<Box<ConfirmationRequest>>,
}

impl ToolError {
    /// Returns a failure that a repeated call would have too.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            code,
            message,
            retryable: false,
            hint: None,
            details: None,
            partial: None,
            confirmation_request: None,
        }
    }

    /// Returns the failure of an argument that is not valid.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidArgument, message)
    }

    /// Marks the failure as temporary.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }

    /// Adds advice on how to resolve the failure.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.details = Some(Box::new(details));
        self
    }

    /// Adds the part of the result that is valid.
    #[must_use]
    pub fn with_partial(mut self, partial: Map<String, Value>) -> Self {
        self.partial = Some(Box::new(partial));
        self
    }

    /// Returns the result's JSON: `success`, `error`, `error_code`, `retryable`, then the optional members.
    #[must_use]
    pub fn into_json(self) -> Map<String, Value> {
        let mut json = Map::new();
        json.insert("success".into(), false.into());
        let message = beginning(&on_one_line(&self.message), MAX_ERROR_CHARS);
        json.insert("error".into(), message.into());
        json.insert("error_code".into(), self.code.as_str().into());
        json.insert("retryable".into(), self.retryable.into());
        json.extend(self.hint.map(|hint| ("hint".into(), hint.into())));
        let details = self.details.filter(|details| length(details) <= MAX_DETAILS_CHARS);
        json.extend(details.map(|details| ("details".into(), *details)));
        json.extend(
            self.partial
                .into_iter()
                .flat_map(|partial| *partial)
                .filter(|(name, _)| name != "success"),
        );
        json
    }
}

/// Escapes control characters: messages quote callers and S3, whose texts may have several lines.
pub(super) fn on_one_line(message: &str) -> String {
    let mut line = String::with_capacity(message.len());
    for letter in message.chars() {
        if letter.is_control() {
            line.extend(letter.escape_default());
        } else {
            line.push(letter);
        }
    }
    line
}

impl From<NoCredentials> for ToolError {
    fn from(none: NoCredentials) -> Self {
        let hint = match none.code() {
            ErrorCode::InvalidJwt => "Log in again and send the new token.",
            ErrorCode::Forbidden => "Ask an administrator of the catalog for a role with access to this data.",
            ErrorCode::RoleNotAllowed => "Ask the operator to add the role to QUILT_MCP_ASSUMABLE_ROLES.",
            ErrorCode::Timeout | ErrorCode::RequestFailed => "Try again in a few seconds.",
            _ => "Call auth_status to see what each credential source answered.",
        };
        let code = none.code();
        let message = none.to_string();
        let retryable = none.is_retryable();
        let details = json!({ "attempts": none.attempts });
        Self {
            retryable,
            ..Self::new(code, message)
        }
        .with_hint(hint)
        .with_details(details)
    }
}

impl From<ReservationError> for ToolError {
    fn from(error: ReservationError) -> Self {
        let tool_error = Self::new(error.code(), error.to_string());
        match error {
            ReservationError::Exhausted => tool_error.retryable(),
            ReservationError::TooLarge { .. } => tool_error.with_hint("Request less in one call."),
        }
    }
}
