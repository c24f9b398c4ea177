//! Modules as `tools/list` shows them.

use serde_json::{Map, Value, json};

use super::{MODULES, Module};
use crate::tools::{Hints, ToolFilter, Toolbox};

/// A module with the properties that depend on its listed actions.
pub struct ListedModule {
    pub module: &'static Module,
    /// The hints of the actions, combined.
    pub hints: Hints,
    pub input_schema: Map<String, Value>,
    pub output_schema: Map<String, Value>,
}

/// Returns the modules with at least one listed action.
#[must_use]
pub fn listed_modules(toolbox: &Toolbox, filter: ToolFilter) -> Vec<ListedModule> {
    MODULES
        .iter()
        .filter_map(|module| list(module, toolbox, filter))
        .collect()
}

fn list(module: &'static Module, toolbox: &Toolbox, filter: ToolFilter) -> Option<ListedModule> {
    let names: Vec<&str> = module
        .listed_actions(toolbox, filter)
        .map(|action| action.name)
        .collect();
    if names.is_empty() {
        return None;
    }
    let hints: Vec<Hints> = module
        .listed_actions(toolbox, filter)
        .filter_map(|action| Some(toolbox.tool(action.tool)?.hints))
        .collect();
    Some(ListedModule {
        module,
        hints: combine(&hints),
        input_schema: into_object(input_schema(&names))?,
        output_schema: into_object(output_schema())?,
    })
}

fn into_object(schema: Value) -> Option<Map<String, Value>> {
    match schema {
        Value::Object(schema) => Some(schema),
        _ => None,
    }
}

fn combine(hints: &[Hints]) -> Hints {
    Hints {
        read_only: hints.iter().all(|hints| hints.read_only),
        destructive: hints.iter().any(|hints| hints.destructive),
        idempotent: hints.iter().all(|hints| hints.idempotent),
        open_world: hints.iter().any(|hints| hints.open_world),
    }
}

fn input_schema(actions: &[&str]) -> Value {
    json!({
        "type": "object",
        "properties": {
            "action": { "type": "string", "enum": actions, "description": "Without one, the actions are explained" },
            "params": {
                "type": "object",
                "description": "The action's arguments",
                "additionalProperties": {},
            },
            "_context": {
                "type": "object",
                "description": "bucket, package and hash for params.path",
                "additionalProperties": {},
            },
        },
    })
}

fn output_schema() -> Value {
    json!({
        "type": "object",
        "properties": { "success": { "type": "boolean" } },
        "required": ["success"],
    })
}
