//! Modules: the action style, for clients of servers that had one tool for each toolset: `{action?, params?, _context?}`.
//!
//! **Owns** the names of that style and their translation. **Does not own** the
//! work: an action is a typed tool under another name, so both styles have the same permissions, checks and results.
//!
//! **Invariants**: a call without `action` returns help, reads nothing and needs no caller; a call with an action does what
//! the typed tool does, and the same tool filter applies to it.

mod action;
mod additions;
mod count;
mod listed;
mod rewrite;
mod routes;
mod table;
mod typed_call;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

pub(super) use self::action::{Action, LegacyName};
pub use self::listed::{ListedModule, listed_modules};
pub use self::routes::{ToolRoute, tool_routes};
pub(super) use self::table::{LEGACY_NAMES, MODULES};
use super::{JsonObject, Session, ToolError, ToolFilter, ToolSuccess, Toolbox};
use crate::error_code::ErrorCode;
use crate::json::parse_object;
use crate::telemetry::text::without_controls;
use crate::tools::Toolset;
use crate::tools::arguments::{is_bookkeeping, reserve_for_texts};

/// Arguments of every module.
const ARGUMENTS: [&str; 3] = ["action", "params", "_context"];

/// A module: the actions of one toolset.
pub struct Module {
    /// The name, which is also that of the toolset.
    pub name: &'static str,
    /// Name shown to people.
    pub title: &'static str,
    /// Text from which a model chooses a tool.
    pub description: &'static str,
    pub toolset: Toolset,
    pub(super) actions: &'static [Action],
}

/// Whether a call asks a module for help, which needs no caller. `arguments` is their JSON text. It is parsed strictly: a
/// text that two parsers could read differently is not a request for help.
#[must_use]
pub fn is_help_request(name: &str, arguments: Option<&[u8]>) -> bool {
    #[derive(Deserialize)]
    struct Arguments<'a> {
        #[serde(borrow, default)]
        action: Option<&'a RawValue>,
    }
    let has_no_action = |arguments: &[u8]| {
        // serde would accept an array as the fields in their order.
        let is_object = arguments.first() == Some(&b'{');
        let parsed: Result<Option<Arguments<'_>>, _> = serde_json::from_slice(arguments);
        let action = parsed.map(|parsed| parsed.and_then(|arguments| arguments.action).map(RawValue::get));
        let is_absent = |action: &str| {
            action == "null" || serde_json::from_str::<String>(action).is_ok_and(|text| text.trim().is_empty())
        };
        action.is_ok_and(|action| action.is_none_or(is_absent)) && (is_object || arguments == b"null")
    };
    MODULES.iter().any(|module| module.name == name) && arguments.is_none_or(has_no_action)
}

impl Module {
    /// Returns the actions whose tools the filter lists.
    fn listed_actions<'a>(
        &self,
        toolbox: &'a Toolbox,
        filter: ToolFilter,
    ) -> impl Iterator<Item = &'static Action> + use<'a> {
        self.actions
            .iter()
            .filter(move |action| toolbox.tool(action.tool).is_some_and(|tool| filter.lists(tool)))
    }

    /// Returns the action that the arguments name.
    pub(super) fn requested_action(&self, arguments: &Map<String, Value>) -> Option<&'static Action> {
        self.action(arguments.get("action")?.as_str()?)
    }

    fn action(&self, name: &str) -> Option<&'static Action> {
        self.actions
            .iter()
            .find(|action| action.name == name || action.aliases.contains(&name))
    }

    /// Runs an action, or returns help if the arguments name none.
    pub(super) async fn call(
        &self,
        toolbox: &Toolbox,
        filter: ToolFilter,
        session: Session,
        mut arguments: Map<String, Value>,
    ) -> Result<ToolSuccess<JsonObject>, ToolError> {
        arguments.retain(|name, _| !is_bookkeeping(name) || name == "action");
        self.refuse_unknown_arguments(&arguments)?;
        let name = match arguments.remove("action") {
            None | Some(Value::Null) => return Ok(JsonObject::from_map(&self.help(toolbox, filter))?.into()),
            Some(Value::String(name)) if name.trim().is_empty() => {
                return Ok(JsonObject::from_map(&self.help(toolbox, filter))?.into());
            }
            Some(Value::String(name)) => name,
            Some(_) => return Err(ToolError::invalid("Argument action: expected a string.")),
        };
        let action = self
            .action(&name)
            .ok_or_else(|| self.unknown_action(&name, toolbox, filter))?;
        let params = arguments.remove("params");
        let params = parse_object_argument(&session, "params", params).await?;
        let context = arguments.remove("_context");
        let context = parse_object_argument(&session, "_context", context).await?;
        action.call(toolbox, filter, session, params, context).await
    }

    fn refuse_unknown_arguments(&self, arguments: &Map<String, Value>) -> Result<(), ToolError> {
        let Some(unknown) = arguments.keys().find(|name| !ARGUMENTS.contains(&name.as_str())) else {
            return Ok(());
        };
        let message = format!(
            "{} has no argument `{}`; its arguments are: {}.",
            self.name,
            without_controls(unknown, 80),
            ARGUMENTS.join(", ")
        );
        Err(ToolError::invalid(message).with_hint("Put the arguments of an action into `params`."))
    }

    fn unknown_action(&self, name: &str, toolbox: &Toolbox, filter: ToolFilter) -> ToolError {
        let names: Vec<&str> = self.listed_actions(toolbox, filter).map(|action| action.name).collect();
        let message = format!(
            "{} has no action `{}`; its actions are: {}.",
            self.name,
            without_controls(name, 80),
            names.join(", ")
        );
        ToolError::new(ErrorCode::UnknownAction, message).with_details(json!({ "actions": names }))
    }

    /// Describes the allowed actions and their arguments.
    fn help(&self, toolbox: &Toolbox, filter: ToolFilter) -> Map<String, Value> {
        let actions: Vec<&Action> = self.listed_actions(toolbox, filter).collect();
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
        let mut help = Map::new();
        help.insert("success".into(), true.into());
        help.insert("module".into(), self.name.into());
        help.insert("actions".into(), actions.iter().map(|action| action.name).collect());
        help.insert("description".into(), self.description.into());
        help.insert("params".into(), params.into());
        help
    }
}

/// Parses an argument that is an object, or an object as JSON text, which models often send.
async fn parse_object_argument(
    session: &Session,
    name: &str,
    value: Option<Value>,
) -> Result<Map<String, Value>, ToolError> {
    let invalid = || {
        ToolError::invalid(format!(
            "Argument {name}: expected an object, or an object as JSON text."
        ))
    };
    match value {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(object)) => Ok(object),
        // The empty map of languages in which it is an empty list.
        Some(Value::Array(items)) if items.is_empty() => Ok(Map::new()),
        Some(Value::String(text)) if matches!(text.trim(), "" | "null" | "[]") => Ok(Map::new()),
        Some(Value::String(text)) => {
            let texts = [text];
            reserve_for_texts(session, &texts).await?;
            let [text] = texts;
            parse_object(text.as_bytes()).map_err(|_| invalid())
        }
        Some(_) => Err(invalid()),
    }
}

#[cfg(test)]
mod tests;
