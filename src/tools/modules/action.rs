//! One action: a typed tool under another name, with other spellings of its arguments.

use serde_json::{Map, Value};

use super::additions::Addition;
use super::rewrite::Rewrite;
use super::spelling;
use super::spelling::Spelling;
use crate::tools::{Offer, Reply, Session, ToolError, Toolbox, Toolset, Written};

/// What a module can do.
pub struct Action {
    /// Its name in `action`.
    pub name: &'static str,
    /// Other accepted names.
    pub also_called: &'static [&'static str],
    /// The typed tool that does it.
    pub tool: &'static str,
    /// Other accepted names of the tool's arguments.
    pub spellings: &'static [Spelling],
    /// What no list of names can say about the arguments.
    pub rewrites: &'static [Rewrite],
    /// What is added to the tool's result.
    pub adds: Option<Addition>,
}

/// An action that can also be called under a name of its own.
pub struct OldName {
    /// The name.
    pub name: &'static str,
    /// The group it belongs to.
    pub toolset: Toolset,
    /// The action.
    pub action: &'static Action,
}

/// A call on its way from the action style to the typed one.
pub(super) struct Translated {
    /// The typed tool.
    pub tool: &'static str,
    /// Its arguments.
    pub arguments: Map<String, Value>,
    /// Which package a `path` is an entry of.
    pub context: Map<String, Value>,
}

impl Action {
    /// Calls the typed tool and adds to its result, or to what there is of it in spite of a failure.
    pub(in crate::tools) async fn call(
        &self,
        toolbox: &Toolbox,
        offer: Offer,
        session: Session,
        mut arguments: Map<String, Value>,
        mut context: Map<String, Value>,
    ) -> Result<Reply<Written>, ToolError> {
        // Before anything is looked up: what may not be done is not prepared either.
        offer.check(toolbox.tool_of_action(self.tool)?)?;
        arguments.retain(|_, value| !value.is_null());
        context.extend(spelling::object(&session, "_context", arguments.remove("_context")).await?);
        spelling::typed(&mut arguments, self.spellings)?;
        let mut call = Translated {
            tool: self.tool,
            arguments,
            context,
        };
        for rewrite in self.rewrites {
            rewrite.apply(&mut call, offer, &session).await?;
        }
        let tool = toolbox.tool_of_action(call.tool)?;
        offer.check(tool)?;
        let sent = call.arguments.clone();
        let mut outcome = tool.call(session, call.arguments).await;
        match (&mut outcome, self.adds) {
            (Ok(reply), Some(addition)) => {
                let mut output = reply.output.read()?;
                addition.add(&sent, &mut output);
                reply.output = Written::object(&output)?;
            }
            (Err(error), Some(addition)) => {
                let partial = error.partial.get_or_insert_default();
                if partial.contains_key("bucket") {
                    addition.add(&sent, partial);
                }
            }
            _ => {}
        }
        outcome
    }
}
