//! Circuit breakers of the endpoints of one service: one for each region, or one for all where the endpoint is configured.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::AwsOptions;
use crate::clock::Clock;
use crate::resilience::CircuitBreaker;
use crate::telemetry::Dependency;

/// The endpoints of one service. Clones share the circuit breakers.
#[derive(Clone)]
pub struct Endpoints(Arc<Inner>);

struct Inner {
    dependency: Dependency,
    region: String,
    has_one_endpoint: bool,
    clock: Clock,
    /// The service names the regions, of which there are some forty.
    breakers: Mutex<HashMap<String, CircuitBreaker>>,
}

impl Endpoints {
    #[must_use]
    pub fn new(dependency: Dependency, options: &AwsOptions) -> Self {
        Self(Arc::new(Inner {
            dependency,
            region: options.region.clone(),
            has_one_endpoint: options.endpoint.is_some(),
            clock: options.clock.clone(),
            breakers: Mutex::default(),
        }))
    }

    /// Returns the region of requests whose resource's region is not known.
    #[must_use]
    pub fn default_region(&self) -> &str {
        &self.0.region
    }

    /// Returns the time of the server's clock.
    pub(super) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Returns the circuit breaker of the endpoint that answers for a region.
    pub(super) fn breaker(&self, region: &str) -> CircuitBreaker {
        let endpoint = if self.0.has_one_endpoint { "" } else { region };
        let mut breakers = self.0.breakers.lock().unwrap_or_else(PoisonError::into_inner);
        match breakers.get(endpoint) {
            Some(breaker) => breaker.clone(),
            None => breakers
                .entry(endpoint.to_owned())
                .or_insert_with(|| CircuitBreaker::new(self.0.dependency, self.0.clock.clone()))
                .clone(),
        }
    }
}

impl fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoints")
            .field("dependency", &self.0.dependency)
            .field("region", &self.0.region)
            .finish_non_exhaustive()
    }
}
