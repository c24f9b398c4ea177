//! The catalog source: the registry gives the caller's own temporary credentials.
//!
//! `GET {registry}/api/auth/get_credentials` with the caller's bearer; the response is JSON with `AccessKeyId`,
//! `SecretAccessKey`, `SessionToken` and `Expiration` (facts read from quilt3's `session.py`). The request goes to the
//! registry and never to the catalog's host, which answers any path with its web page and a 200.

use std::sync::Arc;

use async_trait::async_trait;
use aws_credential_types::Credentials;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::catalog::{ConfiguredRegistry, NamedRegistry, Ownership, Registries, RegistryChoice, RegistryError};
use crate::clock::{Clock, to_system_time};
use crate::credentials::keys;
use crate::credentials::{
    Attempt, CredentialSource, Outcome, Source, SourceCredentials, SourceResult, Step, TokenView,
};
use crate::error_code::ErrorCode;
use crate::identity::{AuthenticatedCaller, Claims};

const PATH: &str = "/api/auth/get_credentials";
/// Why the source is not applicable without a registry.
const NO_REGISTRY: &str = "neither QUILT_REGISTRY_URL nor QUILT_CATALOG_URL is configured";
/// Why the source is not applicable to a registry without the endpoint.
const VENDS_NONE: &str = "the operator set QUILT_MCP_CATALOG_CREDENTIALS=false: the registry vends no credentials";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Issued {
    access_key_id: String,
    secret_access_key: SecretString,
    session_token: SecretString,
    /// Null, or absent, if the registry does not know it: quilt3-local 2.0.0 vends the session of its owner.
    expiration: Option<Timestamp>,
}

pub(super) struct CatalogSource {
    registries: Arc<Registries>,
    clock: Clock,
}

impl CatalogSource {
    pub(super) fn new(registries: Arc<Registries>, clock: Clock) -> Self {
        Self { registries, clock }
    }

    /// Reads the registry's response.
    fn parse(&self, body: &[u8]) -> Result<Issued, Attempt> {
        let unusable = |message| none(Outcome::Failed, ErrorCode::InvalidResponse, message);
        let no_credentials = || unusable("the registry answered JSON that does not hold credentials");
        // A derived struct is also read from an array.
        let is_object = body.trim_ascii_start().first() == Some(&b'{');
        let issued = serde_json::from_slice::<Issued>(body).ok().filter(|_| is_object);
        let issued = issued.ok_or_else(no_credentials)?;
        let secrets = [&issued.secret_access_key, &issued.session_token];
        if issued.access_key_id.is_empty() || secrets.iter().any(|secret| secret.expose_secret().is_empty()) {
            return Err(no_credentials());
        }
        if issued.expiration.is_some_and(|end| end <= self.clock.now()) {
            return Err(unusable(
                "the registry vended credentials that have already expired; check both clocks",
            ));
        }
        Ok(issued)
    }

    /// Whether the token leads to the operator's registry, as far as that can be seen without a request.
    fn is_configured(&self, token: &TokenView<'_>) -> bool {
        match self.registries.choose(token.claims()) {
            RegistryChoice::Configured(_) => true,
            RegistryChoice::Named(named) => named.ownership == Ownership::Own,
            RegistryChoice::None | RegistryChoice::Invalid(_) => false,
        }
    }

    /// Names the registry that would be asked, or says why it would not be. Absent: there is none.
    fn registry(&self, token: &TokenView<'_>) -> Option<Result<String, String>> {
        let is_proved = token.verified_by().is_some();
        Some(match self.registries.choose(token.claims()) {
            RegistryChoice::None if is_proved => return None,
            RegistryChoice::None => Ok("the server's registry, if it has one".to_owned()),
            RegistryChoice::Configured(ConfiguredRegistry::At(url)) => Ok(format!("the configured registry {url}")),
            RegistryChoice::Configured(ConfiguredRegistry::Of(catalog)) => {
                Ok(format!("the registry that {catalog}/config.json names"))
            }
            RegistryChoice::Invalid(problem) => Err(format!("failed: {problem}")),
            RegistryChoice::Named(named) => {
                named_registry(&named, is_proved).map_err(|problem| format!("denied: {problem}"))
            }
        })
    }
}

#[async_trait]
impl CredentialSource for CatalogSource {
    fn source(&self) -> Source {
        Source::Catalog
    }

    async fn resolve(&self, caller: Option<&AuthenticatedCaller>) -> SourceResult {
        let not_applicable = |code, message| none(Outcome::NotApplicable, code, message);
        let caller = caller.ok_or_else(|| not_applicable(ErrorCode::NoClaim, "the call has no token"))?;
        let access = self.registries.for_caller(caller).await;
        let access = access.ok_or_else(|| not_applicable(ErrorCode::MissingConfig, NO_REGISTRY))?;
        let access = access.map_err(|error| attempt_of(&error))?;
        if access.is_configured && !self.registries.vends_credentials() {
            return Err(not_applicable(ErrorCode::MissingConfig, VENDS_NONE));
        }
        let body = access.registry.get(PATH, &access.token).await;
        let issued = self.parse(&body.map_err(|error| attempt_of(&error))?)?;
        let message = match caller.claims() {
            Some(_) if access.has_catalog_token => "the registry vended credentials for the token's catalog_token",
            // Not an error, but good to know when the registry refuses: it received a token of another issuer.
            Some(_) => "the registry vended credentials for the token itself, which carries no catalog_token",
            None => "the registry vended credentials",
        };
        let credentials = Credentials::new(
            issued.access_key_id,
            issued.secret_access_key.expose_secret(),
            Some(issued.session_token.expose_secret().to_owned()),
            issued.expiration.map(to_system_time),
            "quilt-registry",
        );
        let credentials = keys::check(credentials).map_err(|problem| {
            let message = format!("the registry vended credentials that cannot be used: {problem}");
            none(Outcome::Failed, ErrorCode::InvalidResponse, &message)
        })?;
        Ok(SourceCredentials {
            credentials,
            expires_at: issued.expiration,
            message: message.to_owned(),
        })
    }

    fn explain(&self, token: &TokenView<'_>) -> Step {
        let own = token.claims().map_or(Ok(None), Claims::catalog_token);
        let own = match own {
            Ok(own) => own,
            Err(problem) => return Step::applies(format!("failed: {problem}")),
        };
        let Some(registry) = self.registry(token) else {
            return Step::not_applicable(NO_REGISTRY);
        };
        let bearer = if own.is_some() {
            "the token's catalog_token"
        } else {
            "the token itself"
        };
        if !self.registries.vends_credentials() && self.is_configured(token) {
            return Step::not_applicable(VENDS_NONE);
        }
        match registry {
            Ok(registry) => Step::applies(format!("GET {PATH} of {registry}, with {bearer} as bearer")),
            Err(problem) => Step::applies(problem),
        }
    }
}

/// Describes a registry that a claim names.
fn named_registry(named: &NamedRegistry, is_proved: bool) -> Result<String, String> {
    let url = &named.url;
    let registry = named.claim.kind();
    match (named.ownership, named.admission) {
        (Ownership::Own, _) => Ok(format!(
            "{registry} {url}, which the token names and the server is configured for"
        )),
        (_, Ok(_)) => Ok(format!(
            "{registry} {url}, which the token names and QUILT_MCP_ALLOWED_REGISTRIES allows"
        )),
        (ownership, Err(refusal)) if ownership == Ownership::Unknown || (!is_proved && refusal.is_of_settings()) => Ok(
            format!("{registry} {url}, if it is the server's own or on its QUILT_MCP_ALLOWED_REGISTRIES"),
        ),
        (_, Err(refusal)) => Err(refusal.of_claim(named.claim)),
    }
}

fn none(outcome: Outcome, code: ErrorCode, message: &str) -> Attempt {
    Attempt::none(Source::Catalog, outcome, code, message)
}

/// Records what each failure of the registry means for the chain.
fn attempt_of(error: &RegistryError) -> Attempt {
    let (outcome, code) = match error {
        RegistryError::Unauthorized(_) => (Outcome::Denied, ErrorCode::InvalidJwt),
        RegistryError::Forbidden(_) | RegistryError::NotAllowed(_) => (Outcome::Denied, ErrorCode::Forbidden),
        // A registry that is known and does not answer as one is in trouble, or its load balancer is. It does not count as
        // absent: a caller without a registry may get the server's own credentials.
        RegistryError::NotJson => (Outcome::Failed, ErrorCode::NotJson),
        RegistryError::Timeout => (Outcome::Failed, ErrorCode::Timeout),
        RegistryError::NotFound
        | RegistryError::BadRequest(_)
        | RegistryError::Redirect { .. }
        | RegistryError::Status(_)
        | RegistryError::Unreachable(_)
        | RegistryError::Rejected(_)
        | RegistryError::TooLarge => (Outcome::Failed, ErrorCode::RequestFailed),
        RegistryError::Config(cause) => match **cause {
            RegistryError::Timeout => (Outcome::Failed, ErrorCode::Timeout),
            RegistryError::Rejected(_) => (Outcome::Failed, ErrorCode::RequestFailed),
            _ => (Outcome::Failed, ErrorCode::InvalidResponse),
        },
        RegistryError::Malformed
        | RegistryError::NoRegistry
        | RegistryError::LocalCatalog
        | RegistryError::Claim(_) => (Outcome::Failed, ErrorCode::InvalidResponse),
    };
    let message = match error {
        RegistryError::NotAllowed(_)
        | RegistryError::Config(_)
        | RegistryError::LocalCatalog
        | RegistryError::Claim(_) => error.to_string(),
        _ => format!("the registry was asked, and {error}"),
    };
    let attempt = Attempt::none(Source::Catalog, outcome, code, message);
    if matches!(error, RegistryError::Claim(_)) {
        attempt.permanent()
    } else {
        attempt
    }
}
