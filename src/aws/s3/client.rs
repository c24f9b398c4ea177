//! The shared client of S3, and the handle that acts as one caller.

use std::fmt;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{Builder, Region};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use moka::sync::Cache;

use super::error::error_kind;
use super::header_text::Latin1Headers;
use super::{BucketName, ObjectUri};
use crate::aws::{
    AwsCaller, AwsError, AwsErrorKind, AwsOptions, Endpoints, Identity, Operation, Resource, Service, Signer, Signing,
    call,
};
use crate::telemetry::Dependency;

/// Longest silence on a connection. The SDK's own default is no limit.
const READ_TIMEOUT: Duration = Duration::from_secs(20);
/// Buckets whose region is remembered, and for how long.
const MAX_REGIONS: u64 = 10_000;
const REGION_TTL: Duration = Duration::from_hours(1);

/// The connection pool and the buckets' regions: shared by all callers, and without any identity.
#[derive(Clone)]
pub struct SharedS3 {
    client: Client,
    /// Signs URLs for clients, and sends nothing.
    presigning_client: Client,
    endpoints: Endpoints,
    /// By the buckets' names.
    regions: Cache<String, String>,
}

impl SharedS3 {
    /// Builds the client. No connection is made. A configured endpoint implies path-style addressing.
    #[must_use]
    pub fn new(options: &AwsOptions) -> Self {
        let config = options.anonymous(TimeoutConfig::builder().read_timeout(READ_TIMEOUT));
        let config = Builder::from(&config)
            .force_path_style(options.endpoint.is_some())
            .interceptor(Latin1Headers);
        let client = Client::from_conf(config.clone().build());
        let presigning_client = match &options.public_endpoint {
            Some(url) => Client::from_conf(config.endpoint_url(url).build()),
            None => client.clone(),
        };
        Self {
            client,
            presigning_client,
            endpoints: Endpoints::new(Dependency::S3, options),
            regions: Cache::builder()
                .max_capacity(MAX_REGIONS)
                .time_to_live(REGION_TTL)
                .build(),
        }
    }

    /// Returns S3 as this caller.
    #[must_use]
    pub fn acting_as(&self, caller: AwsCaller) -> UserS3 {
        UserS3 {
            shared: self.clone(),
            caller,
        }
    }
}

impl Service for SharedS3 {
    type Override = Builder;
    const DEPENDENCY: Dependency = Dependency::S3;
    const REGION_HEADER: Option<&'static str> = Some("x-amz-bucket-region");

    fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    fn signed_by(identity: Identity) -> Builder {
        let mut config = Builder::new()
            .credentials_provider(identity.credentials)
            .region(Region::new(identity.region));
        config.set_retry_partition(identity.retry_partition);
        config
    }

    fn error_kind(code: Option<&str>, status: Option<u16>) -> Option<AwsErrorKind> {
        error_kind(code, status)
    }

    fn region_of(&self, resource: Resource<'_>) -> String {
        let known = resource.bucket().and_then(|bucket| self.regions.get(bucket));
        known.unwrap_or_else(|| self.endpoints.default_region().to_owned())
    }

    fn learn_region(&self, error: &AwsError, resource: Resource<'_>, sent_to: &str) -> bool {
        match (&error.region, resource.bucket()) {
            (Some(region), Some(bucket)) if error.is_redirect() && region != sent_to => {
                self.regions.insert(bucket.to_owned(), region.clone());
                true
            }
            _ => false,
        }
    }
}

impl fmt::Debug for SharedS3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedS3")
            .field("endpoints", &self.endpoints)
            .finish_non_exhaustive()
    }
}

/// S3 as one caller. No function leads from here to another caller's rights.
#[derive(Clone)]
pub struct UserS3 {
    shared: SharedS3,
    caller: AwsCaller,
}

impl UserS3 {
    /// Makes a request as this caller; see [`call()`].
    pub(super) async fn call<T, E, Fut>(
        &self,
        operation: Operation<'_>,
        send: impl Fn(Builder) -> Fut,
    ) -> Result<T, AwsError>
    where
        E: ProvideErrorMetadata,
        Fut: Future<Output = Result<T, SdkError<E>>>,
    {
        call(&self.shared, Signer::Caller(&self.caller), operation, send).await
    }

    /// Returns the shared client; useless without an override that signs.
    pub(super) fn client(&self) -> &Client {
        &self.shared.client
    }

    /// Returns the client of the endpoint for clients, for requests that are signed and not sent.
    pub(super) fn presigning_client(&self) -> &Client {
        &self.shared.presigning_client
    }

    /// Returns the credentials that the next request is signed with.
    pub(super) fn signing(&self) -> Signing {
        self.caller.signing()
    }

    /// Returns the override that signs a request which is not sent from here.
    pub(super) fn signed_with(&self, signing: Signing, resource: Resource<'_>) -> Builder {
        let region = self.shared.region_of(resource);
        SharedS3::signed_by(self.caller.identity(signing.credentials, region))
    }
}

impl fmt::Debug for UserS3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserS3({:?})", self.signing())
    }
}

/// Returns a request about S3 as a whole.
pub(super) fn on_service(action: &'static str) -> Operation<'static> {
    on(action, Resource::Service)
}

/// Returns a request about a bucket.
pub(super) fn on_bucket<'a>(action: &'static str, bucket: &'a BucketName) -> Operation<'a> {
    on(action, Resource::Bucket(bucket.as_str()))
}

/// Returns a request about an object.
pub(super) fn on_object<'a>(action: &'static str, object: &'a ObjectUri) -> Operation<'a> {
    let resource = Resource::Object {
        bucket: object.bucket.as_str(),
        key: object.key.as_str(),
        version_id: object.version_id.as_deref(),
    };
    on(action, resource)
}

fn on<'a>(action: &'static str, resource: Resource<'a>) -> Operation<'a> {
    Operation {
        service: "S3",
        action,
        resource,
    }
}
