//! What is counted. Every metric is one line of the table below, from which the instruments and the README are made.
//!
//! Owns the instruments of the process, which are set up at most once; until then, and where nothing is exported, counting
//! costs a look at an empty cell.
//!
//! Invariant: no label holds anything of a caller but the name of a tool, a source or a code, so that their number is
//! bounded by this program.

use std::sync::OnceLock;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter, MeterProvider as _, UpDownCounter};
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};

use super::{Dependency, Ended, otlp, prometheus};
use crate::setting::ConfigError;

/// One metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name in OTLP.
    pub name: &'static str,
    /// What kind of number it is.
    pub kind: Kind,
    /// Its labels, with their values where they are few.
    pub labels: &'static [(&'static str, &'static str)],
    /// What an operator reads in it.
    pub meaning: &'static str,
}

/// Kinds of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// A distribution of seconds.
    Seconds,
    /// Goes up and down.
    Gauge,
}

impl Kind {
    /// As the reference calls it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Seconds => "histogram, seconds",
            Self::Gauge => "gauge",
        }
    }
}

impl Metric {
    /// Its name in Prometheus text, which adds what kind of number it is.
    #[must_use]
    pub fn prometheus_name(&self) -> String {
        let suffix = match self.kind {
            Kind::Counter => "_total",
            Kind::Seconds => "_seconds",
            Kind::Gauge => "",
        };
        format!("{}{suffix}", self.name.replace('.', "_"))
    }
}

const REQUESTS: Metric = Metric {
    name: "quilt_mcp.requests",
    kind: Kind::Counter,
    labels: &[("status", "HTTP status")],
    meaning: "requests to `/mcp` that were answered",
};
const IN_FLIGHT: Metric = Metric {
    name: "quilt_mcp.requests.in_flight",
    kind: Kind::Gauge,
    labels: &[],
    meaning: "requests that are being worked on; the limit is `QUILT_MCP_MAX_IN_FLIGHT`",
};
const TOOL_CALLS: Metric = Metric {
    name: "quilt_mcp.tool.calls",
    kind: Kind::Counter,
    labels: &[
        ("tool", "the tool, or `resources/read` or `completion/complete`"),
        ("outcome", "`ok` or an error code"),
    ],
    meaning: "calls that reached a tool, and how they ended",
};
const TOOL_DURATION: Metric = Metric {
    name: "quilt_mcp.tool.duration",
    kind: Kind::Seconds,
    labels: &[("tool", "as above")],
    meaning: "how long they took",
};
const REFUSALS: Metric = Metric {
    name: "quilt_mcp.refusals",
    kind: Kind::Counter,
    labels: &[("code", "`missing_jwt`, `invalid_jwt`, `throttled` and others")],
    meaning: "requests that were refused before a tool was reached",
};
const CREDENTIALS: Metric = Metric {
    name: "quilt_mcp.credentials",
    kind: Kind::Counter,
    labels: &[("event", "`hit`, `miss`, `denial`, `refresh`")],
    meaning: "questions for a caller's AWS credentials: answered from the cache, by a source, not at all; or renewed",
};
const UPSTREAM_DURATION: Metric = Metric {
    name: "quilt_mcp.upstream.duration",
    kind: Kind::Seconds,
    labels: &[
        ("dependency", "`s3`, `sts`, `registry` (the catalog's host too), `jwks`"),
        ("outcome", "`ok`, `refused`, `timeout`, `failed`"),
    ],
    meaning: "requests to others, with their repetitions; `refused` is an answer too, such as 403 or 404",
};

const PAYLOAD_BYTES: Metric = Metric {
    name: "quilt_mcp.payload_bytes",
    kind: Kind::Gauge,
    labels: &[],
    meaning: "memory that bodies, answers and manifests of all calls hold; the limit is `QUILT_MCP_PAYLOAD_MEMORY`",
};
const RETRIES: Metric = Metric {
    name: "quilt_mcp.retries",
    kind: Kind::Counter,
    labels: &[("dependency", "as above")],
    meaning: "questions that this server asked a second time; what the AWS SDK repeats is not counted",
};
const BREAKER: Metric = Metric {
    name: "quilt_mcp.breaker",
    kind: Kind::Counter,
    labels: &[("dependency", "as above"), ("state", "`open`, `half_open`, `closed`")],
    meaning: "changes of a breaker: `open` leaves a party alone that does not answer",
};

/// Every metric, in the order of the reference.
pub const ALL: [&Metric; 10] = [
    &REQUESTS,
    &IN_FLIGHT,
    &PAYLOAD_BYTES,
    &TOOL_CALLS,
    &TOOL_DURATION,
    &REFUSALS,
    &CREDENTIALS,
    &UPSTREAM_DURATION,
    &RETRIES,
    &BREAKER,
];

/// Bounds of the histograms' buckets, in seconds: from a call that needs no AWS to the default time limit.
const BOUNDS: [f64; 12] = [0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 50.0];

struct Instruments {
    requests: Counter<u64>,
    in_flight: UpDownCounter<i64>,
    payload_bytes: UpDownCounter<i64>,
    tool_calls: Counter<u64>,
    tool_duration: Histogram<f64>,
    refusals: Counter<u64>,
    credentials: Counter<u64>,
    upstream_duration: Histogram<f64>,
    retries: Counter<u64>,
    breaker: Counter<u64>,
}

static INSTRUMENTS: OnceLock<Instruments> = OnceLock::new();

impl Instruments {
    fn of(meter: &Meter) -> Self {
        let counter = |metric: Metric| meter.u64_counter(metric.name).with_description(metric.meaning).build();
        let gauge = |metric: Metric| {
            meter
                .i64_up_down_counter(metric.name)
                .with_description(metric.meaning)
                .build()
        };
        let seconds = |metric: Metric| {
            let histogram = meter
                .f64_histogram(metric.name)
                .with_description(metric.meaning)
                .with_unit("s");
            histogram.with_boundaries(BOUNDS.to_vec()).build()
        };
        Self {
            requests: counter(REQUESTS),
            in_flight: gauge(IN_FLIGHT),
            payload_bytes: gauge(PAYLOAD_BYTES),
            tool_calls: counter(TOOL_CALLS),
            tool_duration: seconds(TOOL_DURATION),
            refusals: counter(REFUSALS),
            credentials: counter(CREDENTIALS),
            upstream_duration: seconds(UPSTREAM_DURATION),
            retries: counter(RETRIES),
            breaker: counter(BREAKER),
        }
    }
}

/// Begins to count, if anybody wants to know.
pub(super) fn install(
    exporter: Option<PeriodicReader<opentelemetry_otlp::MetricExporter>>,
    is_scraped: bool,
) -> Result<Option<SdkMeterProvider>, ConfigError> {
    if exporter.is_none() && !is_scraped {
        return Ok(None);
    }
    let mut provider = SdkMeterProvider::builder().with_resource(otlp::resource());
    if let Some(exporter) = exporter {
        provider = provider.with_reader(exporter);
    }
    if is_scraped {
        provider = provider.with_reader(prometheus::reader()?);
    }
    let provider = provider.build();
    let _first = INSTRUMENTS.set(Instruments::of(&provider.meter("quilt_mcp")));
    Ok(Some(provider))
}

/// A request to the MCP endpoint was answered.
pub fn request(status: u16) {
    if let Some(instruments) = INSTRUMENTS.get() {
        instruments
            .requests
            .add(1, &[KeyValue::new("status", i64::from(status))]);
    }
}

/// A request that is being worked on, until this is dropped.
#[must_use]
pub fn in_flight() -> InFlight {
    if let Some(instruments) = INSTRUMENTS.get() {
        instruments.in_flight.add(1, &[]);
    }
    InFlight(())
}

/// See [`in_flight`].
#[derive(Debug)]
pub struct InFlight(());

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(instruments) = INSTRUMENTS.get() {
            instruments.in_flight.add(-1, &[]);
        }
    }
}

/// A tool was called, with this outcome (`ok`, or an error code).
pub fn tool_call(tool: &'static str, outcome: &'static str, duration: Duration) {
    if let Some(instruments) = INSTRUMENTS.get() {
        let tool = KeyValue::new("tool", tool);
        instruments
            .tool_calls
            .add(1, &[tool.clone(), KeyValue::new("outcome", outcome)]);
        instruments.tool_duration.record(duration.as_secs_f64(), &[tool]);
    }
}

/// A request was refused before it reached a tool, with this code.
pub fn refusal(code: &'static str) {
    if let Some(instruments) = INSTRUMENTS.get() {
        instruments.refusals.add(1, &[KeyValue::new("code", code)]);
    }
}

/// A caller's credentials were asked for. `event`: what became of it.
pub fn credentials(event: CredentialEvent) {
    if let Some(instruments) = INSTRUMENTS.get() {
        instruments
            .credentials
            .add(1, &[KeyValue::new("event", event.as_str())]);
    }
}

/// Somebody else was asked.
pub(super) fn upstream(dependency: Dependency, outcome: Ended, duration: Duration) {
    if let Some(instruments) = INSTRUMENTS.get() {
        let labels = [
            KeyValue::new("dependency", dependency.as_str()),
            KeyValue::new("outcome", outcome.as_str()),
        ];
        instruments.upstream_duration.record(duration.as_secs_f64(), &labels);
    }
}

/// A question was asked a second time of a party of this kind.
pub fn retry(dependency: Dependency) {
    if let Some(instruments) = INSTRUMENTS.get() {
        instruments
            .retries
            .add(1, &[KeyValue::new("dependency", dependency.as_str())]);
    }
}

/// The breaker of a party of this kind went into this state.
pub fn breaker(dependency: Dependency, state: &'static str) {
    if let Some(instruments) = INSTRUMENTS.get() {
        let labels = [
            KeyValue::new("dependency", dependency.as_str()),
            KeyValue::new("state", state),
        ];
        instruments.breaker.add(1, &labels);
    }
}

/// So many bytes of the budget for payloads are held from now on.
pub fn payload_bytes_taken(bytes: usize) {
    payload_bytes(i64::try_from(bytes).unwrap_or(i64::MAX));
}

/// So many bytes of the budget for payloads are free again.
pub fn payload_bytes_freed(bytes: usize) {
    payload_bytes(-i64::try_from(bytes).unwrap_or(i64::MAX));
}

fn payload_bytes(more: i64) {
    if let Some(instruments) = INSTRUMENTS.get() {
        instruments.payload_bytes.add(more, &[]);
    }
}

/// What became of a question for credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialEvent {
    /// Answered from the cache.
    Hit,
    /// Asked of the sources, which gave some.
    Miss,
    /// Asked of the sources, which refused or failed.
    Denial,
    /// AWS called them stale, and newer ones were asked for.
    Refresh,
}

impl CredentialEvent {
    fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Denial => "denial",
            Self::Refresh => "refresh",
        }
    }
}
