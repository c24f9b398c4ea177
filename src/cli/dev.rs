//! `quilt-mcp dev`: the server with its development backend, in one process.

use std::io::Write as _;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser as _};

use super::{fail, serve_metrics, shutdown};
use crate::app::BuildError;
use crate::clock::Clock;
use crate::config::ServeConfig;
use crate::dev::{CatalogPages, CatalogUi, Dev, DevOptions, Generation, Screen, TabulatorGeneration, walkthrough};
use crate::telemetry;

/// Arguments of `dev`.
#[derive(Debug, clap::Args)]
#[command(
    mut_arg("rate_limit", |arg| arg.default_value("off")),
    mut_arg("log", |arg| arg.default_value("warn")),
)]
pub struct DevArgs {
    /// The directory in which dev.json and the users' tokens are written; objects and packages are not kept. Default:
    /// dev-data, or none with --container
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print a walk through the server too: eight calls with curl
    #[arg(long)]
    verbose: bool,
    /// Serve everything on one port of all addresses, for `docker run`; clients reach it at `QUILT_MCP_PUBLIC_URL`, by
    /// default at this port of localhost. Anyone who reaches the port may act as the users
    #[arg(long)]
    container: bool,
    /// Serve the front end of Quilt's catalog at the catalog's URL: the folder or the wheel of quilt3-local 2.0.0
    #[arg(long, value_name = "PATH", num_args = 0..=1, default_missing_value = "", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    catalog_ui: Option<PathBuf>,
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
        verbose,
        container,
        catalog_ui,
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
    let front_end = catalog_ui.map(|path| CatalogUi::open(&path));
    let default_data = || (!container).then(|| PathBuf::from("dev-data"));
    let options = DevOptions {
        data: data.or_else(default_data),
        is_container: container,
        catalog_ui: front_end.transpose()?,
    };
    let pages = match options.catalog_ui {
        Some(_) => CatalogPages::FrontEnd,
        None => CatalogPages::Console,
    };
    let dev = match Dev::start_as(config, options.clone(), Clock::system()).await {
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
    if verbose {
        out.write_all(walkthrough(&dev.backend.info).as_bytes())?;
    }
    let screen = Screen {
        data: options.data.as_deref(),
        pages,
        ignored_variables: &dev.ignored_variables,
    };
    out.write_all(screen.text(&dev.backend.info).as_bytes())?;
    out.flush()?;
    drop(out);
    shutdown.cancelled().await;
    dev.stop().await;
    tokio::task::spawn_blocking(|| exports.shutdown()).await?;
    Ok(())
}
