//! The decision: may this caller do this action on this resource? Combines identity policies, session policy and the
//! resource's own policy as AWS does, and says in AWS's words which of them refused. Each kind of policy is evaluated on
//! its own, because the evaluator's combined answer does not tell who refused.

use std::collections::HashMap;

use awsim_iam_policy::{AuthzRequest, ContextValue, Decision, EvalContext, PolicyDocument, evaluate};

use super::caller::{Caller, Identity};

/// Condition keys of a request, in lower case.
pub(crate) type Context = HashMap<String, ContextValue>;

/// No account has this id, so a principal that names a whole account does not match it.
const NO_ACCOUNT: &str = "-";

/// Which policy refused, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    DeniedByIdentity,
    DeniedBySession,
    DeniedByResource,
    NotAllowedByIdentity,
    NotAllowedBySession,
    Anonymous,
}

impl Refusal {
    /// The sentence AWS puts into the `AccessDenied` message.
    pub(crate) fn message(self, caller: &Caller, action: &str, resource: &str) -> String {
        let reason = match self {
            Self::Anonymous => return "Access Denied".to_owned(),
            Self::DeniedByIdentity => "with an explicit deny in an identity-based policy".to_owned(),
            Self::DeniedBySession => "with an explicit deny in a session policy".to_owned(),
            Self::DeniedByResource => "with an explicit deny in a resource-based policy".to_owned(),
            Self::NotAllowedByIdentity => format!("because no identity-based policy allows the {action} action"),
            Self::NotAllowedBySession => format!("because no session policy allows the {action} action"),
        };
        format!(
            "User: {} is not authorized to perform: {action} on resource: \"{resource}\" {reason}",
            caller.arn
        )
    }
}

/// What a resource's own policy says to a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Grant {
    Denied,
    Silent,
    /// The whole account is named: the caller's own policies decide.
    ToAccount,
    /// The role is named: a session policy still limits.
    ToRole,
    /// The user or session itself, or everybody, is named.
    ToCaller,
}

/// Decides one action on one resource.
pub(crate) fn decide(
    caller: &Caller,
    action: &str,
    resource: &str,
    resource_policy: Option<&PolicyDocument>,
    context: &Context,
) -> Result<(), Refusal> {
    let question = Question {
        caller,
        action,
        resource,
        context,
    };
    let grant = resource_policy.map_or(Grant::Silent, |policy| question.grant(policy));
    let identity = question.own(&caller.policies);
    let session = caller
        .session_policy
        .as_deref()
        .map(|policy| question.own(std::slice::from_ref(policy)));
    if identity == Decision::ExplicitDeny {
        return Err(Refusal::DeniedByIdentity);
    }
    if session == Some(Decision::ExplicitDeny) {
        return Err(Refusal::DeniedBySession);
    }
    if grant == Grant::Denied {
        return Err(Refusal::DeniedByResource);
    }
    if grant == Grant::ToCaller {
        return Ok(());
    }
    if caller.identity == Identity::Anonymous {
        return Err(Refusal::Anonymous);
    }
    if identity != Decision::Allow && grant != Grant::ToRole {
        return Err(Refusal::NotAllowedByIdentity);
    }
    match session {
        None | Some(Decision::Allow) => Ok(()),
        Some(_) => Err(Refusal::NotAllowedBySession),
    }
}

struct Question<'a> {
    caller: &'a Caller,
    action: &'a str,
    resource: &'a str,
    context: &'a Context,
}

impl Question<'_> {
    fn ask(&self, principal: &str, account: &str, policies: &EvalContext<'_>) -> Decision {
        let request = AuthzRequest {
            principal_arn: principal,
            principal_account: account,
            action: self.action,
            resource_arn: self.resource,
            context: self.context,
        };
        evaluate(&request, policies)
    }

    fn own(&self, policies: &[PolicyDocument]) -> Decision {
        let policies = EvalContext {
            identity_policies: policies,
            ..EvalContext::default()
        };
        self.ask(self.caller.principal_arn(), &self.caller.account, &policies)
    }

    /// A policy's principal may be the caller, its role or its account, and AWS treats the three differently; the
    /// evaluator knows one principal at a time, so each is asked for.
    fn grant(&self, policy: &PolicyDocument) -> Grant {
        let policies = EvalContext {
            resource_policy: Some(policy),
            ..EvalContext::default()
        };
        let caller = self.ask(&self.caller.arn, NO_ACCOUNT, &policies);
        let account = self.ask(&self.caller.arn, &self.caller.account, &policies);
        let role = match &self.caller.identity {
            Identity::Session { role_arn } => self.ask(role_arn, NO_ACCOUNT, &policies),
            Identity::Anonymous | Identity::User(_) => Decision::ImplicitDeny,
        };
        if [caller, role, account].contains(&Decision::ExplicitDeny) {
            Grant::Denied
        } else if caller == Decision::Allow {
            Grant::ToCaller
        } else if role == Decision::Allow {
            Grant::ToRole
        } else if account == Decision::Allow {
            Grant::ToAccount
        } else {
            Grant::Silent
        }
    }
}

/// Decides whether a role's trust policy lets the caller do an STS action on it. A trust policy must always consent;
/// where it names the caller only through the account, the caller's own policies must consent too.
pub(crate) fn decide_trust(
    caller: &Caller,
    action: &str,
    role_arn: &str,
    trust: &PolicyDocument,
    context: &Context,
) -> Result<(), Refusal> {
    let question = Question {
        caller,
        action,
        resource: role_arn,
        context,
    };
    match question.grant(trust) {
        Grant::Silent => Err(Refusal::NotAllowedByIdentity),
        _ => decide(caller, action, role_arn, Some(trust), context),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::policy::{Kind, parse};

    fn session(policies: &[Value], session_policy: Option<Value>) -> Caller {
        Caller {
            identity: Identity::Session {
                role_arn: "arn:aws:iam::1:role/r".to_owned(),
            },
            arn: "arn:aws:sts::1:assumed-role/r/s".to_owned(),
            account: "1".to_owned(),
            policies: policies
                .iter()
                .map(|policy| parse(Kind::Identity, policy).unwrap())
                .collect(),
            session_policy: session_policy.map(|policy| Arc::new(parse(Kind::Identity, &policy).unwrap())),
            ..Caller::anonymous()
        }
    }

    fn allow(action: &str) -> Value {
        json!({"Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})
    }

    fn bucket(effect: &str, principal: &str) -> PolicyDocument {
        let policy = json!({"Statement": [{"Effect": effect, "Principal": {"AWS": principal}, "Action": "s3:*", "Resource": "*"}]});
        parse(Kind::Bucket, &policy).unwrap()
    }

    fn ask(caller: &Caller, policy: Option<&PolicyDocument>) -> Result<(), Refusal> {
        decide(caller, "s3:GetObject", "arn:aws:s3:::b/k", policy, &Context::new())
    }

    #[test]
    fn session_policy_intersects() {
        assert_eq!(ask(&session(&[allow("s3:*")], None), None), Ok(()));
        assert_eq!(ask(&session(&[], None), None), Err(Refusal::NotAllowedByIdentity));
        let narrowed = session(&[allow("s3:*")], Some(allow("s3:PutObject")));
        assert_eq!(ask(&narrowed, None), Err(Refusal::NotAllowedBySession));
        assert_eq!(
            ask(&session(&[], Some(allow("s3:*"))), None),
            Err(Refusal::NotAllowedByIdentity)
        );
    }

    #[test]
    fn bucket_policy_names_caller_role_or_account() {
        let nothing = session(&[], Some(allow("s3:PutObject")));
        assert_eq!(
            ask(&nothing, Some(&bucket("Allow", "arn:aws:sts::1:assumed-role/r/s"))),
            Ok(())
        );
        let to_role = bucket("Allow", "arn:aws:iam::1:role/r");
        assert_eq!(ask(&nothing, Some(&to_role)), Err(Refusal::NotAllowedBySession));
        assert_eq!(ask(&session(&[], None), Some(&to_role)), Ok(()));
        let to_account = bucket("Allow", "arn:aws:iam::1:root");
        assert_eq!(
            ask(&session(&[], None), Some(&to_account)),
            Err(Refusal::NotAllowedByIdentity)
        );
        let all = session(&[allow("s3:*")], None);
        assert_eq!(
            ask(&all, Some(&bucket("Deny", "arn:aws:iam::1:root"))),
            Err(Refusal::DeniedByResource)
        );
    }

    #[test]
    fn anonymous_needs_a_public_bucket() {
        assert_eq!(ask(&Caller::anonymous(), None), Err(Refusal::Anonymous));
        assert_eq!(ask(&Caller::anonymous(), Some(&bucket("Allow", "*"))), Ok(()));
        assert_eq!(
            ask(&Caller::anonymous(), Some(&bucket("Allow", "arn:aws:iam::1:root"))),
            Err(Refusal::Anonymous)
        );
    }

    #[test]
    fn policy_variables_are_the_callers() {
        let home = json!({"Statement": [{"Effect": "Allow", "Action": "s3:GetObject",
            "Resource": ["arn:aws:s3:::b/${aws:PrincipalTag/Team}/*", "arn:aws:s3:::b/${aws:userId}", "arn:aws:s3:::b/${aws:username}"]}]});
        let caller = Caller {
            user_id: "AROA:s".to_owned(),
            tags: Arc::new([("team".to_owned(), "a".to_owned())].into()),
            ..session(&[home], None)
        };
        let mut context = Context::new();
        caller.describe(&mut context);
        let ask = |key: &str| {
            decide(
                &caller,
                "s3:GetObject",
                &format!("arn:aws:s3:::b/{key}"),
                None,
                &context,
            )
            .is_ok()
        };
        assert_eq!(
            [ask("a/x"), ask("b/x"), ask("AROA:s"), ask("r"), ask("s")],
            [true, false, true, false, false]
        );
    }

    #[test]
    fn message_names_the_cause() {
        let message = Refusal::NotAllowedByIdentity.message(&session(&[], None), "s3:GetObject", "arn:aws:s3:::b/k");
        assert_eq!(
            message,
            "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: s3:GetObject on resource: \
             \"arn:aws:s3:::b/k\" because no identity-based policy allows the s3:GetObject action"
        );
    }
}
