//! Everything that can be called, by its name: the typed tools, the modules, and names that older servers gave.

use serde_json::{Map, Value};

use super::modules::{MODULES, Module, OLD_NAMES, OldName};
use super::{AnyTool, Offer, Reply, Session, ToolError, Written, all};
use crate::error_code::ErrorCode;
use crate::tools::Toolset;

/// The tools, built once.
pub struct Toolbox {
    typed: Vec<AnyTool>,
}

/// What a name stands for.
#[derive(Clone, Copy)]
pub enum Callable<'a> {
    /// A tool with typed arguments.
    Typed(&'a AnyTool),
    /// A module of the action style.
    Module(&'static Module),
    /// An action under a name of its own.
    OldName(&'static OldName),
}

impl Default for Toolbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Toolbox {
    /// Builds every tool and schema.
    #[must_use]
    pub fn new() -> Self {
        Self { typed: all() }
    }

    /// The typed tools, in order of their names.
    #[must_use]
    pub fn typed(&self) -> &[AnyTool] {
        &self.typed
    }

    /// One typed tool.
    #[must_use]
    pub fn tool(&self, name: &str) -> Option<&AnyTool> {
        self.typed.iter().find(|tool| tool.name == name)
    }

    /// The tool of an action. That there is one for each is a test's matter.
    pub(super) fn tool_of_action(&self, name: &str) -> Result<&AnyTool, ToolError> {
        self.tool(name)
            .ok_or_else(|| ToolError::new(ErrorCode::Internal, format!("There is no tool {name}.")))
    }

    /// What a name stands for.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Callable<'_>> {
        let module = || MODULES.iter().find(|module| module.name == name).map(Callable::Module);
        let old = || OLD_NAMES.iter().find(|old| old.name == name);
        self.tool(name)
            .map(Callable::Typed)
            .or_else(module)
            .or_else(|| old().map(Callable::OldName))
    }

    /// Calls what was found. What the offer leaves out is refused.
    pub async fn call(
        &self,
        callable: Callable<'_>,
        offer: Offer,
        session: Session,
        arguments: Map<String, Value>,
    ) -> Result<Reply<Written>, ToolError> {
        match callable {
            Callable::Typed(tool) => {
                offer.check(tool)?;
                tool.call(session, arguments).await
            }
            Callable::Module(module) => module.call(self, offer, session, arguments).await,
            Callable::OldName(old) => old.action.call(self, offer, session, arguments, Map::new()).await,
        }
    }
}

impl Callable<'_> {
    /// The group that it belongs to.
    #[must_use]
    pub fn toolset(&self) -> Toolset {
        match self {
            Self::Typed(tool) => tool.toolset,
            Self::Module(module) => module.toolset,
            Self::OldName(old) => old.toolset,
        }
    }

    /// What it is called in logs and metrics: the tool that does the work, where the arguments name one.
    #[must_use]
    pub fn label(&self, arguments: &Map<String, Value>) -> &'static str {
        match self {
            Self::Typed(tool) => tool.name,
            Self::Module(module) => module.named_by(arguments).map_or(module.name, |action| action.tool),
            Self::OldName(old) => old.action.tool,
        }
    }
}
