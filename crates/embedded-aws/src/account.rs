//! The public handle on the account: its server, users, roles, sessions and trusted identity providers.
//!
//! These methods change the state directly. They are neither authenticated nor authorized and leave no journal entry.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::iam::SessionSpec;
use crate::journal::Journal;
use crate::keys::{self, AccessKey, SessionKeys};
use crate::options::Options;
use crate::policy::{InvalidPolicy, Kind, parse, parse_all};
use crate::server::{self, Services};
use crate::state::State;
use crate::sts::issuer::Issuer;

/// An embedded AWS account. Clones share its state.
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
    /// Creates an account without users, roles or buckets.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            state: Arc::new(State::new(options)),
        }
    }

    /// Accepts tokens of an OIDC provider in `AssumeRoleWithWebIdentity`, for roles whose trust policy names
    /// `arn:aws:iam::ACCOUNT:oidc-provider/HOST` as its federated principal. `keys` is the provider's JSON Web Key Set
    /// (RFC 7517).
    pub fn trust_issuer(&self, issuer: &str, audience: &str, keys: &Value) -> Result<(), serde_json::Error> {
        let keys = serde_json::from_value(keys.clone())?;
        let trusted = Issuer {
            url: issuer.to_owned(),
            audience: audience.to_owned(),
            keys,
        };
        self.state.issuers().push(trusted);
        Ok(())
    }

    /// Returns the options with which the account was created.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.state.options
    }

    /// Returns a handle on the journal of requests.
    #[must_use]
    pub fn journal(&self) -> Journal {
        self.state.journal.clone()
    }

    /// Serves S3 and STS requests on `listener` until `shutdown` is cancelled, then gives open connections up to one second
    /// to finish. Several listeners may be served concurrently.
    pub async fn serve(&self, listener: TcpListener, shutdown: CancellationToken) {
        server::serve(Arc::clone(&self.state), listener, shutdown).await;
    }

    /// Returns the services without a socket. Athena's queries then run until they end.
    #[must_use]
    pub fn services(&self) -> Services {
        Services::new(Arc::clone(&self.state))
    }

    /// Creates a user with these identity policies and returns a new access key. Calling this again for the same name
    /// creates another access key; policies are attached to the key.
    pub fn create_user(&self, name: &str, policies: &[Value]) -> Result<AccessKey, InvalidPolicy> {
        let key = AccessKey {
            access_key_id: keys::unique_id("AKIA"),
            secret_access_key: keys::secret_access_key().into(),
        };
        self.put_user(name, key.clone(), policies)?;
        Ok(key)
    }

    /// Creates a user with the given access key.
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
        self.state
            .iam()
            .put_user(&self.state.options.account_id, name, key, policies);
        Ok(())
    }

    /// Returns the ARN of the user with this name, which need not exist.
    #[must_use]
    pub fn user_arn(&self, name: &str) -> String {
        format!("arn:aws:iam::{}:user/{name}", self.state.options.account_id)
    }

    /// Returns the ARN of the role with this path and name, which need not exist.
    #[must_use]
    pub fn role_arn(&self, path_and_name: &str) -> String {
        format!(
            "arn:aws:iam::{}:role/{}",
            self.state.options.account_id,
            path_and_name.trim_start_matches('/')
        )
    }

    /// Creates a role and returns its ARN. `path_and_name` is, for example, `reader` or `quilt/reader`. An existing role
    /// with this name is replaced, and its sessions lose every permission, as in AWS.
    pub fn create_role(&self, path_and_name: &str, trust: &Value, policies: &[Value]) -> Result<String, InvalidPolicy> {
        let trust = parse(Kind::Trust, trust)?;
        let policies = parse_all(Kind::Identity, policies)?;
        Ok(self
            .state
            .iam()
            .put_role(&self.state.options.account_id, path_and_name, trust, policies))
    }

    /// Deletes a role and returns whether it existed. Its open sessions lose every permission.
    #[expect(clippy::must_use_candidate, reason = "most callers know that the role exists")]
    pub fn delete_role(&self, role_arn: &str) -> bool {
        self.state.iam().delete_role(role_arn)
    }

    /// Replaces a role's policies, also for its open sessions, and returns whether the role exists.
    pub fn set_role_policies(&self, role_arn: &str, policies: &[Value]) -> Result<bool, InvalidPolicy> {
        let policies = parse_all(Kind::Identity, policies)?;
        Ok(self.state.iam().set_role_policies(role_arn, policies))
    }

    /// Deletes the access key of a user or session and returns whether it existed. Later requests with it are answered with
    /// `InvalidAccessKeyId`.
    #[expect(clippy::must_use_candidate, reason = "most callers know that the key exists")]
    pub fn revoke_access_key(&self, access_key_id: &str) -> bool {
        self.state.iam().delete_access_key(access_key_id)
    }

    /// Opens a session of a role without evaluating its trust policy, as a Quilt registry does on behalf of its users.
    /// Returns `None` if the role does not exist. A session of zero seconds has already expired.
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
        let mut iam = self.state.iam();
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
