//! Settings of the tool filter.

use std::fmt;

use super::toolset::{Toolset, Toolsets};
use crate::setting::parse;

/// Style of the listed tools. Both styles can always be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum ToolStyle {
    /// One tool for each operation, with typed arguments.
    Typed,
    /// One tool per toolset, with an `action` argument.
    Modules,
    Both,
}

/// The tools that requests may list and call. A request can narrow the selection, not widen it.
#[derive(Debug, Clone, clap::Args)]
pub struct ToolFilterConfig {
    /// Switch off all tools that write. A request can do the same with `X-MCP-Readonly: true`
    #[arg(long, env = "QUILT_MCP_READ_ONLY", default_value = "false", num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set, value_parser = parse::switch)]
    pub read_only: bool,
    /// Comma-separated list of the toolsets that are on: `buckets`, `packaging`, `permissions`, `auth`, `search`,
    /// `athena`, `tabulator`, `catalog`, `account`, or `default` for all but `account`. A request may choose among them with `X-MCP-Toolsets`
    #[arg(long, env = "QUILT_MCP_TOOLSETS", default_value = "default", value_parser = toolsets)]
    pub toolsets: Toolsets,
    /// Style of the listed tools: `typed`, `modules` (one tool for each toolset, with an `action`) or `both`; tools of both
    /// styles can always be called
    #[arg(long, env = "QUILT_MCP_TOOL_STYLE", value_enum, default_value = "typed")]
    pub tool_style: ToolStyle,
}

impl ToolFilterConfig {
    /// The names of the toolsets that are on.
    #[must_use]
    pub fn toolset_names(&self) -> Vec<&'static str> {
        let included = Toolset::ALL
            .into_iter()
            .filter(|toolset| self.toolsets.include(*toolset));
        included.map(Toolset::as_str).collect()
    }
}

impl fmt::Display for ToolFilterConfig {
    /// Writes what is on, for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let access = if self.read_only { "read only" } else { "read and write" };
        write!(
            f,
            "{}; {access}; listed in the style {:?}",
            self.toolset_names().join(", "),
            self.tool_style
        )
    }
}

/// Parses a comma-separated list of toolsets as one value.
fn toolsets(text: &str) -> Result<Toolsets, String> {
    text.parse()
}
