//! `quilt-mcp dev`: everything on loopback in one process.

use std::io::Write as _;
use std::path::PathBuf;

use super::{fail, shutdown};
use crate::clock::Clock;
use crate::config::TelemetryConfig;
use crate::dev::{Dev, walkthrough};
use crate::telemetry;

/// How to run it.
#[derive(Debug, clap::Args)]
pub struct DevArgs {
    /// Port of the server, 0 for any free one
    #[arg(long, default_value = "8000")]
    port: u16,
    /// Where dev.json is written
    #[arg(long, default_value = "dev-data")]
    data: PathBuf,
    #[command(flatten)]
    telemetry: TelemetryConfig,
}

pub(super) async fn run(args: DevArgs) -> anyhow::Result<()> {
    let exports = match telemetry::init(&args.telemetry, None) {
        Ok(exports) => exports,
        Err(error) => fail(&error.to_string()),
    };
    let ends = shutdown::on_signal()?;
    let dev = Dev::start(args.port, &args.data, Clock::system()).await?;
    let mut out = std::io::stdout().lock();
    out.write_all(walkthrough(&dev.backend.info).as_bytes())?;
    writeln!(out, "All of this is also in {}. Stop with Ctrl-C.", args.data.join("dev.json").display())?;
    out.flush()?;
    drop(out);
    ends.cancelled().await;
    dev.stop().await;
    tokio::task::spawn_blocking(|| exports.end()).await?;
    Ok(())
}
