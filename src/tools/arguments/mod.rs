//! Reading of arguments: from what clients send to what a tool's schema describes.
//!
//! Many clients lose types on the way: they send numbers, booleans, arrays and objects as text, and fill what they do not use
//! with `null` or a blank text. Older servers had other names for arguments, and some clients add bookkeeping of their own.
//! All of that is read here, once, for every tool and every road to it, directed by the tool's own schema:
//!
//! 1. [`names`]: other names become those of the schema; bookkeeping is dropped; unknown names are refused.
//! 2. [`texts`]: where the schema wants an array or an object, its JSON as text is parsed.
//! 3. [`check`]: where it wants a number or a boolean, its text is read; `null` and blank texts are absence; everything that
//!    does not fit is refused in words that name the argument, what it expects and what came.
//!
//! **Invariants**: a text is never parsed where the schema wants a text; absence never widens a deletion (`x-blank`); no
//! value is built from a text that was not measured, and its memory is reserved first.
//!
//! The schema has keywords of its own, which are not listed:
//!
//! - `x-blank`: what a blank text means for an optional argument. `value`: itself. `refused`: nothing, and neither does `null`.
//! - `x-unlisted`: the argument is accepted and not listed: older clients send it, or it is rarely of use.
//! - `x-any`: a string that may also be a number, a boolean or null.
//! - `x-listed-as-text`: an object is listed as the text that may stand for it; the description names its members.
//! - `x-text`: the member of an object for which a plain text stands.

mod check;
mod names;
mod texts;
pub(super) mod types;

use serde_json::{Map, Value};

pub use self::names::{ALIASES, Alias, IGNORED, IgnoredArgument};
pub(super) use self::names::{is_bookkeeping, rename};
pub(super) use self::texts::reserve_for_texts;
use super::{Session, ToolError};
use crate::json::is_verbatim;

/// The keyword for the meaning of a blank text.
const BLANK: &str = "x-blank";
/// The keyword of strings that other values may stand for.
const ANY: &str = "x-any";
/// The keyword for the member that a text stands for.
const TEXT: &str = "x-text";
/// The keyword of arguments that are accepted and not listed.
const UNLISTED: &str = "x-unlisted";
/// The keyword of objects that are listed as a text.
const LISTED_AS_TEXT: &str = "x-listed-as-text";

/// The arguments of one tool, or of a module, as a JSON schema with this server's own keywords.
pub struct ArgumentSchema {
    /// The name of the tool, for messages.
    tool: &'static str,
    schema: Map<String, Value>,
}

/// Arguments that fit their schema.
pub struct ReadArguments {
    /// The arguments, under their own names.
    pub arguments: Map<String, Value>,
    /// Arguments of older servers that were sent and have no effect, with what to do instead.
    pub ignored: Map<String, Value>,
}

impl ArgumentSchema {
    pub(super) fn new(tool: &'static str, schema: Map<String, Value>) -> Self {
        Self { tool, schema }
    }

    /// Returns the schema as it is listed.
    #[must_use]
    pub fn listed(&self) -> Map<String, Value> {
        let mut schema = self.schema.clone();
        drop_own_keywords(&mut schema);
        schema
    }

    /// Reads arguments.
    pub(super) async fn read(
        &self,
        session: &Session,
        mut arguments: Map<String, Value>,
    ) -> Result<ReadArguments, ToolError> {
        self.name_and_expand(session, &mut arguments).await?;
        let ignored = names::take_ignored(self, &mut arguments);
        names::drop_bookkeeping(self, &mut arguments);
        names::refuse_unknown(self, &arguments)?;
        check::check(&self.schema, &mut arguments)?;
        Ok(ReadArguments { arguments, ignored })
    }

    /// Whether the tool lists an argument.
    fn lists(&self, name: &str) -> bool {
        let schema = self.properties().and_then(|properties| properties.get(name));
        schema.is_some_and(|schema| schema.get(UNLISTED).is_none())
    }

    /// Gives arguments their own names, and parses the JSON texts among them. Does not change what it has returned.
    pub(super) async fn name_and_expand(
        &self,
        session: &Session,
        arguments: &mut Map<String, Value>,
    ) -> Result<(), ToolError> {
        rename(self, arguments)?;
        texts::expand(&self.schema, session, arguments).await
    }

    fn has(&self, name: &str) -> bool {
        self.properties()
            .is_some_and(|properties| properties.contains_key(name))
    }

    fn properties(&self) -> Option<&Map<String, Value>> {
        self.schema.get("properties")?.as_object()
    }
}

/// Whether the value of an argument is kept as its JSON text: metadata is, except where a list of filters has its name.
fn is_kept_as_text(name: &str, schema: &Map<String, Value>) -> bool {
    is_verbatim(name) && schema.get("type").is_none_or(|kind| kind != "array")
}

/// Whether a text says nothing.
fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

fn drop_own_keywords(schema: &mut Map<String, Value>) {
    if schema.contains_key(LISTED_AS_TEXT) {
        *schema = Map::from_iter([("type".to_owned(), Value::from("string"))]);
    }
    // The description says the least value, which is not worth its tokens twice.
    if schema.get("minimum").is_some_and(|least| *least == 0 || *least == 1) {
        schema.remove("minimum");
    }
    schema.retain(|name, _| !matches!(name.as_str(), ANY | BLANK | TEXT));
    // An empty default is the same as none.
    if schema
        .get("default")
        .is_some_and(|value| *value == "" || *value == Value::Array(Vec::new()))
    {
        schema.remove("default");
    }
    for (name, value) in schema.iter_mut() {
        match value {
            // The names of properties are not keywords.
            Value::Object(properties) if name == "properties" => {
                properties.retain(|_, schema| schema.get(UNLISTED).is_none());
                properties
                    .values_mut()
                    .filter_map(Value::as_object_mut)
                    .for_each(drop_own_keywords);
            }
            Value::Object(inner) => {
                // The description of the array says what its items are.
                if name == "items" && inner.contains_key("properties") {
                    inner.remove("description");
                }
                drop_own_keywords(inner);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
