//! Settings of the tools that are offered.

use super::toolset::Toolsets;

/// Which kind of tools is listed. Both kinds can always be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum ToolStyle {
    /// One tool for each thing to do, with typed arguments.
    Typed,
    /// One tool for each toolset, with an `action`.
    Modules,
    /// Both.
    Both,
}

/// The tools that are offered; a request may only narrow them.
#[derive(Debug, Clone, clap::Args)]
pub struct ToolFilterConfig {
    /// Refuse every tool that writes. A request may ask for the same with `X-MCP-Readonly: true`
    #[arg(long, env = "QUILT_MCP_READ_ONLY", default_value = "false", num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub read_only: bool,
    /// Comma list of the toolsets that are on: `buckets`, `packaging`, `permissions`, `auth`. A request may choose among
    /// them with `X-MCP-Toolsets`
    #[arg(long, env = "QUILT_MCP_TOOLSETS", default_value = "all", value_parser = toolsets)]
    pub toolsets: Toolsets,
    /// Which kind of tools is listed: `typed`, `modules` (one tool a toolset, with an `action`) or `both`; both kinds can
    /// always be called
    #[arg(long, env = "QUILT_MCP_TOOL_STYLE", value_enum, default_value = "typed")]
    pub tool_style: ToolStyle,
}

/// Parses a comma list of toolsets as one value.
fn toolsets(text: &str) -> Result<Toolsets, String> {
    text.parse()
}
