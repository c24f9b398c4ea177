//! `AssumeRole`: authorization by the role's trust policy, and the session that is opened.

use std::collections::BTreeMap;
use std::sync::Arc;

use awsim_iam_policy::{ContextValue, PolicyDocument};
use secrecy::ExposeSecret;

use super::form::Form;
use super::xml::{StsError, Success, Xml};
use super::{Sts, StsRequest};
use crate::authorize::{ConditionContext, authorize_trust};
use crate::caller::{Caller, Identity};
use crate::iam::{Role, SessionSpec, session_arn};
use crate::keys::SessionKeys;
use crate::policy::{Kind, parse};

const DEFAULT_SESSION_SECONDS: u32 = 3600;
const MAX_SESSION_SECONDS: u32 = 43_200;
/// Maximum duration of a session that is opened by another session (role chaining).
const MAX_CHAINED_SESSION_SECONDS: u32 = 3600;
/// Maximum number of characters of a session policy.
const MAX_SESSION_POLICY_CHARS: usize = 2048;

impl Sts {
    pub(super) fn assume_role(&self, request: &StsRequest, form: &Form) -> Result<Success, StsError> {
        let arn = form.required("RoleArn")?;
        let name = form.required("RoleSessionName")?;
        request.details.update(|details| {
            details.key = Some(arn.to_owned());
            details.session_name = Some(name.to_owned());
        });
        let spec = self.session_spec(&request.caller, form, name)?;
        let role = self.authorize(request, form, arn, &spec)?;
        let account = &self.0.options.account_id;
        let source_identity = spec.source_identity.clone();
        let keys = self.0.iam().open_session(account, &role, self.0.now(), spec);
        Ok(assume_role_result(
            &keys,
            &role,
            &session_arn(account, &role.name, name),
            name,
            source_identity.as_deref(),
        ))
    }

    fn session_spec(&self, caller: &Caller, form: &Form, name: &str) -> Result<SessionSpec, StsError> {
        Form::validate_name("RoleSessionName", name)?;
        let chained = matches!(caller.identity, Identity::Session { .. });
        let seconds = duration_seconds(form.get("DurationSeconds"), self.0.options.min_session_seconds, chained)?;
        let mut tags: BTreeMap<String, String> = if chained {
            inherited_tags(caller)
        } else {
            BTreeMap::new()
        };
        let mut transitive: Vec<String> = tags.keys().cloned().collect();
        let requested = form.tags()?;
        if let Some(key) = requested
            .keys()
            .find(|key| transitive.iter().any(|inherited| inherited.eq_ignore_ascii_case(key)))
        {
            return Err(StsError::validation(format!(
                "One of the specified transitive tag keys can't be set: {key}"
            )));
        }
        tags.extend(requested);
        transitive.extend(form.transitive_keys());
        let source_identity = match (form.get("SourceIdentity"), &caller.source_identity) {
            (Some(requested), _) => Some(Form::validate_name("SourceIdentity", requested)?.to_owned()),
            (None, inherited) => inherited.clone(),
        };
        let policy = form.get("Policy").map(parse_session_policy).transpose()?;
        Ok(SessionSpec {
            name: name.to_owned(),
            seconds,
            policy,
            tags,
            transitive_tags: transitive,
            source_identity,
        })
    }

    /// Returns the role if its trust policy and the caller's policies allow assuming it. A role that does not exist is
    /// reported like one that may not be assumed, as in AWS.
    fn authorize(
        &self,
        request: &StsRequest,
        form: &Form,
        arn: &str,
        spec: &SessionSpec,
    ) -> Result<Arc<Role>, StsError> {
        let denied = |action: &str| {
            let message = format!(
                "User: {} is not authorized to perform: {action} on resource: {arn}",
                request.caller.arn
            );
            StsError::new(403, "AccessDenied", message)
        };
        let role = self.0.iam().role(arn).ok_or_else(|| denied("sts:AssumeRole"))?;
        let context = self.condition_context(request, form, spec);
        let mut actions = vec!["sts:AssumeRole"];
        if form.get("Tags.member.1.Key").is_some() {
            actions.push("sts:TagSession");
        }
        if form.get("SourceIdentity").is_some() {
            actions.push("sts:SetSourceIdentity");
        }
        for action in actions {
            authorize_trust(&request.caller, action, arn, &role.trust, &context).map_err(|_| denied(action))?;
        }
        Ok(role)
    }

    fn condition_context(&self, request: &StsRequest, form: &Form, spec: &SessionSpec) -> ConditionContext {
        let mut context = self.0.condition_context(&request.caller, &request.region, request.peer);
        let mut set = |key: String, value: &str| context.insert(key, ContextValue::String(value.to_owned()));
        set("sts:rolesessionname".to_owned(), &spec.name);
        if let Some(id) = form.get("ExternalId") {
            set("sts:externalid".to_owned(), id);
        }
        if let Some(source) = &spec.source_identity {
            set("sts:sourceidentity".to_owned(), source);
        }
        for (key, value) in &spec.tags {
            set(format!("aws:requesttag/{}", key.to_lowercase()), value);
        }
        context.insert(
            "aws:tagkeys".to_owned(),
            ContextValue::StringList(spec.tags.keys().cloned().collect()),
        );
        let transitive = ContextValue::StringList(spec.transitive_tags.clone());
        context.insert("sts:transitivetagkeys".to_owned(), transitive);
        context
    }
}

/// Returns the transitive tags of the session that assumes the role.
fn inherited_tags(caller: &Caller) -> BTreeMap<String, String> {
    let is_transitive = |key: &str| {
        caller
            .transitive_tags
            .iter()
            .any(|transitive| transitive.eq_ignore_ascii_case(key))
    };
    caller
        .tags
        .iter()
        .filter(|(key, _)| is_transitive(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Parses `DurationSeconds` and checks its limits.
pub(crate) fn duration_seconds(value: Option<&str>, minimum: u32, chained: bool) -> Result<u32, StsError> {
    let Some(value) = value else {
        return Ok(DEFAULT_SESSION_SECONDS);
    };
    let invalid = |constraint: String| {
        StsError::validation(format!(
            "1 validation error detected: Value '{value}' at 'durationSeconds' failed to satisfy constraint: {constraint}"
        ))
    };
    let seconds: u32 = value
        .parse()
        .map_err(|_| invalid("Member must be a number".to_owned()))?;
    if seconds < minimum {
        return Err(invalid(format!(
            "Member must have value greater than or equal to {minimum}"
        )));
    }
    if seconds > MAX_SESSION_SECONDS {
        return Err(invalid(format!(
            "Member must have value less than or equal to {MAX_SESSION_SECONDS}"
        )));
    }
    if chained && seconds > MAX_CHAINED_SESSION_SECONDS {
        let message =
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining";
        return Err(StsError::validation(message));
    }
    Ok(seconds)
}

/// Parses the session policy of a request.
pub(crate) fn parse_session_policy(text: &str) -> Result<Arc<PolicyDocument>, StsError> {
    if text.chars().count() > MAX_SESSION_POLICY_CHARS {
        return Err(StsError::validation(format!(
            "1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have length less \
             than or equal to {MAX_SESSION_POLICY_CHARS}"
        )));
    }
    let malformed = |why: String| StsError::new(400, "MalformedPolicyDocument", why);
    let value = serde_json::from_str(text).map_err(|_| malformed("This policy contains invalid Json".to_owned()))?;
    Ok(Arc::new(
        parse(Kind::Identity, &value).map_err(|cause| malformed(cause.to_string()))?,
    ))
}

/// Builds the result of `AssumeRole`: the session's identity and credentials.
pub(crate) fn assume_role_result(
    keys: &SessionKeys,
    role: &Role,
    arn: &str,
    name: &str,
    source_identity: Option<&str>,
) -> Success {
    let mut result = Xml::default();
    result.nest("AssumedRoleUser", |user| {
        user.text("AssumedRoleId", &format!("{}:{name}", role.id))
            .text("Arn", arn);
    });
    result.nest("Credentials", |credentials| {
        credentials
            .text("AccessKeyId", &keys.access_key_id)
            .text("SecretAccessKey", keys.secret_access_key.expose_secret())
            .text("SessionToken", keys.session_token.expose_secret())
            .text("Expiration", &keys.expiration.to_string());
    });
    if let Some(source) = source_identity {
        result.text("SourceIdentity", source);
    }
    Success {
        action: "AssumeRole",
        result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_has_its_limits() {
        assert_eq!(duration_seconds(None, 900, false), Ok(3600));
        assert_eq!(duration_seconds(Some("900"), 900, false), Ok(900));
        assert!(
            duration_seconds(Some("899"), 900, false)
                .unwrap_err()
                .message
                .contains("greater than or equal to 900")
        );
        assert_eq!(duration_seconds(Some("43200"), 1, false), Ok(43_200));
        assert!(duration_seconds(Some("43201"), 1, false).is_err());
        assert!(
            duration_seconds(Some("3601"), 1, true)
                .unwrap_err()
                .message
                .contains("role chaining")
        );
        assert!(duration_seconds(Some("soon"), 1, false).is_err());
    }
}
