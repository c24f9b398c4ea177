//! The second source: the catalog's registry vends the caller's own temporary credentials.
//!
//! `GET {registry}/api/auth/get_credentials` with the caller's bearer; the answer is JSON with `AccessKeyId`,
//! `SecretAccessKey`, `SessionToken` and `Expiration` (facts read from quilt3's `session.py`). It is asked of the
//! registry and never of the catalog host, which answers any path with its web page and a 200.

use std::sync::Arc;

use aws_credential_types::Credentials;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{Attempt, Outcome, Source};
use crate::catalog::{RegistryDirectory, RegistryError};
use crate::clock::{Clock, to_system_time};
use crate::error_code::ErrorCode;
use crate::identity::ProvedCaller;

const PATH: &str = "/api/auth/get_credentials";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Vended {
    access_key_id: String,
    secret_access_key: SecretString,
    session_token: SecretString,
    expiration: Timestamp,
}

/// The second source.
pub struct CatalogCredentials {
    registries: Arc<RegistryDirectory>,
    clock: Clock,
}

impl CatalogCredentials {
    /// Asks these registries.
    #[must_use]
    pub fn new(registries: Arc<RegistryDirectory>, clock: Clock) -> Self {
        Self { registries, clock }
    }

    pub(super) async fn step(
        &self,
        caller: Option<&ProvedCaller>,
    ) -> Result<(Credentials, Option<Timestamp>, Attempt), Attempt> {
        let none = |outcome, code, message: String| Attempt::none(Source::Catalog, outcome, code, message);
        let Some(caller) = caller else {
            return Err(none(
                Outcome::NotApplicable,
                ErrorCode::NoClaim,
                "the call brought no token".to_owned(),
            ));
        };
        let Some(access) = self.registries.for_caller(caller).await else {
            let message = "neither QUILT_REGISTRY_URL nor QUILT_CATALOG_URL is configured".to_owned();
            return Err(none(Outcome::NotApplicable, ErrorCode::MissingConfig, message));
        };
        let access = access.map_err(|error| refused(&error))?;
        let body = access
            .registry
            .get(PATH, &access.token)
            .await
            .map_err(|error| refused(&error))?;
        let vended: Vended = serde_json::from_slice(&body).map_err(|_| {
            let message = "the registry answered JSON that does not hold credentials".to_owned();
            none(Outcome::Failed, ErrorCode::InvalidResponse, message)
        })?;
        if vended.expiration <= self.clock.now() {
            let message = "the registry vended credentials that have already expired; check both clocks".to_owned();
            return Err(none(Outcome::Failed, ErrorCode::InvalidResponse, message));
        }
        let credentials = Credentials::new(
            vended.access_key_id,
            vended.secret_access_key.expose_secret(),
            Some(vended.session_token.expose_secret().to_owned()),
            Some(to_system_time(vended.expiration)),
            "quilt-registry",
        );
        let message = match caller.claims() {
            Some(_) if access.has_catalog_token => "the registry vended credentials for the token's catalog_token",
            // Not an error, but worth knowing when the registry refuses: it was sent a token of another issuer.
            Some(_) => "the registry vended credentials for the token itself, which carries no catalog_token",
            None => "the registry vended credentials",
        };
        Ok((
            credentials,
            Some(vended.expiration),
            Attempt::ok(Source::Catalog, message),
        ))
    }
}

/// What each way of not answering means for the chain.
fn refused(error: &RegistryError) -> Attempt {
    let (outcome, code) = match error {
        RegistryError::Unauthorized(_) => (Outcome::Denied, ErrorCode::InvalidJwt),
        RegistryError::Forbidden(_) | RegistryError::NotAllowed(_) => (Outcome::Denied, ErrorCode::Forbidden),
        RegistryError::NotFound => (Outcome::NotApplicable, ErrorCode::MissingConfig),
        RegistryError::NotJson => (Outcome::NotApplicable, ErrorCode::NotJson),
        RegistryError::Timeout => (Outcome::Failed, ErrorCode::Timeout),
        RegistryError::Status(_)
        | RegistryError::Unreachable(_)
        | RegistryError::NotAsked(_)
        | RegistryError::TooLarge => (Outcome::Failed, ErrorCode::RequestFailed),
        RegistryError::Config(cause) => match **cause {
            RegistryError::Timeout => (Outcome::Failed, ErrorCode::Timeout),
            RegistryError::NotAsked(_) => (Outcome::Failed, ErrorCode::RequestFailed),
            _ => (Outcome::Failed, ErrorCode::InvalidResponse),
        },
        RegistryError::Malformed | RegistryError::NoRegistry => (Outcome::Failed, ErrorCode::InvalidResponse),
    };
    let message = match error {
        RegistryError::NotAllowed(_) | RegistryError::Config(_) => error.to_string(),
        _ => format!("the registry was asked, and {error}"),
    };
    Attempt::none(Source::Catalog, outcome, code, message)
}
