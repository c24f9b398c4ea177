//! The principal of a request, with every policy that grants or limits its permissions. Built for each request, so that a
//! changed policy or a deleted role takes effect immediately.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use awsim_iam_policy::{ContextValue, PolicyDocument};

use super::policy::{USER_ID, USER_NAME};

/// The kind of principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    /// The request is not signed.
    Anonymous,
    /// An IAM user with this name.
    User(String),
    /// A session of the role with this ARN.
    Session { role_arn: String },
}

/// An authenticated or anonymous caller.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub identity: Identity,
    /// `arn:aws:iam::…:user/…` or `arn:aws:sts::…:assumed-role/…`; empty for the anonymous caller.
    pub arn: String,
    /// `AIDA…`, or `AROA…:session`.
    pub user_id: String,
    pub account: String,
    pub policies: Arc<[PolicyDocument]>,
    pub session_policy: Option<Arc<PolicyDocument>>,
    pub tags: Arc<BTreeMap<String, String>>,
    pub transitive_tags: Arc<[String]>,
    pub source_identity: Option<String>,
}

impl Caller {
    pub(crate) fn anonymous() -> Self {
        Self {
            identity: Identity::Anonymous,
            arn: String::new(),
            user_id: String::new(),
            account: String::new(),
            policies: Arc::from([]),
            session_policy: None,
            tags: Arc::default(),
            transitive_tags: Arc::from([]),
            source_identity: None,
        }
    }

    /// Returns the value of `aws:PrincipalArn`, which for a session is the ARN of its role.
    pub(crate) fn principal_arn(&self) -> &str {
        match &self.identity {
            Identity::Session { role_arn } => role_arn,
            Identity::Anonymous | Identity::User(_) => &self.arn,
        }
    }

    /// Adds the caller's condition keys to `context`.
    pub(crate) fn add_condition_keys(&self, context: &mut HashMap<String, ContextValue>) {
        let mut set = |key: &str, value: &str| {
            context.insert(key.to_owned(), ContextValue::String(value.to_owned()));
        };
        match &self.identity {
            Identity::Anonymous => {
                set("aws:principaltype", "Anonymous");
                return;
            }
            Identity::User(name) => {
                set("aws:principaltype", "User");
                set("aws:username", name);
                set(USER_NAME, name);
            }
            Identity::Session { .. } => set("aws:principaltype", "AssumedRole"),
        }
        set("aws:principalarn", self.principal_arn());
        set("aws:principalaccount", &self.account);
        set("aws:userid", &self.user_id);
        set(USER_ID, &self.user_id);
        if let Some(source) = &self.source_identity {
            set("aws:sourceidentity", source);
        }
        for (key, value) in self.tags.iter() {
            set(&format!("aws:principaltag/{}", key.to_lowercase()), value);
        }
    }
}
