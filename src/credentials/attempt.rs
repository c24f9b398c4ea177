//! What each credential source answered: the part of a result that tells a person why a call had the rights it had.

use serde::Serialize;

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

/// Why a source did not give credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// A setting that the source needs is missing.
    MissingConfig,
    /// The token was refused.
    InvalidJwt,
    /// The caller is known and may not.
    Forbidden,
    /// The role is not on the operator's allow-list.
    RoleNotAllowed,
    /// STS refused or failed to assume the role.
    AssumeRoleFailed,
    /// No answer in time.
    Timeout,
    /// The request did not get through, or came back as a server error.
    RequestFailed,
    /// An answer came that does not hold credentials.
    InvalidResponse,
    /// An answer came that is not JSON: most likely a web page.
    NotJson,
    /// The token does not carry what the source needs.
    NoClaim,
}

impl Code {
    /// The code as it appears in results.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MissingConfig => "missing_config",
            Self::InvalidJwt => "invalid_jwt",
            Self::Forbidden => "forbidden",
            Self::RoleNotAllowed => "role_not_allowed",
            Self::AssumeRoleFailed => "assume_role_failed",
            Self::Timeout => "timeout",
            Self::RequestFailed => "request_failed",
            Self::InvalidResponse => "invalid_response",
            Self::NotJson => "not_json",
            Self::NoClaim => "no_claim",
        }
    }
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
    pub code: Option<Code>,
    /// One sentence for a person.
    pub message: String,
}

impl Attempt {
    /// The source gave credentials.
    pub fn ok(source: Source, message: impl Into<String>) -> Self {
        Self { source, outcome: Outcome::Ok, code: None, message: message.into() }
    }

    /// The source gave none.
    pub fn none(source: Source, outcome: Outcome, code: Code, message: impl Into<String>) -> Self {
        Self { source, outcome, code: Some(code), message: message.into() }
    }
}
