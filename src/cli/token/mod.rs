//! `quilt-mcp token`: bearer tokens on the command line, made and looked into.
//!
//! Owns what a person needs to try a server with a token of one's own, and to see why a server takes a token or not. Owns
//! no rule: who proves a token is in `identity`, which credentials follow from it is in `credentials`.
//!
//! Invariant: only a token that was asked for reaches standard output, and nothing secret inside one is ever shown.

mod inspect;
mod jwt;
mod login;
mod mint;
mod shown;
mod steps;
mod times;

use std::io::Write as _;

use clap::Subcommand;

use crate::clock::Clock;

/// What to do with a token.
#[derive(Debug, clap::Args)]
pub struct TokenArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print a new HS256 token, or the token of quilt3's login
    Mint(Box<mint::MintArgs>),
    /// Tell what a token says, whether it verifies, and which credential steps would apply to it
    Inspect(Box<inspect::InspectArgs>),
}

pub(super) async fn run(args: TokenArgs) -> anyhow::Result<()> {
    let clock = Clock::system();
    match args.action {
        Action::Mint(args) => mint::run(&args, &clock),
        Action::Inspect(args) => inspect::run(&args, &clock).await,
    }
}

/// Something worth knowing that is not the token.
fn note(sentence: &str) {
    let _ = writeln!(std::io::stderr(), "quilt-mcp: {sentence}");
}
