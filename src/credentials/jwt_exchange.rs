//! The first source: credentials that a verified JWT carries, or a role that follows from it.
//!
//! Order: embedded credentials, then the role that the token names, then web identity. Applies only to tokens whose
//! signature this server verified; an opaque token has no claims here and is not applicable.

use aws_credential_types::Credentials;
use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::{AssumeRole, Attempt, Outcome, Source};
use crate::clock::{Clock, to_system_time};
use crate::error_code::ErrorCode;
use crate::identity::{Claims, Proof, ProvedCaller};

/// What a step of the chain answers: credentials with their end, or why not.
pub(super) type Step = Result<(Credentials, Option<Timestamp>, Attempt), Attempt>;

/// The first source.
pub struct JwtExchange {
    assume_role: AssumeRole,
    clock: Clock,
}

impl JwtExchange {
    /// `assume_role` knows which roles the operator allows.
    #[must_use]
    pub fn new(assume_role: AssumeRole, clock: Clock) -> Self {
        Self { assume_role, clock }
    }

    pub(super) async fn step(&self, caller: Option<&ProvedCaller>) -> Step {
        let none = |outcome, code, message: &str| Err(Attempt::none(Source::Jwt, outcome, code, message));
        let Some(caller) = caller else {
            return none(Outcome::NotApplicable, ErrorCode::NoClaim, "the call brought no token");
        };
        let Some(claims) = caller.claims() else {
            let message = "the token is opaque to this server, so nothing is taken from it";
            return none(Outcome::NotApplicable, ErrorCode::NoClaim, message);
        };
        if let Some(embedded) = self.embedded(claims, caller.expires_at()) {
            return embedded;
        }
        if let Some(role_arn) = claims.role_arn() {
            return self.assume_role.named(role_arn, claims, caller).await;
        }
        match self.assume_role.web_identity_role() {
            // Only an identity provider's token means anything to STS.
            Some(role_arn) if caller.proof() == Proof::Jwks => self.assume_role.web_identity(role_arn, caller).await,
            _ => {
                let message = "the token carries neither AWS credentials nor a role";
                none(Outcome::NotApplicable, ErrorCode::NoClaim, message)
            }
        }
    }

    fn embedded(&self, claims: &Claims, token_expires_at: Option<Timestamp>) -> Option<Step> {
        let failed = |code, message: &str| Err(Attempt::none(Source::Jwt, Outcome::Failed, code, message));
        let embedded = match claims.embedded_credentials()? {
            Ok(embedded) => embedded,
            Err(problem) => return Some(failed(ErrorCode::InvalidResponse, problem)),
        };
        if embedded.expiration.is_some_and(|end| end <= self.clock.now()) {
            return Some(failed(
                ErrorCode::InvalidResponse,
                "the AWS credentials in the token have expired",
            ));
        }
        let expires_at = [embedded.expiration, token_expires_at].into_iter().flatten().min();
        let credentials = Credentials::new(
            embedded.access_key_id,
            embedded.secret_access_key.expose_secret(),
            embedded.session_token.map(|token| token.expose_secret().to_owned()),
            expires_at.map(to_system_time),
            "embedded-in-jwt",
        );
        Some(Ok((
            credentials,
            expires_at,
            Attempt::ok(Source::Jwt, "the verified token carries AWS credentials"),
        )))
    }
}
