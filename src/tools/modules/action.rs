//! Actions: typed tools under other names.

use serde_json::{Map, Value};

use super::additions::Addition;
use super::count::with_count;
use super::parse_object_argument;
use super::rewrite::Rewrite;
use super::typed_call::TypedCall;
use crate::tools::{AnyTool, JsonObject, Session, ToolError, ToolFilter, ToolSuccess, Toolbox, Toolset};

/// An action of a module.
pub struct Action {
    /// The value of `action`.
    pub name: &'static str,
    /// Other accepted values of `action`.
    pub aliases: &'static [&'static str],
    /// Name of the typed tool.
    pub tool: &'static str,
    /// Translations of arguments that the tool's schema and its aliases cannot express.
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
        let tool = toolbox.tool_of_action(self.tool)?;
        filter.check(tool)?;
        let call = self.translate(tool, filter, &session, arguments, context).await?;
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
        tool: &AnyTool,
        filter: ToolFilter,
        session: &Session,
        mut arguments: Map<String, Value>,
        mut context: Map<String, Value>,
    ) -> Result<TypedCall, ToolError> {
        let inner = arguments.remove("_context");
        context.extend(parse_object_argument(session, "_context", inner).await?);
        tool.arguments.name_and_expand(session, &mut arguments).await?;
        let mut call = TypedCall { arguments, context };
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
        Ok(success) if addition == Addition::ImageData => with_image_data(success),
        Ok(success) if addition == Addition::Count => with_count(success),
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

/// Adds an image as base64 to the structured result, which older clients read.
fn with_image_data(mut success: ToolSuccess<JsonObject>) -> Result<ToolSuccess<JsonObject>, ToolError> {
    let Some(image) = success.images.first() else {
        return Ok(success);
    };
    let mut output = Map::new();
    for (name, value) in success.output.to_map()? {
        let is_first = name == "success";
        output.insert(name, value);
        if is_first {
            output.insert("data".to_owned(), image.data.clone().into());
        }
    }
    success.output = JsonObject::from_map(&output)?;
    success.is_structured = true;
    Ok(success)
}
