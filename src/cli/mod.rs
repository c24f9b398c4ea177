//! The command-line interface.

#[cfg(feature = "dev")]
mod dev;
mod docs;
mod healthcheck;
mod manifest;
mod serve;
mod shutdown;
mod token;

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio_util::sync::CancellationToken;

use crate::config::{self, ServeConfig};
use crate::telemetry;

/// An MCP server for the Quilt data catalog that acts on S3 as its caller.
#[derive(Debug, Parser)]
#[command(name = "quilt-mcp", version, about)]
pub struct Cli {
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands of the program.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server
    Serve(Box<ServeConfig>),
    #[cfg(feature = "dev")]
    /// Run the server with an S3, an STS, a catalog and sample data, all on this machine
    Dev(Box<dev::DevArgs>),
    /// Compute or check the top hash of a Quilt manifest
    Manifest(manifest::ManifestArgs),
    /// Check the health of the local server; exits with 0 if it is healthy, else with 1
    Healthcheck(healthcheck::HealthcheckArgs),
    /// Create a bearer token, or show its claims and how a server would treat it
    Token(token::TokenArgs),
    /// Print reference tables in Markdown
    Docs(docs::DocsArgs),
}

/// Parses the command line and the environment. An error ends the process with a one-line message.
#[must_use]
pub fn parse() -> Cli {
    use clap::{CommandFactory as _, FromArgMatches as _};
    let command = config::without_empty_variables(Cli::command());
    let parsed = command
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches));
    parsed.unwrap_or_else(|error| match config::explain::<Cli>(&error) {
        Some(sentence) => fail(&sentence),
        None => error.exit(),
    })
}

/// Runs a command.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Serve(config) => serve::run(*config).await,
        #[cfg(feature = "dev")]
        Command::Dev(args) => dev::run(*args).await,
        Command::Manifest(args) => manifest::run(args),
        Command::Healthcheck(args) => healthcheck::run(args).await,
        Command::Token(args) => token::run(args).await,
        Command::Docs(args) => docs::run(args),
    }
}

/// Serves metrics until the shutdown begins, if an address is set.
async fn serve_metrics(address: Option<SocketAddr>, shutdown: &CancellationToken) {
    let Some(address) = address else { return };
    match telemetry::prometheus::serve(address, shutdown.clone()).await {
        Ok(metrics_address) => tracing::info!(%metrics_address, "metrics are served"),
        Err(error) => fail(&format!("QUILT_MCP_METRICS_ADDR: cannot listen on {address} ({error})")),
    }
}

/// Prints one line to standard error and exits with the status for incorrect usage.
fn fail(sentence: &str) -> ! {
    telemetry::write_last(&format!("quilt-mcp: {sentence}"));
    std::process::exit(2)
}

/// Writes the last lines of the log and an error that ended the program, and returns the exit status.
#[must_use]
pub fn end(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => {
            telemetry::flush_log();
            ExitCode::SUCCESS
        }
        Err(error) => {
            telemetry::write_last(&format!("Error: {error:?}"));
            ExitCode::FAILURE
        }
    }
}
