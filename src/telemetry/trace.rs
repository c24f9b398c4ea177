//! Traces: one span for each request to the MCP endpoint, and one below it for each request to somebody else.
//!
//! The request's span has the name and the attributes of the OpenTelemetry conventions for MCP servers. Its parent is the
//! one that the request's `_meta` names (SEP-414); what an HTTP header names then is a link, and the parent otherwise.
//!
//! Invariant: without an exporter none of this does anything.

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

/// Target of spans that are of no interest to anybody who follows a call: those of health checks.
pub const UNTRACED: &str = "quilt_mcp::untraced";

/// Longest `tracestate` that is passed on, as W3C Trace Context suggests.
const LONGEST_STATE: usize = 512;

static IS_ON: OnceLock<()> = OnceLock::new();

/// Trace context as it came, by HTTP headers or in the request's `_meta`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Remote<'a> {
    /// `traceparent` of W3C Trace Context.
    pub parent: Option<&'a str>,
    /// `tracestate`.
    pub state: Option<&'a str>,
}

/// What a request turned out to be.
#[derive(Debug, Clone, Copy)]
pub struct Described<'a> {
    /// The JSON-RPC method.
    pub method: &'static str,
    /// The tool or prompt that it names.
    pub target: Option<&'a str>,
    /// The JSON-RPC id, as it was written.
    pub id: Option<&'a str>,
    /// The protocol's version, where a header says it.
    pub protocol: Option<&'a str>,
    /// Trace context of the request's `_meta`.
    pub in_meta: Remote<'a>,
    /// Trace context of the HTTP headers.
    pub in_headers: Remote<'a>,
}

/// Installs the process's log, and the traces beside it.
pub(super) fn install<S>(log: S, traces: Option<&SdkTracerProvider>) -> Result<(), ConfigError>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let Some(provider) = traces else {
        // Not with a layer that is `None`: it would count as one that wants every span there is.
        return set_default(log);
    };
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("quilt_mcp"));
    // Without activation a span begins when it is first needed, so that its parent may be found in the body.
    let layer = layer.with_context_activation(false).with_tracked_inactivity(false);
    let layer = layer
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_level(false);
    let layer = layer.with_filter(filter_fn(is_ours));
    let _first = IS_ON.set(());
    set_default(log.with(layer))
}

fn set_default(subscriber: impl Subscriber + Send + Sync) -> Result<(), ConfigError> {
    tracing::subscriber::set_global_default(subscriber)
        .map_err(|_| ConfigError::new("QUILT_MCP_LOG", "the log was already set up"))
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target().starts_with("quilt_mcp") && metadata.target() != UNTRACED
}

/// Whether anybody gets traces.
#[must_use]
pub fn is_on() -> bool {
    IS_ON.get().is_some()
}

/// Says what the request of a span is, and of which trace it is a part. `span` needs the fields `otel.name`, `otel.kind`
/// and `trace_id`, and must have no child yet.
pub fn describe(span: &Span, request: &Described<'_>) {
    if !is_on() {
        return;
    }
    let (in_meta, in_headers) = (context(request.in_meta), context(request.in_headers));
    let (parent, linked) = if in_meta.is_some() {
        (in_meta, in_headers)
    } else {
        (in_headers, None)
    };
    if let Some(parent) = parent {
        let _too_late = span.set_parent(parent);
    }
    if let Some(linked) = linked {
        span.add_link(linked.span().span_context().clone());
    }
    let (method, short) = (request.method, |value| bounded(value, text::NAME));
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

/// Says how a call ended that is an answer of its tool all the same: a failed one has `tool_error` as its `error.type`.
pub fn ended(span: &Span, outcome: &'static str) {
    if !is_on() {
        return;
    }
    span.set_attribute("quilt_mcp.outcome", outcome);
    if outcome != "ok" {
        span.set_attribute("error.type", "tool_error");
        span.set_status(Status::error(outcome));
    }
}

/// Says which HTTP status a request was answered with.
pub fn answered(span: &Span, status: u16) {
    if !is_on() {
        return;
    }
    span.set_attribute("http.response.status_code", i64::from(status));
    if status >= 400 {
        span.set_attribute("error.type", status.to_string());
        span.set_status(Status::error(""));
    }
}

fn context(remote: Remote<'_>) -> Option<opentelemetry::Context> {
    let _cheap = remote.parent?;
    let context = TraceContextPropagator::new().extract(&remote);
    context.span().span_context().is_valid().then_some(context)
}

impl Extractor for Remote<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => self.parent,
            "tracestate" => self.state.filter(|state| state.len() <= LONGEST_STATE),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}
