//! One call's view of the world: its caller, and what that caller may reach.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use serde_json::json;

use super::{ToolError, code};
use crate::catalog::{CatalogHost, RegistryAccess, RegistryDirectory, RegistryError};
use crate::clock::Clock;
use crate::config::AmbientPolicy;
use crate::credentials::{NoCredentials, Resolved, Resolver, Source};
use crate::identity::{Caller, ProvedCaller};
use crate::redact;
use crate::s3::{BucketName, Denial, Renew, S3Error, S3ErrorKind, SharedS3, Signing, UserS3};
use crate::sts::{CallerIdentity, SharedSts};

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
    /// The time.
    pub clock: Clock,
}

/// One call's caller and services. Cheap to clone; lives as long as the call.
#[derive(Clone)]
pub struct Session(Arc<Inner>);

struct Inner {
    caller: Caller,
    services: Arc<Services>,
    resolved: OnceLock<Arc<Resolved>>,
}

impl Session {
    /// A session of this caller.
    #[must_use]
    pub fn new(caller: Caller, services: Arc<Services>) -> Self {
        Self(Arc::new(Inner { caller, services, resolved: OnceLock::new() }))
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
            return Err(ToolError::new(code::WRITE_NEEDS_USER_CREDENTIALS, message)
                .with_hint(
                    "Send a token of a catalog user; call auth_status to see what each credential source answered.",
                )
                .with_details(json!({ "attempts": resolved.attempts() })));
        }
        Ok(s3)
    }

    /// Asks STS whose the credentials of this call are.
    pub async fn caller_identity(&self) -> Option<CallerIdentity> {
        let resolved = self.0.resolved.get()?;
        self.0.services.sts.caller_identity(resolved.credentials().clone()).await
    }

    /// What an error of S3 means to this caller: for a denial, who was refused what, and with which credentials.
    #[must_use]
    pub fn explain(&self, error: &S3Error) -> ToolError {
        use S3ErrorKind as K;
        let object = match (&error.bucket, &error.key) {
            (Some(bucket), Some(key)) => format!("s3://{bucket}/{key}"),
            (Some(bucket), None) => format!("s3://{bucket}"),
            _ => "S3".to_owned(),
        };
        let said = error.words();
        let said = said.trim_end_matches('.');
        let tool_error = match error.kind {
            K::AccessDenied => return self.explain_denial(error, &object),
            K::NoSuchBucket => ToolError::new(code::NO_SUCH_BUCKET, format!("There is no bucket {object}.")),
            K::NoSuchKey => ToolError::new(code::NO_SUCH_KEY, format!("There is no object {object} ({said})."))
                .with_hint(
                    "List the bucket to see which keys there are; a key may also be deleted in its latest version.",
                ),
            K::PreconditionFailed => ToolError::new(code::CONFLICT, format!("{object} exists or has changed: {said}.")),
            K::Conflict => ToolError::new(code::CONFLICT, format!("Another write to {object} is going on: {said}.")),
            K::InvalidRange | K::InvalidRequest => {
                ToolError::invalid(format!("S3 refused the request for {object} as wrong: {said}."))
            }
            K::Throttled => ToolError::new(code::THROTTLED, format!("S3 asks to slow down on {object}: {said}.")),
            K::StaleCredentials | K::InvalidCredentials => ToolError::new(
                code::ACCESS_DENIED,
                format!("AWS does not accept the credentials of this call for {object}: {said}."),
            )
            .with_hint("Call auth_status with refresh=true, then try again; if that does not help, log in again."),
            K::Archived => ToolError::new(code::UPSTREAM, format!("{object} is archived and must be restored first.")),
            K::Timeout => ToolError::new(code::TIMEOUT, format!("S3 did not answer in time about {object}.")),
            K::Network | K::Other => ToolError::new(code::UPSTREAM, format!("S3 failed on {object}: {said}.")),
        };
        let details = json!({
            "action": error.action, "s3_code": error.code, "status": error.status, "request_id": error.request_id,
        });
        ToolError { retryable: error.is_retryable(), ..tool_error }.with_details(details)
    }

    fn explain_denial(&self, error: &S3Error, object: &str) -> ToolError {
        let denial = error.message.as_deref().and_then(Denial::parse);
        let resolved = self.0.resolved.get();
        let action = denial.as_ref().map_or(error.action, |denial| denial.action.as_str());
        let principal = match (&denial, resolved) {
            (Some(denial), _) => denial.principal.clone(),
            (None, Some(resolved)) => format!("the key {}", redact::key_id(resolved.credentials().access_key_id())),
            (None, None) => "this caller".to_owned(),
        };
        let reason = denial.as_ref().and_then(|denial| denial.reason.as_deref());
        let reason = reason.map(|reason| format!(" {reason}")).unwrap_or_default();
        let used = resolved.map_or_else(String::new, |resolved| {
            let why = resolved.attempts().last().map_or("", |attempt| attempt.message.as_str());
            format!(" The call acted with credentials from source {}: {why}.", resolved.source().as_str())
        });
        let message = format!("S3 denied {action} on {object} to {principal}{reason}.{used}");
        let mut details = json!({
            "action": action,
            "resource": denial.as_ref().and_then(|denial| denial.resource.clone()).unwrap_or_else(|| object.to_owned()),
            "principal": principal,
            "credential_source": resolved.map(|resolved| resolved.source()),
            "request_id": error.request_id,
        });
        if let (Some(resolved), Some(details)) = (resolved, details.as_object_mut())
            && resolved.source() == Source::Ambient
        {
            details.insert("attempts".into(), json!(resolved.attempts()));
        }
        ToolError::new(code::ACCESS_DENIED, message)
            .with_hint(format!("Ask for the right {action} on this resource, or use a bucket that bucket_list shows."))
            .with_details(details)
    }
}

fn signing(resolved: &Resolved) -> Signing {
    Signing { credentials: resolved.credentials().clone(), expires_at: resolved.expires_at() }
}

/// Newer credentials for the caller of a session, from the resolver.
struct RenewFor(Session);

#[async_trait]
impl Renew for RenewFor {
    async fn renew(&self, stale_access_key_id: &str) -> Option<Signing> {
        let Inner { caller, services, resolved } = &*self.0.0;
        let newer = services.resolver.renew(caller, stale_access_key_id).await.ok()?;
        // A renewal must not change on whose behalf the call acts.
        let same_source = resolved.get().is_some_and(|old| old.source() == newer.source());
        same_source.then(|| signing(&newer))
    }
}
