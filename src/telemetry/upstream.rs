//! Requests to other services: each is timed, is a span of the trace, and is counted for the call on whose behalf it is
//! made.
//!
//! The count is kept beside the task and not handed from module to module: a request to S3 has a caller, but need not know
//! which tool made it. Work of a call that runs in a task of its own takes the count along by [`in_call_scope`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use tracing::Instrument as _;

use super::metrics;

tokio::task_local! {
    static CALL: Call;
}

/// A kind of service that this server calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dependency {
    S3,
    Sts,
    Athena,
    /// A registry, or the catalog's host for its `/config.json`.
    Registry,
    /// The identity provider, for its keys.
    Jwks,
}

impl Dependency {
    /// Every kind of service.
    pub const ALL: [Self; 5] = [Self::S3, Self::Sts, Self::Athena, Self::Registry, Self::Jwks];

    /// Returns its name in metrics and traces.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Sts => "sts",
            Self::Athena => "athena",
            Self::Registry => "registry",
            Self::Jwks => "jwks",
        }
    }
}

/// How a request to another service ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpstreamOutcome {
    /// With what was asked for.
    Ok,
    /// With an answer that says no: a denial, or a resource that does not exist.
    Refused,
    /// With no answer in time.
    Timeout,
    /// With a fault of the service, or no connection.
    Failed,
}

impl UpstreamOutcome {
    /// Returns its name in metrics and traces.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::Failed => "failed",
        }
    }
}

/// The requests to other services that are made on behalf of one call.
#[derive(Debug, Clone, Default)]
pub struct Call(Arc<AtomicU32>);

impl Call {
    /// Runs the work of a call and counts the requests that it makes.
    pub async fn count_upstream_calls<T>(&self, work: impl Future<Output = T>) -> T {
        CALL.scope(self.clone(), work).await
    }

    #[must_use]
    pub fn upstream_calls(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Makes work that is to run in a task of its own part of the present call: in its log lines, its trace and its count.
pub fn in_call_scope<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    let call = CALL.try_with(Clone::clone).unwrap_or_default();
    let work = work.in_current_span();
    async move { call.count_upstream_calls(work).await }
}

/// Runs a request to another service. `operation` names it, `bucket` the bucket that it is about; `outcome` judges an
/// error.
pub async fn instrument<T, E>(
    dependency: Dependency,
    operation: &'static str,
    bucket: Option<&str>,
    outcome: impl FnOnce(&E) -> UpstreamOutcome,
    request: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    // Outside of a call there is no count.
    let _ = CALL.try_with(|call| call.0.fetch_add(1, Ordering::Relaxed));
    let span = tracing::debug_span!(
        "upstream",
        "otel.name" = operation,
        "otel.kind" = "client",
        "otel.status_code" = tracing::field::Empty,
        dependency = dependency.as_str(),
        bucket,
        outcome = tracing::field::Empty,
    );
    let started = Instant::now();
    let answer = request.instrument(span.clone()).await;
    let outcome = answer.as_ref().err().map_or(UpstreamOutcome::Ok, outcome);
    metrics::upstream(dependency, outcome, started.elapsed());
    span.record("outcome", outcome.as_str());
    if matches!(outcome, UpstreamOutcome::Timeout | UpstreamOutcome::Failed) {
        span.record("otel.status_code", "ERROR");
    }
    answer
}
