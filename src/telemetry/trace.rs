//! Traces: a span for each request to the MCP endpoint, with a child span for each request to another service.
//!
//! Name and attributes of the request's span follow the OpenTelemetry conventions for MCP servers. Its parent is the trace
//! context in the request's `_meta` (SEP-414), and the one in the HTTP headers becomes a link; without `_meta`, the HTTP
//! headers name the parent.
//!
//! Invariant: without an exporter, the functions of this module do nothing.

use std::sync::OnceLock;

use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{Status, TraceContextExt as _, TracerProvider as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Metadata, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use super::text::{self, bounded};
use crate::setting::ConfigError;

/// Target of spans that are not exported, such as those of health checks.
pub const UNTRACED: &str = "quilt_mcp::untraced";

/// Maximum length of a propagated `tracestate`, as W3C Trace Context suggests.
const MAX_TRACESTATE_BYTES: usize = 512;

static ENABLED: OnceLock<()> = OnceLock::new();

/// The trace context in HTTP headers or in the request's `_meta`.
#[derive(Debug, Clone, Copy, Default)]
pub struct RemoteContext<'a> {
    /// `traceparent` of W3C Trace Context.
    pub parent: Option<&'a str>,
    /// `tracestate` of W3C Trace Context.
    pub state: Option<&'a str>,
}

/// The attributes of a decoded request.
#[derive(Debug, Clone, Copy)]
pub struct RequestAttributes<'a> {
    pub method: &'static str,
    /// The tool or prompt that the request names.
    pub target: Option<&'a str>,
    /// The JSON-RPC id, as encoded in the request.
    pub id: Option<&'a str>,
    /// The protocol version of the header.
    pub protocol: Option<&'a str>,
    pub in_meta: RemoteContext<'a>,
    pub in_headers: RemoteContext<'a>,
}

/// Installs the subscribers of the log and the traces.
pub(super) fn install<S>(log: S, traces: Option<&SdkTracerProvider>) -> Result<(), ConfigError>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let Some(provider) = traces else {
        // A layer that is `None` would enable all spans.
        return set_default(log);
    };
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("quilt_mcp"));
    // Without activation the OpenTelemetry span starts when it is first used, so that its parent may come from the body.
    let layer = layer.with_context_activation(false).with_tracked_inactivity(false);
    let layer = layer
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_level(false);
    let layer = layer.with_filter(filter_fn(is_ours));
    let _ = ENABLED.set(());
    set_default(log.with(layer))
}

fn set_default(subscriber: impl Subscriber + Send + Sync) -> Result<(), ConfigError> {
    tracing::subscriber::set_global_default(subscriber)
        .map_err(|_| ConfigError::new("QUILT_MCP_LOG", "the log was already set up"))
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target().starts_with("quilt_mcp") && metadata.target() != UNTRACED
}

/// Whether traces are exported.
#[must_use]
pub fn is_enabled() -> bool {
    ENABLED.get().is_some()
}

/// Records the attributes and the parent of a request's span. `span` must have the fields `otel.name`, `otel.kind` and
/// `trace_id`, and no child yet.
pub fn record_request(span: &Span, request: &RequestAttributes<'_>) {
    if !is_enabled() {
        return;
    }
    let in_meta = context(request.in_meta);
    let in_headers = context(request.in_headers);
    let (parent, linked) = if in_meta.is_some() {
        (in_meta, in_headers)
    } else {
        (in_headers, None)
    };
    if let Some(parent) = parent {
        let _ = span.set_parent(parent);
    }
    if let Some(linked) = linked {
        span.add_link(linked.span().span_context().clone());
    }
    let method = request.method;
    let short = |value| bounded(value, text::MAX_NAME_BYTES);
    let name = request.target.map(|target| format!("{method} {}", short(target)));
    span.record("otel.name", name.as_deref().unwrap_or(method));
    span.record("otel.kind", "server");
    span.set_attribute("mcp.method.name", method);
    span.set_attribute("network.transport", "tcp");
    let named = match method {
        "prompts/get" => "gen_ai.prompt.name",
        _ => "gen_ai.tool.name",
    };
    if method == "tools/call" {
        span.set_attribute("gen_ai.operation.name", "execute_tool");
    }
    for (attribute, value) in [
        (named, request.target),
        ("jsonrpc.request.id", request.id),
        ("mcp.protocol.version", request.protocol),
    ] {
        if let Some(value) = value {
            span.set_attribute(attribute, short(value).to_owned());
        }
    }
    span.record(
        "trace_id",
        tracing::field::display(span.context().span().span_context().trace_id()),
    );
}

/// Records the outcome of a call. A failed call has the `error.type` `tool_error`, although its HTTP status is 200.
pub fn record_outcome(span: &Span, outcome: &'static str) {
    if !is_enabled() {
        return;
    }
    span.set_attribute("quilt_mcp.outcome", outcome);
    if outcome != "ok" {
        span.set_attribute("error.type", "tool_error");
        span.set_status(Status::error(outcome));
    }
}

/// Records the HTTP status of the response.
pub fn record_status(span: &Span, status: u16) {
    if !is_enabled() {
        return;
    }
    span.set_attribute("http.response.status_code", i64::from(status));
    if status >= 400 {
        span.set_attribute("error.type", status.to_string());
        span.set_status(Status::error(""));
    }
}

fn context(remote: RemoteContext<'_>) -> Option<opentelemetry::Context> {
    remote.parent?;
    let context = TraceContextPropagator::new().extract(&remote);
    context.span().span_context().is_valid().then_some(context)
}

impl Extractor for RemoteContext<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => self.parent,
            "tracestate" => self.state.filter(|state| state.len() <= MAX_TRACESTATE_BYTES),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}
