//! Confirmations: the question that a tool asks the user of the client, and the user's answer.
//!
//! **Owns** the subject of a question and the effect of an answer. **Does not own** the protocol: the `mcp` module sends the
//! question to the client, receives the answer, and verifies that the answer belongs to the question.
//!
//! **Invariants**: a confirmation applies to its subject in the state that the user was shown, and to nothing else; it grants
//! no permission: the operation runs with the caller's own rights.

use sha2::{Digest as _, Sha256};

use super::error::on_one_line;
use super::{Session, ToolError};
use crate::error_code::ErrorCode;

/// Hash of the subject of a confirmation, including the state that the user was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject([u8; 32]);

impl Subject {
    /// Hashes the parts of a subject, in this order.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            // The length keeps the boundaries between parts.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// Restores a subject from [`Subject::as_bytes`].
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A question to the user of the client.
#[derive(Debug, Clone)]
pub struct ConfirmationRequest {
    pub subject: Subject,
    /// The question, as one line.
    pub message: String,
    /// Label of the checkbox that confirms: the effect, in a few words.
    pub confirm_label: &'static str,
}

/// The user's answer to a question.
#[derive(Debug, Clone)]
pub enum Confirmation {
    /// The client cannot show questions.
    Unsupported,
    /// The user was not asked yet.
    Unanswered,
    /// The user confirmed this subject.
    Accepted(Subject),
    /// The user did not confirm, or not in time.
    Declined(Box<ToolError>),
}

impl Session {
    /// Whether the client can show a question to its user.
    pub(super) fn can_ask(&self) -> bool {
        !matches!(self.confirmation(), Confirmation::Unsupported)
    }

    /// Whether the user confirmed this subject. Fails if the user declined, or confirmed another subject.
    pub(super) fn has_consent(&self, subject: Subject) -> Result<bool, ToolError> {
        match self.confirmation() {
            Confirmation::Accepted(confirmed) if *confirmed == subject => Ok(true),
            Confirmation::Accepted(_) => {
                let message = "The subject of the question has changed since it was asked, so the answer does not count; \
                               nothing was done.";
                Err(ToolError::new(ErrorCode::Conflict, message).with_hint("Repeat the call to be asked again."))
            }
            Confirmation::Declined(error) => Err(error.as_ref().clone()),
            Confirmation::Unanswered | Confirmation::Unsupported => Ok(false),
        }
    }
}

impl ConfirmationRequest {
    /// Returns the error of a call that needs the answer to this question.
    pub(super) fn into_error(mut self) -> ToolError {
        self.message = on_one_line(&self.message);
        let error = ToolError::new(ErrorCode::ConfirmationRequired, self.message.clone());
        ToolError {
            confirmation_request: Some(Box::new(self)),
            ..error
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let of = |parts: &[&str]| Subject::of(parts.iter().map(|part| part.as_bytes()));
        assert_eq!(of(&["a", "b"]), of(&["a", "b"]));
        for other in [&["ab"][..], &["ab", ""], &["", "ab"], &["b", "a"], &["a", "b", ""], &[]] {
            assert_ne!(of(&["a", "b"]), of(other), "{other:?}");
        }
    }
}
