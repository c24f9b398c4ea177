//! One call's view of the world: its caller, and what that caller may reach.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::{ToolError, Word};
use crate::blocking::CpuPool;
use crate::catalog::{CatalogHost, RegistryAccess, RegistryDirectory, RegistryError};
use crate::clock::Clock;
use crate::credentials::{AmbientPolicy, NoCredentials, Resolved, Resolver, Source};
use crate::error_code::ErrorCode;
use crate::identity::{Caller, ProvedCaller};
use crate::memory::CallMemory;
use crate::packages::{ManifestCache, PackageBucket};
use crate::s3::{BucketName, Renew, SharedS3, Signing, UserS3};
use crate::sts::{CallerIdentity, SharedSts};
use crate::telemetry::following;

/// What all calls share. Nothing in here has an identity.
pub struct Services {
    /// The S3 connection pool.
    pub s3: SharedS3,
    /// The STS connection pool.
    pub sts: SharedSts,
    /// From callers to credentials.
    pub resolver: Arc<Resolver>,
    /// The registries that may be asked.
    pub registries: Arc<RegistryDirectory>,
    /// The catalog, if one is configured.
    pub catalog: Option<Arc<CatalogHost>>,
    /// Buckets to show when there is no catalog.
    pub buckets: Vec<BucketName>,
    /// Manifests that were read.
    pub manifests: ManifestCache,
    /// Where computations of unbounded size run.
    pub cpu: CpuPool,
    /// Work that goes on although its client has left; a shutdown waits for it.
    pub tasks: TaskTracker,
    /// The time.
    pub clock: Clock,
    /// Longest time that a question about the rights in one bucket may take.
    pub bucket_limit: Duration,
}

/// Who is told how much of a call is done: how many of how many.
pub type Progress = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// One call's caller and services. Cheap to clone; lives as long as the call.
#[derive(Clone)]
pub struct Session(Arc<Inner>);

struct Inner {
    caller: Caller,
    memory: CallMemory,
    services: Arc<Services>,
    resolved: OnceLock<Arc<Resolved>>,
    deadline: Instant,
    progress: Option<Progress>,
    word: Word,
}

/// How long before its end a call should stop, to tell what it has done; of a short call, the last fifth.
const LAST_WORDS: Duration = Duration::from_secs(2);

impl Session {
    /// A session of this caller, for a call that may take `limit`, and about which the person behind the client has said
    /// `word`.
    #[must_use]
    pub fn new(
        caller: Caller,
        memory: CallMemory,
        services: Arc<Services>,
        limit: Duration,
        progress: Option<Progress>,
        word: Word,
    ) -> Self {
        let deadline = Instant::now() + limit.saturating_sub(LAST_WORDS.min(limit / 5));
        Self(Arc::new(Inner {
            caller,
            memory,
            services,
            resolved: OnceLock::new(),
            deadline,
            progress,
            word,
        }))
    }

    /// Tells the client how much is done, if it wants to know.
    pub fn report(&self, done: u64, total: u64) {
        if let Some(progress) = &self.0.progress {
            progress(done, total);
        }
    }

    /// What the person behind the client has said.
    pub(super) fn word(&self) -> &Word {
        &self.0.word
    }

    /// When a tool that does several things should stop, so that it can still tell what it has done.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.0.deadline
    }

    /// Holds at least so many bytes of memory, for all that this call has in it at once, until its answer has left.
    pub async fn hold(&self, bytes: usize) -> Result<(), ToolError> {
        Ok(self.0.memory.hold(bytes).await?)
    }

    /// Reserves `bytes` beyond what the call holds, for what turns out to be needed on the way.
    pub async fn hold_more(&self, bytes: usize) -> Result<(), ToolError> {
        Ok(self.0.memory.hold_more(bytes).await?)
    }

    /// Lets go of what the call holds beyond this, when it is known to need no more.
    pub fn settle(&self, bytes: usize) {
        self.0.memory.shrink_to(bytes);
    }

    /// Who calls.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.0.caller
    }

    /// The caller, if proved.
    #[must_use]
    pub fn proved(&self) -> Option<&ProvedCaller> {
        match &self.0.caller {
            Caller::Anonymous => None,
            Caller::Proved(proved) => Some(proved),
        }
    }

    /// The time.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.services.clock
    }

    /// The registry of this caller, with the bearer that it is asked with; `None` when there is none.
    pub async fn registry(&self) -> Option<Result<RegistryAccess, RegistryError>> {
        self.0.services.registries.for_caller(self.proved()?).await
    }

    /// The catalog, if one is configured.
    #[must_use]
    pub fn catalog(&self) -> Option<&Arc<CatalogHost>> {
        self.0.services.catalog.as_ref()
    }

    /// Buckets to show when there is no catalog.
    #[must_use]
    pub fn configured_buckets(&self) -> &[BucketName] {
        &self.0.services.buckets
    }

    /// What the operator allows the server's own credentials to do.
    #[must_use]
    pub fn ambient_policy(&self) -> AmbientPolicy {
        self.0.services.resolver.ambient_policy()
    }

    /// Longest time that a question about the rights in one bucket may take.
    #[must_use]
    pub fn bucket_limit(&self) -> Duration {
        self.0.services.bucket_limit
    }

    /// Begins what must come to its end also when the call does not: work that would leave something lying about.
    pub(super) fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.0.services.tasks.spawn(following(work))
    }

    /// This caller's credentials, resolved on first use.
    pub async fn credentials(&self) -> Result<Arc<Resolved>, NoCredentials> {
        if let Some(resolved) = self.0.resolved.get() {
            return Ok(resolved.clone());
        }
        let resolved = self.0.services.resolver.resolve(&self.0.caller).await?;
        Ok(self.0.resolved.get_or_init(|| resolved).clone())
    }

    /// Forgets what is cached about this caller's credentials.
    pub async fn forget_credentials(&self) {
        self.0.services.resolver.forget(&self.0.caller).await;
    }

    /// The credentials of this call, once it has some.
    pub(super) fn resolved(&self) -> Option<&Resolved> {
        self.0.resolved.get().map(AsRef::as_ref)
    }

    /// Where the credentials of this call come from, once it has some.
    #[must_use]
    pub fn credential_source(&self) -> Option<Source> {
        self.0.resolved.get().map(|resolved| resolved.source())
    }

    /// S3 as this caller, for reading.
    pub async fn s3(&self) -> Result<UserS3, ToolError> {
        let resolved = self.credentials().await?;
        let renew = Arc::new(RenewFor(self.clone()));
        let partition = self.proved().map(ProvedCaller::fingerprint);
        Ok(self.0.services.s3.acting_as(signing(&resolved), partition, renew))
    }

    /// S3 as this caller, for writing. The server's own credentials write only where the operator said `full`.
    pub async fn s3_for_writing(&self) -> Result<UserS3, ToolError> {
        let s3 = self.s3().await?;
        let resolved = self.credentials().await?;
        if resolved.source() == Source::Ambient && self.ambient_policy() != AmbientPolicy::Full {
            let message = "Writing needs the caller's own AWS credentials, and no source has any for this caller; the \
                           server's own credentials are for reading only.";
            return Err(ToolError::new(ErrorCode::WriteNeedsUserCredentials, message)
                .with_hint(
                    "Send a token of a catalog user; call auth_status to see what each credential source answered.",
                )
                .with_details(json!({ "attempts": resolved.attempts() })));
        }
        Ok(s3)
    }

    /// Where computations of unbounded size run.
    pub(super) fn cpu(&self) -> &CpuPool {
        &self.0.services.cpu
    }

    /// The packages of a bucket, through this handle on S3, which is this caller's.
    #[must_use]
    pub fn packages(&self, s3: UserS3, bucket: BucketName) -> PackageBucket {
        let Services {
            manifests,
            cpu,
            clock,
            tasks,
            ..
        } = &*self.0.services;
        let (manifests, cpu, memory) = (manifests.clone(), cpu.clone(), self.0.memory.clone());
        PackageBucket::new(s3, bucket, manifests, cpu, memory, clock.clone(), tasks.clone())
    }

    /// Asks STS whose the credentials of this call are.
    pub async fn caller_identity(&self) -> Option<CallerIdentity> {
        let resolved = self.0.resolved.get()?;
        self.0
            .services
            .sts
            .caller_identity(resolved.credentials().clone())
            .await
    }
}

fn signing(resolved: &Resolved) -> Signing {
    Signing {
        credentials: resolved.credentials().clone(),
        expires_at: resolved.expires_at(),
    }
}

/// Newer credentials for the caller of a session, from the resolver.
struct RenewFor(Session);

#[async_trait]
impl Renew for RenewFor {
    async fn renew(&self, stale_access_key_id: &str) -> Option<Signing> {
        let Inner {
            caller,
            services,
            resolved,
            ..
        } = &*self.0.0;
        let newer = services.resolver.renew(caller, stale_access_key_id).await.ok()?;
        // A renewal must not change on whose behalf the call acts.
        let same_source = resolved.get().is_some_and(|old| old.source() == newer.source());
        same_source.then(|| signing(&newer))
    }
}
