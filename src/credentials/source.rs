//! Credential sources as values: the trait that each of them implements, and its result.

use std::fmt;

use async_trait::async_trait;
use aws_credential_types::Credentials;
use jiff::Timestamp;

use super::{Attempt, Source, Step, TokenView};
use crate::identity::AuthenticatedCaller;

/// A source of credentials for users.
///
/// The chain asks its sources in order. The server's own credentials are not such a source: they do not implement the
/// trait, so that they cannot be listed among the others, before the chain's rule.
#[async_trait]
pub trait CredentialSource: Send + Sync {
    /// Returns the label of this source's credentials and attempts.
    fn source(&self) -> Source;

    /// Obtains credentials for the caller, or says why there are none. `caller` is absent for a call without a token.
    async fn resolve(&self, caller: Option<&AuthenticatedCaller>) -> SourceResult;

    /// Predicts from settings and claims alone what [`CredentialSource::resolve`] would do. Sends no request.
    fn explain(&self, token: &TokenView<'_>) -> Step;
}

/// Credentials, or the attempt that gave none.
pub type SourceResult = Result<SourceCredentials, Attempt>;

/// Credentials as a source gives them. The chain adds the label.
pub struct SourceCredentials {
    /// The key and its session token.
    pub credentials: Credentials,
    /// When the credentials expire; absent for long-term keys.
    pub expires_at: Option<Timestamp>,
    /// The sentence of the attempt.
    pub message: String,
}

impl fmt::Debug for SourceCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key_id = crate::redact::key_id(self.credentials.access_key_id());
        f.debug_struct("SourceCredentials")
            .field("access_key_id", &key_id)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
