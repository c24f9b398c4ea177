//! Rules of `OpenAI`'s strict functions. A client converts a schema first: all members become required, those that were
//! optional may be null, and every object is closed.
//!
//! "Supported schemas" of <https://developers.openai.com/api/docs/guides/structured-outputs>, as quoted at
//! <https://jsonschemaprofiles.unitvectorylabs.com/schemas/openai>, which was read on 2026-11-29. Its limits were lower
//! until 2025 (100 properties, 5 levels, 15,000 characters, 500 values); those are the ones that are kept to.
//!
//! An object with free keys has no strict form. Clients leave its tool as it is, without `strict`, or close the object.

use serde_json::{Map, Value, json};

use super::Rule;
use super::anthropic::is_name;
use super::tool::{Node, Place, Tool};

/// The keywords of the converted form.
const KEYWORDS: [&str; 17] = [
    "$defs",
    "$ref",
    "additionalProperties",
    "anyOf",
    "const",
    "description",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "items",
    "maxItems",
    "maximum",
    "minItems",
    "minimum",
    "properties",
    "required",
    "type",
];
/// The arguments and members with free keys: what users attach to packages and objects, and the arguments of an action.
const FREE_FORM: [&str; 4] = ["_context", "meta", "metadata", "params"];
const MAX_PROPERTIES: usize = 100;
const MAX_LEVELS: usize = 5;
const MAX_CHARACTERS: usize = 15_000;
const MAX_ENUM_VALUES: usize = 500;

/// Returns the strict form of a schema. Objects with free keys stay as they are.
fn strict(schema: &Value) -> Value {
    let Some(object) = schema.as_object() else {
        return schema.clone();
    };
    let mut object = object.clone();
    // It says what the model need not send; in the strict form the model sends everything.
    object.remove("default");
    if let Some(items) = object.get_mut("items") {
        *items = strict(items);
    }
    let Some(Value::Object(properties)) = object.remove("properties") else {
        return object.into();
    };
    let is_required = |name: &str| {
        schema["required"]
            .as_array()
            .is_some_and(|all| all.iter().any(|it| it == name))
    };
    let properties: Map<String, Value> = properties
        .iter()
        .map(|(name, property)| {
            let property = strict(property);
            let property = if is_required(name) {
                property
            } else {
                nullable(property)
            };
            (name.clone(), property)
        })
        .collect();
    object.insert("required".into(), properties.keys().cloned().collect());
    object.insert("properties".into(), properties.into());
    object.insert("additionalProperties".into(), false.into());
    object.into()
}

fn nullable(mut schema: Value) -> Value {
    if schema["type"].is_string() {
        schema["type"] = json!([schema["type"], "null"]);
    }
    if let Some(values) = schema["enum"].as_array_mut() {
        values.push(Value::Null);
    }
    schema
}

/// Runs a check on the strict form.
fn of_strict(tool: &Tool<'_>, check: impl Fn(&Tool<'_>) -> Vec<String>) -> Vec<String> {
    check(&Tool {
        schema: &strict(tool.schema),
        ..*tool
    })
}

fn is_object(node: &Node<'_>) -> bool {
    let kind = &node.schema["type"];
    kind == "object"
        || kind
            .as_array()
            .is_some_and(|kinds| kinds.iter().any(|kind| kind == "object"))
}

/// Returns the number of objects at a node and above it.
fn levels(tool: &Tool<'_>) -> usize {
    let is_within = |inner: &str, outer: &str| {
        inner == outer || inner.starts_with(&format!("{outer}.")) || inner.starts_with(&format!("{outer}["))
    };
    let nodes = tool.nodes();
    let objects: Vec<&Node<'_>> = nodes.iter().filter(|node| is_object(node)).collect();
    let depth = |node: &Node<'_>| {
        let above = objects
            .iter()
            .filter(|it| it.place == Place::Root || is_within(&node.path, &it.path));
        above.count()
    };
    objects.iter().map(|node| depth(node)).max().unwrap_or(0)
}

/// Returns a place if a number is above its limit.
fn within(number: usize, limit: usize) -> Vec<String> {
    let excess = (number > limit).then(|| format!("arguments, {number}"));
    excess.into_iter().collect()
}

fn enum_values<'a>(node: &Node<'a>) -> impl Iterator<Item = &'a Value> {
    node.schema["enum"].as_array().into_iter().flatten()
}

/// A tool with 101 arguments.
fn many_properties() -> Value {
    let properties: Map<String, Value> = (0..=MAX_PROPERTIES)
        .map(|number| (format!("a{number}"), json!({ "type": "string" })))
        .collect();
    json!({ "inputSchema": { "type": "object", "properties": properties } })
}

/// A tool with an enum of 501 long values.
fn long_enum() -> Value {
    let values: Vec<String> = (0..=MAX_ENUM_VALUES).map(|number| format!("{number:032}")).collect();
    json!({ "inputSchema": { "type": "object", "properties": { "a": { "type": "string", "enum": values } } } })
}

pub const RULES: &[Rule] = &[
    Rule {
        says: "OpenAI: a function's name matches ^[a-zA-Z0-9_-]{1,64}$",
        check: |tool| {
            (!is_name(tool.name, ""))
                .then(|| "name".to_owned())
                .into_iter()
                .collect()
        },
        refuses: || vec![json!({"name": "bucket.list"})],
    },
    Rule {
        says: "OpenAI: the arguments are an object",
        check: |tool| {
            let is_fit = tool.schema["type"] == "object" && tool.schema["anyOf"].is_null();
            (!is_fit).then(|| "arguments".to_owned()).into_iter().collect()
        },
        refuses: || vec![json!({"inputSchema": {"anyOf": [{"type": "object", "properties": {}}]}})],
    },
    Rule {
        says: "OpenAI: the strict form has no keywords but those that are supported",
        check: |tool| {
            of_strict(tool, |tool| {
                tool.places(|node| {
                    let mut keywords = node.schema.as_object()?.keys();
                    keywords.find(|keyword| !KEYWORDS.contains(&keyword.as_str())).cloned()
                })
            })
        },
        refuses: || {
            vec![
                json!({"inputSchema": {"type": "object", "properties": {"a": {"type": "object", "patternProperties": {}}}}}),
                json!({"inputSchema": {"type": "object", "properties": {}, "allOf": []}}),
                json!({"inputSchema": {"type": "object", "properties": {"a": {"type": "string", "examples": ["b"]}}}}),
            ]
        },
    },
    Rule {
        says: "OpenAI: every object but metadata and an action's arguments has a strict form",
        check: |tool| {
            tool.places(|node| {
                let name = node.path.rsplit(['.', '[']).next().unwrap_or_default();
                let is_meant = node.place == Place::Property && FREE_FORM.contains(&name);
                (node.is_free_form() && !is_meant).then(|| "its keys are free".to_owned())
            })
        },
        refuses: || {
            vec![
                json!({"inputSchema": {"type": "object", "properties": {
                "options": {"type": "object", "additionalProperties": {}}}}}),
                json!({"inputSchema": {"type": "object", "properties": {"a": {"type": "array",
                "items": {"type": "object", "additionalProperties": {}}}}}}),
            ]
        },
    },
    Rule {
        says: "OpenAI: at most 5 levels of objects",
        check: |tool| within(levels(tool), MAX_LEVELS),
        refuses: || {
            vec![
                json!({"inputSchema": {"type": "object", "properties": {"a": {"type": "object", "properties":
            {"b": {"type": "object", "properties": {"c": {"type": "array", "items": {"type": "object", "properties":
            {"d": {"type": "object", "properties": {"e": {"type": "object", "properties": {}}}}}}}}}}}}}}),
            ]
        },
    },
    Rule {
        says: "OpenAI: at most 100 properties",
        check: |tool| {
            let nodes = tool.nodes();
            within(
                nodes.iter().filter(|node| node.place == Place::Property).count(),
                MAX_PROPERTIES,
            )
        },
        refuses: || vec![many_properties()],
    },
    Rule {
        says: "OpenAI: names and values of enums have at most 15,000 characters together",
        check: |tool| {
            let nodes = tool.nodes();
            let names = nodes
                .iter()
                .flat_map(|node| node.schema["properties"].as_object().into_iter().flatten());
            let names: usize = names.map(|(name, _)| name.len()).sum();
            let values: usize = nodes
                .iter()
                .flat_map(enum_values)
                .map(|value| value.to_string().len())
                .sum();
            within(names + values, MAX_CHARACTERS)
        },
        refuses: || vec![long_enum()],
    },
    Rule {
        says: "OpenAI: at most 500 values of enums",
        check: |tool| within(tool.nodes().iter().flat_map(enum_values).count(), MAX_ENUM_VALUES),
        refuses: || vec![long_enum()],
    },
];
