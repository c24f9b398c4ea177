//! Setting of the page.

/// What a browser gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ConsoleMode {
    /// No page.
    Off,
    /// How to connect a client. No token is asked for.
    Connect,
    /// Also the console, which acts for a token that the user pastes.
    Full,
}

impl ConsoleMode {
    /// The name of the mode, as in the setting.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Connect => "connect",
            Self::Full => "full",
        }
    }
}

#[derive(Debug, Clone, Default, clap::Args)]
pub struct ConsoleConfig {
    /// The page that browsers get at `/` and `/mcp`: `off`, `connect` (how to connect a client) or `full` (also a console
    /// that acts for a token pasted into it). Default: `connect`; of `dev`: `full`
    #[arg(long, env = "QUILT_MCP_CONSOLE", value_enum)]
    pub console: Option<ConsoleMode>,
}

impl ConsoleConfig {
    /// Returns the mode, by the setting or its default.
    #[must_use]
    pub fn mode(&self) -> ConsoleMode {
        self.console.unwrap_or(ConsoleMode::Connect)
    }
}
