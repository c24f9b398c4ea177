//! The shared client, and the handle that acts as one caller.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Builder, IdentityCache, Region};
use jiff::Timestamp;
use moka::future::Cache;

use super::BucketName;
use crate::clock::Clock;
use crate::telemetry::Dependency;
use crate::upstream::Breaker;

/// Callers are spread over this many retry budgets: the SDK never frees one, so there cannot be one for each caller.
const RETRY_PARTITIONS: u64 = 64;
/// Longest silence on a connection. The SDK's own default is to wait for ever.
const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// The connection pool and what is known about buckets' regions: shared by everybody, and without any identity.
#[derive(Clone)]
pub struct SharedS3 {
    client: Client,
    region: String,
    regions: Cache<BucketName, String>,
    /// One for each endpoint, which is one for each region where S3 is AWS's own.
    breakers: Arc<Mutex<HashMap<String, Breaker>>>,
    clock: Clock,
    has_one_endpoint: bool,
}

/// How to reach S3.
#[derive(Debug, Clone)]
pub struct SharedS3Options {
    /// Region of requests whose bucket's region is not known yet.
    pub region: String,
    /// Another S3 than AWS's own; implies path-style addressing.
    pub endpoint: Option<String>,
    /// First wait between two tries of the SDK.
    pub initial_backoff: Duration,
    /// Longest wait for a connection, with the resolving of its name.
    pub connect_timeout: Duration,
    /// The time.
    pub clock: Clock,
}

impl SharedS3 {
    /// Builds the client. No connection is made.
    #[must_use]
    pub fn new(options: SharedS3Options) -> Self {
        let mut config = Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(options.region.clone()))
            .force_path_style(options.endpoint.is_some())
            .retry_config(RetryConfig::standard().with_initial_backoff(options.initial_backoff))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(options.connect_timeout)
                    .read_timeout(READ_TIMEOUT)
                    .build(),
            )
            // No credentials and no cache of identities: see the room's invariants.
            .identity_cache(IdentityCache::no_cache());
        let has_one_endpoint = options.endpoint.is_some();
        config.set_endpoint_url(options.endpoint);
        Self {
            client: Client::from_conf(config.build()),
            region: options.region,
            regions: Cache::builder()
                .max_capacity(10_000)
                .time_to_live(Duration::from_hours(1))
                .build(),
            breakers: Arc::default(),
            clock: options.clock,
            has_one_endpoint,
        }
    }

    /// A handle that acts as the owner of these credentials. `partition` names the caller whose retries these are.
    #[must_use]
    pub fn acting_as(&self, signing: Signing, partition: impl Hash, renew: Arc<dyn Renew>) -> UserS3 {
        let mut hasher = DefaultHasher::new();
        partition.hash(&mut hasher);
        let partition = RetryPartition::new(format!("caller-{}", hasher.finish() % RETRY_PARTITIONS));
        UserS3 {
            shared: self.clone(),
            signing: Arc::new(Mutex::new(signing)),
            partition,
            renew,
        }
    }
}

impl fmt::Debug for SharedS3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedS3")
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

/// Credentials as S3 needs them.
#[derive(Clone)]
pub struct Signing {
    /// What requests are signed with.
    pub credentials: Credentials,
    /// When they end.
    pub expires_at: Option<Timestamp>,
}

impl fmt::Debug for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Signing({})",
            crate::redact::key_id(self.credentials.access_key_id())
        )
    }
}

/// Gets newer credentials of the same caller when AWS says that the present ones are over.
#[async_trait]
pub trait Renew: Send + Sync {
    /// Newer credentials, or `None` when there are none to be had; then S3's own answer stands.
    async fn renew(&self, stale_access_key_id: &str) -> Option<Signing>;
}

/// S3 as one caller. There is no way from here to anybody else's rights.
#[derive(Clone)]
pub struct UserS3 {
    shared: SharedS3,
    signing: Arc<Mutex<Signing>>,
    partition: RetryPartition,
    renew: Arc<dyn Renew>,
}

impl UserS3 {
    /// The credentials that the next request is signed with.
    #[must_use]
    pub fn signing(&self) -> Signing {
        self.signing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The region that a bucket's requests are signed for.
    pub(super) async fn region_of(&self, bucket: Option<&BucketName>) -> String {
        match bucket {
            Some(bucket) => self.shared.regions.get(bucket).await,
            None => None,
        }
        .unwrap_or_else(|| self.shared.region.clone())
    }

    /// The breaker of the endpoint that answers for a region.
    pub(super) fn breaker(&self, region: &str) -> Breaker {
        let endpoint = if self.shared.has_one_endpoint { "" } else { region };
        let mut breakers = self.shared.breakers.lock().unwrap_or_else(PoisonError::into_inner);
        match breakers.get(endpoint) {
            Some(breaker) => breaker.clone(),
            // S3 names the regions, of which there are some forty.
            None => breakers
                .entry(endpoint.to_owned())
                .or_insert_with(|| Breaker::new(Dependency::S3, self.shared.clock.clone()))
                .clone(),
        }
    }

    /// Remembers what S3 said about a bucket's region.
    pub(super) async fn note_region(&self, bucket: &BucketName, region: &str) {
        self.shared.regions.insert(bucket.clone(), region.to_owned()).await;
    }

    /// Newer credentials of the same caller, from now on used by this handle; `false` if there are none.
    pub(super) async fn renew(&self, stale_access_key_id: &str) -> bool {
        match self.renew.renew(stale_access_key_id).await {
            Some(newer) if newer.credentials.access_key_id() != stale_access_key_id => {
                *self.signing.lock().unwrap_or_else(PoisonError::into_inner) = newer;
                true
            }
            _ => false,
        }
    }

    /// The shared client; useless without [`UserS3::identity`].
    pub(super) fn client(&self) -> &Client {
        &self.shared.client
    }

    /// The configuration override that makes a request this caller's.
    pub(super) fn identity(&self, credentials: Credentials, region: String) -> Builder {
        Builder::new()
            .credentials_provider(credentials)
            .region(Region::new(region))
            .retry_partition(self.partition.clone())
    }
}

impl fmt::Debug for UserS3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserS3({:?})", self.signing())
    }
}
