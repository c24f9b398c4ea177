//! A tool's failure, in the words of the person or model that must do something about it.

use serde_json::{Map, Value, json};

use super::Question;
use crate::credentials::NoCredentials;
use crate::memory::Refused;

/// The contract's error codes that are not codes of a credential source.
pub mod code {
    /// An argument cannot be used. Correct it.
    pub const INVALID_ARGUMENT: &str = "invalid_argument";
    /// The module has no such action. Choose one that the message lists.
    pub const UNKNOWN_ACTION: &str = "unknown_action";
    /// The tool writes, and the server or this request is read-only.
    pub const READ_ONLY: &str = "read_only";
    /// A write was asked for and only the server's own credentials are there. Send a token.
    pub const WRITE_NEEDS_USER_CREDENTIALS: &str = "write_needs_user_credentials";
    /// S3 refused. Ask for the right named in the message.
    pub const ACCESS_DENIED: &str = "access_denied";
    /// There is no such bucket.
    pub const NO_SUCH_BUCKET: &str = "no_such_bucket";
    /// There is no such object or version.
    pub const NO_SUCH_KEY: &str = "no_such_key";
    /// There is no such package, or no such revision of it.
    pub const NO_SUCH_PACKAGE: &str = "no_such_package";
    /// A manifest or a pointer cannot be used, or is not what its name says.
    pub const INVALID_MANIFEST: &str = "invalid_manifest";
    /// What is asked for does not fit into this server's memory or time. Ask for less at once.
    pub const TOO_LARGE: &str = "too_large";
    /// The package is not what the bucket's workflow demands, or no workflow was chosen where one is required.
    pub const WORKFLOW_VIOLATION: &str = "workflow_violation";
    /// Somebody has to say that this is meant, or was asked and did not.
    pub const CONFIRMATION_REQUIRED: &str = "confirmation_required";
    /// Somebody else was there first, or something exists that was not to be replaced.
    pub const CONFLICT: &str = "conflict";
    /// Too many requests. Wait, then try again.
    pub const THROTTLED: &str = "throttled";
    /// It took too long. Try again, with less.
    pub const TIMEOUT: &str = "timeout";
    /// The client went away.
    pub const CANCELLED: &str = "cancelled";
    /// S3 or the registry failed.
    pub const UPSTREAM: &str = "upstream";
    /// A fault of this server.
    pub const INTERNAL: &str = "internal";
}

/// Why a tool did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ToolError {
    /// One of the contract's codes.
    pub code: &'static str,
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
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, message, retryable: false, hint: None, details: None, partial: None, question: None }
    }

    /// An argument that cannot be used.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(code::INVALID_ARGUMENT, message)
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
        json.insert("error_code".into(), self.code.into());
        json.insert("retryable".into(), self.retryable.into());
        json.extend(self.hint.map(|hint| ("hint".into(), hint.into())));
        json.extend(self.details.map(|details| ("details".into(), *details)));
        json.extend(self.partial.into_iter().flat_map(|partial| *partial).filter(|(name, _)| name != "success"));
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
            "invalid_jwt" => "Log in again and send the new token.",
            "forbidden" => "Ask an administrator of the catalog for a role with access to this data.",
            "role_not_allowed" => "Ask the operator to add the role to QUILT_MCP_ASSUMABLE_ROLES.",
            "timeout" | "request_failed" => "Try again in a few seconds.",
            _ => "Call auth_status to see what each credential source answered.",
        };
        let (code, message, retryable) = (none.code(), none.to_string(), none.is_retryable());
        let details = json!({ "attempts": none.attempts });
        Self { retryable, ..Self::new(code, message) }.with_hint(hint).with_details(details)
    }
}

impl From<Refused> for ToolError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Busy => {
                let message = "This server holds as much in memory as it may; try again in a few seconds.";
                Self::new(code::THROTTLED, message).retryable()
            }
            Refused::TooLarge { .. } => {
                Self::new(code::TOO_LARGE, format!("Too much at once: {refused}.")).with_hint("Ask for less at once.")
            }
        }
    }
}
