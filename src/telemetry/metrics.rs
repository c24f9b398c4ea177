//! What is counted, and where it can be read: Prometheus text, on a listener of its own.
//!
//! Invariant: no label holds anything of a caller but the name of a tool, a source or a code.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Buckets of the duration histogram, in seconds.
const SECONDS: [f64; 9] = [0.005, 0.02, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 50.0];

/// A caller's credentials were asked for. `event`: what became of it.
pub fn credentials(event: CredentialEvent) {
    metrics::counter!("quilt_mcp_credentials_total", "event" => event.as_str()).increment(1);
}

/// A tool was called, with this outcome (`ok`, or an error code).
pub fn tool_call(tool: &'static str, outcome: &'static str, duration: Duration) {
    metrics::counter!("quilt_mcp_tool_calls_total", "tool" => tool, "outcome" => outcome).increment(1);
    metrics::histogram!("quilt_mcp_tool_seconds", "tool" => tool).record(duration.as_secs_f64());
}

/// A caller was refused, with this code.
pub fn refusal(code: &'static str) {
    metrics::counter!("quilt_mcp_refusals_total", "code" => code).increment(1);
}

/// So many bytes of the budget for payloads are held from now on.
pub fn payload_bytes_taken(bytes: usize) {
    metrics::gauge!("quilt_mcp_payload_bytes").increment(float(bytes));
}

/// So many bytes of the budget for payloads are free again.
pub fn payload_bytes_freed(bytes: usize) {
    metrics::gauge!("quilt_mcp_payload_bytes").decrement(float(bytes));
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, which is more memory than there is")]
fn float(bytes: usize) -> f64 {
    bytes as f64
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

/// Begins to count, and answers `GET /metrics` on `address` until `shutdown`. Answers the bound address.
pub async fn serve(address: SocketAddr, shutdown: CancellationToken) -> Result<SocketAddr, ServeError> {
    let handle = PrometheusBuilder::new().set_buckets(&SECONDS)?.install_recorder()?;
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let routes = Router::new().route("/metrics", get(move || std::future::ready(handle.render())));
    #[expect(clippy::disallowed_methods, reason = "ends with the token")]
    tokio::spawn(async move {
        let served = axum::serve(listener, routes).with_graceful_shutdown(shutdown.cancelled_owned());
        if let Err(error) = served.await {
            tracing::error!(%error, "the metrics listener ended");
        }
    });
    Ok(bound)
}

/// Why nothing can be counted.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on; see `QUILT_MCP_METRICS_ADDR`.
    #[error("the address cannot be listened on ({0})")]
    Listen(#[from] std::io::Error),
    /// The recorder could not be set up.
    #[error("the recorder cannot be set up ({0})")]
    Recorder(#[from] BuildError),
}
