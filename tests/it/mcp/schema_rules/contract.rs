//! Rules of this project: what every client was seen to keep, and what a model still reads when a client drops keywords.

use serde_json::{Value, json};

use super::Rule;
use super::tool::{Node, Place, members, mentions, says_value};

/// Keywords that are bounds. Some clients drop them.
const BOUNDS: [&str; 9] = [
    "default",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
];

pub const RULES: &[Rule] = &[
    Rule {
        says: "a value has one type, without alternatives",
        check: |tool| {
            tool.places(|node| {
                let keywords = ["anyOf", "oneOf", "allOf", "not", "if"];
                let keyword = keywords.into_iter().find(|keyword| !node.schema[keyword].is_null());
                let list = node.schema["type"].is_array().then_some("a list of types");
                keyword.or(list).map(str::to_owned)
            })
        },
        refuses: || {
            vec![
                json!({"inputSchema": {"type": "object", "properties": {"a": {"type": ["string", "null"]}}}}),
                json!({"inputSchema": {"type": "object", "properties": {"a": {"type": "array",
                "items": {"anyOf": [{"type": "string"}, {"type": "object"}]}}}}}),
            ]
        },
    },
    Rule {
        says: "additionalProperties is a schema, or left out",
        check: |tool| {
            tool.places(|node| {
                let value = &node.schema["additionalProperties"];
                value.is_boolean().then(|| value.to_string())
            })
        },
        refuses: || {
            vec![
                json!({"inputSchema": {"type": "object", "properties": {}, "additionalProperties": false}}),
                json!({"inputSchema": {"type": "object", "properties": {
                "a": {"type": "object", "additionalProperties": true}}}}),
            ]
        },
    },
    Rule {
        says: "an object has properties, or says additionalProperties",
        check: |tool| {
            tool.places(|node| {
                let is_bare = node.is_free_form() && node.schema["additionalProperties"].is_null();
                is_bare.then(|| "neither".to_owned())
            })
        },
        refuses: || {
            vec![
                json!({"inputSchema": {"type": "object"}}),
                json!({"inputSchema": {"type": "object", "properties": {
                "a": {"type": "array", "items": {"type": "object"}}}}}),
            ]
        },
    },
    Rule {
        says: "an array has items of one type",
        check: |tool| {
            tool.places(|node| {
                let is_untyped = node.schema["type"] == "array" && !node.schema["items"]["type"].is_string();
                is_untyped.then(|| node.schema["items"].to_string())
            })
        },
        refuses: || {
            vec![
                json!({"inputSchema": {"type": "object", "properties": {"a": {"type": "array"}}}}),
                json!({"inputSchema": {"type": "object", "properties": {"a": {"type": "array", "items": {}}}}}),
            ]
        },
    },
    Rule {
        says: "$schema, $ref, $defs, const, format and a default of null are not used",
        check: |tool| {
            tool.places(|node| {
                let keywords = ["$schema", "$ref", "$defs", "const", "format"];
                let keyword = keywords.into_iter().find(|keyword| !node.schema[keyword].is_null());
                let default = node.schema.get("default").is_some_and(Value::is_null);
                keyword.or(default.then_some("default")).map(str::to_owned)
            })
        },
        refuses: || {
            vec![
                json!({"inputSchema": {"type": "object", "properties": {"a": {"type": "string", "format": "uri"}}}}),
                json!({"inputSchema": {"type": "object", "properties": {"a": {"type": "string", "default": null}}}}),
            ]
        },
    },
    Rule {
        says: "every argument and member has a description",
        check: |tool| {
            tool.places(|node| {
                let is_blank = node.place == Place::Property && node.description().trim().is_empty();
                is_blank.then(|| "none".to_owned())
            })
        },
        refuses: || {
            vec![
                json!({"inputSchema": {"type": "object", "properties": {"a": {"type": "string"}}}}),
                json!({"inputSchema": {"type": "object", "properties": {"a": {"type": "array", "description": "Each {b}",
                "items": {"type": "object", "properties": {"b": {"type": "string", "description": " "}}}}}}}),
            ]
        },
    },
    Rule {
        says: "a description has the values of bounds and defaults, except of a flag that is off by default",
        check: |tool| tool.places(unsaid_bounds),
        refuses: || {
            vec![
                json!({"inputSchema": {"type": "object", "properties": {
                "a": {"type": "integer", "minimum": 1, "description": "At most 1 MiB"}}}}),
                json!({"inputSchema": {"type": "object", "properties": {
                "a": {"type": "boolean", "default": true, "description": "true: as it is"}}}}),
                json!({"inputSchema": {"type": "object", "properties": {
                "a": {"type": "array", "items": {"type": "string"}, "maxItems": 9, "description": "Some things"}}}}),
            ]
        },
    },
    Rule {
        says: "the description of an array names the members of its objects",
        check: |tool| {
            tool.places(|node| {
                let names = members(&node.schema["items"], "properties")?.keys();
                let missing: Vec<&str> = names
                    .map(String::as_str)
                    .filter(|name| !mentions(node.description(), name))
                    .collect();
                (!missing.is_empty()).then(|| format!("without {}", missing.join(", ")))
            })
        },
        refuses: || {
            vec![
                json!({"inputSchema": {"type": "object", "properties": {"a": {"type": "array", "description": "Each {key}",
            "items": {"type": "object", "properties": {"key": {"type": "string"}, "meta": {"type": "string"}}}}}}}),
            ]
        },
    },
];

/// Returns the bounds that the description of an argument or member does not have. A default is named as such.
fn unsaid_bounds(node: &Node<'_>) -> Option<String> {
    let text = node.description();
    let is_said = |keyword: &str, value: &Value| {
        says_value(text, value) && (keyword != "default" || text.to_lowercase().contains("default"))
    };
    let bounds = BOUNDS
        .iter()
        .filter_map(|keyword| Some((keyword, node.schema.get(keyword)?)))
        .filter(|(_, value)| **value != Value::Bool(false));
    let unsaid = bounds.filter(|(keyword, value)| !is_said(keyword, value));
    let unsaid: Vec<String> = unsaid.map(|(keyword, value)| format!("{keyword} {value}")).collect();
    (node.place == Place::Property && !unsaid.is_empty()).then(|| unsaid.join(", "))
}
