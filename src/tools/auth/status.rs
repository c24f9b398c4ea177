//! `auth_status`: who the token says, how that was proved, and which AWS credentials follow from it.
//!
//! It is a diagnosis, so it succeeds where other tools fail: a caller without credentials is told which source answered
//! what.

use std::sync::Arc;

use aws_credential_types::Credentials;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::{self, GraphqlError, Me, RegistryError};
use crate::credentials::{Attempt, NoCredentials, Resolved, Source};
use crate::identity::ProvedCaller;
use crate::tools::permissions::role_names;
use crate::tools::tool::{Hints, Reply, Tool, Toolset};
use crate::tools::{Session, ToolError};

/// Tells who calls.
pub struct AuthStatus;

/// How to ask.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// true: drop cached credentials first, e.g. after a role switch in the catalog
    #[serde(default)]
    refresh: bool,
}

/// Temporary or long-term key.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// `ASIA…`, ends by itself.
    Temporary,
    /// `AKIA…`, does not end.
    LongTerm,
}

impl KeyKind {
    /// AWS says it in the first letters of the key's id; other makes of S3 do not, and there a session token tells.
    fn of(credentials: &Credentials) -> Self {
        let id = credentials.access_key_id();
        let is_temporary = id.starts_with("ASIA") || (!id.starts_with("AKIA") && credentials.session_token().is_some());
        if is_temporary { Self::Temporary } else { Self::LongTerm }
    }
}

/// Who calls, and with what.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    authenticated: bool,
    subject: Option<String>,
    name: Option<String>,
    email: Option<String>,
    /// Who proved the token.
    verified_by: Option<&'static str>,
    #[schemars(with = "Option<String>")]
    token_expires_at: Option<Timestamp>,
    /// Whether AWS credentials could be had; `credential_source` says from where.
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
    const DESCRIPTION: &'static str = "Tells who the token says the caller is, which AWS identity the calls act with, \
                                       where those credentials come from, and what each credential source answered. Use \
                                       it first when something is denied.";
    const TOOLSET: Toolset = Toolset::Auth;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<Reply<Output>, ToolError> {
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
            Some(Ok(me)) => (Some(me), None),
            Some(Err(error)) => (None, Some(error.to_string())),
            None => (None, None),
        };
        let is_vended = session.credential_source() == Some(Source::Catalog);
        let aws_account = identity.as_ref().map(|identity| identity.account.clone());
        let proved = session.proved();
        let claims = proved.and_then(ProvedCaller::claims);
        let text = |text: &str| text.to_owned();
        Ok(Output {
            authenticated: proved.is_some(),
            subject: proved.and_then(ProvedCaller::subject).map(text),
            name: claims.and_then(|claims| claims.name()).map(text),
            email: claims.and_then(|claims| claims.email()).map(text),
            verified_by: proved.map(|proved| proved.proof().as_str()),
            token_expires_at: proved.and_then(ProvedCaller::expires_at),
            has_credentials,
            attempts,
            catalog_aws_account: aws_account.clone().filter(|_| is_vended),
            aws_account,
            aws_role: identity.as_ref().and_then(|identity| identity.role()).map(text),
            aws_arn: identity.map(|identity| identity.arn),
            key_kind,
            credentials_expire_at,
            catalog_url: session.catalog().map(|catalog| catalog.url().to_string()),
            registry_url,
            role: me.as_ref().map(|me| me.role.name.clone()),
            roles: me.as_ref().map(role_names).unwrap_or_default(),
            catalog_error,
        }
        .into())
    }
}

/// The registry's URL, and what it says about the caller. A registry that gave no credentials to a caller who has none is
/// not asked a second time: `attempts` says what it answered.
async fn catalog(
    session: &Session,
    resolved: &Result<Arc<Resolved>, NoCredentials>,
) -> (Option<String>, Option<Result<Me, GraphqlError>>) {
    let Some(Ok(access)) = session.registry().await else {
        return (None, None);
    };
    let url = access.registry.url().await.ok().map(|url| url.to_string());
    let is_known = matches!(resolved, Ok(resolved) if resolved.source() != Source::Ambient);
    let me = if is_known {
        Some(catalog::me(&access).await)
    } else {
        None
    };
    // A page, or no such endpoint: what is there is no registry, and has nothing to say.
    let is_absent = matches!(
        &me,
        Some(Err(GraphqlError::Registry(
            RegistryError::NotFound | RegistryError::NotJson
        )))
    );
    (url, me.filter(|_| !is_absent))
}
