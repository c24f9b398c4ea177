//! `quilt-mcp dev`: everything on loopback in one process.

use std::io::Write as _;
use std::path::PathBuf;

use super::{fail, serve_metrics, shutdown};
use crate::app::BuildError;
use crate::clock::Clock;
use crate::config::ServeConfig;
use crate::dev::{Dev, walkthrough};
use crate::telemetry;

/// How to run it.
#[derive(Debug, clap::Args)]
#[command(mut_arg("rate_limit", |arg| arg.default_value("off")))]
pub struct DevArgs {
    /// Where dev.json is written
    #[arg(long, default_value = "dev-data")]
    data: PathBuf,
    /// Settings of the server, as of `serve`.
    #[command(flatten)]
    config: ServeConfig,
}

pub(super) async fn run(args: DevArgs) -> anyhow::Result<()> {
    let DevArgs { data, config } = args;
    let metrics_addr = config.metrics.metrics_addr;
    let exports = match telemetry::init(&config.telemetry, metrics_addr) {
        Ok(exports) => exports,
        Err(error) => fail(&error.to_string()),
    };
    let ends = shutdown::on_signal()?;
    serve_metrics(metrics_addr, &ends).await;
    let dev = match Dev::start_with(config, &data, Clock::system()).await {
        Ok(dev) => dev,
        Err(error) => match error.downcast::<BuildError>() {
            Ok(BuildError::Config(problem)) => fail(&problem.to_string()),
            Ok(error) => return Err(error.into()),
            Err(error) => return Err(error),
        },
    };
    let mut out = std::io::stdout().lock();
    out.write_all(walkthrough(&dev.backend.info).as_bytes())?;
    writeln!(
        out,
        "All of this is also in {}. Stop with Ctrl-C.",
        data.join("dev.json").display()
    )?;
    if !dev.not_taken.is_empty() {
        writeln!(out, "Ignored, because dev sets its own: {}.", dev.not_taken.join(", "))?;
    }
    out.flush()?;
    drop(out);
    ends.cancelled().await;
    dev.stop().await;
    tokio::task::spawn_blocking(|| exports.end()).await?;
    Ok(())
}
