//! Circuit breakers, retries and bounded queues in front of the services that this server calls.
//!
//! **Owns** the [`CircuitBreaker`] of each service, and for services that are called over plain HTTP ([`Upstream`]) the
//! bound on how many requests wait for one host at once and the retry of a request that is safe to repeat. The AWS SDK
//! retries by itself.
//!
//! **Does not own** which services there are, what is asked of them and which of their errors count as failures: the
//! modules that call them say so.
//!
//! **Invariants**: every answer is a success, also a refusal, so that the denials of one caller do not cost other callers a
//! service; a request is repeated at most once, and the whole process repeats little more than a tenth of what is
//! answered; a call that was cancelled counts as nothing.

mod cause;
mod circuit_breaker;
mod retry;
mod upstream;

pub use cause::connection_problem;
pub use circuit_breaker::{CallerKey, CircuitBreaker, CircuitOpen, Permit};
pub use retry::{Failure, Retry, RetryPolicy};
pub use upstream::{Rejected, Upstream, Upstreams};
