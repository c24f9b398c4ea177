//! The action style, for clients of servers that had one tool a toolset: `{action?, params?, _context?}`.
//!
//! Owns the names and spellings of that style and their translation. Owns no work: an action is a typed tool under another
//! name, so that both styles have the same rights, checks and results.
//!
//! Invariant: without `action` a module touches nothing and asks for nobody's identity; with one it does what the typed
//! tool does, and the offer holds for it as it holds for that tool.

mod action;
mod additions;
mod rewrite;
mod roads;
mod spelling;
mod table;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

pub(super) use self::action::{Action, OldName};
pub use self::roads::{Road, roads};
pub(super) use self::table::{MODULES, OLD_NAMES};
use super::{Hints, Offer, Reply, Session, ToolError, Toolbox, Written};
use crate::error_code::ErrorCode;
use crate::telemetry::text::without_controls;
use crate::tools::Toolset;

/// One module.
pub struct Module {
    /// Unique name; also that of its toolset.
    pub name: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// For the model that chooses.
    pub description: &'static str,
    /// The group it belongs to.
    pub toolset: Toolset,
    pub(super) actions: &'static [Action],
}

/// A module as it stands in the list.
pub struct ListedModule {
    /// The module.
    pub module: &'static Module,
    /// What its actions do to the world, taken together.
    pub hints: Hints,
    /// JSON schema of the arguments.
    pub input_schema: Map<String, Value>,
    /// JSON schema of the result.
    pub output_schema: Map<String, Value>,
}

/// The modules that have something to offer.
#[must_use]
pub fn listed(toolbox: &Toolbox, offer: Offer) -> Vec<ListedModule> {
    MODULES
        .iter()
        .filter_map(|module| module.listed(toolbox, offer))
        .collect()
}

/// Whether a call asks a module what it can do, which needs no caller. `arguments` is their JSON text. It is read strictly:
/// a text that two readers could take for two things asks nothing.
#[must_use]
pub fn is_question(name: &str, arguments: Option<&[u8]>) -> bool {
    #[derive(Deserialize)]
    struct Arguments<'a> {
        #[serde(borrow, default)]
        action: Option<&'a RawValue>,
    }
    let no_action = |arguments: &[u8]| {
        // An array would be read as the fields in their order.
        let is_object = arguments.first() == Some(&b'{');
        let read: Result<Option<Arguments<'_>>, _> = serde_json::from_slice(arguments);
        let action = read.map(|read| read.and_then(|arguments| arguments.action).map(RawValue::get));
        matches!(action, Ok(None | Some("null"))) && (is_object || arguments == b"null")
    };
    MODULES.iter().any(|module| module.name == name) && arguments.is_none_or(no_action)
}

impl Module {
    /// The actions that are there and offered.
    fn offered<'a>(&self, toolbox: &'a Toolbox, offer: Offer) -> impl Iterator<Item = &'static Action> + use<'a> {
        self.actions
            .iter()
            .filter(move |action| toolbox.tool(action.tool).is_some_and(|tool| offer.has(tool)))
    }

    /// The action that the arguments name.
    pub(super) fn named_by(&self, arguments: &Map<String, Value>) -> Option<&'static Action> {
        self.action(arguments.get("action")?.as_str()?)
    }

    fn action(&self, name: &str) -> Option<&'static Action> {
        self.actions
            .iter()
            .find(|action| action.name == name || action.also_called.contains(&name))
    }

    fn listed(&'static self, toolbox: &Toolbox, offer: Offer) -> Option<ListedModule> {
        let actions: Vec<&Action> = self.offered(toolbox, offer).collect();
        let hints: Vec<Hints> = actions
            .iter()
            .filter_map(|action| Some(toolbox.tool(action.tool)?.hints))
            .collect();
        let names: Vec<&str> = actions.iter().map(|action| action.name).collect();
        let input = json!({
            "type": "object",
            "properties": {
                "action": { "type": "string", "enum": names },
                "params": { "type": "object", "description": "The action's arguments" },
                "_context": { "type": "object", "description": "bucket, package and hash for params.path" },
            },
            "additionalProperties": false,
        });
        let output = json!({
            "type": "object",
            "properties": {
                "success": { "type": "boolean" },
                "error": { "type": "string" },
                "error_code": { "type": "string" },
            },
            "required": ["success"],
        });
        let (Value::Object(input_schema), Value::Object(output_schema), false) = (input, output, names.is_empty())
        else {
            return None;
        };
        let hints = Hints {
            read_only: hints.iter().all(|hints| hints.read_only),
            destructive: hints.iter().any(|hints| hints.destructive),
            idempotent: hints.iter().all(|hints| hints.idempotent),
            open_world: hints.iter().any(|hints| hints.open_world),
        };
        Some(ListedModule {
            module: self,
            hints,
            input_schema,
            output_schema,
        })
    }

    /// Tells what the module can do, or does one of the things.
    pub(super) async fn call(
        &self,
        toolbox: &Toolbox,
        offer: Offer,
        session: Session,
        mut arguments: Map<String, Value>,
    ) -> Result<Reply<Written>, ToolError> {
        let valid = ["action", "params", "_context"];
        if let Some(unknown) = arguments.keys().find(|name| !valid.contains(&name.as_str())) {
            let unknown = without_controls(unknown, 80);
            let message = format!(
                "{} has no argument `{unknown}`; its arguments are: {}.",
                self.name,
                valid.join(", ")
            );
            return Err(ToolError::invalid(message).with_hint("Arguments of an action stand inside `params`."));
        }
        let action = match arguments.remove("action") {
            None | Some(Value::Null) => return Ok(Written::object(&self.answer(toolbox, offer))?.into()),
            Some(Value::String(name)) => name,
            Some(_) => return Err(ToolError::invalid("Argument action: expected a text.")),
        };
        let Some(known) = self.action(&action) else {
            let shown = without_controls(&action, 80);
            let names: Vec<&str> = self.offered(toolbox, offer).map(|action| action.name).collect();
            let message = format!(
                "{} has no action `{shown}`; its actions are: {}.",
                self.name,
                names.join(", ")
            );
            return Err(ToolError::new(ErrorCode::UnknownAction, message).with_details(json!({ "actions": names })));
        };
        let params = spelling::object(&session, "params", arguments.remove("params")).await?;
        let context = spelling::object(&session, "_context", arguments.remove("_context")).await?;
        known.call(toolbox, offer, session, params, context).await
    }

    /// What the module can do.
    fn answer(&self, toolbox: &Toolbox, offer: Offer) -> Map<String, Value> {
        let actions: Vec<&Action> = self.offered(toolbox, offer).collect();
        let params: Map<String, Value> = actions
            .iter()
            .filter_map(|action| {
                let schema = &toolbox.tool(action.tool)?.input_schema;
                let names = schema
                    .get("properties")?
                    .as_object()?
                    .keys()
                    .map(|name| Value::from(name.as_str()));
                Some((action.name.to_owned(), names.collect()))
            })
            .collect();
        let mut answer = Map::new();
        answer.insert("success".into(), true.into());
        answer.insert("module".into(), self.name.into());
        answer.insert("actions".into(), actions.iter().map(|action| action.name).collect());
        answer.insert("description".into(), self.description.into());
        answer.insert("params".into(), params.into());
        answer
    }
}

#[cfg(test)]
mod tests;
