//! Who the caller is: to the token, to the catalog and to AWS.

use schemars::JsonSchema;
use serde::Serialize;

use crate::catalog::Me;
use crate::identity::ProvedCaller;
use crate::sts::CallerIdentity;
use crate::tools::Session;

/// Who the caller is.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UserIdentity {
    /// By the token, else by the catalog.
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// Of the catalog; proves nothing about S3.
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
    /// Puts together what the token, the catalog and STS say.
    #[must_use]
    pub fn new(session: &Session, me: Option<&Me>, aws: Option<CallerIdentity>) -> Self {
        let claims = session.proved().and_then(ProvedCaller::claims);
        let subject = session.proved().and_then(ProvedCaller::subject).map(str::to_owned);
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

/// Names of the roles that the catalog lets the caller act in.
pub fn role_names(me: &Me) -> Vec<String> {
    me.roles.iter().map(|role| role.name.clone()).collect()
}
