//! An AWS service, as the generic [`call`](fn@super::call) has to know it.

use super::{AwsError, AwsErrorKind, Endpoints, Identity, Resource};
use crate::telemetry::Dependency;

/// An AWS service. What every service has in common is not asked for; what only some have defaults to nothing.
pub trait Service: Sync {
    /// The configuration override of one request: the `config::Builder` of the service's SDK crate.
    type Override: Default;

    /// Its kind in metrics and traces.
    const DEPENDENCY: Dependency;
    const BREAKER_RULE: BreakerRule = BreakerRule::Connections;
    /// The header in which an error names the region of the resource.
    const REGION_HEADER: Option<&'static str> = None;

    #[must_use]
    fn endpoints(&self) -> &Endpoints;

    /// Returns the override that signs one request so.
    #[must_use]
    fn signed_by(identity: Identity) -> Self::Override;

    /// Returns the meaning of an error code or status of this service, if it has one that other services do not share.
    #[must_use]
    fn error_kind(_code: Option<&str>, _status: Option<u16>) -> Option<AwsErrorKind> {
        None
    }

    /// Returns the region that requests about a resource are sent to.
    fn region_of(&self, _resource: Resource<'_>) -> String {
        self.endpoints().default_region().to_owned()
    }

    /// Remembers the region that an error names for a resource; `true` if the request belongs there and not where it was
    /// sent.
    fn learn_region(&self, _error: &AwsError, _resource: Resource<'_>, _sent_to: &str) -> bool {
        false
    }
}

/// Which requests count as failures of the endpoint in its circuit breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerRule {
    /// Those that find no connection, or none that lasts. Whether the endpoint is up cannot be said of a request that gets no
    /// answer in time: single resources may hang while their endpoint is well.
    Connections,
    /// Those, the ones that get no answer in time, and the ones that a gateway answers with 502 to 504.
    Unanswered,
}
