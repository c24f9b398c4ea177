//! Actions: typed tools under other names, with other names of their arguments.

use serde_json::{Map, Value};

use super::additions::Addition;
use super::argument_aliases::{self, ArgumentAliases};
use super::rewrite::Rewrite;
use super::typed_call::TypedCall;
use crate::tools::{JsonObject, Session, ToolError, ToolFilter, ToolSuccess, Toolbox, Toolset};

/// An action of a module.
pub struct Action {
    /// The value of `action`.
    pub name: &'static str,
    /// Other accepted values of `action`.
    pub aliases: &'static [&'static str],
    /// Name of the typed tool.
    pub tool: &'static str,
    /// Other accepted names of the tool's arguments.
    pub argument_aliases: &'static [ArgumentAliases],
    /// Translations of arguments that a list of names cannot express.
    pub rewrites: &'static [Rewrite],
    /// Members that are added to the tool's result.
    pub addition: Option<Addition>,
}

/// An action that can also be called under a name of its own, which older servers had.
pub struct LegacyName {
    pub name: &'static str,
    pub toolset: Toolset,
    pub action: &'static Action,
}

impl Action {
    /// Calls the typed tool, and adds to its result or to the partial result of its failure.
    pub(in crate::tools) async fn call(
        &self,
        toolbox: &Toolbox,
        filter: ToolFilter,
        session: Session,
        arguments: Map<String, Value>,
        context: Map<String, Value>,
    ) -> Result<ToolSuccess<JsonObject>, ToolError> {
        // Checked before the arguments are translated, which may read from S3.
        filter.check(toolbox.tool_of_action(self.tool)?)?;
        let call = self.translate(filter, &session, arguments, context).await?;
        let tool = toolbox.tool_of_action(call.tool)?;
        filter.check(tool)?;
        let arguments = call.arguments.clone();
        let outcome = tool.call(session, call.arguments).await;
        match self.addition {
            Some(addition) => add(addition, &arguments, outcome),
            None => outcome,
        }
    }

    /// Translates a call to the typed tool.
    async fn translate(
        &self,
        filter: ToolFilter,
        session: &Session,
        mut arguments: Map<String, Value>,
        mut context: Map<String, Value>,
    ) -> Result<TypedCall, ToolError> {
        arguments.retain(|_, value| !value.is_null());
        let inner = arguments.remove("_context");
        context.extend(argument_aliases::parse_object_argument(session, "_context", inner).await?);
        argument_aliases::rename_arguments(&mut arguments, self.argument_aliases)?;
        let mut call = TypedCall {
            tool: self.tool,
            arguments,
            context,
        };
        for rewrite in self.rewrites {
            rewrite.apply(&mut call, filter, session).await?;
        }
        Ok(call)
    }
}

/// Adds members to a result, or to the partial result of a failure, if it has one.
fn add(
    addition: Addition,
    arguments: &Map<String, Value>,
    outcome: Result<ToolSuccess<JsonObject>, ToolError>,
) -> Result<ToolSuccess<JsonObject>, ToolError> {
    match outcome {
        Ok(mut success) => {
            let mut output = success.output.to_map()?;
            addition.add(arguments, &mut output);
            success.output = JsonObject::from_map(&output)?;
            Ok(success)
        }
        Err(mut error) => {
            let partial = error.partial.get_or_insert_default();
            if partial.contains_key("bucket") {
                addition.add(arguments, partial);
            }
            Err(error)
        }
    }
}
