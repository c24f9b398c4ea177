//! Identity of the caller according to the token, the catalog and AWS.

use schemars::JsonSchema;
use serde::Serialize;

use crate::aws::sts::CallerIdentity;
use crate::catalog::CatalogUser;
use crate::identity::AuthenticatedCaller;
use crate::tools::Session;

/// The caller's identity.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UserIdentity {
    /// From the token, otherwise from the catalog.
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// In the catalog; it implies no permission in S3.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_admin: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    roles: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aws_account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aws_arn: Option<String>,
}

impl UserIdentity {
    /// Combines the answers of the token, the catalog and STS.
    #[must_use]
    pub fn new(session: &Session, me: Option<&CatalogUser>, aws: Option<CallerIdentity>) -> Self {
        let claims = session.authenticated().and_then(AuthenticatedCaller::claims);
        let subject = session
            .authenticated()
            .and_then(AuthenticatedCaller::subject)
            .map(str::to_owned);
        let claimed = |text: Option<&str>| text.map(str::to_owned);
        Self {
            user_id: subject.or_else(|| me.map(|me| me.name.clone())),
            name: me.map(|me| me.name.clone()).or_else(|| claimed(claims?.name())),
            email: me.map(|me| me.email.clone()).or_else(|| claimed(claims?.email())),
            is_admin: me.map(|me| me.is_admin),
            role: me.map(|me| me.role.name.clone()),
            roles: me.map(role_names).unwrap_or_default(),
            aws_account: aws.as_ref().map(|aws| aws.account.clone()),
            aws_arn: aws.map(|aws| aws.arn),
        }
    }
}

/// Returns the names of the roles that the caller can switch to in the catalog.
pub fn role_names(me: &CatalogUser) -> Vec<String> {
    me.roles.iter().map(|role| role.name.clone()).collect()
}
