//! Requests to others: each is timed, is a span of the trace, and is counted for the call on whose behalf it is made.
//!
//! The count is kept beside the task and not handed from room to room: a request to S3 has a caller, but need not know
//! which tool asked. Whoever begins a task of its own for a call takes the count along by [`following`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use tracing::Instrument as _;

use super::metrics;

tokio::task_local! {
    static CALL: Call;
}

/// Whom this server asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dependency {
    /// S3.
    S3,
    /// STS.
    Sts,
    /// A registry, or the catalog's host for its `/config.json`.
    Registry,
    /// The identity provider, for its keys.
    Jwks,
}

impl Dependency {
    /// Its name in metrics and traces.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Sts => "sts",
            Self::Registry => "registry",
            Self::Jwks => "jwks",
        }
    }
}

/// How a request to somebody else ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With what was asked for.
    Ok,
    /// With an answer that says no: a denial, or that there is no such thing.
    Refused,
    /// With no answer in time.
    Timeout,
    /// With a fault of theirs, or no connection.
    Failed,
}

impl Ended {
    /// Its name in metrics and traces.
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

/// What was asked of others on behalf of one call.
#[derive(Debug, Clone, Default)]
pub struct Call(Arc<AtomicU32>);

impl Call {
    /// Does a call's work, counting what it asks of others.
    pub async fn counts<T>(&self, work: impl Future<Output = T>) -> T {
        CALL.scope(self.clone(), work).await
    }

    /// How many requests it was.
    #[must_use]
    pub fn upstream_calls(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Makes work that is to run in a task of its own part of the present call: in its log lines, its trace and its count.
pub fn following<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    let call = CALL.try_with(Clone::clone).unwrap_or_default();
    let work = work.in_current_span();
    async move { call.counts(work).await }
}

/// Asks somebody else. `operation` names what is asked for, `bucket` what it is about; `ended` judges an error.
pub async fn observed<T, E>(
    dependency: Dependency,
    operation: &'static str,
    bucket: Option<&str>,
    ended: impl FnOnce(&E) -> Ended,
    request: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let _outside_of_a_call = CALL.try_with(|call| call.0.fetch_add(1, Ordering::Relaxed));
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
    let outcome = answer.as_ref().err().map_or(Ended::Ok, ended);
    metrics::upstream(dependency, outcome, started.elapsed());
    span.record("outcome", outcome.as_str());
    if matches!(outcome, Ended::Timeout | Ended::Failed) {
        span.record("otel.status_code", "ERROR");
    }
    answer
}
