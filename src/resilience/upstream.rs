//! Hosts that are called over plain HTTP, each behind its circuit breaker and its bounded queue.

use std::fmt;
use std::sync::Arc;

use moka::future::Cache;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use super::retry::RetryBudget;
use super::{CallerKey, CircuitBreaker, CircuitOpen, Failure, Permit, Retry, RetryPolicy};
use crate::clock::Clock;
use crate::telemetry::{Dependency, metrics};

/// Requests that wait for one host at once: a quarter of the calls that are worked on, so that a host which hangs does not
/// hold the calls that need nothing of it.
const MAX_CONCURRENT: usize = 64;
/// Hosts that are remembered: tokens may name some, below hosts that the operator allowed.
const MAX_UPSTREAMS: u64 = 1000;

/// Why a request was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The circuit of the host is open.
    #[error(transparent)]
    CircuitOpen(#[from] CircuitOpen),
    /// The queue of the host was full for as long as a request may wait in it.
    #[error("it has too many questions to answer already")]
    Saturated,
}

/// All hosts that are called over plain HTTP. Clones share everything.
#[derive(Clone)]
pub struct Upstreams(Arc<Shared>);

struct Shared {
    clock: Clock,
    policy: RetryPolicy,
    budget: RetryBudget,
    known: Cache<String, Upstream>,
}

/// One host. Clones share its circuit breaker and its queue.
#[derive(Clone)]
pub struct Upstream(Arc<Inner>);

struct Inner {
    dependency: Dependency,
    breaker: CircuitBreaker,
    permits: Semaphore,
    shared: Arc<Shared>,
}

impl Upstreams {
    #[must_use]
    pub fn new(clock: Clock, policy: RetryPolicy) -> Self {
        Self(Arc::new(Shared {
            clock,
            policy,
            budget: RetryBudget::new(),
            known: Cache::new(MAX_UPSTREAMS),
        }))
    }

    /// Returns the host at this address: scheme, host and port. `dependency` is its kind, the same for all of a kind.
    pub async fn at(&self, dependency: Dependency, address: String) -> Upstream {
        let new = async {
            Upstream(Arc::new(Inner {
                dependency,
                breaker: CircuitBreaker::new(dependency, self.0.clock.clone()),
                permits: Semaphore::new(MAX_CONCURRENT),
                shared: self.0.clone(),
            }))
        };
        self.0.known.get_with(address, new).await
    }
}

impl Upstream {
    /// Sends a request, and once more if it may be repeated. `failure` says of an error how the request failed, or `None` if
    /// the error is an answer.
    pub async fn call<T, E, Fut>(
        &self,
        caller: CallerKey,
        retry: Retry,
        request: impl Fn() -> Fut,
        failure: impl Fn(&E) -> Option<Failure>,
    ) -> Result<T, E>
    where
        E: From<Rejected>,
        Fut: Future<Output = Result<T, E>>,
    {
        let Inner {
            dependency,
            breaker,
            permits,
            shared,
        } = &*self.0;
        let Ok(Ok(_permit)) = timeout(shared.policy.max_queue_wait, permits.acquire()).await else {
            return Err(Rejected::Saturated.into());
        };
        let sent = Instant::now();
        let permit = breaker.try_acquire(caller).map_err(Rejected::from)?;
        let error = match self.record(permit, request().await, &failure) {
            Err(error) => error,
            answer => return answer,
        };
        if !retry.allows(failure(&error), sent.elapsed()) || !shared.budget.withdraw() {
            return Err(error);
        }
        sleep(shared.policy.backoff()).await;
        // Other requests may have opened the circuit meanwhile.
        let Ok(permit) = breaker.try_acquire(caller) else {
            return Err(error);
        };
        metrics::retry(*dependency);
        self.record(permit, request().await, &failure)
    }

    /// Returns the state of its circuit, if that is open just now.
    #[must_use]
    pub fn open_circuit(&self) -> Option<CircuitOpen> {
        self.0.breaker.open_circuit()
    }

    fn record<T, E>(
        &self,
        permit: Permit,
        answer: Result<T, E>,
        failure: impl Fn(&E) -> Option<Failure>,
    ) -> Result<T, E> {
        if answer.as_ref().err().and_then(failure).is_some() {
            permit.record_failure();
        } else {
            permit.record_success();
            self.0.shared.budget.deposit();
        }
        answer
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upstream({:?})", self.0.breaker)
    }
}

impl fmt::Debug for Upstreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upstreams")
    }
}
