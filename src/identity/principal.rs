//! The principal of a call: the identity to which limits and confirmations apply, independent of its token.
//!
//! Rate limits, concurrency limits, memory queues and confirmations are counted by principal. It gives no rights: the
//! rights of a call depend on its own token alone ([`super::Fingerprint`]).

use super::{Caller, Fingerprint};

/// The identity to which the limits of a call apply.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Principal {
    /// All calls without a token.
    Anonymous,
    /// The subject of verified tokens.
    Subject(String),
    /// The owner of a token without a subject. Each such token is a principal of its own.
    Token(Fingerprint),
}

impl Caller {
    /// Returns the principal of this caller's calls.
    #[must_use]
    pub fn principal(&self) -> Principal {
        match self {
            Self::Anonymous => Principal::Anonymous,
            Self::Authenticated(caller) => match caller.subject() {
                Some(subject) => Principal::Subject(subject.to_owned()),
                None => Principal::Token(caller.fingerprint()),
            },
        }
    }
}
