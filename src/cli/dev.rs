//! `quilt-mcp dev`: the server with its development backend, in one process on loopback.

use std::io::Write as _;
use std::path::PathBuf;

use super::{fail, serve_metrics, shutdown};
use crate::app::BuildError;
use crate::clock::Clock;
use crate::config::ServeConfig;
use crate::dev::{Dev, Generation, TabulatorGeneration, walkthrough};
use crate::telemetry;

/// Arguments of `dev`.
#[derive(Debug, clap::Args)]
#[command(mut_arg("rate_limit", |arg| arg.default_value("off")))]
pub struct DevArgs {
    /// The directory in which dev.json is written
    #[arg(long, default_value = "dev-data")]
    data: PathBuf,
    /// The generation of the registry's search, by the date of its schema
    #[arg(long, value_enum, default_value_t, value_name = "DATE")]
    search_generation: Generation,
    /// The generation of the registry's Tabulator, by the date of its schema
    #[arg(long, value_enum, default_value_t, value_name = "DATE")]
    tabulator_generation: TabulatorGeneration,
    #[command(flatten)]
    config: ServeConfig,
}

pub(super) async fn run(args: DevArgs) -> anyhow::Result<()> {
    let DevArgs {
        data,
        search_generation,
        tabulator_generation,
        config,
    } = args;
    let metrics_addr = config.metrics.metrics_addr;
    let roots = config.aws.extra_roots();
    let exports = match roots.and_then(|roots| telemetry::init(&config.telemetry, &roots, metrics_addr)) {
        Ok(exports) => exports,
        Err(error) => fail(&error.to_string()),
    };
    let shutdown = shutdown::on_signal()?;
    serve_metrics(metrics_addr, &shutdown).await;
    let dev = match Dev::start_with(config, &data, Clock::system()).await {
        Ok(dev) => dev,
        Err(error) => match error.downcast::<BuildError>() {
            Ok(BuildError::Config(problem)) => fail(&problem.to_string()),
            Ok(error) => return Err(error.into()),
            Err(error) => return Err(error),
        },
    };
    dev.backend.search.set_generation(search_generation);
    dev.backend.tabulator_settings.set_generation(tabulator_generation);
    let mut out = std::io::stdout().lock();
    out.write_all(walkthrough(&dev.backend.info).as_bytes())?;
    writeln!(
        out,
        "All of this is also in {}. Stop with Ctrl-C.",
        data.join("dev.json").display()
    )?;
    if !dev.ignored_variables.is_empty() {
        writeln!(
            out,
            "Ignored, because dev sets its own: {}.",
            dev.ignored_variables.join(", ")
        )?;
    }
    out.flush()?;
    drop(out);
    shutdown.cancelled().await;
    dev.stop().await;
    tokio::task::spawn_blocking(|| exports.shutdown()).await?;
    Ok(())
}
