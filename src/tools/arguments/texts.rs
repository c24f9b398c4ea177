//! JSON texts in place of arrays and objects.

use serde_json::{Map, Value};

use super::{TEXT, is_blank, is_kept_as_text};
use crate::json::{Shape, is_verbatim, nested_texts, parse_container, parse_value};
use crate::memory::MAX_SMALL_PAYLOAD;
use crate::tools::{Session, ToolError};

/// Passes over the arguments: some clients encode the elements of an array that they encode.
const MAX_PASSES: usize = 3;

/// Parses the texts that stand where the schema wants an array or an object. A text that is not the JSON of that type stays,
/// except that a text for an array of texts, or of objects for which a text stands, becomes an array of this text.
pub(super) async fn expand(
    schema: &Map<String, Value>,
    session: &Session,
    arguments: &mut Map<String, Value>,
) -> Result<(), ToolError> {
    decode_lists(schema, session, arguments).await?;
    reserve_for_texts(session, &nested_texts(arguments)).await?;
    for _ in 0..MAX_PASSES {
        let mut texts = Vec::new();
        visit(schema, arguments, &mut |text, _| {
            texts.extend(is_candidate(text).then(|| text.to_owned()));
            None
        });
        if texts.is_empty() {
            break;
        }
        reserve_for_texts(session, &texts).await?;
        let mut found = false;
        visit(schema, arguments, &mut |text, wanted| {
            let value = parse(text, wanted);
            found |= value.is_some();
            value
        });
        if !found {
            break;
        }
    }
    visit(schema, arguments, &mut |text, wanted| {
        let items = wanted.get("items").and_then(Value::as_object);
        let takes_text = items.is_some_and(|items| type_of(items) == Some("string") || items.contains_key(TEXT));
        (takes_text && !is_blank(text)).then(|| Value::Array(vec![text.into()]))
    });
    Ok(())
}

/// Parses the arguments that have the name of metadata and are lists: the parser kept them as their JSON texts.
async fn decode_lists(
    schema: &Map<String, Value>,
    session: &Session,
    arguments: &mut Map<String, Value>,
) -> Result<(), ToolError> {
    let Some(Value::Object(properties)) = schema.get("properties") else {
        return Ok(());
    };
    for (name, value) in arguments.iter_mut().filter(|(name, _)| is_verbatim(name)) {
        let is_list = properties
            .get(name)
            .is_some_and(|schema| schema.get("type").is_some_and(|kind| kind == "array"));
        let Some(text) = value.as_str().filter(|_| is_list).map(str::to_owned) else {
            continue;
        };
        reserve_for_texts(session, std::slice::from_ref(&text)).await?;
        if let Ok(parsed) = parse_value(text.as_bytes()) {
            *value = parsed;
        }
    }
    Ok(())
}

/// Reserves memory for the values that JSON texts decode to.
pub(in crate::tools) async fn reserve_for_texts(session: &Session, texts: &[String]) -> Result<(), ToolError> {
    let mut bytes = 0;
    for text in texts {
        bytes += Shape::measure(text.as_bytes())
            .map_err(|excess| ToolError::invalid(excess.to_string()))?
            .decoded_bytes();
    }
    if bytes > MAX_SMALL_PAYLOAD {
        session.reserve_more(bytes).await
    } else {
        Ok(())
    }
}

fn type_of(schema: &Map<String, Value>) -> Option<&str> {
    schema.get("type")?.as_str()
}

fn is_candidate(text: &str) -> bool {
    text.trim_start().starts_with(['[', '{'])
}

fn parse(text: &str, wanted: &Map<String, Value>) -> Option<Value> {
    if !is_candidate(text) {
        return None;
    }
    let value = parse_container(text.as_bytes()).ok()?;
    let fits = match type_of(wanted) {
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => false,
    };
    fits.then_some(value)
}

/// Calls `replace` with each text that stands where the schema wants an array or an object, and with the schema of that
/// place. The text is replaced by the value that is returned. Metadata is kept as text, and so not visited.
fn visit(
    schema: &Map<String, Value>,
    arguments: &mut Map<String, Value>,
    replace: &mut impl FnMut(&str, &Map<String, Value>) -> Option<Value>,
) {
    let Some(Value::Object(properties)) = schema.get("properties") else {
        return;
    };
    for (name, value) in arguments {
        if let Some(Value::Object(schema)) = properties.get(name)
            && !is_kept_as_text(name, schema)
        {
            visit_value(schema, value, replace);
        }
    }
}

fn visit_value(
    schema: &Map<String, Value>,
    value: &mut Value,
    replace: &mut impl FnMut(&str, &Map<String, Value>) -> Option<Value>,
) {
    match value {
        Value::String(text) if matches!(type_of(schema), Some("array" | "object")) => {
            if let Some(new) = replace(text, schema) {
                *value = new;
            }
        }
        Value::Array(items) => {
            if let Some(Value::Object(schema)) = schema.get("items") {
                for item in items {
                    visit_value(schema, item, replace);
                }
            }
        }
        Value::Object(members) => visit(schema, members, replace),
        _ => {}
    }
}
