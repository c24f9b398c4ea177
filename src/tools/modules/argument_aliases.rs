//! Alternative names and encodings of arguments.

use serde_json::{Map, Value};

use crate::json::parse_object;
use crate::tools::tool::reserve_for_texts;
use crate::tools::{Session, ToolError};

/// An argument of a typed tool, and the other names under which it is accepted.
pub struct ArgumentAliases {
    /// Name in the typed tool.
    pub typed: &'static str,
    pub aliases: &'static [&'static str],
}

/// Renames arguments to their typed names. An argument that is sent under two names must have one value.
pub(super) fn rename_arguments(arguments: &mut Map<String, Value>, names: &[ArgumentAliases]) -> Result<(), ToolError> {
    for ArgumentAliases { typed, aliases } in names {
        for alias in *aliases {
            let Some(value) = arguments.remove(*alias) else {
                continue;
            };
            match arguments.get(*typed) {
                None => {
                    arguments.insert((*typed).to_owned(), value);
                }
                Some(other) if without_scheme(other) == without_scheme(&value) => {}
                Some(_) => {
                    let message =
                        format!("`{typed}` and `{alias}` are names of the same argument, but have different values.");
                    return Err(ToolError::invalid(message));
                }
            }
        }
    }
    Ok(())
}

/// Removes the scheme of a bucket, which does not change its meaning.
fn without_scheme(value: &Value) -> Value {
    let Value::String(text) = value else {
        return value.clone();
    };
    text.strip_prefix("s3://")
        .map_or(text.as_str(), |name| name.trim_end_matches('/'))
        .into()
}

/// Parses an argument that is an object, or an object as JSON text, which models often send.
pub(super) async fn parse_object_argument(
    session: &Session,
    name: &str,
    value: Option<Value>,
) -> Result<Map<String, Value>, ToolError> {
    let invalid = || {
        ToolError::invalid(format!(
            "Argument {name}: expected an object, or a string that contains a JSON object."
        ))
    };
    match value {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(object)) => Ok(object),
        Some(Value::String(text)) if text.trim() == "null" => Ok(Map::new()),
        Some(Value::String(text)) => {
            let texts = [text];
            reserve_for_texts(session, &texts).await?;
            let [text] = texts;
            parse_object(text.as_bytes()).map_err(|_| invalid())
        }
        Some(_) => Err(invalid()),
    }
}
