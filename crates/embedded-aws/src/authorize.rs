//! Policy evaluation: whether a caller may perform an action on a resource.
//!
//! Combines the caller's identity policies, its session policy and the resource's policy as AWS does, and reports in AWS's
//! words which of them denied the request. Each kind of policy is evaluated separately, because the evaluator's combined
//! decision does not say which one denied it.

use std::collections::HashMap;

use awsim_iam_policy::{AuthzRequest, ContextValue, Decision, EvalContext, PolicyDocument, evaluate};

use super::caller::{Caller, Identity};

/// The condition keys of a request, in lower case.
pub(crate) type ConditionContext = HashMap<String, ContextValue>;

/// An account ID that no account has, so that a principal naming a whole account does not match it.
const NO_ACCOUNT: &str = "-";

/// The reason for an `AccessDenied`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denial {
    /// An identity policy explicitly denies the action.
    DeniedByIdentity,
    /// The session policy explicitly denies the action.
    DeniedBySession,
    /// The resource's policy explicitly denies the action.
    DeniedByResource,
    /// Neither an identity policy nor the resource's policy allows the action.
    NotAllowedByIdentity,
    /// A session policy is present and does not allow the action.
    NotAllowedBySession,
    /// The request is unsigned and the resource is not public.
    Anonymous,
}

impl Denial {
    /// Returns the message that AWS sends with `AccessDenied`.
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

/// The effect of a resource's policy on a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ResourceGrant {
    /// A statement denies the action.
    Denied,
    /// No statement matches.
    Unmatched,
    /// The policy allows the account: the caller's identity policies must allow the action, too.
    ToAccount,
    /// The policy allows the role: a session policy still limits it.
    ToRole,
    /// The policy allows the user or session itself, or every principal.
    ToCaller,
}

/// Decides whether the caller may perform one action on one resource.
pub(crate) fn authorize(
    caller: &Caller,
    action: &str,
    resource: &str,
    resource_policy: Option<&PolicyDocument>,
    context: &ConditionContext,
) -> Result<(), Denial> {
    let evaluation = PolicyEvaluation {
        caller,
        action,
        resource,
        context,
    };
    let grant = resource_policy.map_or(ResourceGrant::Unmatched, |policy| evaluation.resource_grant(policy));
    let identity = evaluation.identity_decision(&caller.policies);
    let session = caller
        .session_policy
        .as_deref()
        .map(|policy| evaluation.identity_decision(std::slice::from_ref(policy)));
    if identity == Decision::ExplicitDeny {
        return Err(Denial::DeniedByIdentity);
    }
    if session == Some(Decision::ExplicitDeny) {
        return Err(Denial::DeniedBySession);
    }
    if grant == ResourceGrant::Denied {
        return Err(Denial::DeniedByResource);
    }
    if grant == ResourceGrant::ToCaller {
        return Ok(());
    }
    if caller.identity == Identity::Anonymous {
        return Err(Denial::Anonymous);
    }
    if identity != Decision::Allow && grant != ResourceGrant::ToRole {
        return Err(Denial::NotAllowedByIdentity);
    }
    match session {
        None | Some(Decision::Allow) => Ok(()),
        Some(_) => Err(Denial::NotAllowedBySession),
    }
}

struct PolicyEvaluation<'a> {
    caller: &'a Caller,
    action: &'a str,
    resource: &'a str,
    context: &'a ConditionContext,
}

impl PolicyEvaluation<'_> {
    fn evaluate_as(&self, principal: &str, account: &str, policies: &EvalContext<'_>) -> Decision {
        let request = AuthzRequest {
            principal_arn: principal,
            principal_account: account,
            action: self.action,
            resource_arn: self.resource,
            context: self.context,
        };
        evaluate(&request, policies)
    }

    fn identity_decision(&self, policies: &[PolicyDocument]) -> Decision {
        let policies = EvalContext {
            identity_policies: policies,
            ..EvalContext::default()
        };
        self.evaluate_as(self.caller.principal_arn(), &self.caller.account, &policies)
    }

    /// Evaluates the resource's policy for the caller, its role and its account. AWS treats the three differently, and the
    /// evaluator takes one principal at a time.
    fn resource_grant(&self, policy: &PolicyDocument) -> ResourceGrant {
        let policies = EvalContext {
            resource_policy: Some(policy),
            ..EvalContext::default()
        };
        let caller = self.evaluate_as(&self.caller.arn, NO_ACCOUNT, &policies);
        let account = self.evaluate_as(&self.caller.arn, &self.caller.account, &policies);
        let role = match &self.caller.identity {
            Identity::Session { role_arn } => self.evaluate_as(role_arn, NO_ACCOUNT, &policies),
            Identity::Anonymous | Identity::User(_) => Decision::ImplicitDeny,
        };
        if [caller, role, account].contains(&Decision::ExplicitDeny) {
            ResourceGrant::Denied
        } else if caller == Decision::Allow {
            ResourceGrant::ToCaller
        } else if role == Decision::Allow {
            ResourceGrant::ToRole
        } else if account == Decision::Allow {
            ResourceGrant::ToAccount
        } else {
            ResourceGrant::Unmatched
        }
    }
}

/// Decides whether the caller may perform an STS action on a role. The trust policy must always allow it; where the trust
/// policy names only the caller's account, the caller's identity policies must allow it, too.
pub(crate) fn authorize_trust(
    caller: &Caller,
    action: &str,
    role_arn: &str,
    trust: &PolicyDocument,
    context: &ConditionContext,
) -> Result<(), Denial> {
    let evaluation = PolicyEvaluation {
        caller,
        action,
        resource: role_arn,
        context,
    };
    match evaluation.resource_grant(trust) {
        ResourceGrant::Unmatched => Err(Denial::NotAllowedByIdentity),
        _ => authorize(caller, action, role_arn, Some(trust), context),
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

    fn ask(caller: &Caller, policy: Option<&PolicyDocument>) -> Result<(), Denial> {
        authorize(
            caller,
            "s3:GetObject",
            "arn:aws:s3:::b/k",
            policy,
            &ConditionContext::new(),
        )
    }

    #[test]
    fn session_policy_intersects() {
        assert_eq!(ask(&session(&[allow("s3:*")], None), None), Ok(()));
        assert_eq!(ask(&session(&[], None), None), Err(Denial::NotAllowedByIdentity));
        let narrowed = session(&[allow("s3:*")], Some(allow("s3:PutObject")));
        assert_eq!(ask(&narrowed, None), Err(Denial::NotAllowedBySession));
        assert_eq!(
            ask(&session(&[], Some(allow("s3:*"))), None),
            Err(Denial::NotAllowedByIdentity)
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
        assert_eq!(ask(&nothing, Some(&to_role)), Err(Denial::NotAllowedBySession));
        assert_eq!(ask(&session(&[], None), Some(&to_role)), Ok(()));
        let to_account = bucket("Allow", "arn:aws:iam::1:root");
        assert_eq!(
            ask(&session(&[], None), Some(&to_account)),
            Err(Denial::NotAllowedByIdentity)
        );
        let all = session(&[allow("s3:*")], None);
        assert_eq!(
            ask(&all, Some(&bucket("Deny", "arn:aws:iam::1:root"))),
            Err(Denial::DeniedByResource)
        );
    }

    #[test]
    fn anonymous_needs_a_public_bucket() {
        assert_eq!(ask(&Caller::anonymous(), None), Err(Denial::Anonymous));
        assert_eq!(ask(&Caller::anonymous(), Some(&bucket("Allow", "*"))), Ok(()));
        assert_eq!(
            ask(&Caller::anonymous(), Some(&bucket("Allow", "arn:aws:iam::1:root"))),
            Err(Denial::Anonymous)
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
        let mut context = ConditionContext::new();
        caller.add_condition_keys(&mut context);
        let ask = |key: &str| {
            authorize(
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
        let message = Denial::NotAllowedByIdentity.message(&session(&[], None), "s3:GetObject", "arn:aws:s3:::b/k");
        assert_eq!(
            message,
            "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: s3:GetObject on resource: \
             \"arn:aws:s3:::b/k\" because no identity-based policy allows the s3:GetObject action"
        );
    }
}
