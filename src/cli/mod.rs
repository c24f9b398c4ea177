//! The commands.

mod dev;
mod docs;
mod healthcheck;
mod serve;
mod shutdown;

use clap::{Parser, Subcommand};

use crate::config::{self, ServeConfig};

/// An MCP server for the Quilt data catalog that acts on S3 as its caller.
#[derive(Debug, Parser)]
#[command(name = "quilt-mcp", version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server
    Serve(Box<ServeConfig>),
    /// Run the server with an S3, an STS, a catalog and sample data, all on this machine
    Dev(dev::DevArgs),
    /// Ask the local server whether it is well; exit 0 or 1
    Healthcheck(healthcheck::HealthcheckArgs),
    /// Print reference tables in Markdown
    Docs(docs::DocsArgs),
}

/// Reads the command line and the environment. What cannot be used ends the process with one line about it.
#[must_use]
pub fn parse() -> Cli {
    Cli::try_parse().unwrap_or_else(|error| match config::explain::<Cli>(&error) {
        Some(sentence) => fail(&sentence),
        None => error.exit(),
    })
}

/// Does what was asked.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Serve(config) => serve::run(*config).await,
        Command::Dev(args) => dev::run(args).await,
        Command::Healthcheck(args) => healthcheck::run(args).await,
        Command::Docs(args) => docs::run(args),
    }
}

/// One line on standard error, and the exit status of a wrong use.
fn fail(sentence: &str) -> ! {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "quilt-mcp: {sentence}");
    std::process::exit(2)
}

impl ServeConfig {
    /// The defaults with these flags, and nothing from the environment: for `dev` and tests, which must not depend on the
    /// machine that they run on.
    pub fn from_flags<I, T>(flags: I) -> Result<Self, clap::Error>
    where
        I: IntoIterator<Item = T>,
        T: Into<std::ffi::OsString> + Clone,
    {
        use clap::{Args as _, FromArgMatches as _};
        let command = Self::augment_args(clap::Command::new("serve").no_binary_name(true));
        let command = command.mut_args(|arg| arg.env(None::<&str>));
        Self::from_arg_matches(&command.try_get_matches_from(flags)?)
    }
}
