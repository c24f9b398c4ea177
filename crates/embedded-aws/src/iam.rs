//! Users, roles and sessions: who exists, with which secrets and policies. It answers "who is this?" and never "may
//! they?". A session refers to its role by the role's unique id, so a role made anew under an old name inherits none.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use awsim_iam_policy::PolicyDocument;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};

use super::caller::{Caller, Identity};
use super::keys::{AccessKey, SessionKeys, secret, session_token, unique_id};

/// Sessions are remembered past their end to answer `ExpiredToken`; beyond this many, the long expired are forgotten.
const SESSIONS_BEFORE_PRUNING: usize = 100_000;

struct User {
    name: String,
    id: String,
    arn: String,
    secret: SecretString,
    policies: Arc<[PolicyDocument]>,
}

/// A role, as `AssumeRole` sees it.
pub(crate) struct Role {
    pub name: String,
    pub arn: String,
    pub id: String,
    pub trust: Arc<PolicyDocument>,
    policies: Arc<[PolicyDocument]>,
}

/// What a session is given at its birth, beyond its role.
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

/// Why credentials identify nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unidentified {
    UnknownKey,
    InvalidToken,
    ExpiredToken,
}

/// Every identity of the account.
#[derive(Default)]
pub(crate) struct Directory {
    users: HashMap<String, Arc<User>>,
    roles: HashMap<String, Arc<Role>>,
    sessions: HashMap<String, Arc<Session>>,
}

impl Directory {
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

    /// Changes a role in place: its unique id, and so its sessions, live on.
    pub(crate) fn change_role(
        &mut self,
        arn: &str,
        trust: Option<PolicyDocument>,
        policies: Option<Vec<PolicyDocument>>,
    ) -> bool {
        let Some(role) = self.roles.get_mut(arn) else {
            return false;
        };
        let changed = Role {
            name: role.name.clone(),
            arn: role.arn.clone(),
            id: role.id.clone(),
            trust: trust.map_or_else(|| Arc::clone(&role.trust), Arc::new),
            policies: policies.map_or_else(|| Arc::clone(&role.policies), Arc::from),
        };
        *role = Arc::new(changed);
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
        if self.sessions.len() >= SESSIONS_BEFORE_PRUNING {
            let horizon = now - SignedDuration::from_hours(1);
            self.sessions.retain(|_, session| session.expiration > horizon);
        }
        let keys = SessionKeys {
            access_key_id: unique_id("ASIA"),
            secret_access_key: secret().into(),
            session_token: session_token().into(),
            expiration: whole_second(now) + SignedDuration::from_secs(i64::from(spec.seconds)),
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

    pub(crate) fn secret_of(&self, access_key_id: &str) -> Option<String> {
        let user = self.users.get(access_key_id).map(|user| &user.secret);
        let secret = user.or_else(|| self.sessions.get(access_key_id).map(|session| &session.secret))?;
        Some(secret.expose_secret().to_owned())
    }

    /// Who signed with `access_key_id` and sent `token`. The signature itself has been verified elsewhere.
    pub(crate) fn identify(
        &self,
        account: &str,
        access_key_id: &str,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<Caller, Unidentified> {
        if let Some(user) = self.users.get(access_key_id) {
            return if token.is_some() {
                Err(Unidentified::InvalidToken)
            } else {
                Ok(user.caller(account))
            };
        }
        let session = self.sessions.get(access_key_id).ok_or(Unidentified::UnknownKey)?;
        if token != Some(session.token.expose_secret()) {
            return Err(Unidentified::InvalidToken);
        }
        if now >= session.expiration {
            return Err(Unidentified::ExpiredToken);
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

/// AWS tells times to the second, and what a client was told must be what is enforced.
pub(crate) fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}
