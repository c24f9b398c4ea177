//! Every road to a typed tool, read from the tables, for checks that must not leave one out.

use super::{MODULES, OLD_NAMES};
use crate::tools::{Toolbox, Toolset};

/// One way of calling a typed tool.
#[derive(Debug, Clone, Copy)]
pub struct Road {
    /// The name that is called.
    pub name: &'static str,
    /// The action, where the name is that of a module.
    pub action: Option<&'static str>,
    /// The typed tool that does the work.
    pub tool: &'static str,
    /// The toolset that the name belongs to.
    pub toolset: Toolset,
}

/// The roads to all tools: their own names, the actions of modules under each of their names, and old names.
#[must_use]
pub fn roads(toolbox: &Toolbox) -> Vec<Road> {
    let typed = toolbox.typed().iter();
    let typed = typed.map(|tool| Road {
        name: tool.name,
        action: None,
        tool: tool.name,
        toolset: tool.toolset,
    });
    let actions = MODULES.iter().flat_map(|module| {
        module.actions.iter().flat_map(|action| {
            let names = std::iter::once(action.name).chain(action.also_called.iter().copied());
            names.map(|name| Road {
                name: module.name,
                action: Some(name),
                tool: action.tool,
                toolset: module.toolset,
            })
        })
    });
    let old = OLD_NAMES.iter();
    let old = old.map(|old| Road {
        name: old.name,
        action: None,
        tool: old.action.tool,
        toolset: old.toolset,
    });
    typed.chain(actions).chain(old).collect()
}
