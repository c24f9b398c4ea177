//! Prometheus endpoint: metrics in text format on a listener of their own, with the process's memory, file descriptors and
//! threads.

use std::net::SocketAddr;
use std::sync::LazyLock;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use opentelemetry_prometheus::PrometheusExporter;
use prometheus::process_collector::ProcessCollector;
use prometheus::{Registry, TEXT_FORMAT, TextEncoder};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::setting::ConfigError;

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::new);

/// Creates the reader that collects metrics for this endpoint.
pub(super) fn reader() -> Result<PrometheusExporter, ConfigError> {
    let problem = |error: &dyn std::fmt::Display| ConfigError::new("QUILT_MCP_METRICS_ADDR", error.to_string());
    REGISTRY
        .register(Box::new(ProcessCollector::for_self()))
        .map_err(|error| problem(&error))?;
    let exporter = opentelemetry_prometheus::exporter()
        .with_registry(REGISTRY.clone())
        .scope_info_enabled(false);
    exporter.build().map_err(|error| problem(&error))
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
