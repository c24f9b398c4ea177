//! Rules of Gemini's function declarations, whose schemas are a subset of `OpenAPI` 3.0's.
//!
//! Read on 2026-11-29: <https://cloud.google.com/vertex-ai/docs/reference/rest/v1beta1/FunctionDeclaration> (names of
//! functions and parameters, descriptions),
//! <https://googleapis.github.io/js-genai/release_docs/interfaces/types.Schema.html> (the fields of a schema, and that values
//! of an enum are strings), and, that a type is required,
//! <https://discuss.ai.google.dev/t/schema-used-in-functioncalling-and-responseschema-diverges/69272>.

use serde_json::json;

use super::Rule;
use super::tool::{Place, members};

/// The fields of a schema. `additionalProperties` is one of Vertex AI's; Gemini's clients drop it.
const FIELDS: [&str; 23] = [
    "additionalProperties",
    "anyOf",
    "default",
    "description",
    "enum",
    "example",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "nullable",
    "pattern",
    "properties",
    "propertyOrdering",
    "required",
    "title",
    "type",
];
/// The types.
const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];

/// Returns whether this is a letter or underscore, followed by at most 63 of those, digits, and characters of `more`.
fn is_name(name: &str, more: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || more.contains(c);
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(is_plain) && name.len() <= 64
}

pub const RULES: &[Rule] = &[
    Rule {
        says: "Gemini: a function's name has at most 64 letters, digits, _, . and -, and begins with a letter or _",
        check: |tool| {
            (!is_name(tool.name, ".-"))
                .then(|| "name".to_owned())
                .into_iter()
                .collect()
        },
        refuses: || vec![json!({"name": "1st"}), json!({"name": "a b"}), json!({"name": ""})],
    },
    Rule {
        says: "Gemini: a function has a description",
        check: |tool| {
            tool.description
                .trim()
                .is_empty()
                .then(|| "description".to_owned())
                .into_iter()
                .collect()
        },
        refuses: || vec![json!({"description": " "})],
    },
    Rule {
        says: "Gemini: a parameter's name has at most 64 letters, digits and _, and begins with a letter or _",
        check: |tool| {
            tool.places(|node| {
                let mut names = members(node.schema, "properties")?.keys();
                names.find(|name| !is_name(name, "")).cloned()
            })
        },
        refuses: || {
            vec![
                json!({"inputSchema": {"type": "object", "properties": {"a-b": {"type": "string"}}}}),
                json!({"inputSchema": {"type": "object", "properties": {"$a": {"type": "string"}}}}),
            ]
        },
    },
    Rule {
        says: "Gemini: a schema has no fields but those of the subset",
        check: |tool| {
            tool.places(|node| {
                let mut fields = node.schema.as_object()?.keys();
                fields.find(|field| !FIELDS.contains(&field.as_str())).cloned()
            })
        },
        refuses: || {
            vec![
                json!({"inputSchema": {"type": "object", "properties": {"a": {"type": "string", "oneOf": []}}}}),
                json!({"inputSchema": {"type": "object", "properties": {"a": {"type": "integer", "exclusiveMinimum": 0}}}}),
            ]
        },
    },
    Rule {
        says: "Gemini: every schema has a type, and one of the six",
        check: |tool| {
            tool.places(|node| {
                let kind = &node.schema["type"];
                let is_known = kind.as_str().is_some_and(|kind| TYPES.contains(&kind));
                (node.place != Place::FreeMembers && !is_known).then(|| kind.to_string())
            })
        },
        refuses: || {
            vec![
                json!({"inputSchema": {"type": "object", "properties": {"a": {"description": "Any value"}}}}),
                json!({"inputSchema": {"type": "object", "properties": {"a": {"type": "null"}}}}),
            ]
        },
    },
    Rule {
        says: "Gemini: an enum has strings, and is of a string",
        check: |tool| {
            tool.places(|node| {
                let values = node.schema["enum"].as_array()?;
                let is_fit = node.schema["type"] == "string"
                    && values
                        .iter()
                        .all(|value| value.as_str().is_some_and(|it| !it.is_empty()));
                (!is_fit || values.is_empty()).then(|| node.schema["enum"].to_string())
            })
        },
        refuses: || {
            vec![
                json!({"inputSchema": {"type": "object", "properties": {"a": {"type": "integer", "enum": [1, 2]}}}}),
                json!({"inputSchema": {"type": "object", "properties": {"a": {"type": "string", "enum": ["a", null]}}}}),
            ]
        },
    },
    Rule {
        says: "Gemini: what is required is a property",
        check: |tool| {
            tool.places(|node| {
                let required = node.schema["required"].as_array()?;
                let unknown = required
                    .iter()
                    .find(|name| node.schema["properties"][name.as_str().unwrap_or_default()].is_null());
                unknown.map(ToString::to_string)
            })
        },
        refuses: || vec![json!({"inputSchema": {"type": "object", "properties": {}, "required": ["a"]}})],
    },
];
