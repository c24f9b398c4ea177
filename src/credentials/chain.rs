//! The credential chain: the sources in order, and ambient credentials under their rule.

use std::sync::Arc;

use aws_credential_types::Credentials;

use super::ambient_rule::AmbientPermit;
use super::cache::{Cache, Key, TokenLimit};
use super::sources::{self, Ambient, SourceContext};
use super::{
    AmbientPolicy, Attempt, CredentialSource, ExplainedStep, NoCredentials, Outcome, Reach, Resolved, Source, Step,
    TokenView,
};
use crate::catalog::Registries;
use crate::error_code::ErrorCode;
use crate::identity::{AuthenticatedCaller, Caller};
use crate::telemetry::metrics::{self, CredentialEvent};

/// Resolves callers to credentials.
pub struct CredentialChain {
    sources: Vec<Box<dyn CredentialSource>>,
    ambient: Ambient,
    registries: Arc<Registries>,
    registry_name: String,
    cache: Cache,
}

impl CredentialChain {
    /// A chain of all sources.
    #[must_use]
    pub fn new(context: &SourceContext<'_>) -> Self {
        Self {
            sources: sources::list(context),
            ambient: context.ambient.clone(),
            registries: context.registries.clone(),
            registry_name: context.registries.configured_name(),
            cache: Cache::new(context.clock.clone()),
        }
    }

    /// Returns the registries that the catalog source asks.
    pub(super) fn registries(&self) -> &Registries {
        &self.registries
    }

    /// Returns what the operator allows ambient credentials to do.
    #[must_use]
    pub fn ambient_policy(&self) -> AmbientPolicy {
        self.ambient.policy()
    }

    /// Returns the server's own credentials, if the settings have a use for them: roles of users, or ambient credentials.
    /// The error says why they cannot be had.
    pub async fn own_identity(&self) -> Option<Result<Credentials, String>> {
        self.ambient.own_identity().await
    }

    /// Returns this caller's credentials, from the cache or from the sources.
    pub async fn resolve(&self, caller: &Caller) -> Result<Arc<Resolved>, NoCredentials> {
        let caller = caller.authenticated();
        let ask = self.ask(caller);
        self.cache
            .get_or_ask(self.key(caller), TokenLimit::of(caller), ask)
            .await
    }

    /// Forgets this caller's credentials, so that the next call asks the sources again.
    pub async fn forget(&self, caller: &Caller) {
        self.cache.forget(self.key(caller.authenticated())).await;
    }

    /// Replaces credentials that AWS says have expired. Returns the same as [`CredentialChain::resolve`], never the stale
    /// ones.
    pub async fn renew(&self, caller: &Caller, stale_access_key_id: &str) -> Result<Arc<Resolved>, NoCredentials> {
        metrics::credentials(CredentialEvent::Refresh);
        self.ambient.forget(stale_access_key_id);
        self.cache
            .forget_stale(self.key(caller.authenticated()), stale_access_key_id)
            .await;
        self.resolve(caller).await
    }

    /// Explains what every source would do for this token. Sends no request.
    #[must_use]
    pub fn explain(&self, token: &TokenView<'_>) -> Vec<ExplainedStep> {
        let steps: Vec<(Source, Step)> = self
            .sources
            .iter()
            .map(|source| (source.source(), source.explain(token)))
            .collect();
        let ambient = self.explain_ambient(token, &steps);
        let condition = if token.verified_by().is_some() {
            ""
        } else {
            "if the server proves the token: "
        };
        steps
            .into_iter()
            .map(|(source, step)| (source, format!("{condition}{}", step.text)))
            .chain([(Source::Ambient, ambient)])
            .map(|(source, text)| ExplainedStep { source, text })
            .collect()
    }

    /// Explains whether the rule about ambient credentials would grant a permit.
    fn explain_ambient(&self, token: &TokenView<'_>, steps: &[(Source, Step)]) -> String {
        let Some(rights) = self.ambient.explain() else {
            return "never: QUILT_MCP_AMBIENT is never".to_owned();
        };
        let outcomes = steps.iter().map(|(_, step)| step.outcome());
        if AmbientPermit::grant(token.verified_by(), outcomes).is_some() {
            return format!("reached, because no step before applies: {rights}");
        }
        match steps.iter().find(|(_, step)| step.reach == Reach::Applies) {
            Some((source, _)) => format!(
                "not reached: the {} step applies, and nothing but \"not applicable\" leads here",
                source.as_str()
            ),
            None => "not reached: the registry proves an opaque token, so the catalog step applies".to_owned(),
        }
    }

    fn key(&self, caller: Option<&AuthenticatedCaller>) -> Key {
        Key::of(caller, &self.registry_name)
    }

    async fn ask(&self, caller: Option<&AuthenticatedCaller>) -> Result<Resolved, NoCredentials> {
        let mut attempts = Vec::with_capacity(self.sources.len() + 1);
        for source in &self.sources {
            match source.resolve(caller).await {
                Ok(found) => return Ok(Resolved::from_source(source.source(), found, attempts)),
                Err(attempt) => attempts.push(attempt),
            }
        }
        let outcomes = attempts.iter().map(|attempt| attempt.outcome);
        let answer = match AmbientPermit::grant(caller.map(AuthenticatedCaller::verified_by), outcomes) {
            Some(permit) => self.ambient.resolve(permit).await,
            None => Err(Attempt::none(
                Source::Ambient,
                Outcome::NotApplicable,
                ErrorCode::NoClaim,
                "not used: another source applies to this caller, and it did not give credentials",
            )),
        };
        match answer {
            Ok(found) => Ok(Resolved::from_source(Source::Ambient, found, attempts)),
            Err(attempt) => {
                attempts.push(attempt);
                Err(NoCredentials { attempts })
            }
        }
    }
}

#[cfg(test)]
mod tests;
