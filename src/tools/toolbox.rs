//! Registry of everything that can be called by name: typed tools, modules, and the names of older servers.

use serde_json::{Map, Value};

use super::modules::{LEGACY_NAMES, LegacyName, MODULES, Module};
use super::{AnyTool, JsonObject, Session, ToolError, ToolFilter, ToolSuccess, all};
use crate::error_code::ErrorCode;
use crate::tools::Toolset;

/// The tools, built once.
pub struct Toolbox {
    typed: Vec<AnyTool>,
}

/// The tool, module or action that a name resolves to.
#[derive(Clone, Copy)]
pub enum ResolvedTool<'a> {
    Typed(&'a AnyTool),
    Module(&'static Module),
    /// An action under a name of its own, which older servers had.
    Legacy(&'static LegacyName),
}

impl Default for Toolbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Toolbox {
    /// Builds every tool and its schemas.
    #[must_use]
    pub fn new() -> Self {
        Self { typed: all() }
    }

    /// Returns the typed tools, in the order of their names.
    #[must_use]
    pub fn typed(&self) -> &[AnyTool] {
        &self.typed
    }

    /// Returns the typed tool of this name.
    #[must_use]
    pub fn tool(&self, name: &str) -> Option<&AnyTool> {
        self.typed.iter().find(|tool| tool.name == name)
    }

    /// Returns the tool of an action. A test checks that every action names a tool.
    pub(super) fn tool_of_action(&self, name: &str) -> Result<&AnyTool, ToolError> {
        self.tool(name)
            .ok_or_else(|| ToolError::new(ErrorCode::Internal, format!("The tool {name} does not exist.")))
    }

    /// Finds the tool, module or action of this name.
    #[must_use]
    pub fn resolve(&self, name: &str) -> Option<ResolvedTool<'_>> {
        let module = || {
            MODULES
                .iter()
                .find(|module| module.name == name)
                .map(ResolvedTool::Module)
        };
        let legacy = || LEGACY_NAMES.iter().find(|legacy| legacy.name == name);
        self.tool(name)
            .map(ResolvedTool::Typed)
            .or_else(module)
            .or_else(|| legacy().map(ResolvedTool::Legacy))
    }

    /// Calls a resolved tool. Refuses a tool that the filter does not allow.
    pub async fn call(
        &self,
        tool: ResolvedTool<'_>,
        filter: ToolFilter,
        session: Session,
        arguments: Map<String, Value>,
    ) -> Result<ToolSuccess<JsonObject>, ToolError> {
        match tool {
            ResolvedTool::Typed(tool) => {
                filter.check(tool)?;
                tool.call(session, arguments).await
            }
            ResolvedTool::Module(module) => module.call(self, filter, session, arguments).await,
            ResolvedTool::Legacy(legacy) => legacy.action.call(self, filter, session, arguments, Map::new()).await,
        }
    }
}

impl ResolvedTool<'_> {
    #[must_use]
    pub fn toolset(&self) -> Toolset {
        match self {
            Self::Typed(tool) => tool.toolset,
            Self::Module(module) => module.toolset,
            Self::Legacy(legacy) => legacy.toolset,
        }
    }

    /// Returns the name for logs and metrics: that of the typed tool, if the arguments name one.
    #[must_use]
    pub fn label(&self, arguments: &Map<String, Value>) -> &'static str {
        match self {
            Self::Typed(tool) => tool.name,
            Self::Module(module) => module
                .requested_action(arguments)
                .map_or(module.name, |action| action.tool),
            Self::Legacy(legacy) => legacy.action.tool,
        }
    }
}
