//! Verification of opaque tokens by the credentials that the registry vends for them, which the cache keeps for the call.

use async_trait::async_trait;

use super::{CredentialChain, Outcome, Source};
use crate::error_code::ErrorCode;
use crate::identity::{Caller, RegistryVerifier, RegistryVerifyError};

#[async_trait]
impl RegistryVerifier for CredentialChain {
    async fn ready(&self) -> Result<(), String> {
        let check = self.registries().check_configured().await;
        check.map_err(|error| error.to_string())
    }

    async fn verify(&self, caller: &Caller) -> Result<(), RegistryVerifyError> {
        let answer = self.resolve(caller).await;
        let attempts = match &answer {
            Ok(resolved) => resolved.attempts(),
            Err(none) => &none.attempts,
        };
        let Some(attempt) = attempts.iter().find(|attempt| attempt.source == Source::Catalog) else {
            return Err(RegistryVerifyError::Unavailable(
                "the registry was not asked".to_owned(),
            ));
        };
        let detail = attempt.message.trim_end_matches('.').to_owned();
        match (attempt.outcome, attempt.code) {
            (Outcome::Ok, _) => Ok(()),
            (Outcome::Denied, Some(ErrorCode::Forbidden)) => Err(RegistryVerifyError::Forbidden(detail)),
            (Outcome::Denied, _) => Err(RegistryVerifyError::Unauthorized(detail)),
            (Outcome::NotApplicable | Outcome::Failed, _) => Err(RegistryVerifyError::Unavailable(detail)),
        }
    }
}
