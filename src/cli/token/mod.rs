//! `quilt-mcp token`: bearer tokens on the command line, minted and inspected.
//!
//! **Owns** what a person needs to try a server with a token, and to see why a server takes a token or refuses it.
//! **Does not own** a rule: the proof of a token is in `identity`, the credentials that follow from it in `credentials`.
//! **Invariant:** only a token that was asked for is written to standard output, and its secrets are never shown.

mod inspect;
mod jwt;
mod login;
mod mint;
mod redaction;
mod steps;
mod times;
mod verification;

use std::io::Write as _;

use clap::Subcommand;

use crate::clock::Clock;

/// The subcommands.
#[derive(Debug, clap::Args)]
pub struct TokenArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print a new HS256 token, or the token of quilt3's login
    Mint(Box<mint::MintArgs>),
    /// Show the contents of a token, whether it verifies, and which credential steps would apply to it
    Inspect(Box<inspect::InspectArgs>),
}

pub(super) async fn run(args: TokenArgs) -> anyhow::Result<()> {
    let clock = Clock::system();
    match args.action {
        Action::Mint(args) => mint::run(&args, &clock),
        Action::Inspect(args) => inspect::run(&args, &clock).await,
    }
}

/// Writes a remark beside the token, to standard error.
fn note(sentence: &str) {
    let _ = writeln!(std::io::stderr(), "quilt-mcp: {sentence}");
}
