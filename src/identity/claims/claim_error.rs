//! Claims that choose a credential source: absent, good, or unreadable. An unreadable claim never counts as absent.

use serde_json::{Map, Value};

use super::super::shown;

/// Why a claim cannot be used. It names the claim and its type, and never shows its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// Occurs when the claim has another type than expected.
    #[error("the {claim} claim is {found}; expected {expected}")]
    WrongType {
        claim: String,
        found: String,
        expected: &'static str,
    },
    /// Occurs when two spellings of the claim have different values.
    #[error("the claims {first} and {second}, which mean the same, have different values; expected one of them")]
    Conflict { first: String, second: String },
    /// Occurs when the claim has the right type, and its content cannot be used.
    #[error("the {claim} claim {problem}")]
    Malformed { claim: String, problem: &'static str },
}

/// A claim that is present, with the spelling in which it was found.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub name: &'a str,
    pub value: &'a Value,
}

impl Found<'_> {
    /// Reports that the claim is of this type instead of the expected one.
    pub(super) fn wrong_type(self, found: impl Into<String>, expected: &'static str) -> ClaimError {
        ClaimError::WrongType {
            claim: self.name.to_owned(),
            found: found.into(),
            expected,
        }
    }

    /// Reports that the claim has an item of another type than expected.
    pub(super) fn wrong_item(self, item: &Value, expected: &'static str) -> ClaimError {
        let found = format!("{} with {}", shown::kind(self.value), shown::kind(item));
        self.wrong_type(found, expected)
    }
}

/// Returns the claim in the first of these spellings that is present. Null and the empty string are absent, because issuers
/// send them for users without the attribute. Fails if another spelling has another value.
pub(super) fn present<'a>(claims: &'a Map<String, Value>, names: &[&'a str]) -> Result<Option<Found<'a>>, ClaimError> {
    let is_empty = |value: &Value| value.is_null() || value.as_str() == Some("");
    let mut found = names
        .iter()
        .filter_map(|name| claims.get(*name).map(|value| Found { name, value }))
        .filter(|found| !is_empty(found.value));
    let Some(first) = found.next() else { return Ok(None) };
    match found.find(|other| other.value != first.value) {
        None => Ok(Some(first)),
        Some(other) => Err(ClaimError::Conflict {
            first: first.name.to_owned(),
            second: other.name.to_owned(),
        }),
    }
}

/// Returns a claim that is a string.
pub(super) fn text<'a>(claims: &'a Map<String, Value>, names: &[&'a str]) -> Result<Option<&'a str>, ClaimError> {
    for name in names {
        let found = claims.get(*name).map(|value| Found { name, value });
        if let Some(found) = found.filter(|found| !found.value.is_null() && !found.value.is_string()) {
            return Err(found.wrong_type(shown::kind(found.value), "a string"));
        }
    }
    Ok(present(claims, names)?.and_then(|found| found.value.as_str()))
}

/// Returns a claim that is an array of strings.
pub(super) fn texts<'a>(claims: &'a Map<String, Value>, names: &[&'a str]) -> Result<Vec<&'a str>, ClaimError> {
    const EXPECTED: &str = "an array of strings";
    let Some(found) = present(claims, names)? else {
        return Ok(Vec::new());
    };
    let Value::Array(items) = found.value else {
        return Err(found.wrong_type(shown::kind(found.value), EXPECTED));
    };
    items
        .iter()
        .map(|item| item.as_str().ok_or_else(|| found.wrong_item(item, EXPECTED)))
        .collect()
}
