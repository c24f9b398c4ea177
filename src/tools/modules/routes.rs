//! Routes to the typed tools, derived from the tables, for tests that must cover each of them.

use super::{LEGACY_NAMES, MODULES};
use crate::tools::{Toolbox, Toolset};

/// One way to call a typed tool.
#[derive(Debug, Clone, Copy)]
pub struct ToolRoute {
    /// The name in `tools/call`.
    pub name: &'static str,
    /// The action, if the name is that of a module.
    pub action: Option<&'static str>,
    /// Name of the typed tool.
    pub tool: &'static str,
    /// The toolset of the called name.
    pub toolset: Toolset,
}

/// Returns the routes to all tools: their own names, the names and aliases of actions, and legacy names.
#[must_use]
pub fn tool_routes(toolbox: &Toolbox) -> Vec<ToolRoute> {
    let typed = toolbox.typed().iter().map(|tool| ToolRoute {
        name: tool.name,
        action: None,
        tool: tool.name,
        toolset: tool.toolset,
    });
    let actions = MODULES.iter().flat_map(|module| {
        module.actions.iter().flat_map(|action| {
            let names = std::iter::once(action.name).chain(action.aliases.iter().copied());
            names.map(|name| ToolRoute {
                name: module.name,
                action: Some(name),
                tool: action.tool,
                toolset: module.toolset,
            })
        })
    });
    let legacy = LEGACY_NAMES.iter().map(|legacy| ToolRoute {
        name: legacy.name,
        action: None,
        tool: legacy.action.tool,
        toolset: legacy.toolset,
    });
    typed.chain(actions).chain(legacy).collect()
}
