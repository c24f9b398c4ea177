//! Metrics. The table below defines each metric; the instruments and the reference in the documentation are made from it.
//!
//! Owns the instruments of the process, which are installed at most once. Without an exporter they are not installed, and
//! recording checks an empty cell only.
//!
//! Invariant: the values of labels are names of tools, services, codes and states that this program defines, so that their
//! number is bounded.

use std::sync::OnceLock;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter, MeterProvider as _, UpDownCounter};
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};

use super::{Dependency, UpstreamOutcome, log_queue, otlp, prometheus};
use crate::setting::ConfigError;

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// The name in OTLP.
    pub name: &'static str,
    pub kind: Kind,
    /// Each label with its values, or a description of them.
    pub labels: &'static [(&'static str, &'static str)],
    pub meaning: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Seconds,
    Gauge,
}

impl Kind {
    /// Returns the name in the reference.
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
    /// Returns the name in Prometheus text format, which adds a suffix for the kind.
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
    meaning: "requests in flight; the limit is `QUILT_MCP_MAX_IN_FLIGHT`",
};
const TOOL_CALLS: Metric = Metric {
    name: "quilt_mcp.tool.calls",
    kind: Kind::Counter,
    labels: &[
        ("tool", "the tool, or `resources/read` or `completion/complete`"),
        ("outcome", "`ok` or an error code"),
    ],
    meaning: "tool calls by outcome",
};
const TOOL_DURATION: Metric = Metric {
    name: "quilt_mcp.tool.duration",
    kind: Kind::Seconds,
    labels: &[("tool", "as above")],
    meaning: "duration of tool calls",
};
const REFUSALS: Metric = Metric {
    name: "quilt_mcp.refusals",
    kind: Kind::Counter,
    labels: &[("code", "`missing_jwt`, `invalid_jwt`, `throttled` and others")],
    meaning: "requests that were refused before they reached a tool",
};
const CREDENTIALS: Metric = Metric {
    name: "quilt_mcp.credentials",
    kind: Kind::Counter,
    labels: &[("event", "`hit`, `miss`, `denial`, `refresh`")],
    meaning: "resolutions of a caller's AWS credentials: from the cache, from a source, denied; or renewed after AWS called them stale",
};
const UPSTREAM_DURATION: Metric = Metric {
    name: "quilt_mcp.upstream.duration",
    kind: Kind::Seconds,
    labels: &[
        (
            "dependency",
            "`s3`, `sts`, `registry` (also the catalog's host), `jwks`",
        ),
        ("outcome", "`ok`, `refused`, `timeout`, `failed`"),
    ],
    meaning: "duration of requests to other services, including retries; `refused` is an answer such as 403 or 404",
};

const PAYLOAD_BYTES: Metric = Metric {
    name: "quilt_mcp.payload_bytes",
    kind: Kind::Gauge,
    labels: &[],
    meaning: "memory reserved for the request bodies, data and responses of all calls; the limit is `QUILT_MCP_PAYLOAD_MEMORY`",
};
const RETRIES: Metric = Metric {
    name: "quilt_mcp.retries",
    kind: Kind::Counter,
    labels: &[("dependency", "as above")],
    meaning: "requests that this server retried; retries of the AWS SDK are not counted",
};
const BREAKER: Metric = Metric {
    name: "quilt_mcp.breaker",
    kind: Kind::Counter,
    labels: &[("dependency", "as above"), ("state", "`open`, `half_open`, `closed`")],
    meaning: "state changes of circuit breakers; while a breaker is `open`, no requests are sent to the service",
};
const LOG_LINES_DROPPED: Metric = Metric {
    name: "quilt_mcp.log_lines_dropped",
    kind: Kind::Counter,
    labels: &[],
    meaning: "log lines that were dropped, because standard error was not read",
};

/// Every metric, in the order of the reference.
pub const ALL: [&Metric; 11] = [
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
    &LOG_LINES_DROPPED,
];

/// Bounds of the histograms' buckets in seconds, from a call that sends no request to the default time limit of a call.
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

/// Installs the instruments if metrics are exported.
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
    let meter = provider.meter("quilt_mcp");
    let _ = INSTRUMENTS.set(Instruments::of(&meter));
    meter
        .u64_observable_counter(LOG_LINES_DROPPED.name)
        .with_description(LOG_LINES_DROPPED.meaning)
        .with_callback(|counter| counter.observe(log_queue::dropped_lines(), &[]))
        .build();
    Ok(Some(provider))
}

/// Counts a request to the MCP endpoint by its HTTP status.
pub fn request(status: u16) {
    if let Some(instruments) = INSTRUMENTS.get() {
        instruments
            .requests
            .add(1, &[KeyValue::new("status", i64::from(status))]);
    }
}

/// Counts a request as in flight until the guard is dropped.
#[must_use]
pub fn in_flight() -> InFlight {
    if let Some(instruments) = INSTRUMENTS.get() {
        instruments.in_flight.add(1, &[]);
    }
    InFlight(())
}

/// The guard of [`in_flight`].
#[derive(Debug)]
pub struct InFlight(());

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(instruments) = INSTRUMENTS.get() {
            instruments.in_flight.add(-1, &[]);
        }
    }
}

/// Records a tool call with its outcome, which is `ok` or an error code.
pub fn tool_call(tool: &'static str, outcome: &'static str, duration: Duration) {
    if let Some(instruments) = INSTRUMENTS.get() {
        let tool = KeyValue::new("tool", tool);
        instruments
            .tool_calls
            .add(1, &[tool.clone(), KeyValue::new("outcome", outcome)]);
        instruments.tool_duration.record(duration.as_secs_f64(), &[tool]);
    }
}

/// Counts a request that was refused with this code before it reached a tool.
pub fn refusal(code: &'static str) {
    if let Some(instruments) = INSTRUMENTS.get() {
        instruments.refusals.add(1, &[KeyValue::new("code", code)]);
    }
}

/// Counts a resolution of a caller's credentials.
pub fn credentials(event: CredentialEvent) {
    if let Some(instruments) = INSTRUMENTS.get() {
        instruments
            .credentials
            .add(1, &[KeyValue::new("event", event.as_str())]);
    }
}

/// Records a request to another service.
pub(super) fn upstream(dependency: Dependency, outcome: UpstreamOutcome, duration: Duration) {
    if let Some(instruments) = INSTRUMENTS.get() {
        let labels = [
            KeyValue::new("dependency", dependency.as_str()),
            KeyValue::new("outcome", outcome.as_str()),
        ];
        instruments.upstream_duration.record(duration.as_secs_f64(), &labels);
    }
}

/// Counts a retry of a request to this kind of service.
pub fn retry(dependency: Dependency) {
    if let Some(instruments) = INSTRUMENTS.get() {
        instruments
            .retries
            .add(1, &[KeyValue::new("dependency", dependency.as_str())]);
    }
}

/// Counts the change of a circuit breaker to this state.
pub fn breaker(dependency: Dependency, state: &'static str) {
    if let Some(instruments) = INSTRUMENTS.get() {
        let labels = [
            KeyValue::new("dependency", dependency.as_str()),
            KeyValue::new("state", state),
        ];
        instruments.breaker.add(1, &labels);
    }
}

/// Adds reserved bytes of the memory budget.
pub fn payload_bytes_reserved(bytes: usize) {
    payload_bytes(i64::try_from(bytes).unwrap_or(i64::MAX));
}

/// Subtracts released bytes of the memory budget.
pub fn payload_bytes_released(bytes: usize) {
    payload_bytes(-i64::try_from(bytes).unwrap_or(i64::MAX));
}

fn payload_bytes(more: i64) {
    if let Some(instruments) = INSTRUMENTS.get() {
        instruments.payload_bytes.add(more, &[]);
    }
}

/// The result of a resolution of credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialEvent {
    /// The cache had them.
    Hit,
    /// A source gave them.
    Miss,
    /// The sources refused or failed.
    Denial,
    /// AWS rejected stale credentials, and they were renewed.
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
