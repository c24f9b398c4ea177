//! The chain: JWT exchange, then catalog, then ambient; and the rule that guards the last one.

use std::sync::Arc;

use async_trait::async_trait;

use super::cache::{Cache, Key};
use super::{Ambient, Attempt, CatalogCredentials, JwtExchange, NoCredentials, Outcome, Resolved, Source};
use crate::clock::Clock;
use crate::credentials::AmbientPolicy;
use crate::error_code::ErrorCode;
use crate::identity::{Caller, Proof, ProvedCaller, Refusal, RegistryProof};
use crate::telemetry::metrics::{self, CredentialEvent};

/// Turns a caller into credentials.
pub struct Resolver {
    jwt: JwtExchange,
    catalog: CatalogCredentials,
    ambient: Ambient,
    registry_name: String,
    cache: Cache,
}

impl Resolver {
    /// `registry_name` identifies the registry in cache keys.
    #[must_use]
    pub fn new(
        jwt: JwtExchange,
        catalog: CatalogCredentials,
        ambient: Ambient,
        registry_name: String,
        clock: Clock,
    ) -> Self {
        Self {
            jwt,
            catalog,
            ambient,
            registry_name,
            cache: Cache::new(clock),
        }
    }

    /// What the operator allows ambient credentials to do.
    #[must_use]
    pub fn ambient_policy(&self) -> AmbientPolicy {
        self.ambient.policy()
    }

    /// This caller's credentials, from the cache or from the chain.
    pub async fn resolve(&self, caller: &Caller) -> Result<Arc<Resolved>, NoCredentials> {
        let proved = proved(caller);
        let token_expires_at = proved.and_then(ProvedCaller::expires_at);
        // Boxed, and made only when it is needed: the chain's future is some 30 KiB, and most calls hit the cache.
        let ask = async { Box::pin(self.ask(proved)).await };
        self.cache.get_or_ask(self.key(proved), token_expires_at, ask).await
    }

    /// Forgets this caller's credentials, so that the next call asks anew.
    pub async fn forget(&self, caller: &Caller) {
        self.cache.forget(self.key(proved(caller))).await;
    }

    /// Replaces credentials that AWS says are over. Answers the same as [`Resolver::resolve`], never the stale ones.
    pub async fn renew(&self, caller: &Caller, stale_access_key_id: &str) -> Result<Arc<Resolved>, NoCredentials> {
        metrics::credentials(CredentialEvent::Refresh);
        self.cache
            .forget_stale(self.key(proved(caller)), stale_access_key_id)
            .await;
        self.resolve(caller).await
    }

    fn key(&self, caller: Option<&ProvedCaller>) -> Key {
        Key::of(caller, &self.registry_name)
    }

    async fn ask(&self, caller: Option<&ProvedCaller>) -> Result<Resolved, NoCredentials> {
        let mut attempts = Vec::with_capacity(3);
        match self.jwt.step(caller).await {
            Ok((credentials, expires_at, attempt)) => {
                attempts.push(attempt);
                return Ok(Resolved::new(credentials, Source::Jwt, expires_at, attempts));
            }
            Err(attempt) => attempts.push(attempt),
        }
        match self.catalog.step(caller).await {
            Ok((credentials, expires_at, attempt)) => {
                attempts.push(attempt);
                return Ok(Resolved::new(credentials, Source::Catalog, expires_at, attempts));
            }
            Err(attempt) => attempts.push(attempt),
        }
        // The rule of the house: a caller whom a source refused, or whom it could not answer, has a source. Acting as
        // the server then would give that caller rights that nobody granted.
        // An opaque token was proved by its registry, so it has that source even if the registry is gone a moment later.
        let has_source = caller.is_some_and(|caller| caller.proof() == Proof::Registry);
        if has_source || attempts.iter().any(|attempt| attempt.outcome != Outcome::NotApplicable) {
            let message = "not used: another source applies to this caller, and it did not give credentials";
            attempts.push(Attempt::none(
                Source::Ambient,
                Outcome::NotApplicable,
                ErrorCode::NoClaim,
                message,
            ));
            return Err(NoCredentials { attempts });
        }
        match self.ambient.step().await {
            Ok((credentials, expires_at, attempt)) => {
                attempts.push(attempt);
                Ok(Resolved::new(credentials, Source::Ambient, expires_at, attempts))
            }
            Err(attempt) => {
                attempts.push(attempt);
                Err(NoCredentials { attempts })
            }
        }
    }
}

/// The registry's proof of an opaque token is the credentials that it vends, which stay in the cache for the call.
#[async_trait]
impl RegistryProof for Resolver {
    async fn prove(&self, caller: &Caller) -> Result<(), Refusal> {
        let answer = self.resolve(caller).await;
        let attempts = match &answer {
            Ok(resolved) => resolved.attempts(),
            Err(none) => &none.attempts,
        };
        let Some(attempt) = attempts.iter().find(|attempt| attempt.source == Source::Catalog) else {
            return Err(Refusal::Unavailable("the registry was not asked".to_owned()));
        };
        let detail = attempt.message.trim_end_matches('.').to_owned();
        match (attempt.outcome, attempt.code) {
            (Outcome::Ok, _) => Ok(()),
            (Outcome::Denied, Some(ErrorCode::Forbidden)) => Err(Refusal::Forbidden(detail)),
            (Outcome::Denied, _) => Err(Refusal::Unknown(detail)),
            (Outcome::NotApplicable | Outcome::Failed, _) => Err(Refusal::Unavailable(detail)),
        }
    }
}

fn proved(caller: &Caller) -> Option<&ProvedCaller> {
    match caller {
        Caller::Anonymous => None,
        Caller::Proved(proved) => Some(proved),
    }
}
