//! `AssumeRoleWithWebIdentity`: a role in exchange for a token of an identity provider that the account trusts. The request
//! is not signed; the token is all there is.

use std::collections::BTreeMap;

use awsim_iam_policy::{ActionList, Effect, PolicyDocument, Principal};

use super::Sts;
use super::assume::{seconds, session_policy, tell};
use super::form::Form;
use super::xml::{Fault, Success};
use crate::iam::{SessionSpec, session_arn};
use crate::journal::Note;
use crate::state::lock;

const ACTION: &str = "sts:AssumeRoleWithWebIdentity";

impl Sts {
    pub(crate) fn assume_role_with_web_identity(&self, note: &Note, form: &Form) -> Result<Success, Fault> {
        let arn = form.required("RoleArn")?;
        let name = Form::name("RoleSessionName", form.required("RoleSessionName")?)?;
        let token = form.required("WebIdentityToken")?;
        note.write(|noted| {
            noted.key = Some(arn.to_owned());
            noted.session_name = Some(name.to_owned());
        });
        let account = &self.0.options.account_id;
        let provider = {
            let issuers = lock(&self.0.issuers);
            let mut refusal = Fault::new(
                400,
                "InvalidIdentityToken",
                "No OpenIDConnect provider found in your account",
            );
            let trusted = issuers
                .iter()
                .find(|issuer| issuer.verify(token).map_err(|fault| refusal = fault).is_ok());
            trusted.map(|issuer| issuer.arn(account)).ok_or(refusal)?
        };
        let refused = || Fault::new(403, "AccessDenied", format!("Not authorized to perform {ACTION}"));
        let role = lock(&self.0.iam)
            .role(arn)
            .filter(|role| trusts(&role.trust, &provider))
            .ok_or_else(refused)?;
        let spec = SessionSpec {
            name: name.to_owned(),
            seconds: seconds(form.get("DurationSeconds"), self.0.options.min_session_seconds, false)?,
            policy: form.get("Policy").map(session_policy).transpose()?,
            tags: BTreeMap::new(),
            transitive_tags: Vec::new(),
            source_identity: None,
        };
        let keys = lock(&self.0.iam).open_session(account, &role, self.0.now(), spec);
        let told = tell(&keys, &role, &session_arn(account, &role.name, name), name, None);
        Ok(Success {
            action: "AssumeRoleWithWebIdentity",
            ..told
        })
    }
}

/// Whether a trust policy lets the provider's tokens in. The evaluator knows no federated principals, so this looks for a
/// plain statement that does; one with conditions is not understood here, and what is not understood does not let in.
fn trusts(trust: &PolicyDocument, provider: &str) -> bool {
    trust.statements.iter().any(|statement| {
        let names_it =
            matches!(&statement.principal, Some(Principal::Federated(arns)) if arns.iter().any(|arn| arn == provider));
        let lets_in = statement
            .action
            .as_ref()
            .is_some_and(|actions: &ActionList| actions.iter().any(|a| a == ACTION));
        statement.effect == Effect::Allow && statement.condition.is_none() && names_it && lets_in
    })
}
