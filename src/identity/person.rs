//! Whose calls belong together: the person, whatever number of tokens they use.
//!
//! The one answer for quotas, places, turns and confirmations. It gives no rights: what a call may do hangs on its own
//! token alone ([`super::Fingerprint`]).

use super::{Caller, Fingerprint};

/// Whose calls belong together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Person {
    /// Whoever brings no token.
    Anonymous,
    /// Whom proved tokens speak of.
    Subject(String),
    /// The owner of a token that names nobody; each is somebody of its own.
    Token(Fingerprint),
}

impl Caller {
    /// Whose call it is.
    #[must_use]
    pub fn person(&self) -> Person {
        match self {
            Self::Anonymous => Person::Anonymous,
            Self::Proved(proved) => match proved.subject() {
                Some(subject) => Person::Subject(subject.to_owned()),
                None => Person::Token(proved.fingerprint()),
            },
        }
    }
}
