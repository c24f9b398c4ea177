//! `GetCallerIdentity`, which needs no permission.

use aws_credential_types::Credentials;
use aws_sdk_sts::config::Builder;

use super::client::{SharedSts, operation};
use crate::aws::{Resource, Signer, call};

/// Account and principal of credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerIdentity {
    /// Twelve digits.
    pub account: String,
    /// ARN of the user or of the assumed role's session.
    pub arn: String,
}

impl CallerIdentity {
    /// Returns the name of the role whose session this is: the part ROLE of
    /// `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
    #[must_use]
    pub fn role(&self) -> Option<&str> {
        self.arn
            .split_once(":assumed-role/")?
            .1
            .split('/')
            .next()
            .filter(|role| !role.is_empty())
    }
}

impl SharedSts {
    /// Asks STS whose these credentials are. `None` when STS does not say.
    pub async fn caller_identity(&self, credentials: Credentials) -> Option<CallerIdentity> {
        let operation = operation("sts:GetCallerIdentity", Resource::Service);
        let send = |identity: Builder| {
            self.client
                .get_caller_identity()
                .customize()
                .config_override(identity)
                .send()
        };
        let answer = call(&self.service, Signer::Credentials(&credentials), operation, send).await;
        let answer = answer.ok()?;
        Some(CallerIdentity {
            account: answer.account?,
            arn: answer.arn?,
        })
    }
}
