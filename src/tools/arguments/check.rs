//! Types, bounds and required arguments, in words for models and people.

use serde_json::{Map, Number, Value};

use super::{ANY, BLANK, TEXT, is_blank, is_kept_as_text};
use crate::json::is_verbatim;
use crate::telemetry::text::without_controls;
use crate::tools::ToolError;

/// Characters of a text that a message shows.
const SHOWN_CHARS: usize = 40;

/// Reads arguments by their schema: drops absent ones, converts texts to numbers and booleans, and refuses what does not fit.
pub(super) fn check(schema: &Map<String, Value>, arguments: &mut Map<String, Value>) -> Result<(), ToolError> {
    check_members(schema, arguments, "")
}

fn check_members(schema: &Map<String, Value>, members: &mut Map<String, Value>, path: &str) -> Result<(), ToolError> {
    let Some(Value::Object(properties)) = schema.get("properties") else {
        members.retain(|_, value| !value.is_null());
        return Ok(());
    };
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut kept = Map::new();
    for (name, mut value) in std::mem::take(members) {
        let path = join(path, &name);
        let Some(Value::Object(schema)) = properties.get(&name) else {
            return Err(unknown_member(&path, properties));
        };
        if !is_absent(schema, &value, required.contains(&name.as_str()), &path)? {
            check_value(schema, &mut value, &name, &path)?;
            kept.insert(name, value);
        }
    }
    *members = kept;
    match required.iter().find(|name| !members.contains_key(**name)) {
        None => Ok(()),
        Some(missing) => {
            let path = join(path, missing);
            let what = properties.get(*missing).and_then(Value::as_object);
            let what = what.map(described).unwrap_or_default();
            Err(ToolError::invalid(format!("Argument {path} is required: {what}.")))
        }
    }
}

fn join(path: &str, name: &str) -> String {
    let name = without_controls(name, 80);
    if path.is_empty() {
        name
    } else {
        format!("{path}.{name}")
    }
}

/// Whether an argument says nothing.
fn is_absent(schema: &Map<String, Value>, value: &Value, is_required: bool, path: &str) -> Result<bool, ToolError> {
    let blank = schema.get(BLANK).and_then(Value::as_str);
    let is_empty_text = value.as_str().is_some_and(is_blank)
        // Metadata is kept as its JSON text.
        || value.as_str().is_some_and(|text| is_name_verbatim(path) && is_blank_json(text));
    if blank == Some("refused") && (value.is_null() || is_empty_text) {
        return Err(ToolError::invalid(format!(
            "Argument {path} is {}, which could mean everything; leave it out, or give {}.",
            if value.is_null() { "null" } else { "blank" },
            expected(schema)
        )));
    }
    let takes_list = matches!(kind(schema), "array" | "object");
    let is_empty_list = takes_list && matches!(value, Value::Array(items) if items.is_empty());
    let says_nothing = is_empty_text && blank != Some("value") || is_empty_list && !is_required;
    Ok(value.is_null() || says_nothing && !is_required)
}

fn is_name_verbatim(path: &str) -> bool {
    path.rsplit('.').next().is_some_and(is_verbatim)
}

/// Whether a JSON text is a string that says nothing.
fn is_blank_json(text: &str) -> bool {
    serde_json::from_str::<String>(text).is_ok_and(|text| is_blank(&text))
}

fn check_value(schema: &Map<String, Value>, value: &mut Value, name: &str, path: &str) -> Result<(), ToolError> {
    if is_kept_as_text(name, schema) {
        return check_metadata(schema, value, path);
    }
    let fits = match (kind(schema), &mut *value) {
        ("string", Value::Null | Value::Bool(_) | Value::Number(_)) if schema.contains_key(ANY) => true,
        ("integer", value) => {
            if let Some(number) = integer(value) {
                *value = number;
            }
            is_within(schema, value)
        }
        ("number", value) => {
            if let Value::String(text) = value
                && let Ok(number) = serde_json::from_str::<Number>(text.trim())
            {
                *value = number.into();
            }
            value.is_number()
        }
        ("boolean", Value::String(text)) => match text.trim() {
            "true" | "True" => {
                *value = true.into();
                true
            }
            "false" | "False" => {
                *value = false.into();
                true
            }
            _ => false,
        },
        ("string", Value::String(text)) => match schema.get("enum") {
            Some(Value::Array(choices)) => choices.iter().any(|choice| choice.as_str() == Some(text)),
            _ => true,
        },
        ("array", Value::Array(items)) => {
            if let Some(Value::Object(schema)) = schema.get("items") {
                for (index, item) in items.iter_mut().enumerate() {
                    check_value(schema, item, "", &format!("{path}[{index}]"))?;
                }
            }
            true
        }
        ("object", Value::Object(members)) => {
            check_members(schema, members, path)?;
            true
        }
        // The empty map of languages in which it is an empty list.
        ("object", Value::Array(items)) if items.is_empty() => {
            let mut members = Map::new();
            check_members(schema, &mut members, path)?;
            *value = members.into();
            true
        }
        ("object", Value::String(text)) => match schema.get(TEXT).and_then(Value::as_str) {
            Some(member) if !is_blank(text) => {
                let mut members = Map::new();
                members.insert(member.to_owned(), std::mem::take(text).into());
                *value = members.into();
                true
            }
            _ => false,
        },
        ("boolean", Value::Bool(_)) | ("any", _) => true,
        _ => false,
    };
    if fits {
        return Ok(());
    }
    let message = format!("Argument {path}: expected {}, got {}.", expected(schema), shown(value));
    Err(ToolError::invalid(message))
}

/// Checks metadata, which is kept as its JSON text: an object, or text that its type parses.
fn check_metadata(schema: &Map<String, Value>, value: &mut Value, path: &str) -> Result<(), ToolError> {
    let Value::String(text) = &mut *value else {
        return Ok(());
    };
    let begin = text.trim_start().chars().next();
    let inner: Option<String> = serde_json::from_str(text).ok();
    let letters = inner
        .as_deref()
        .unwrap_or(text)
        .chars()
        .filter(|letter| !letter.is_whitespace());
    if letters.eq(['[', ']']) {
        "{}".clone_into(text);
        return Ok(());
    }
    if matches!(begin, Some('{' | '"')) {
        return Ok(());
    }
    let came = match begin {
        Some('[') => "a list".to_owned(),
        _ => without_controls(text, SHOWN_CHARS),
    };
    let message = format!("Argument {path}: expected {}, got {came}.", expected(schema));
    Err(ToolError::invalid(message))
}

fn kind(schema: &Map<String, Value>) -> &str {
    match schema.get("type").and_then(Value::as_str) {
        Some(kind) => kind,
        None if schema.contains_key("enum") => "string",
        None => "any",
    }
}

/// Returns the integer that a number, or the text of one, is.
fn integer(value: &Value) -> Option<Value> {
    let number: Number = match value {
        Value::Number(number) => number.clone(),
        Value::String(text) => serde_json::from_str(text.trim()).ok()?,
        _ => return None,
    };
    if number.is_u64() || number.is_i64() {
        return Some(number.into());
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked: integral, and in range")]
    // JSON Schema treats 100.0 as an integer, and so do clients that have only one type of number.
    let whole = |number: f64| (number.fract() == 0.0 && number.abs() < 1e15).then_some(number as i64);
    number.as_f64().and_then(whole).map(Value::from)
}

fn is_within(schema: &Map<String, Value>, value: &Value) -> bool {
    let Value::Number(number) = value else {
        return false;
    };
    let Some(number) = number.as_i128() else {
        return false;
    };
    let bound = |name: &str| schema.get(name).and_then(Value::as_number).and_then(Number::as_i128);
    bound("minimum").is_none_or(|least| least <= number) && bound("maximum").is_none_or(|most| number <= most)
}

/// Says what an argument expects.
fn expected(schema: &Map<String, Value>) -> String {
    if let Some(Value::Array(choices)) = schema.get("enum") {
        let choices: Vec<&str> = choices.iter().filter_map(Value::as_str).collect();
        return format!("one of {}", choices.join(", "));
    }
    match kind(schema) {
        "integer" => {
            let bound = |name: &str| schema.get(name).and_then(Value::as_number);
            match (bound("minimum"), bound("maximum")) {
                (Some(least), Some(most)) => format!("a whole number from {least} to {most}"),
                (Some(least), None) => format!("a whole number of at least {least}"),
                (None, Some(most)) => format!("a whole number of at most {most}"),
                (None, None) => "a whole number".to_owned(),
            }
        }
        "number" => "a number".to_owned(),
        "boolean" => "true or false".to_owned(),
        "string" => "a string".to_owned(),
        "array" => match schema.get("items").and_then(Value::as_object) {
            Some(items) => match (kind(items), items.get("enum")) {
                (_, Some(_)) => format!("a list, each {}", expected(items)),
                ("string", None) => "a list of strings".to_owned(),
                ("object", None) if items.contains_key(TEXT) => {
                    format!("a list of strings, or of objects with {}", members(items))
                }
                ("object", None) => format!("a list of objects with {}", members(items)),
                _ => "a list".to_owned(),
            },
            None => "a list".to_owned(),
        },
        "object" if schema.contains_key(TEXT) => format!("a string, or an object with {}", members(schema)),
        "object" if schema.contains_key("properties") => format!("an object with {}", members(schema)),
        "object" => "an object".to_owned(),
        _ => "a value".to_owned(),
    }
}

fn members(schema: &Map<String, Value>) -> String {
    let names = schema.get("properties").and_then(Value::as_object);
    let names: Vec<&str> = names
        .into_iter()
        .flat_map(|names| names.keys().map(String::as_str))
        .collect();
    names.join(", ")
}

/// Says what an argument expects, with its description.
fn described(schema: &Map<String, Value>) -> String {
    match schema.get("description").and_then(Value::as_str) {
        Some(text) => format!("{} ({})", expected(schema), text.trim_end_matches('.')),
        None => expected(schema),
    }
}

/// Shows what came instead, without controls and not at length.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("the string `{}`", without_controls(text, SHOWN_CHARS)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

fn unknown_member(path: &str, properties: &Map<String, Value>) -> ToolError {
    let known: Vec<&str> = properties.keys().map(String::as_str).collect();
    ToolError::invalid(format!(
        "Argument {path} is unknown there; expected only {}.",
        known.join(", ")
    ))
}
