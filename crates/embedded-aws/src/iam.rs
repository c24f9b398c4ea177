//! Users, roles and sessions, with their secrets and policies.
//!
//! Authenticates callers and evaluates no policy. A session refers to its role by the role's unique ID, so a role that is
//! recreated under the same name does not inherit the sessions of its predecessor.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use awsim_iam_policy::PolicyDocument;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};

use super::caller::{Caller, Identity};
use super::keys::{AccessKey, SessionKeys, secret_access_key, session_token, unique_id};

/// Number of sessions at which those that expired more than an hour ago are removed. Expired sessions are kept until then,
/// so that their requests are answered with `ExpiredToken`.
const SESSION_PRUNE_THRESHOLD: usize = 100_000;

struct User {
    name: String,
    id: String,
    arn: String,
    secret: SecretString,
    policies: Arc<[PolicyDocument]>,
}

pub(crate) struct Role {
    pub name: String,
    pub arn: String,
    pub id: String,
    pub trust: Arc<PolicyDocument>,
    policies: Arc<[PolicyDocument]>,
}

/// The properties of a new session, besides its role.
#[derive(Default)]
pub(crate) struct SessionSpec {
    pub name: String,
    pub seconds: u32,
    pub policy: Option<Arc<PolicyDocument>>,
    pub tags: BTreeMap<String, String>,
    pub transitive_tags: Vec<String>,
    pub source_identity: Option<String>,
}

struct Session {
    role_arn: String,
    role_id: String,
    arn: String,
    name: String,
    secret: SecretString,
    token: SecretString,
    expiration: Timestamp,
    policy: Option<Arc<PolicyDocument>>,
    tags: Arc<BTreeMap<String, String>>,
    transitive_tags: Arc<[String]>,
    source_identity: Option<String>,
}

/// The reason that credentials are not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AuthenticationError {
    /// No user or session has this access key.
    UnknownAccessKey,
    /// The session token is missing, belongs to another session or was sent with a user's access key.
    InvalidToken,
    /// The session has expired.
    ExpiredToken,
}

/// The users, roles and sessions of the account. Users and sessions are found by access key ID, roles by ARN.
#[derive(Default)]
pub(crate) struct IamStore {
    users: HashMap<String, Arc<User>>,
    roles: HashMap<String, Arc<Role>>,
    sessions: HashMap<String, Arc<Session>>,
}

impl IamStore {
    pub(crate) fn put_user(&mut self, account: &str, name: &str, key: AccessKey, policies: Vec<PolicyDocument>) {
        let user = User {
            name: name.to_owned(),
            id: unique_id("AIDA"),
            arn: format!("arn:aws:iam::{account}:user/{name}"),
            secret: key.secret_access_key,
            policies: policies.into(),
        };
        self.users.insert(key.access_key_id, Arc::new(user));
    }

    pub(crate) fn delete_access_key(&mut self, access_key_id: &str) -> bool {
        self.users.remove(access_key_id).is_some() | self.sessions.remove(access_key_id).is_some()
    }

    pub(crate) fn put_role(
        &mut self,
        account: &str,
        path_and_name: &str,
        trust: PolicyDocument,
        policies: Vec<PolicyDocument>,
    ) -> String {
        let path_and_name = path_and_name.trim_start_matches('/');
        let arn = format!("arn:aws:iam::{account}:role/{path_and_name}");
        let role = Role {
            name: path_and_name.rsplit('/').next().unwrap_or(path_and_name).to_owned(),
            arn: arn.clone(),
            id: unique_id("AROA"),
            trust: Arc::new(trust),
            policies: policies.into(),
        };
        self.roles.insert(arn.clone(), Arc::new(role));
        arn
    }

    pub(crate) fn delete_role(&mut self, arn: &str) -> bool {
        self.roles.remove(arn).is_some()
    }

    /// Replaces the policies of a role. The role keeps its unique ID, and with it its sessions.
    pub(crate) fn set_role_policies(&mut self, arn: &str, policies: Vec<PolicyDocument>) -> bool {
        let Some(role) = self.roles.get_mut(arn) else {
            return false;
        };
        *role = Arc::new(Role {
            name: role.name.clone(),
            arn: role.arn.clone(),
            id: role.id.clone(),
            trust: Arc::clone(&role.trust),
            policies: policies.into(),
        });
        true
    }

    pub(crate) fn role(&self, arn: &str) -> Option<Arc<Role>> {
        self.roles.get(arn).cloned()
    }

    pub(crate) fn open_session(
        &mut self,
        account: &str,
        role: &Role,
        now: Timestamp,
        spec: SessionSpec,
    ) -> SessionKeys {
        if self.sessions.len() >= SESSION_PRUNE_THRESHOLD {
            let horizon = now - SignedDuration::from_hours(1);
            self.sessions.retain(|_, session| session.expiration > horizon);
        }
        let keys = SessionKeys {
            access_key_id: unique_id("ASIA"),
            secret_access_key: secret_access_key().into(),
            session_token: session_token().into(),
            expiration: truncate_to_second(now) + SignedDuration::from_secs(i64::from(spec.seconds)),
        };
        let session = Session {
            role_arn: role.arn.clone(),
            role_id: role.id.clone(),
            arn: session_arn(account, &role.name, &spec.name),
            name: spec.name,
            secret: keys.secret_access_key.clone(),
            token: keys.session_token.clone(),
            expiration: keys.expiration,
            policy: spec.policy,
            tags: Arc::new(spec.tags),
            transitive_tags: spec.transitive_tags.into(),
            source_identity: spec.source_identity,
        };
        self.sessions.insert(keys.access_key_id.clone(), Arc::new(session));
        keys
    }

    pub(crate) fn secret_access_key(&self, access_key_id: &str) -> Option<String> {
        let user = self.users.get(access_key_id).map(|user| &user.secret);
        let secret = user.or_else(|| self.sessions.get(access_key_id).map(|session| &session.secret))?;
        Some(secret.expose_secret().to_owned())
    }

    /// Returns the caller that owns `access_key_id` and session `token`. The signature has already been verified.
    pub(crate) fn authenticate(
        &self,
        account: &str,
        access_key_id: &str,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<Caller, AuthenticationError> {
        if let Some(user) = self.users.get(access_key_id) {
            return if token.is_some() {
                Err(AuthenticationError::InvalidToken)
            } else {
                Ok(user.caller(account))
            };
        }
        let session = self
            .sessions
            .get(access_key_id)
            .ok_or(AuthenticationError::UnknownAccessKey)?;
        if token != Some(session.token.expose_secret()) {
            return Err(AuthenticationError::InvalidToken);
        }
        if now >= session.expiration {
            return Err(AuthenticationError::ExpiredToken);
        }
        let role = self
            .roles
            .get(&session.role_arn)
            .filter(|role| role.id == session.role_id);
        Ok(session.caller(
            account,
            role.map_or_else(|| Arc::from([]), |role| Arc::clone(&role.policies)),
        ))
    }
}

impl User {
    fn caller(&self, account: &str) -> Caller {
        Caller {
            identity: Identity::User(self.name.clone()),
            arn: self.arn.clone(),
            user_id: self.id.clone(),
            account: account.to_owned(),
            policies: Arc::clone(&self.policies),
            ..Caller::anonymous()
        }
    }
}

impl Session {
    fn caller(&self, account: &str, policies: Arc<[PolicyDocument]>) -> Caller {
        Caller {
            identity: Identity::Session {
                role_arn: self.role_arn.clone(),
            },
            arn: self.arn.clone(),
            user_id: format!("{}:{}", self.role_id, self.name),
            account: account.to_owned(),
            policies,
            session_policy: self.policy.clone(),
            tags: Arc::clone(&self.tags),
            transitive_tags: Arc::clone(&self.transitive_tags),
            source_identity: self.source_identity.clone(),
        }
    }
}

pub(crate) fn session_arn(account: &str, role_name: &str, session_name: &str) -> String {
    format!("arn:aws:sts::{account}:assumed-role/{role_name}/{session_name}")
}

/// Truncates a time to the second, as AWS reports it, so that the expiration that a client receives is the one enforced.
pub(crate) fn truncate_to_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}
