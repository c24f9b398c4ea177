//! The account: its users, roles, sessions and trusted issuers, set up without HTTP, signatures or policies.

use std::fmt;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::iam::SessionSpec;
use crate::journal::Journal;
use crate::keys::{self, AccessKey, SessionKeys};
use crate::options::Options;
use crate::policy::{InvalidPolicy, Kind, parse, parse_all};
use crate::server;
use crate::state::{State, lock};
use crate::sts::Issuer;

/// The embedded AWS account. Clones share it.
#[derive(Clone)]
pub struct EmbeddedAws {
    pub(crate) state: Arc<State>,
}

impl fmt::Debug for EmbeddedAws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedAws")
            .field("options", &self.state.options)
            .finish_non_exhaustive()
    }
}

impl EmbeddedAws {
    /// An account with nobody and nothing in it.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let (iam, store, issuers) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self {
            state: Arc::new(State {
                options,
                iam,
                store,
                issuers,
                journal: Journal::default(),
            }),
        }
    }

    /// Trusts the tokens of an identity provider: roles whose trust policy names
    /// `arn:aws:iam::ACCOUNT:oidc-provider/HOST` as federated principal are given in exchange for them. `keys` is the
    /// provider's key set (RFC 7517).
    pub fn trust_issuer(&self, issuer: &str, audience: &str, keys: &Value) -> Result<(), serde_json::Error> {
        let keys = serde_json::from_value(keys.clone())?;
        let trusted = Issuer {
            url: issuer.to_owned(),
            audience: audience.to_owned(),
            keys,
        };
        lock(&self.state.issuers).push(trusted);
        Ok(())
    }

    /// The options it was made with.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.state.options
    }

    /// The record of requests.
    #[must_use]
    pub fn journal(&self) -> Journal {
        self.state.journal.clone()
    }

    /// Answers S3 and STS requests on `listener` until `shutdown` fires, then lets open connections finish for up to a
    /// second. May run several times at once, on several listeners.
    pub async fn serve(&self, listener: TcpListener, shutdown: CancellationToken) {
        server::serve(Arc::clone(&self.state), listener, shutdown).await;
    }

    /// Makes a user with these identity policies and a new access key. A user may be made again to get a further key;
    /// the policies go with the key.
    pub fn create_user(&self, name: &str, policies: &[Value]) -> Result<AccessKey, InvalidPolicy> {
        let key = AccessKey {
            access_key_id: keys::unique_id("AKIA"),
            secret_access_key: keys::secret().into(),
        };
        self.put_user(name, key.clone(), policies)?;
        Ok(key)
    }

    /// Makes a user whose access key is known beforehand.
    pub fn create_user_with_key(
        &self,
        name: &str,
        access_key_id: &str,
        secret_access_key: &str,
        policies: &[Value],
    ) -> Result<(), InvalidPolicy> {
        let secret_access_key = secret_access_key.to_owned().into();
        self.put_user(
            name,
            AccessKey {
                access_key_id: access_key_id.to_owned(),
                secret_access_key,
            },
            policies,
        )
    }

    fn put_user(&self, name: &str, key: AccessKey, policies: &[Value]) -> Result<(), InvalidPolicy> {
        let policies = parse_all(Kind::Identity, policies)?;
        lock(&self.state.iam).put_user(&self.state.options.account_id, name, key, policies);
        Ok(())
    }

    /// The ARN that a user of this name has.
    #[must_use]
    pub fn user_arn(&self, name: &str) -> String {
        format!("arn:aws:iam::{}:user/{name}", self.state.options.account_id)
    }

    /// The ARN that a role of this path and name has.
    #[must_use]
    pub fn role_arn(&self, path_and_name: &str) -> String {
        format!(
            "arn:aws:iam::{}:role/{}",
            self.state.options.account_id,
            path_and_name.trim_start_matches('/')
        )
    }

    /// Makes a role and tells its ARN. `path_and_name` is `reader` or `quilt/reader`. A role of that name that exists is
    /// replaced, and its sessions lose every permission, as in AWS.
    pub fn create_role(&self, path_and_name: &str, trust: &Value, policies: &[Value]) -> Result<String, InvalidPolicy> {
        let (trust, policies) = (parse(Kind::Trust, trust)?, parse_all(Kind::Identity, policies)?);
        Ok(lock(&self.state.iam).put_role(&self.state.options.account_id, path_and_name, trust, policies))
    }

    /// Deletes a role; its living sessions are refused everything from now on. Tells whether there was one.
    #[expect(clippy::must_use_candidate, reason = "the answer is for who cares")]
    pub fn delete_role(&self, role_arn: &str) -> bool {
        lock(&self.state.iam).delete_role(role_arn)
    }

    /// Replaces a role's policies, also for its living sessions. Tells whether there is such a role.
    pub fn set_role_policies(&self, role_arn: &str, policies: &[Value]) -> Result<bool, InvalidPolicy> {
        let policies = parse_all(Kind::Identity, policies)?;
        Ok(lock(&self.state.iam).change_role(role_arn, None, Some(policies)))
    }

    /// Replaces a role's trust policy. Tells whether there is such a role.
    pub fn set_role_trust(&self, role_arn: &str, trust: &Value) -> Result<bool, InvalidPolicy> {
        let trust = parse(Kind::Trust, trust)?;
        Ok(lock(&self.state.iam).change_role(role_arn, Some(trust), None))
    }

    /// Forgets an access key of a user or session: from now on it is `InvalidAccessKeyId`. Tells whether there was one.
    #[expect(clippy::must_use_candidate, reason = "the answer is for who cares")]
    pub fn revoke_access_key(&self, access_key_id: &str) -> bool {
        lock(&self.state.iam).delete_access_key(access_key_id)
    }

    /// Opens a session of a role without asking its trust policy: what a registry vends. `None` if there is no such
    /// role. A life of zero seconds has ended already.
    pub fn mint_session(
        &self,
        role_arn: &str,
        session_name: &str,
        seconds: u32,
        session_policy: Option<&Value>,
    ) -> Result<Option<SessionKeys>, InvalidPolicy> {
        let policy = session_policy
            .map(|policy| parse(Kind::Identity, policy))
            .transpose()?
            .map(Arc::new);
        let spec = SessionSpec {
            name: session_name.to_owned(),
            seconds,
            policy,
            ..SessionSpec::default()
        };
        let mut iam = lock(&self.state.iam);
        let Some(role) = iam.role(role_arn) else {
            return Ok(None);
        };
        Ok(Some(iam.open_session(
            &self.state.options.account_id,
            &role,
            self.state.now(),
            spec,
        )))
    }
}
