//! Rules of Anthropic's tools.
//!
//! Read on 2026-11-29: <https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools>, which allows names of
//! 128 characters, and its older edition <https://platform.claude.com/docs/pt/agents-and-tools/tool-use/implement-tool-use>,
//! which allows 64. The rules for properties and for the arguments are what the API's errors say, as quoted at
//! <https://aijsonmedic.com/blog/anthropic-tool-schema-validation-errors> and
//! <https://startdebugging.net/2026/05/fix-tool-call-arguments-did-not-match-schema-in-anthropic-tool-use/>.

use serde_json::json;

use super::Rule;
use super::tool::members;

/// Returns whether these are 1 to 64 letters, digits, underscores, dashes, and characters of `more`.
pub fn is_name(name: &str, more: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-' || more.contains(c);
    (1..=64).contains(&name.len()) && name.chars().all(is_plain)
}

pub const RULES: &[Rule] = &[
    Rule {
        says: "Anthropic: a tool's name matches ^[a-zA-Z0-9_-]{1,64}$",
        check: |tool| {
            (!is_name(tool.name, ""))
                .then(|| "name".to_owned())
                .into_iter()
                .collect()
        },
        refuses: || vec![json!({"name": "bucket.list"}), json!({"name": ""})],
    },
    Rule {
        says: "Anthropic: the names of properties match ^[a-zA-Z0-9_.-]{1,64}$",
        check: |tool| {
            tool.places(|node| {
                let mut names = members(node.schema, "properties")?.keys();
                names.find(|name| !is_name(name, ".")).cloned()
            })
        },
        refuses: || vec![json!({"inputSchema": {"type": "object", "properties": {"$schema": {"type": "string"}}}})],
    },
    Rule {
        says: "Anthropic: the arguments are an object, without alternatives",
        check: |tool| {
            let keywords = ["oneOf", "allOf", "anyOf"];
            let has_alternatives = keywords.iter().any(|keyword| !tool.schema[keyword].is_null());
            let is_fit = tool.schema["type"] == "object" && !has_alternatives;
            (!is_fit).then(|| "arguments".to_owned()).into_iter().collect()
        },
        refuses: || {
            vec![
                json!({"inputSchema": {"type": "array", "items": {"type": "string"}}}),
                json!({"inputSchema": {"type": "object", "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}}),
            ]
        },
    },
];
