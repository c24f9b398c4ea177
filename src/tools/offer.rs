//! What is offered to one request: the operator's bounds, tightened by what the request asked for.
//!
//! Invariant: nothing in here widens an offer. What it says of a list it says of a call too.

use super::config::{ToolFilterConfig, ToolStyle};
use super::toolset::{Toolset, Toolsets};
use super::{AnyTool, ToolError};
use crate::error_code::ErrorCode;

/// What may be listed and called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Offer {
    toolsets: Toolsets,
    read_only: bool,
    style: ToolStyle,
    is_tightened: bool,
}

impl Offer {
    /// What the operator offers.
    #[must_use]
    pub fn of(config: &ToolFilterConfig) -> Self {
        Self {
            toolsets: config.toolsets,
            read_only: config.read_only,
            style: config.tool_style,
            is_tightened: false,
        }
    }

    /// Everything, in this style; for reference tables.
    #[must_use]
    pub fn everything(style: ToolStyle) -> Self {
        Self {
            toolsets: Toolsets::ALL,
            read_only: false,
            style,
            is_tightened: false,
        }
    }

    /// The same without tools that write.
    #[must_use]
    pub fn without_writes(self) -> Self {
        Self {
            read_only: true,
            is_tightened: true,
            ..self
        }
    }

    /// The same without what is not in these toolsets.
    #[must_use]
    pub fn within(self, toolsets: Toolsets) -> Self {
        Self {
            toolsets: self.toolsets.and(toolsets),
            is_tightened: true,
            ..self
        }
    }

    /// Whether the request asked for less than everybody gets, so that its lists are its own.
    #[must_use]
    pub fn is_tightened(self) -> bool {
        self.is_tightened
    }

    /// Which kind of tools is listed.
    #[must_use]
    pub fn style(self) -> ToolStyle {
        self.style
    }

    /// Whether this toolset is on.
    #[must_use]
    pub fn includes(self, toolset: Toolset) -> bool {
        self.toolsets.include(toolset)
    }

    /// Whether anything may be written.
    #[must_use]
    pub fn allows_writes(self) -> bool {
        !self.read_only
    }

    /// Whether this tool is on.
    #[must_use]
    pub fn has(self, tool: &AnyTool) -> bool {
        self.includes(tool.toolset) && (tool.hints.read_only || !self.read_only)
    }

    /// Refuses what belongs to a toolset that is off. `what`: the beginning of the sentence that says so.
    pub(super) fn check_toolset(self, toolset: Toolset, what: &str) -> Result<(), ToolError> {
        if self.includes(toolset) {
            return Ok(());
        }
        Err(ToolError::invalid(toolset_off(what, toolset)))
    }

    /// Refuses a tool of a toolset that is off, and one that writes where nothing may be written.
    pub fn check(self, tool: &AnyTool) -> Result<(), ToolError> {
        self.check_toolset(tool.toolset, &format!("The tool `{}`", tool.name))?;
        if tool.hints.read_only || !self.read_only {
            return Ok(());
        }
        let message = format!("{} writes, and this server, or this request, is read-only.", tool.name);
        let hint = "Leave out the header X-MCP-Readonly, or ask the operator (QUILT_MCP_READ_ONLY).";
        Err(ToolError::new(ErrorCode::ReadOnly, message).with_hint(hint))
    }
}

/// The sentence for something of a toolset that is off. `what` is its subject.
#[must_use]
pub fn toolset_off(what: &str, toolset: Toolset) -> String {
    format!(
        "{what} belongs to the toolset {}, which is switched off for this request (QUILT_MCP_TOOLSETS, X-MCP-Toolsets).",
        toolset.as_str()
    )
}
