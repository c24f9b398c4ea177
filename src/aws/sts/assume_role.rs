//! `AssumeRole` and `AssumeRoleWithWebIdentity`: sessions of roles for users, asked for by the server.

use std::time::Duration;

use aws_sdk_sts::Client;
use aws_sdk_sts::config::Builder;
use aws_sdk_sts::types::{Credentials, Tag};

use super::client::{SharedSts, Sts, operation, timeouts};
use crate::aws::{AwsCaller, AwsError, Resource, Signer, call};
use crate::resilience::CallerKey;

/// Longest wait for a session, with all attempts; shorter than the tool timeout, so that the next credential source can
/// still be tried.
const SESSION_TIMEOUT: Duration = Duration::from_secs(10);

/// A session to ask for.
#[derive(Debug, Clone, Copy)]
pub struct RoleSession<'a> {
    pub role_arn: &'a str,
    pub name: &'a str,
    pub seconds: i32,
    /// The user whose session it is, for the circuit breaker.
    pub caller: CallerKey,
}

/// STS, as the server asks it for sessions of roles.
#[derive(Clone, Debug)]
pub struct RoleSessions {
    client: Client,
    service: Sts,
}

impl SharedSts {
    /// Returns STS as the server asks it for sessions of roles.
    #[must_use]
    pub fn role_sessions(&self) -> RoleSessions {
        let config = self.options.anonymous(timeouts(SESSION_TIMEOUT));
        RoleSessions {
            client: Client::new(&config),
            service: self.service.clone(),
        }
    }
}

impl RoleSessions {
    /// Asks for a session of a role, signed with the server's own identity. The session's source identity is its name.
    pub async fn assume_role(
        &self,
        server: &AwsCaller,
        session: RoleSession<'_>,
        tags: Vec<Tag>,
        transitive: Vec<String>,
    ) -> Result<Option<Credentials>, AwsError> {
        let request = self
            .client
            .assume_role()
            .role_arn(session.role_arn)
            .role_session_name(session.name)
            .source_identity(session.name)
            .set_tags(Some(tags).filter(|tags| !tags.is_empty()))
            .set_transitive_tag_keys(Some(transitive).filter(|keys| !keys.is_empty()))
            .duration_seconds(session.seconds);
        let operation = operation("sts:AssumeRole", Resource::Named(session.role_arn));
        let signer = Signer::Server(server, session.caller);
        let send = |identity: Builder| request.clone().customize().config_override(identity).send();
        let answer = call(&self.service, signer, operation, send).await?;
        Ok(answer.credentials)
    }

    /// Asks for a session of a role in exchange for a token of an identity provider. The request is not signed.
    pub async fn assume_role_with_web_identity(
        &self,
        session: RoleSession<'_>,
        token: &str,
    ) -> Result<Option<Credentials>, AwsError> {
        let request = self
            .client
            .assume_role_with_web_identity()
            .role_arn(session.role_arn)
            .role_session_name(session.name)
            .web_identity_token(token)
            .duration_seconds(session.seconds);
        let operation = operation("sts:AssumeRoleWithWebIdentity", Resource::Named(session.role_arn));
        let signer = Signer::Client(session.caller);
        let answer = call(&self.service, signer, operation, |_| request.clone().send()).await?;
        Ok(answer.credentials)
    }
}
