//! `AssumeRoleWithWebIdentity`: a session in exchange for a token of an OIDC provider that the account trusts. The
//! request is not signed; the token alone identifies the caller.

use std::collections::BTreeMap;

use awsim_iam_policy::{ActionList, Effect, PolicyDocument, Principal};

use super::Sts;
use super::assume::{assume_role_result, duration_seconds, parse_session_policy};
use super::form::Form;
use super::xml::{StsError, Success};
use crate::iam::{SessionSpec, session_arn};
use crate::journal::DetailsHandle;

const ACTION: &str = "sts:AssumeRoleWithWebIdentity";

impl Sts {
    pub(crate) fn assume_role_with_web_identity(
        &self,
        details: &DetailsHandle,
        form: &Form,
    ) -> Result<Success, StsError> {
        let arn = form.required("RoleArn")?;
        let name = Form::validate_name("RoleSessionName", form.required("RoleSessionName")?)?;
        let token = form.required("WebIdentityToken")?;
        details.update(|details| {
            details.key = Some(arn.to_owned());
            details.session_name = Some(name.to_owned());
        });
        let account = &self.0.options.account_id;
        let provider = {
            let issuers = self.0.issuers();
            let mut last_error = StsError::new(
                400,
                "InvalidIdentityToken",
                "No OpenIDConnect provider found in your account",
            );
            let trusted = issuers
                .iter()
                .find(|issuer| issuer.verify(token).map_err(|error| last_error = error).is_ok());
            trusted.map(|issuer| issuer.arn(account)).ok_or(last_error)?
        };
        let denied = || StsError::new(403, "AccessDenied", format!("Not authorized to perform {ACTION}"));
        let role = self
            .0
            .iam()
            .role(arn)
            .filter(|role| trusts_provider(&role.trust, &provider))
            .ok_or_else(denied)?;
        let spec = SessionSpec {
            name: name.to_owned(),
            seconds: duration_seconds(form.get("DurationSeconds"), self.0.options.min_session_seconds, false)?,
            policy: form.get("Policy").map(parse_session_policy).transpose()?,
            tags: BTreeMap::new(),
            transitive_tags: Vec::new(),
            source_identity: None,
        };
        let keys = self.0.iam().open_session(account, &role, self.0.now(), spec);
        Ok(Success {
            action: "AssumeRoleWithWebIdentity",
            ..assume_role_result(&keys, &role, &session_arn(account, &role.name, name), name, None)
        })
    }
}

/// Returns whether a trust policy allows the provider's tokens. The evaluator does not support federated principals, so this
/// looks for an `Allow` statement that names the provider. Statements with conditions are not supported and allow nothing.
fn trusts_provider(trust: &PolicyDocument, provider: &str) -> bool {
    trust.statements.iter().any(|statement| {
        let names_provider =
            matches!(&statement.principal, Some(Principal::Federated(arns)) if arns.iter().any(|arn| arn == provider));
        let allows_action = statement
            .action
            .as_ref()
            .is_some_and(|actions: &ActionList| actions.iter().any(|a| a == ACTION));
        statement.effect == Effect::Allow && statement.condition.is_none() && names_provider && allows_action
    })
}
