//! Attempts: how each credential source answered for a caller. Results show them, so that the rights of a call can be
//! traced to their source.

use serde::Serialize;

use crate::error_code::ErrorCode;

/// The origin of credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[cfg_attr(test, derive(clap::ValueEnum), value(rename_all = "lowercase"))]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A verified JWT, which carries them or is exchanged for them.
    Jwt,
    /// The catalog's registry.
    Catalog,
    /// The server's own identity.
    Ambient,
}

impl Source {
    /// Every source, in the order of the chain.
    pub const ALL: [Self; 3] = [Self::Jwt, Self::Catalog, Self::Ambient];

    /// Returns the label in results and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Catalog => "catalog",
            Self::Ambient => "ambient",
        }
    }

    /// Whether new credentials need a new token from the caller.
    #[must_use]
    pub const fn needs_new_token(self) -> bool {
        matches!(self, Self::Jwt)
    }
}

/// How a source answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The source gave credentials.
    Ok,
    /// The source does not exist for this caller: absent, not configured, or no such endpoint.
    NotApplicable,
    /// The source exists and refused.
    Denied,
    /// The source exists and could not answer.
    Failed,
}

/// The answer of one source, as shown to the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Attempt {
    /// The source that answered.
    pub source: Source,
    /// How it answered.
    pub outcome: Outcome,
    /// Why it gave no credentials; absent when it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<ErrorCode>,
    /// One sentence for a person.
    pub message: String,
    /// Whether the same token fails in the same way again: what it says cannot be read.
    #[serde(skip)]
    pub is_permanent: bool,
}

impl Attempt {
    /// Records that the source gave credentials.
    pub fn ok(source: Source, message: impl Into<String>) -> Self {
        Self {
            source,
            outcome: Outcome::Ok,
            code: None,
            message: message.into(),
            is_permanent: false,
        }
    }

    /// Marks a failure that another call with the same token has too.
    #[must_use]
    pub fn permanent(mut self) -> Self {
        self.is_permanent = true;
        self
    }

    /// Records that the source gave none.
    pub fn none(source: Source, outcome: Outcome, code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            source,
            outcome,
            code: Some(code),
            message: message.into(),
            is_permanent: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn all_lists_every_source_and_labels_are_the_names_of_the_variants() {
        assert_eq!(Source::ALL.as_slice(), Source::value_variants());
        for source in Source::ALL {
            assert_eq!(source.as_str(), source.to_possible_value().unwrap().get_name());
            assert_eq!(serde_json::to_value(source).unwrap(), source.as_str());
        }
    }
}
