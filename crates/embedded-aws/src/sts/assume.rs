//! `AssumeRole`: whether the caller may become the role, and the session it then gets.

use std::collections::BTreeMap;
use std::sync::Arc;

use awsim_iam_policy::{ContextValue, PolicyDocument};
use secrecy::ExposeSecret;

use super::form::Form;
use super::xml::{Fault, Success, Xml};
use super::{Asker, Sts};
use crate::authorize::{Context, decide_trust};
use crate::caller::{Caller, Identity};
use crate::iam::{Role, SessionSpec, session_arn};
use crate::keys::SessionKeys;
use crate::policy::{Kind, parse};
use crate::state::lock;

const DEFAULT_SECONDS: u32 = 3600;
const MOST_SECONDS: u32 = 43_200;
/// A session that assumes another role gets an hour at most.
const MOST_CHAINED: u32 = 3600;
/// Most characters of a session policy.
const MOST_POLICY: usize = 2048;

impl Sts {
    pub(super) fn assume_role(&self, asker: &Asker, form: &Form) -> Result<Success, Fault> {
        let arn = form.required("RoleArn")?;
        let name = form.required("RoleSessionName")?;
        asker.note.write(|noted| {
            noted.key = Some(arn.to_owned());
            noted.session_name = Some(name.to_owned());
        });
        let spec = self.spec(&asker.caller, form, name)?;
        let role = self.admit(asker, form, arn, &spec)?;
        let account = &self.0.options.account_id;
        let source_identity = spec.source_identity.clone();
        let keys = lock(&self.0.iam).open_session(account, &role, self.0.now(), spec);
        Ok(tell(
            &keys,
            &role,
            &session_arn(account, &role.name, name),
            name,
            source_identity.as_deref(),
        ))
    }

    fn spec(&self, caller: &Caller, form: &Form, name: &str) -> Result<SessionSpec, Fault> {
        Form::name("RoleSessionName", name)?;
        let chained = matches!(caller.identity, Identity::Session { .. });
        let seconds = seconds(form.get("DurationSeconds"), self.0.options.min_session_seconds, chained)?;
        let mut tags: BTreeMap<String, String> = if chained { inherited(caller) } else { BTreeMap::new() };
        let mut transitive: Vec<String> = tags.keys().cloned().collect();
        let given = form.tags()?;
        if let Some(key) = given
            .keys()
            .find(|key| transitive.iter().any(|kept| kept.eq_ignore_ascii_case(key)))
        {
            return Err(Fault::validation(format!(
                "One of the specified transitive tag keys can't be set: {key}"
            )));
        }
        tags.extend(given);
        transitive.extend(form.transitive_keys());
        let source_identity = match (form.get("SourceIdentity"), &caller.source_identity) {
            (Some(asked), _) => Some(Form::name("SourceIdentity", asked)?.to_owned()),
            (None, kept) => kept.clone(),
        };
        let policy = form.get("Policy").map(session_policy).transpose()?;
        Ok(SessionSpec {
            name: name.to_owned(),
            seconds,
            policy,
            tags,
            transitive_tags: transitive,
            source_identity,
        })
    }

    /// The role, if its trust policy and the caller's own policies agree. AWS does not tell a role that does not exist
    /// from one that may not be assumed.
    fn admit(&self, asker: &Asker, form: &Form, arn: &str, spec: &SessionSpec) -> Result<Arc<Role>, Fault> {
        let refuse = |action: &str| {
            let message = format!(
                "User: {} is not authorized to perform: {action} on resource: {arn}",
                asker.caller.arn
            );
            Fault::new(403, "AccessDenied", message)
        };
        let role = lock(&self.0.iam).role(arn).ok_or_else(|| refuse("sts:AssumeRole"))?;
        let context = self.context(asker, form, spec);
        let mut actions = vec!["sts:AssumeRole"];
        if form.get("Tags.member.1.Key").is_some() {
            actions.push("sts:TagSession");
        }
        if form.get("SourceIdentity").is_some() {
            actions.push("sts:SetSourceIdentity");
        }
        for action in actions {
            decide_trust(&asker.caller, action, arn, &role.trust, &context).map_err(|_| refuse(action))?;
        }
        Ok(role)
    }

    fn context(&self, asker: &Asker, form: &Form, spec: &SessionSpec) -> Context {
        let mut context = self.0.context(&asker.caller, &asker.region, asker.peer);
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

fn inherited(caller: &Caller) -> BTreeMap<String, String> {
    let kept = |key: &str| {
        caller
            .transitive_tags
            .iter()
            .any(|transitive| transitive.eq_ignore_ascii_case(key))
    };
    caller
        .tags
        .iter()
        .filter(|(key, _)| kept(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

pub(crate) fn seconds(asked: Option<&str>, least: u32, chained: bool) -> Result<u32, Fault> {
    let Some(asked) = asked else { return Ok(DEFAULT_SECONDS) };
    let broken = |constraint: String| {
        Fault::validation(format!(
            "1 validation error detected: Value '{asked}' at 'durationSeconds' failed to satisfy constraint: {constraint}"
        ))
    };
    let seconds: u32 = asked
        .parse()
        .map_err(|_| broken("Member must be a number".to_owned()))?;
    if seconds < least {
        return Err(broken(format!(
            "Member must have value greater than or equal to {least}"
        )));
    }
    if seconds > MOST_SECONDS {
        return Err(broken(format!(
            "Member must have value less than or equal to {MOST_SECONDS}"
        )));
    }
    if chained && seconds > MOST_CHAINED {
        let message =
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining";
        return Err(Fault::validation(message));
    }
    Ok(seconds)
}

pub(crate) fn session_policy(text: &str) -> Result<Arc<PolicyDocument>, Fault> {
    if text.chars().count() > MOST_POLICY {
        return Err(Fault::validation(format!(
            "1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have length less \
             than or equal to {MOST_POLICY}"
        )));
    }
    let malformed = |why: String| Fault::new(400, "MalformedPolicyDocument", why);
    let value = serde_json::from_str(text).map_err(|_| malformed("This policy contains invalid Json".to_owned()))?;
    Ok(Arc::new(
        parse(Kind::Identity, &value).map_err(|cause| malformed(cause.to_string()))?,
    ))
}

pub(crate) fn tell(keys: &SessionKeys, role: &Role, arn: &str, name: &str, source_identity: Option<&str>) -> Success {
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
        assert_eq!(seconds(None, 900, false), Ok(3600));
        assert_eq!(seconds(Some("900"), 900, false), Ok(900));
        assert!(
            seconds(Some("899"), 900, false)
                .unwrap_err()
                .message
                .contains("greater than or equal to 900")
        );
        assert_eq!(seconds(Some("43200"), 1, false), Ok(43_200));
        assert!(seconds(Some("43201"), 1, false).is_err());
        assert!(
            seconds(Some("3601"), 1, true)
                .unwrap_err()
                .message
                .contains("role chaining")
        );
        assert!(seconds(Some("soon"), 1, false).is_err());
    }
}
