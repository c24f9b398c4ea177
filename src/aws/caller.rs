//! A caller's access to AWS: credentials, their renewal, and the partition that retries are paid from.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_sdk_sts::config::retry::RetryPartition;
use jiff::Timestamp;

use super::{AwsError, AwsErrorKind};
use crate::redact;

/// Callers are spread over this many retry budgets: the SDK never frees one, so there cannot be one for each caller.
const RETRY_PARTITIONS: u64 = 64;

/// Credentials that requests are signed with.
#[derive(Clone)]
pub struct Signing {
    pub credentials: Credentials,
    /// When they expire; `None` for long-term keys.
    pub expires_at: Option<Timestamp>,
}

impl fmt::Debug for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signing({})", redact::key_id(self.credentials.access_key_id()))
    }
}

/// Gets newer credentials of the same caller when AWS says that the present ones have expired.
#[async_trait]
pub trait Renew: Send + Sync {
    /// Returns newer credentials, or `None` when there are none to be had; then AWS's own answer stands.
    async fn renew(&self, stale_access_key_id: &str) -> Option<Signing>;

    /// Whether a key that AWS does not know is replaced like one that has expired. The server's own keys may be rotated while
    /// it runs.
    fn renews_unknown_keys(&self) -> bool {
        false
    }
}

/// AWS as one caller. No function leads from here to another caller's rights. Clones share the credentials.
#[derive(Clone)]
pub struct AwsCaller {
    signing: Arc<Mutex<Signing>>,
    retry_partition: RetryPartition,
    renew: Arc<dyn Renew>,
}

impl AwsCaller {
    /// Creates the access of the owner of these credentials. `partition` names the caller whose retries these are.
    #[must_use]
    pub fn new(signing: Signing, partition: impl Hash, renew: Arc<dyn Renew>) -> Self {
        let mut hasher = DefaultHasher::new();
        partition.hash(&mut hasher);
        Self {
            signing: Arc::new(Mutex::new(signing)),
            retry_partition: RetryPartition::new(format!("caller-{}", hasher.finish() % RETRY_PARTITIONS)),
            renew,
        }
    }

    /// Returns the credentials that the next request is signed with.
    #[must_use]
    pub fn signing(&self) -> Signing {
        self.signing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the identity of a request that is signed with these credentials, for this region.
    pub(super) fn identity(&self, credentials: Credentials, region: String) -> Identity {
        Identity {
            credentials,
            region,
            retry_partition: Some(self.retry_partition.clone()),
        }
    }

    /// Whether newer credentials may serve where AWS answered so.
    pub(super) fn may_renew(&self, error: &AwsError) -> bool {
        match error.kind {
            AwsErrorKind::StaleCredentials => !error.is_global_token_in_opt_in_region(),
            AwsErrorKind::InvalidCredentials => error.is_unknown_key() && self.renew.renews_unknown_keys(),
            _ => false,
        }
    }

    /// Gets newer credentials, which this access and its clones use from now on; `false` if there are none.
    pub(super) async fn renew(&self, stale_access_key_id: &str) -> bool {
        match self.renew.renew(stale_access_key_id).await {
            Some(newer) if newer.credentials.access_key_id() != stale_access_key_id => {
                *self.signing.lock().unwrap_or_else(PoisonError::into_inner) = newer;
                true
            }
            _ => false,
        }
    }
}

impl fmt::Debug for AwsCaller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AwsCaller({:?})", self.signing())
    }
}

/// What makes one request the caller's: credentials, the region that it is signed for, and the retry partition, where it
/// is not that of the client.
#[derive(Debug, Clone)]
pub struct Identity {
    pub credentials: Credentials,
    pub region: String,
    pub retry_partition: Option<RetryPartition>,
}
