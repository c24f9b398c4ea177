//! `quilt-mcp serve`: the server, until it receives a signal.

use tokio::net::TcpListener;

use super::{Cli, fail, serve_metrics, shutdown};
use crate::app::{App, BuildError, Overrides};
use crate::config::{ServeConfig, unknown_variables};
use crate::telemetry;

pub(super) async fn run(config: ServeConfig) -> anyhow::Result<()> {
    let exports = match telemetry::init(&config.telemetry, config.metrics.metrics_addr) {
        Ok(exports) => exports,
        Err(error) => fail(&error.to_string()),
    };
    if let Err(error) = config.check() {
        fail(&error.to_string());
    }
    for name in unknown_variables::<Cli>() {
        tracing::warn!(
            variable = name,
            "this variable is not a setting of this server; is it misspelt?"
        );
    }
    let app = match App::build(&config, Overrides::default()).await {
        Ok(app) => app,
        Err(error @ BuildError::Config(_)) => fail(&error.to_string()),
        Err(error) => return Err(error.into()),
    };
    let shutdown = shutdown::on_signal()?;
    serve_metrics(config.metrics.metrics_addr, &shutdown).await;
    let address = config.listen.address();
    let listener = TcpListener::bind(address).await.map_err(|error| {
        anyhow::anyhow!("cannot listen on {address} ({error}); see QUILT_MCP_HOST and QUILT_MCP_PORT")
    })?;
    tracing::info!(address = %listener.local_addr()?, version = env!("CARGO_PKG_VERSION"), "listening");
    app.serve(listener, shutdown).await;
    tracing::info!("stopped");
    tokio::task::spawn_blocking(|| exports.shutdown()).await?;
    Ok(())
}
