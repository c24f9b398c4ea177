//! The result of the chain: credentials with their label, or the reasons why there are none.

use std::fmt;

use aws_credential_types::Credentials;
use jiff::Timestamp;

use super::{Attempt, Outcome, Source, SourceCredentials};
use crate::error_code::ErrorCode;

/// Credentials chosen for one caller.
#[derive(Clone)]
pub struct Resolved {
    credentials: Credentials,
    source: Source,
    expires_at: Option<Timestamp>,
    attempts: Vec<Attempt>,
}

impl Resolved {
    /// Credentials of this source. `attempts` ends with the one that gave them.
    #[must_use]
    pub fn new(
        credentials: Credentials,
        source: Source,
        expires_at: Option<Timestamp>,
        attempts: Vec<Attempt>,
    ) -> Self {
        Self {
            credentials,
            source,
            expires_at,
            attempts,
        }
    }

    /// Labels what a source gave. `attempts` are those of the sources before it.
    pub(super) fn from_source(source: Source, found: SourceCredentials, mut attempts: Vec<Attempt>) -> Self {
        attempts.push(Attempt::ok(source, found.message));
        Self::new(found.credentials, source, found.expires_at, attempts)
    }

    /// Returns the credentials, for signing.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Returns the source that gave the credentials.
    #[must_use]
    pub fn source(&self) -> Source {
        self.source
    }

    /// Returns when the credentials expire; `None` for long-term keys.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// Returns how every source answered, in order.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }
}

impl fmt::Debug for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolved")
            .field(
                "access_key_id",
                &crate::redact::key_id(self.credentials.access_key_id()),
            )
            .field("source", &self.source)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// No source gave credentials. The call fails with the reasons; it never acts with other rights.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct NoCredentials {
    /// How every source answered, in order.
    pub attempts: Vec<Attempt>,
}

impl NoCredentials {
    /// Returns the attempt that decides what the caller should do: the first refusal, else the first failure.
    #[must_use]
    pub fn decisive(&self) -> Option<&Attempt> {
        let by = |outcome| self.attempts.iter().find(move |attempt| attempt.outcome == outcome);
        by(Outcome::Denied)
            .or_else(|| by(Outcome::Failed))
            .or_else(|| self.attempts.last())
    }

    /// Returns the code of the decisive attempt, or `no_credentials` when no source applied.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        let decisive = self
            .decisive()
            .filter(|attempt| attempt.outcome != Outcome::NotApplicable);
        decisive
            .and_then(|attempt| attempt.code)
            .unwrap_or(ErrorCode::NoCredentials)
    }

    /// Whether a source failed, and none refused.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        self.decisive()
            .is_some_and(|attempt| attempt.outcome == Outcome::Failed)
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.is_failure() && self.decisive().is_some_and(|attempt| !attempt.is_permanent)
    }

    fn sentence(&self) -> String {
        let reasons: Vec<String> = self
            .attempts
            .iter()
            .map(|a| format!("{}: {}", a.source.as_str(), a.message.trim_end_matches('.')))
            .collect();
        format!(
            "No AWS credentials are available for this caller ({}).",
            reasons.join("; ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_says_how_every_source_answered() {
        let attempts = vec![
            Attempt::none(
                Source::Jwt,
                Outcome::NotApplicable,
                ErrorCode::NoClaim,
                "nothing in it.",
            ),
            Attempt::none(Source::Catalog, Outcome::Denied, ErrorCode::Forbidden, "refused"),
        ];
        let sentence = NoCredentials { attempts }.to_string();
        assert_eq!(
            sentence,
            "No AWS credentials are available for this caller (jwt: nothing in it; catalog: refused)."
        );
    }

    #[test]
    fn debug_shows_which_key_and_no_secret() {
        let credentials = Credentials::new(
            "ASIAABCDEFGHIJKLMNOP",
            "canary-1",
            Some("canary-2".into()),
            None,
            "test",
        );
        let shown = format!("{:?}", Resolved::new(credentials, Source::Catalog, None, vec![]));
        assert!(
            shown.contains("ASIA…MNOP") && shown.contains("Catalog") && !shown.contains("canary"),
            "{shown}"
        );
    }
}
