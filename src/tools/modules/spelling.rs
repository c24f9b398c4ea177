//! The accepted spellings of arguments.

use serde_json::{Map, Value};

use crate::json::parse_object;
use crate::tools::tool::reserve_for_texts;
use crate::tools::{Session, ToolError};

/// An argument of a typed tool and other names under which it is accepted.
pub struct Spelling {
    /// The typed tool's name of it.
    pub typed: &'static str,
    /// Other names.
    pub also: &'static [&'static str],
}

/// Gives arguments their typed names. One that came under two names must have said the same.
pub(super) fn typed(arguments: &mut Map<String, Value>, spellings: &[Spelling]) -> Result<(), ToolError> {
    for Spelling { typed, also } in spellings {
        for name in *also {
            let Some(value) = arguments.remove(*name) else { continue };
            match arguments.get(*typed) {
                None => {
                    arguments.insert((*typed).to_owned(), value);
                }
                Some(other) if bare(other) == bare(&value) => {}
                Some(_) => {
                    let message = format!("`{typed}` and `{name}` are the same argument and say different things.");
                    return Err(ToolError::invalid(message));
                }
            }
        }
    }
    Ok(())
}

/// A bucket's name is the same with and without its scheme.
fn bare(value: &Value) -> Value {
    let Value::String(text) = value else {
        return value.clone();
    };
    text.strip_prefix("s3://")
        .map_or(text.as_str(), |name| name.trim_end_matches('/'))
        .into()
}

/// An object that may also come as JSON text, as models like to write it.
pub(super) async fn object(
    session: &Session,
    name: &str,
    value: Option<Value>,
) -> Result<Map<String, Value>, ToolError> {
    let wrong = || {
        ToolError::invalid(format!(
            "Argument {name}: expected an object, or an object as JSON text."
        ))
    };
    match value {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(object)) => Ok(object),
        Some(Value::String(text)) if text.trim() == "null" => Ok(Map::new()),
        Some(Value::String(text)) => {
            let texts = vec![text];
            reserve_for_texts(session, &texts).await?;
            texts
                .first()
                .and_then(|text| parse_object(text.as_bytes()).ok())
                .ok_or_else(wrong)
        }
        Some(_) => Err(wrong()),
    }
}
