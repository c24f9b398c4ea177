//! Filter of the tools that one request may list and call: the operator's bounds, narrowed by the request's headers.
//!
//! **Invariants**: no method widens a filter; lists and calls obey the same filter.

use super::config::{ToolFilterConfig, ToolStyle};
use super::toolset::{Toolset, Toolsets};
use super::{AnyTool, ToolError};
use crate::error_code::ErrorCode;

/// The tools that a request may list and call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ToolFilter {
    toolsets: Toolsets,
    read_only: bool,
    style: ToolStyle,
    is_narrowed: bool,
    /// Whether a registry is known, as far as the settings say. Tools that ask it are listed only then, and explain themselves
    /// if they are called all the same.
    knows_registry: bool,
}

impl ToolFilter {
    /// Returns the filter that the operator configured.
    #[must_use]
    pub fn new(config: &ToolFilterConfig) -> Self {
        Self {
            toolsets: config.toolsets,
            read_only: config.read_only,
            style: config.tool_style,
            is_narrowed: false,
            knows_registry: true,
        }
    }

    /// Returns a filter that allows every tool, in this style.
    #[must_use]
    pub fn all(style: ToolStyle) -> Self {
        Self {
            toolsets: Toolsets::all(),
            read_only: false,
            style,
            is_narrowed: false,
            knows_registry: true,
        }
    }

    /// Removes the tools that ask a registry from the lists.
    #[must_use]
    pub fn without_registry(self) -> Self {
        Self {
            knows_registry: false,
            ..self
        }
    }

    /// Removes the tools that write.
    #[must_use]
    pub fn read_only(self) -> Self {
        Self {
            read_only: true,
            is_narrowed: true,
            ..self
        }
    }

    /// Removes the toolsets that are not in `toolsets`.
    #[must_use]
    pub fn restricted_to(self, toolsets: Toolsets) -> Self {
        Self {
            toolsets: self.toolsets.and(toolsets),
            is_narrowed: true,
            ..self
        }
    }

    /// Whether the request narrowed the operator's filter, so that its lists are not the shared ones.
    #[must_use]
    pub fn is_narrowed(self) -> bool {
        self.is_narrowed
    }

    #[must_use]
    pub fn style(self) -> ToolStyle {
        self.style
    }

    #[must_use]
    pub fn includes(self, toolset: Toolset) -> bool {
        self.toolsets.include(toolset)
    }

    #[must_use]
    pub fn allows_writes(self) -> bool {
        !self.read_only
    }

    #[must_use]
    pub fn allows(self, tool: &AnyTool) -> bool {
        self.includes(tool.toolset) && (tool.hints.read_only || !self.read_only)
    }

    /// Whether a tool is in the lists.
    #[must_use]
    pub fn lists(self, tool: &AnyTool) -> bool {
        self.allows(tool) && self.lists_toolset(tool.toolset)
    }

    /// Whether the lists show what belongs to a toolset.
    #[must_use]
    pub fn lists_toolset(self, toolset: Toolset) -> bool {
        self.includes(toolset) && (self.knows_registry || !toolset.needs_registry())
    }

    /// Refuses a use of a toolset that is switched off. `what` is the subject of the error's sentence.
    pub(super) fn check_toolset(self, toolset: Toolset, what: &str) -> Result<(), ToolError> {
        if self.includes(toolset) {
            return Ok(());
        }
        Err(ToolError::invalid(toolset_off(what, toolset)))
    }

    /// Refuses a tool whose toolset is switched off, and a tool that writes if the filter is read-only.
    pub fn check(self, tool: &AnyTool) -> Result<(), ToolError> {
        self.check_toolset(tool.toolset, &format!("The tool `{}`", tool.name))?;
        if tool.hints.read_only || !self.read_only {
            return Ok(());
        }
        let message = format!("{} writes, but the server or the request is read-only.", tool.name);
        let hint = "Omit the header X-MCP-Readonly, or ask the operator (QUILT_MCP_READ_ONLY).";
        Err(ToolError::new(ErrorCode::ReadOnly, message).with_hint(hint))
    }
}

/// Returns the sentence for a use of a toolset that is switched off. `what` is its subject.
#[must_use]
pub fn toolset_off(what: &str, toolset: Toolset) -> String {
    format!(
        "{what} belongs to the toolset {}, which is switched off for this request (QUILT_MCP_TOOLSETS, X-MCP-Toolsets).",
        toolset.as_str()
    )
}
