//! What each credential source answered: the part of a result that tells a person why a call had the rights it had.

use serde::Serialize;

use crate::error_code::ErrorCode;

/// Where credentials come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Carried by, or exchanged for, a verified JWT.
    Jwt,
    /// Vended by the catalog's registry.
    Catalog,
    /// The server's own.
    Ambient,
}

impl Source {
    /// The label as it appears in results and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Catalog => "catalog",
            Self::Ambient => "ambient",
        }
    }
}

/// How a source answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It gave credentials.
    Ok,
    /// It does not exist for this caller: absent, not configured, or no such endpoint.
    NotApplicable,
    /// It exists and refused.
    Denied,
    /// It exists and could not answer.
    Failed,
}

/// One source's answer, as shown to the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Attempt {
    /// The source asked.
    pub source: Source,
    /// How it answered.
    pub outcome: Outcome,
    /// Why it gave nothing; absent when it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<ErrorCode>,
    /// One sentence for a person.
    pub message: String,
}

impl Attempt {
    /// The source gave credentials.
    pub fn ok(source: Source, message: impl Into<String>) -> Self {
        Self {
            source,
            outcome: Outcome::Ok,
            code: None,
            message: message.into(),
        }
    }

    /// The source gave none.
    pub fn none(source: Source, outcome: Outcome, code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            source,
            outcome,
            code: Some(code),
            message: message.into(),
        }
    }
}
