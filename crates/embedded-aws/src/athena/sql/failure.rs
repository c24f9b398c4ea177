//! Failures of queries, in Athena's words and categories.

use serde_json::{Value, json};

/// What cannot be run ends with this, so that it is not taken for a property of Athena.
pub(crate) const OURS: &str = "(development server)";

/// The reason why a statement is refused or a query fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Such as `COLUMN_NOT_FOUND`; `MALFORMED_QUERY` for what is refused before it is a query.
    pub name: &'static str,
    pub message: String,
    /// 1 system, 2 user.
    category: u8,
    error_type: u16,
}

impl Failure {
    /// Returns a failure that the statement causes, with the place in it if that is known.
    pub fn new(name: &'static str, sql: &str, offset: Option<usize>, message: &str) -> Self {
        let place = offset.map_or_else(String::new, |offset| format!("line {}: ", position(sql, offset)));
        Self {
            name,
            message: format!("{place}{message}"),
            category: 2,
            error_type: 1006,
        }
    }

    /// Returns a failure without a place.
    pub fn plain(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, "", None, &message.into())
    }

    /// Returns the failure for SQL that Athena runs and this server does not.
    pub fn unsupported(sql: &str, offset: usize, what: &str) -> Self {
        Self::new("NOT_SUPPORTED", sql, Some(offset), &format!("{what} {OURS}"))
    }

    /// Returns a failure that the service causes.
    pub fn internal(message: impl Into<String>) -> Self {
        Self {
            category: 1,
            error_type: 233,
            ..Self::plain("GENERIC_INTERNAL_ERROR", message)
        }
    }

    /// Returns the text that `StateChangeReason` and `AthenaError` have.
    pub fn reason(&self) -> String {
        format!("{}: {}", self.name, self.message)
    }

    pub fn athena_error(&self) -> Value {
        json!({ "ErrorCategory": self.category, "ErrorType": self.error_type, "Retryable": self.category == 1,
            "ErrorMessage": self.reason() })
    }
}

/// Returns line and column of an offset, both counted from one.
fn position(sql: &str, offset: usize) -> String {
    let before = sql.get(..offset).unwrap_or(sql);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    format!("{line}:{column}")
}
