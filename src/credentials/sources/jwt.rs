//! The JWT source: credentials that a verified token carries, or a role that follows from it.
//!
//! Order: embedded credentials, then the role that the token names, then web identity. Only tokens whose signature this
//! server verified are applicable; the claims of an opaque token are not known here.

use async_trait::async_trait;
use aws_credential_types::Credentials;
use jiff::Timestamp;
use secrecy::ExposeSecret;

use crate::clock::{Clock, to_system_time};
use crate::credentials::keys;
use crate::credentials::{
    AssumeRole, Attempt, CredentialSource, Outcome, Source, SourceCredentials, SourceResult, Step, TokenView,
};
use crate::error_code::ErrorCode;
use crate::identity::{AuthenticatedCaller, ClaimError, Claims, EmbeddedCredentials, VerifyMode};

/// Why a token without any of these claims has no credentials here.
const NO_CLAIM: &str = "the token carries neither AWS credentials nor a role";

pub(super) struct JwtSource {
    assume_role: AssumeRole,
    clock: Clock,
}

/// The way from claims to credentials. [`CredentialSource::resolve`] takes it and [`CredentialSource::explain`] describes it.
enum Plan<'a> {
    /// The token carries credentials.
    Embedded(EmbeddedCredentials),
    /// STS assumes the role that the token names.
    NamedRole(&'a str),
    /// STS exchanges the token for the operator's role.
    WebIdentity(&'a str),
    /// A claim that leads to credentials cannot be read.
    Unreadable(ClaimError),
    /// No claim leads to credentials.
    NoClaim,
}

impl JwtSource {
    pub(super) fn new(assume_role: AssumeRole, clock: Clock) -> Self {
        Self { assume_role, clock }
    }

    fn plan<'a>(&'a self, claims: &'a Claims, proof: Option<VerifyMode>) -> Plan<'a> {
        let role_arn = match claims.embedded_credentials() {
            Ok(Some(embedded)) => return Plan::Embedded(embedded),
            Ok(None) => claims.role_arn(),
            Err(problem) => Err(problem),
        };
        // The issuer wanted rights for the caller to depend on a claim that cannot be read.
        let role_arn = role_arn.and_then(|role_arn| {
            claims.session_tags()?;
            claims.transitive_tag_keys()?;
            Ok(role_arn)
        });
        match (role_arn, self.assume_role.web_identity_role()) {
            (Err(problem), _) => Plan::Unreadable(problem),
            (Ok(Some(role_arn)), _) => Plan::NamedRole(role_arn),
            // STS accepts only the tokens of an identity provider.
            (Ok(None), Some(role_arn)) if proof == Some(VerifyMode::Jwks) => Plan::WebIdentity(role_arn),
            (Ok(None), _) => Plan::NoClaim,
        }
    }

    /// Whether the credentials are of no use any more.
    fn has_expired(&self, embedded: &EmbeddedCredentials) -> bool {
        embedded.expiration.is_some_and(|end| end <= self.clock.now())
    }

    fn embedded(&self, embedded: EmbeddedCredentials, token_expires_at: Option<Timestamp>) -> SourceResult {
        if self.has_expired(&embedded) {
            let message = "the AWS credentials in the token have expired";
            return Err(none(Outcome::Failed, ErrorCode::InvalidResponse, message));
        }
        let expires_at = [embedded.expiration, token_expires_at].into_iter().flatten().min();
        let credentials = Credentials::new(
            embedded.access_key_id,
            embedded.secret_access_key.expose_secret(),
            embedded.session_token.map(|token| token.expose_secret().to_owned()),
            expires_at.map(to_system_time),
            "embedded-in-jwt",
        );
        let credentials = keys::check(credentials).map_err(|problem| {
            let message = format!("the AWS credentials in the token cannot be used: {problem}");
            none(Outcome::Denied, ErrorCode::InvalidResponse, &message)
        })?;
        Ok(SourceCredentials {
            credentials,
            expires_at,
            message: "the verified token carries AWS credentials".to_owned(),
        })
    }

    fn explain_embedded(&self, embedded: &EmbeddedCredentials) -> String {
        let kind = if embedded.session_token.is_some() {
            "temporary"
        } else {
            "long-term"
        };
        let end = match embedded.expiration {
            Some(at) if self.has_expired(embedded) => format!(", which fail: they ended at {at}"),
            Some(at) => format!(", until {at} or the token's end"),
            None => ", until the token's end".to_owned(),
        };
        format!("embedded credentials: the token carries {kind} AWS credentials{end}")
    }

    fn explain_role(&self, role_arn: &str, is_proved: bool) -> String {
        if self.assume_role.is_allowed(role_arn) {
            format!("role: STS AssumeRole of {role_arn}, which is on QUILT_MCP_ASSUMABLE_ROLES")
        } else if is_proved {
            format!("role, which is denied: {role_arn} is not on QUILT_MCP_ASSUMABLE_ROLES")
        } else {
            format!("role: STS AssumeRole of {role_arn}, if it is on the server's QUILT_MCP_ASSUMABLE_ROLES")
        }
    }
}

#[async_trait]
impl CredentialSource for JwtSource {
    fn source(&self) -> Source {
        Source::Jwt
    }

    async fn resolve(&self, caller: Option<&AuthenticatedCaller>) -> SourceResult {
        let not_applicable = |message| none(Outcome::NotApplicable, ErrorCode::NoClaim, message);
        let caller = caller.ok_or_else(|| not_applicable("the call has no token"))?;
        let claims = caller
            .claims()
            .ok_or_else(|| not_applicable("the token is opaque to this server, so nothing is taken from it"))?;
        match self.plan(claims, Some(caller.verified_by())) {
            Plan::Embedded(embedded) => self.embedded(embedded, caller.expires_at()),
            Plan::NamedRole(role_arn) => self.assume_role.named(role_arn, claims, caller).await,
            Plan::WebIdentity(role_arn) => self.assume_role.web_identity(role_arn, caller).await,
            Plan::Unreadable(problem) => {
                Err(none(Outcome::Failed, ErrorCode::InvalidResponse, &problem.to_string()).permanent())
            }
            Plan::NoClaim => Err(not_applicable(NO_CLAIM)),
        }
    }

    fn explain(&self, token: &TokenView<'_>) -> Step {
        let Some(claims) = token.claims() else {
            return Step::not_applicable("the token is opaque to this server, and nothing is taken from its claims");
        };
        match self.plan(claims, token.verified_by()) {
            Plan::Embedded(embedded) => Step::applies(self.explain_embedded(&embedded)),
            Plan::Unreadable(problem) => Step::applies(format!("a claim, which fails: {problem}")),
            Plan::NamedRole(role_arn) => Step::applies(self.explain_role(role_arn, token.verified_by().is_some())),
            Plan::WebIdentity(role_arn) => Step::applies(format!(
                "role: STS AssumeRoleWithWebIdentity of {role_arn}, in exchange for the token itself"
            )),
            Plan::NoClaim => Step::not_applicable(NO_CLAIM),
        }
    }
}

fn none(outcome: Outcome, code: ErrorCode, message: &str) -> Attempt {
    Attempt::none(Source::Jwt, outcome, code, message)
}
