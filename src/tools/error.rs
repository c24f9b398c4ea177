//! A tool's failure, in the words of the person or model that must do something about it.

use serde_json::{Map, Value, json};

use super::Question;
use crate::credentials::NoCredentials;
use crate::error_code::ErrorCode;
use crate::memory::Refused;

/// Why a tool did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ToolError {
    /// What kind of failure it is.
    pub code: ErrorCode,
    /// One sentence that a person understands.
    pub message: String,
    /// Whether the same call may succeed a little later.
    pub retryable: bool,
    /// What to do about it.
    pub hint: Option<String>,
    /// More, for programs.
    pub details: Option<Box<Value>>,
    /// The part of the result that there is in spite of the failure.
    pub partial: Option<Box<Map<String, Value>>>,
    /// What the person behind the client is to be asked; the failure is for those who cannot be.
    pub question: Option<Box<Question>>,
}

impl ToolError {
    /// A failure that the same call would meet again.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            code,
            message,
            retryable: false,
            hint: None,
            details: None,
            partial: None,
            question: None,
        }
    }

    /// An argument that cannot be used.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidArgument, message)
    }

    /// A failure that may be over a little later.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds details for programs.
    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.details = Some(Box::new(details));
        self
    }

    /// Adds the part of the result that there is.
    #[must_use]
    pub fn with_partial(mut self, partial: Map<String, Value>) -> Self {
        self.partial = Some(Box::new(partial));
        self
    }

    /// The result's JSON: `success`, `error`, `error_code`, `retryable`, then what else there is.
    #[must_use]
    pub fn into_json(self) -> Map<String, Value> {
        let mut json = Map::new();
        json.insert("success".into(), false.into());
        json.insert("error".into(), on_one_line(&self.message).into());
        json.insert("error_code".into(), self.code.as_str().into());
        json.insert("retryable".into(), self.retryable.into());
        json.extend(self.hint.map(|hint| ("hint".into(), hint.into())));
        json.extend(self.details.map(|details| ("details".into(), *details)));
        json.extend(
            self.partial
                .into_iter()
                .flat_map(|partial| *partial)
                .filter(|(name, _)| name != "success"),
        );
        json
    }
}

/// Messages quote what callers and S3 said, which may have lines of its own.
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
        let (code, message, retryable) = (none.code(), none.to_string(), none.is_retryable());
        let details = json!({ "attempts": none.attempts });
        Self {
            retryable,
            ..Self::new(code, message)
        }
        .with_hint(hint)
        .with_details(details)
    }
}

impl From<Refused> for ToolError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Busy => {
                let message = "This server has no memory left for the request; try again in a few seconds.";
                Self::new(ErrorCode::Throttled, message).retryable()
            }
            Refused::TooLarge { .. } => Self::new(ErrorCode::TooLarge, format!("Too much at once: {refused}."))
                .with_hint("Ask for less at once."),
        }
    }
}
