//! `auth_status`: who the token says, how that was proved, and which AWS credentials follow from it.
//!
//! It is a diagnosis, so it succeeds where other tools fail: a caller without credentials is told which source answered
//! what.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::credentials::Attempt;
use crate::identity::ProvedCaller;
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
    key_kind: Option<KeyKind>,
    #[schemars(with = "Option<String>")]
    credentials_expire_at: Option<Timestamp>,
    catalog_url: Option<String>,
    registry_url: Option<String>,
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
        let identity = session.caller_identity().await;
        let (has_credentials, attempts, key_kind, credentials_expire_at) = match &resolved {
            Ok(resolved) => {
                let is_temporary = resolved.credentials().session_token().is_some();
                let kind = if is_temporary { KeyKind::Temporary } else { KeyKind::LongTerm };
                (true, resolved.attempts().to_vec(), Some(kind), resolved.expires_at())
            }
            Err(none) => (false, none.attempts.clone(), None, None),
        };
        let registry_url = match session.registry().await {
            Some(Ok(access)) => access.registry.url().await.ok().map(|url| url.to_string()),
            _ => None,
        };
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
            aws_account: identity.as_ref().map(|identity| identity.account.clone()),
            aws_arn: identity.map(|identity| identity.arn),
            key_kind,
            credentials_expire_at,
            catalog_url: session.catalog().map(|catalog| catalog.url().to_string()),
            registry_url,
        }
        .into())
    }
}
