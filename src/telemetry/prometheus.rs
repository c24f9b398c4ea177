//! Prometheus endpoint: metrics in text format on a listener of their own, with the process's memory, file descriptors and
//! threads.

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use opentelemetry_prometheus::PrometheusExporter;
use prometheus::core::{Collector, Desc};
use prometheus::process_collector::ProcessCollector;
use prometheus::proto::MetricFamily;
use prometheus::{Counter, Registry, TEXT_FORMAT, TextEncoder};
use rustix::time::{ClockId, clock_gettime};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::setting::ConfigError;

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::new);

/// Creates the reader that collects metrics for this endpoint.
pub(super) fn reader() -> Result<PrometheusExporter, ConfigError> {
    let problem = |error: &dyn std::fmt::Display| ConfigError::new("QUILT_MCP_METRICS_ADDR", error.to_string());
    REGISTRY
        .register(Box::new(ProcessMetrics::new().map_err(|error| problem(&error))?))
        .map_err(|error| problem(&error))?;
    let exporter = opentelemetry_prometheus::exporter()
        .with_registry(REGISTRY.clone())
        .scope_info_enabled(false);
    exporter.build().map_err(|error| problem(&error))
}

/// The library's metrics of the process. Its CPU time is in whole seconds, and is replaced.
struct ProcessMetrics {
    library: ProcessCollector,
    cpu_seconds: Counter,
}

const CPU_SECONDS: &str = "process_cpu_seconds_total";

impl ProcessMetrics {
    fn new() -> prometheus::Result<Self> {
        Ok(Self {
            library: ProcessCollector::for_self(),
            cpu_seconds: Counter::new(CPU_SECONDS, "Total user and system CPU time spent in seconds.")?,
        })
    }
}

impl Collector for ProcessMetrics {
    fn desc(&self) -> Vec<&Desc> {
        self.library.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
        let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default();
        let used = Duration::new(seconds, nanoseconds).as_secs_f64();
        // Another scrape may have been quicker.
        self.cpu_seconds.inc_by((used - self.cpu_seconds.get()).max(0.0));
        let mut families = self.library.collect();
        families.retain(|family| family.name() != CPU_SECONDS);
        families.extend(self.cpu_seconds.collect());
        families
    }
}

/// Serves `GET /metrics` on `address` until `shutdown`. Returns the bound address.
pub async fn serve(address: SocketAddr, shutdown: CancellationToken) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let routes = Router::new().route("/metrics", get(async || metrics()));
    #[expect(clippy::disallowed_methods, reason = "ends with the token")]
    tokio::spawn(async move {
        let served = axum::serve(listener, routes).with_graceful_shutdown(shutdown.cancelled_owned());
        if let Err(error) = served.await {
            tracing::error!(%error, "the metrics listener failed");
        }
    });
    Ok(bound)
}

fn metrics() -> Response {
    match TextEncoder::new().encode_to_string(&REGISTRY.gather()) {
        Ok(text) => ([(header::CONTENT_TYPE, TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be encoded");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
