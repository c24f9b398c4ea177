//! `quilt-mcp serve`: the server, until it receives a signal.

use tokio::net::TcpListener;

use super::{Cli, fail, serve_metrics, shutdown};
use crate::app::{App, BuildError, Finding, Overrides};
use crate::config::{ServeConfig, changes_made, names_in_environment, unknown_variables, variables_without_effect};
use crate::server::{self, ConnectionLimits};
use crate::telemetry;
use crate::tools;

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// Check the settings and the services that they name, print what is on, and exit: with 0 if all is well, else with 1
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    config: ServeConfig,
}

pub(super) async fn run(args: ServeArgs) -> anyhow::Result<()> {
    let ServeArgs { check, config } = args;
    let roots = config.aws.extra_roots();
    let started = roots.and_then(|roots| telemetry::init(&config.telemetry, &roots, config.metrics.metrics_addr));
    let exports = match started {
        Ok(exports) => exports,
        Err(error) => fail(&error.to_string()),
    };
    telemetry::metrics::tools_start_at_zero(tools::all().into_iter().map(|tool| tool.name.to_string()));
    if let Err(error) = config.check() {
        fail(&error.to_string());
    }
    for change in changes_made() {
        tracing::warn!("{change}");
    }
    for name in unknown_variables::<Cli>() {
        tracing::warn!(
            variable = name,
            "this variable is not a setting of this server; is it misspelt?"
        );
    }
    for (name, instead) in variables_without_effect(names_in_environment()) {
        tracing::warn!(variable = name, instead, "this variable has no effect on this server");
    }
    let overrides = Overrides {
        connections: connection_limits(),
        ..Overrides::default()
    };
    let app = match App::build(&config, overrides).await {
        Ok(app) => app,
        Err(error @ BuildError::Config(_)) => fail(&error.to_string()),
        Err(error) => return Err(error.into()),
    };
    if check {
        return print_check(&config, &app).await;
    }
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

/// Returns the limits of connections under the process's limit of file descriptors, which is raised first.
fn connection_limits() -> ConnectionLimits {
    let wanted = ConnectionLimits::default();
    let descriptors = server::raise_descriptor_limit();
    let limits = wanted.within_descriptors(descriptors);
    if limits.most < wanted.most {
        tracing::warn!(
            descriptors,
            connections = limits.most,
            "the limit of file descriptors allows fewer connections than usual; raise the hard limit of open files"
        );
    }
    limits
}

/// Prints what is on and what was found, and ends the process.
async fn print_check(config: &ServeConfig, app: &App) -> anyhow::Result<()> {
    use std::io::Write as _;
    let findings = app.check(config).await;
    let mut out = std::io::stdout().lock();
    for (name, value) in super::given_settings() {
        writeln!(out, "set   {name:<13} {value}")?;
    }
    for Finding { subject, is_well, text } in &findings {
        let mark = if *is_well { "ok  " } else { "FAIL" };
        writeln!(out, "{mark}  {subject:<13} {text}")?;
    }
    out.flush()?;
    let is_well = findings.iter().all(|finding| finding.is_well);
    telemetry::flush_log();
    std::process::exit(i32::from(!is_well))
}
