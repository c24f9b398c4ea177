//! The command-line interface.

mod call;
#[cfg(feature = "dev")]
mod dev;
mod docs;
mod healthcheck;
mod manifest;
mod progress;
mod serve;
mod shutdown;
mod token;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio_util::sync::CancellationToken;

use crate::config;
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
    Serve(Box<serve::ServeArgs>),
    #[cfg(feature = "dev")]
    /// Run the server with an S3, an STS, a catalog and sample data, all on this machine
    Dev(Box<dev::DevArgs>),
    /// Call a tool of a server and print its result as JSON; exits with 0 if it succeeded, else with 1
    Call(call::CallArgs),
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
    #[expect(clippy::disallowed_methods, reason = "given to the config module")]
    let variables = || std::env::vars_os();
    if let Some(sentence) = config::refused_value::<Cli>(variables()) {
        fail(&sentence);
    }
    let changes = config::Changes::of::<Cli>(variables());
    #[cfg(unix)]
    if !changes.is_empty() {
        let error = changes.run_again();
        fail(&format!(
            "the environment has values with outer white space or none, and the program cannot run with others ({error})"
        ));
    }
    let parsed = Cli::command()
        .mut_subcommands(ignore_case)
        .try_get_matches_from(std::env::args_os().map(without_outer_white_space))
        .and_then(|matches| Cli::from_arg_matches(&matches));
    parsed.unwrap_or_else(|error| match config::explain::<Cli>(&error) {
        Some(sentence) => fail(&sentence),
        None => error.exit(),
    })
}

/// Returns the settings that differ from their defaults, by the names of their variables. Of a secret the length is shown,
/// because white space and quotation marks hide in it.
fn given_settings() -> Vec<(String, String)> {
    use clap::CommandFactory as _;
    use clap::parser::ValueSource;
    let mut command = Cli::command().mut_subcommands(ignore_case);
    let matches = command.try_get_matches_from_mut(std::env::args_os().map(without_outer_white_space));
    let Some((name, matches)) = matches.as_ref().ok().and_then(clap::ArgMatches::subcommand) else {
        return Vec::new();
    };
    let arguments = command
        .find_subcommand(name)
        .into_iter()
        .flat_map(clap::Command::get_arguments);
    let given = arguments.filter_map(|arg| {
        let env = arg.get_env()?.to_string_lossy().into_owned();
        let id = arg.get_id().as_str();
        let is_default = matches
            .value_source(id)
            .is_none_or(|source| source == ValueSource::DefaultValue);
        let values = matches.get_raw(id).filter(|_| !is_default)?;
        let values: Vec<String> = values.map(|value| value.to_string_lossy().into_owned()).collect();
        let text = values.join(",");
        let shown = if arg.is_hide_env_values_set() {
            format!("({} bytes)", text.len())
        } else {
            text
        };
        Some((env, shown))
    });
    given.collect()
}

/// Cuts the outer white space of the value in `--flag=value`, as of one in a variable.
fn without_outer_white_space(argument: OsString) -> OsString {
    let trimmed = argument
        .to_str()
        .filter(|text| text.starts_with("--"))
        .and_then(|text| text.split_once('='))
        .map(|(flag, value)| format!("{flag}={}", value.trim()).into());
    trimmed.unwrap_or(argument)
}

/// Accepts the named values of settings in capitals too.
fn ignore_case(command: clap::Command) -> clap::Command {
    let arg = |arg: clap::Arg| {
        let has_names = arg.get_action().takes_values() && !arg.get_possible_values().is_empty();
        arg.ignore_case(has_names)
    };
    command.mut_args(arg).mut_subcommands(ignore_case)
}

/// Runs a command.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Serve(args) => serve::run(*args).await,
        #[cfg(feature = "dev")]
        Command::Dev(args) => Box::pin(dev::run(*args)).await,
        Command::Call(args) => call::run(args).await,
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

/// Writes the last lines of the log and the error that ended the program, which is one line with its causes and never a
/// backtrace, and returns the exit status.
#[must_use]
pub fn end(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => {
            telemetry::flush_log();
            ExitCode::SUCCESS
        }
        Err(error) => {
            let line = format!("Error: {error:#}");
            telemetry::write_last(&line.split_whitespace().collect::<Vec<_>>().join(" "));
            ExitCode::FAILURE
        }
    }
}
