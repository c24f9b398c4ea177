//! What is done only on somebody's word: the question that a tool has for the person behind the client, and the answer.
//!
//! Owns what a question is about and what an answer counts for. Owns no protocol: the `mcp` room carries the question to the
//! client and the answer back, and sees to it that the answer is to this question.
//!
//! Invariants: a yes is about a thing in the state in which the person was shown it, and counts for nothing else; it is a
//! word and no right: whatever is done on it is done with the caller's own rights.

use sha2::{Digest as _, Sha256};

use super::error::on_one_line;
use super::{Session, ToolError};
use crate::error_code::ErrorCode;

/// What a question is about: a thing, and the state in which it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target([u8; 32]);

impl Target {
    /// The target that these parts name, in their order.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            // With its length, so that no two lists of parts are written alike.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// The target of this name, as [`Target::bytes`] gave it.
    #[must_use]
    pub fn named(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its name.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// What the person behind the client is to be asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// What it is about.
    pub about: Target,
    /// The question, on one line.
    pub message: String,
    /// What a yes does, in a few words.
    pub yes: &'static str,
}

/// What that person has said.
#[derive(Debug, Clone)]
pub enum Word {
    /// Nothing, and the client cannot ask.
    CannotAsk,
    /// Nothing yet.
    NotAsked,
    /// Yes, to a question about this.
    Yes(Target),
    /// Not yes, or not in time.
    No(Box<ToolError>),
}

impl Session {
    /// Whether the person behind the client can be asked.
    pub(super) fn can_ask(&self) -> bool {
        !matches!(self.word(), Word::CannotAsk)
    }

    /// Whether that person has said yes to just this. An answer that is not that is a failure.
    pub(super) fn has_consent(&self, about: Target) -> Result<bool, ToolError> {
        match self.word() {
            Word::Yes(to) if *to == about => Ok(true),
            Word::Yes(_) => {
                let message = "What was asked about has changed since, so the answer does not count; nothing was done.";
                Err(ToolError::new(ErrorCode::Conflict, message).with_hint("Repeat the call to be asked anew."))
            }
            Word::No(error) => Err(error.as_ref().clone()),
            Word::NotAsked | Word::CannotAsk => Ok(false),
        }
    }
}

impl Question {
    /// The failure of a call that cannot go on without an answer.
    pub(super) fn unanswered(mut self) -> ToolError {
        self.message = on_one_line(&self.message);
        let error = ToolError::new(ErrorCode::ConfirmationRequired, self.message.clone());
        ToolError {
            question: Some(Box::new(self)),
            ..error
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let of = |parts: &[&str]| Target::of(parts.iter().map(|part| part.as_bytes()));
        assert_eq!(of(&["a", "b"]), of(&["a", "b"]));
        for other in [&["ab"][..], &["ab", ""], &["", "ab"], &["b", "a"], &["a", "b", ""], &[]] {
            assert_ne!(of(&["a", "b"]), of(other), "{other:?}");
        }
    }
}
