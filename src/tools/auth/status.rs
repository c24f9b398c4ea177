//! `auth_status`: the caller's identity, its proof, and the AWS credentials that follow from it.
//!
//! It is a diagnosis, so it succeeds where other tools fail: a caller without credentials gets the answer of every
//! credential source.

use std::sync::Arc;

use aws_credential_types::Credentials;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::{self, CatalogUser, GraphqlError, RegistryError};
use crate::credentials::{Attempt, NoCredentials, Resolved, Source};
use crate::identity::{AuthenticatedCaller, VerifyMode};
use crate::tools::permissions::role_names;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

/// The tool.
pub struct AuthStatus;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Drop cached credentials first, e.g. after a role switch in the catalog
    #[serde(default)]
    refresh: bool,
}

/// Temporary or long-term key.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// `ASIA…`, which expires.
    Temporary,
    /// `AKIA…`, which does not expire.
    LongTerm,
}

impl KeyKind {
    /// AWS encodes the kind in the key id's prefix. Other implementations of S3 do not; there a session token decides.
    fn of(credentials: &Credentials) -> Self {
        let id = credentials.access_key_id();
        let is_temporary = id.starts_with("ASIA") || (!id.starts_with("AKIA") && credentials.session_token().is_some());
        if is_temporary { Self::Temporary } else { Self::LongTerm }
    }
}

/// The caller's identity and credentials.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    authenticated: bool,
    subject: Option<String>,
    name: Option<String>,
    email: Option<String>,
    /// The method that proved the token; `local_catalog` proves nothing: it accepts any.
    verified_by: Option<&'static str>,
    #[schemars(with = "Option<String>")]
    token_expires_at: Option<Timestamp>,
    /// Until when calls with this token can act. AWS credentials are renewed before they expire, except those in the token.
    #[schemars(with = "Option<String>")]
    acts_until: Option<Timestamp>,
    /// Whether AWS credentials are available; `credential_source` is their source.
    has_credentials: bool,
    attempts: Vec<Attempt>,
    aws_account: Option<String>,
    aws_arn: Option<String>,
    /// Name of the AWS role, where the ARN is a role's session.
    aws_role: Option<String>,
    key_kind: Option<KeyKind>,
    #[schemars(with = "Option<String>")]
    credentials_expire_at: Option<Timestamp>,
    catalog_url: Option<String>,
    /// Version of the catalog's stack.
    stack_version: Option<String>,
    /// Services of the catalog: `search`, `athena`; whether the caller may use them, they say.
    catalog_offers: Vec<&'static str>,
    registry_url: Option<String>,
    /// AWS account of this catalog's roles, where the credentials come from its registry.
    catalog_aws_account: Option<String>,
    /// Role in the catalog that the caller acts in.
    role: Option<String>,
    /// Roles of the catalog that the caller may switch to.
    roles: Vec<String>,
    /// Why the catalog did not say who the caller is.
    #[serde(skip_serializing_if = "Option::is_none")]
    catalog_error: Option<String>,
}

impl Tool for AuthStatus {
    const NAME: &'static str = "auth_status";
    const TITLE: &'static str = "Who am I?";
    const DESCRIPTION: &'static str = "Tells who the caller is by the token, which AWS identity calls act with, and what each \
                                       credential source answered. Use it first when something is denied.";
    const TOOLSET: Toolset = Toolset::Auth;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        if args.refresh {
            session.forget_credentials().await;
        }
        let resolved = session.credentials().await;
        let (identity, (registry_url, me)) = tokio::join!(session.caller_identity(), catalog(&session, &resolved));
        let (has_credentials, attempts, key_kind, credentials_expire_at) = match &resolved {
            Ok(resolved) => (
                true,
                resolved.attempts().to_vec(),
                Some(KeyKind::of(resolved.credentials())),
                resolved.expires_at(),
            ),
            Err(none) => (false, none.attempts.clone(), None, None),
        };
        let (me, catalog_error) = match me {
            Some(Ok(me)) => (me, None),
            Some(Err(error)) => (None, Some(error.to_string())),
            None => (None, None),
        };
        let is_vended = session.credential_source() == Some(Source::Catalog);
        let aws_account = identity.as_ref().map(|identity| identity.account.clone());
        let authenticated = session.authenticated();
        let claims = authenticated.and_then(AuthenticatedCaller::claims);
        let token_expires_at = authenticated.and_then(AuthenticatedCaller::expires_at);
        let is_in_token = resolved
            .as_ref()
            .is_ok_and(|resolved| resolved.source().needs_new_token());
        let acts_until = [token_expires_at, credentials_expire_at.filter(|_| is_in_token)];
        let acts_until = acts_until.into_iter().flatten().min();
        let catalog = session.catalog();
        let stack_version = match &catalog {
            Some(catalog) => catalog.stack_version().await,
            None => None,
        };
        let text = |text: &str| text.to_owned();
        Ok(Output {
            authenticated: authenticated.is_some(),
            subject: authenticated.and_then(AuthenticatedCaller::subject).map(text),
            name: claims.and_then(|claims| claims.name()).map(text),
            email: claims.and_then(|claims| claims.email()).map(text),
            verified_by: verified_by(&session).await,
            token_expires_at,
            acts_until,
            has_credentials,
            attempts,
            catalog_aws_account: aws_account.clone().filter(|_| is_vended),
            aws_account,
            aws_role: identity.as_ref().and_then(|identity| identity.role()).map(text),
            aws_arn: identity.map(|identity| identity.arn),
            key_kind,
            credentials_expire_at,
            catalog_url: catalog.map(|catalog| catalog.url().to_string()),
            stack_version,
            catalog_offers: if registry_url.is_some() && !session.is_catalog_local().await {
                vec!["search", "athena"]
            } else {
                Vec::new()
            },
            registry_url,
            role: me.as_ref().map(|me| me.role.name.clone()),
            roles: me.as_ref().map(role_names).unwrap_or_default(),
            catalog_error,
        }
        .into())
    }
}

/// Returns the method that proved the token. A local catalog vends its owner's credentials with any token.
async fn verified_by(session: &Session) -> Option<&'static str> {
    let method = session.authenticated()?.verified_by();
    if method == VerifyMode::Registry && session.is_catalog_local().await {
        return Some("local_catalog");
    }
    Some(method.as_str())
}

/// Returns the registry's URL, and its view of the caller. For a caller without credentials of its own the registry is not
/// asked a second time: `attempts` has its answer.
async fn catalog(
    session: &Session,
    resolved: &Result<Arc<Resolved>, NoCredentials>,
) -> (Option<String>, Option<Result<Option<CatalogUser>, GraphqlError>>) {
    let Some(Ok(access)) = session.registry().await else {
        return (None, None);
    };
    let url = access.registry.url().await.ok();
    let url = url.map(|url| match session.catalog() {
        Some(catalog) if access.is_configured => catalog.public_registry(url).to_string(),
        _ => url.to_string(),
    });
    let is_known = matches!(resolved, Ok(resolved) if resolved.source() != Source::Ambient);
    let me = if is_known {
        Some(catalog::fetch_user(&access).await)
    } else {
        None
    };
    // A page, or no such endpoint, means that the host is not a registry.
    let is_absent = matches!(
        &me,
        Some(Err(GraphqlError::Registry(
            RegistryError::NotFound | RegistryError::NotJson
        )))
    );
    (url, me.filter(|_| !is_absent))
}
