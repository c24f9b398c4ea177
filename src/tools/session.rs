//! Session of one call: its caller, and the services as that caller.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::{Confirmation, DeniedCall, RecentDenials, ToolError, ToolFilter};
use crate::athena::{QueryService, UserQueries};
use crate::aws::athena::SharedAthena;
use crate::aws::s3::{BucketName, SharedS3, UserS3};
use crate::aws::sts::{CallerIdentity, SharedSts};
use crate::aws::{AwsCaller, Renew, Signing, region};
use crate::blocking::CpuPool;
use crate::catalog::{CatalogHost, CatalogLinks, Registries, RegistryAccess, RegistryError};
use crate::clock::Clock;
use crate::credentials::{AmbientPolicy, CredentialChain, NoCredentials, Resolved, Source};
use crate::error_code::ErrorCode;
use crate::identity::{AuthenticatedCaller, Caller};
use crate::memory::CallReservation;
use crate::packages::{Caches, ChecksumCache, ManifestCache, PackageBucket};
use crate::telemetry::in_call_scope;

/// The services that all calls share. None has an identity.
pub struct Services {
    pub s3: SharedS3,
    pub sts: SharedSts,
    pub athena: SharedAthena,
    pub queries: QueryService,
    pub credential_chain: Arc<CredentialChain>,
    pub registries: Arc<Registries>,
    /// Buckets to list if no catalog is configured.
    pub buckets: Vec<BucketName>,
    pub manifests: ManifestCache,
    pub checksums: ChecksumCache,
    /// The pool for computations of unbounded size.
    pub cpu: CpuPool,
    /// Whom users ask for rights, as the operator says.
    pub contact: Option<String>,
    pub denials: RecentDenials,
    /// Background work, for which a shutdown waits.
    pub tasks: TaskTracker,
    pub clock: Clock,
    /// Timeout of the access check of one bucket.
    pub bucket_limit: Duration,
}

/// Progress callback, `(done, total, message)`.
pub type Progress = Arc<dyn Fn(u64, u64, Option<String>) + Send + Sync>;

/// The caller and the services of one call. Cheap to clone; lives as long as the call.
#[derive(Clone)]
pub struct Session(Arc<Inner>);

struct Inner {
    caller: Caller,
    memory: CallReservation,
    services: Arc<Services>,
    resolved: OnceLock<Arc<Resolved>>,
    deadline: Instant,
    progress: Option<Progress>,
    confirmation: Confirmation,
    tool_filter: ToolFilter,
}

/// Time before the end of a call that is left for its result; at most a fifth of the whole.
const RESULT_GRACE: Duration = Duration::from_secs(2);

impl Session {
    /// Creates the session of a call with the time limit `limit`. `confirmation` is the answer of the user behind the client.
    #[must_use]
    pub fn new(
        caller: Caller,
        memory: CallReservation,
        services: Arc<Services>,
        limit: Duration,
        progress: Option<Progress>,
        confirmation: Confirmation,
        tool_filter: ToolFilter,
    ) -> Self {
        let deadline = Instant::now() + limit.saturating_sub(RESULT_GRACE.min(limit / 5));
        Self(Arc::new(Inner {
            caller,
            memory,
            services,
            resolved: OnceLock::new(),
            deadline,
            progress,
            confirmation,
            tool_filter,
        }))
    }

    /// Returns the tools that the request may call, for work of a tool that belongs to another toolset.
    pub(super) fn tool_filter(&self) -> ToolFilter {
        self.0.tool_filter
    }

    /// Reports progress to the client, if it asked for it.
    pub fn report(&self, done: u64, total: u64) {
        if let Some(progress) = &self.0.progress {
            progress(done, total, None);
        }
    }

    /// Reports progress with a sentence to the client, if it asked for it.
    pub fn report_message(&self, done: u64, total: u64, message: String) {
        if let Some(progress) = &self.0.progress {
            progress(done, total, Some(message));
        }
    }

    /// Returns the answer of the user behind the client to an earlier confirmation request.
    pub(super) fn confirmation(&self) -> &Confirmation {
        &self.0.confirmation
    }

    /// Returns the time at which a tool should stop, so that it can still report what it has done.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.0.deadline
    }

    /// Reserves at least `bytes` of memory in total for the call until its response is sent. Reserve the total once: two calls
    /// that each hold a part and wait for the rest can deadlock.
    pub async fn reserve(&self, bytes: usize) -> Result<(), ToolError> {
        Ok(self.0.memory.reserve(bytes).await?)
    }

    /// Reserves `bytes` more than the call has now, for a need that is only found on the way.
    pub async fn reserve_more(&self, bytes: usize) -> Result<(), ToolError> {
        Ok(self.0.memory.reserve_more(bytes).await?)
    }

    /// Releases the memory above `bytes`.
    pub fn release_above(&self, bytes: usize) {
        self.0.memory.release_above(bytes);
    }

    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.0.caller
    }

    /// Returns the caller unless it is anonymous.
    #[must_use]
    pub fn authenticated(&self) -> Option<&AuthenticatedCaller> {
        self.0.caller.authenticated()
    }

    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.services.clock
    }

    /// Returns the registry for this caller with the token of requests to it; `None` if there is no registry.
    pub async fn registry(&self) -> Option<Result<RegistryAccess, RegistryError>> {
        self.0.services.registries.for_caller(self.authenticated()?).await
    }

    /// Whether a registry is configured for callers whose tokens name none.
    #[must_use]
    pub fn has_registry(&self) -> bool {
        self.0.services.registries.configured().is_some()
    }

    /// Whether the configured catalog runs on its owner's machine, and so proves no token.
    pub async fn is_catalog_local(&self) -> bool {
        self.0.services.registries.is_catalog_local().await
    }

    /// Returns this caller's catalog, if one is known: the configured one, or one that the token names.
    #[must_use]
    pub fn catalog(&self) -> Option<Arc<CatalogHost>> {
        let claims = self.authenticated().and_then(AuthenticatedCaller::claims);
        self.0.services.registries.catalog_of(claims)
    }

    /// Returns the web pages of this caller's catalog, if one is known.
    #[must_use]
    pub fn links(&self) -> Option<CatalogLinks> {
        self.catalog().map(|catalog| CatalogLinks::new(catalog.url().clone()))
    }

    /// Returns the buckets to list if no catalog is configured.
    #[must_use]
    pub fn configured_buckets(&self) -> &[BucketName] {
        &self.0.services.buckets
    }

    /// Returns whom users ask for rights, as the operator says.
    #[must_use]
    pub fn contact(&self) -> Option<&str> {
        self.0.services.contact.as_deref()
    }

    /// Notes that this caller lacked a right.
    pub(super) fn note_denial(&self, action: &str, resource: &str) {
        let denied = DeniedCall {
            action: action.to_owned(),
            resource: resource.to_owned(),
            at: self.clock().now(),
        };
        if let Some(caller) = self.authenticated() {
            self.0.services.denials.note(caller.fingerprint(), denied);
        }
    }

    /// Returns the rights that this caller lacked a short while ago.
    #[must_use]
    pub fn recent_denials(&self) -> Vec<DeniedCall> {
        let caller = self.authenticated().map(AuthenticatedCaller::fingerprint);
        caller
            .map(|caller| self.0.services.denials.of(&caller))
            .unwrap_or_default()
    }

    /// Returns the operator's policy for the server's own credentials.
    #[must_use]
    pub fn ambient_policy(&self) -> AmbientPolicy {
        self.0.services.credential_chain.ambient_policy()
    }

    /// Returns the timeout of the access check of one bucket.
    #[must_use]
    pub fn bucket_limit(&self) -> Duration {
        self.0.services.bucket_limit
    }

    /// Spawns work that must be completed even if the call is cancelled, such as a cleanup.
    pub(super) fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.0.services.tasks.spawn(in_call_scope(work))
    }

    /// Returns this caller's credentials, which are resolved on first use.
    pub async fn credentials(&self) -> Result<Arc<Resolved>, NoCredentials> {
        if let Some(resolved) = self.0.resolved.get() {
            return Ok(resolved.clone());
        }
        let resolved = self.0.services.credential_chain.resolve(&self.0.caller).await?;
        Ok(self.0.resolved.get_or_init(|| resolved).clone())
    }

    /// Removes this caller's credentials from the cache.
    pub async fn forget_credentials(&self) {
        self.0.services.credential_chain.forget(&self.0.caller).await;
        if let Some(caller) = self.authenticated() {
            self.0.services.denials.forget(&caller.fingerprint());
        }
    }

    /// Returns the credentials of this call, if they are resolved.
    pub(super) fn resolved(&self) -> Option<&Resolved> {
        self.0.resolved.get().map(AsRef::as_ref)
    }

    /// Where the credentials of this call come from, once it has some.
    #[must_use]
    pub fn credential_source(&self) -> Option<Source> {
        self.0.resolved.get().map(|resolved| resolved.source())
    }

    /// Returns AWS as this caller. Every service is called through it.
    async fn aws(&self) -> Result<AwsCaller, ToolError> {
        let resolved = self.credentials().await?;
        let renew = Arc::new(RenewFor(self.clone()));
        let partition = self.authenticated().map(AuthenticatedCaller::fingerprint);
        Ok(AwsCaller::new(signing(&resolved), partition, renew))
    }

    /// Returns S3 as this caller, for reading.
    pub async fn s3(&self) -> Result<UserS3, ToolError> {
        Ok(self.0.services.s3.acting_as(self.aws().await?))
    }

    /// Returns S3 as this caller, for writing. The server's own credentials write only where the operator said `full`.
    pub async fn s3_for_writing(&self) -> Result<UserS3, ToolError> {
        let s3 = self.s3().await?;
        let message = "Writing needs the caller's own AWS credentials, and no source has any for this caller; the \
                       server's own credentials are for reading only.";
        self.check_ambient(message).await?;
        Ok(s3)
    }

    /// Returns Athena as this caller, in the region of the stack of the caller's catalog. Queries cost money and read what the
    /// server may read, so the server's own credentials query only where the operator said `full`.
    pub async fn athena(&self) -> Result<UserQueries, ToolError> {
        let aws = self.aws().await?;
        let message = "Queries of Athena need the caller's own AWS credentials, and no source has any for this caller; the \
                       server's own credentials, which would pay for them, do not query.";
        self.check_ambient(message).await?;
        let services = &self.0.services;
        let region = match self.catalog() {
            Some(catalog) => catalog.region().await.and_then(|region| region::parse(&region).ok()),
            None => None,
        };
        let region = region.unwrap_or_else(|| services.athena.default_region().to_owned());
        let athena = services.athena.acting_as(aws, region);
        Ok(services.queries.acting_as(athena, self.0.caller.principal()))
    }

    /// Refuses the server's own credentials unless the operator's policy for them is `full`.
    async fn check_ambient(&self, message: &str) -> Result<(), ToolError> {
        let resolved = self.credentials().await?;
        if resolved.source() != Source::Ambient || self.ambient_policy() == AmbientPolicy::Full {
            return Ok(());
        }
        Err(ToolError::new(ErrorCode::WriteNeedsUserCredentials, message)
            .with_hint("Send a token of a catalog user; call auth_status to see what each credential source answered.")
            .with_details(json!({ "attempts": resolved.attempts() })))
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
            checksums,
            cpu,
            clock,
            tasks,
            ..
        } = &*self.0.services;
        let caller = self.authenticated().map(AuthenticatedCaller::fingerprint);
        let caches = Caches {
            manifests: manifests.clone(),
            checksums: checksums.of_caller(caller),
        };
        let (cpu, memory) = (cpu.clone(), self.0.memory.clone());
        PackageBucket::new(s3, bucket, caches, cpu, memory, clock.clone(), tasks.clone())
    }

    /// Returns the AWS account of the credentials of this call, if STS says so.
    pub async fn aws_account(&self) -> Option<String> {
        let key = self.resolved()?.credentials().access_key_id().to_owned();
        let queries = &self.0.services.queries;
        if let Some(account) = queries.account_of(&key) {
            return Some(account);
        }
        let account = self.caller_identity().await?.account;
        queries.remember_account(key, account.clone());
        Some(account)
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

/// Newer credentials for the caller of a session, from the credential chain.
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
        let newer = services
            .credential_chain
            .renew(caller, stale_access_key_id)
            .await
            .ok()?;
        // A renewal must not change on whose behalf the call acts.
        let same_source = resolved.get().is_some_and(|old| old.source() == newer.source());
        same_source.then(|| signing(&newer))
    }

    fn renews_unknown_keys(&self) -> bool {
        self.0.credential_source() == Some(Source::Ambient)
    }
}
