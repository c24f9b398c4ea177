//! The shared client of Athena, and the handle that acts as one caller in one region.

use std::fmt;
use std::time::Duration;

use aws_sdk_athena::Client;
use aws_sdk_athena::config::timeout::TimeoutConfig;
use aws_sdk_athena::config::{Builder, Region};
use aws_sdk_athena::error::{ProvideErrorMetadata, SdkError};

use crate::aws::{AwsCaller, AwsError, AwsOptions, Endpoints, Identity, Operation, Resource, Service, Signer, call};
use crate::telemetry::Dependency;

/// Longest silence on a connection.
const READ_TIMEOUT: Duration = Duration::from_secs(15);

/// The connection pool: shared by all callers, and without any identity.
#[derive(Clone)]
pub struct SharedAthena {
    client: Client,
    endpoints: Endpoints,
}

impl SharedAthena {
    /// Builds the client. No connection is made.
    #[must_use]
    pub fn new(options: &AwsOptions) -> Self {
        let config = options.anonymous(TimeoutConfig::builder().read_timeout(READ_TIMEOUT));
        Self {
            client: Client::new(&config),
            endpoints: Endpoints::new(Dependency::Athena, options),
        }
    }

    /// Returns the region of callers whose catalog names none.
    #[must_use]
    pub fn default_region(&self) -> &str {
        self.endpoints.default_region()
    }

    /// Returns Athena in a region, as this caller.
    #[must_use]
    pub fn acting_as(&self, caller: AwsCaller, region: String) -> UserAthena {
        UserAthena {
            client: self.client.clone(),
            service: Regional {
                endpoints: self.endpoints.clone(),
                region,
            },
            caller,
        }
    }
}

impl fmt::Debug for SharedAthena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedAthena")
            .field("endpoints", &self.endpoints)
            .finish_non_exhaustive()
    }
}

/// Athena in one region.
#[derive(Clone, Debug)]
struct Regional {
    endpoints: Endpoints,
    region: String,
}

impl Service for Regional {
    type Override = Builder;
    const DEPENDENCY: Dependency = Dependency::Athena;

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

    fn region_of(&self, _: Resource<'_>) -> String {
        self.region.clone()
    }
}

/// Athena in one region, as one caller. No function leads from here to another caller's rights.
#[derive(Clone)]
pub struct UserAthena {
    client: Client,
    service: Regional,
    caller: AwsCaller,
}

impl UserAthena {
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
        call(&self.service, Signer::Caller(&self.caller), operation, send).await
    }

    /// Returns the shared client; useless without an override that signs.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    #[must_use]
    pub fn region(&self) -> &str {
        &self.service.region
    }

    /// Returns the access key id with which the next request is signed.
    #[must_use]
    pub fn access_key_id(&self) -> String {
        self.caller.signing().credentials.access_key_id().to_owned()
    }
}

impl fmt::Debug for UserAthena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserAthena({:?} in {})", self.caller, self.service.region)
    }
}

/// Returns a request about a resource: a workgroup, catalog, table or query.
pub(super) fn on<'a>(action: &'static str, resource: &'a str) -> Operation<'a> {
    let resource = if resource.is_empty() {
        Resource::Service
    } else {
        Resource::Named(resource)
    };
    Operation {
        service: "Athena",
        action,
        resource,
    }
}
