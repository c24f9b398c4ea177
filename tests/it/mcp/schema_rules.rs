//! Rules for the schemas of arguments: those that the providers of models document, and those of this project.
//!
//! A client hands the listed schemas to a provider, most after a conversion. What the strictest of them refuses or drops, a
//! model never sees, and one refused tool can fail the whole request. No provider is asked here: each rule says where it is
//! documented, and has examples that it must refuse.

mod anthropic;
mod contract;
mod gemini;
mod openai;
mod tool;

use serde_json::{Value, json};
use tool::Tool;

use super::tool_lists::list;

/// A rule about one tool.
struct Rule {
    /// What must hold, as a sentence.
    says: &'static str,
    /// Returns the places that break it, each with what is wrong there.
    check: fn(&Tool<'_>) -> Vec<String>,
    /// Returns examples that break it: members of a tool, for those of [`accepted`].
    refuses: fn() -> Vec<Value>,
}

fn rules() -> impl Iterator<Item = &'static Rule> {
    contract::RULES
        .iter()
        .chain(gemini::RULES)
        .chain(openai::RULES)
        .chain(anthropic::RULES)
}

/// A tool that follows every rule.
fn accepted() -> Value {
    json!({
        "name": "things_put",
        "description": "Puts things.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "bucket": { "type": "string", "description": "Bucket of the things" },
                "limit": { "type": "integer", "minimum": 1, "maximum": 65536, "default": 100,
                    "description": "1 to 64 KiB, by default 100" },
                "mode": { "type": "string", "enum": ["merge", "replace"], "default": "merge",
                    "description": "How they are put: merge (the default) or replace" },
                "things": { "type": "array", "maxItems": 1000, "description": "At most 1,000, each {key, meta?}",
                    "items": {
                        "type": "object",
                        "properties": {
                            "key": { "type": "string", "description": "Name of the thing" },
                            "meta": { "type": "object", "description": "Any JSON object", "additionalProperties": {} },
                        },
                        "required": ["key"],
                    } },
            },
            "required": ["bucket"],
        },
    })
}

/// Returns one line for each place of these tools that breaks a rule.
fn violations(tools: &[Value]) -> Vec<String> {
    let mut lines = Vec::new();
    for tool in tools {
        let tool = Tool::new(tool);
        for rule in rules() {
            let places = (rule.check)(&tool);
            lines.extend(
                places
                    .iter()
                    .map(|place| format!("{}, {place}: {}", tool.name, rule.says)),
            );
        }
    }
    lines
}

#[tokio::test]
async fn the_listed_schemas_follow_every_rule() {
    let (result, _) = list("both", "2025-11-25").await;
    let tools = result["tools"].as_array().unwrap();
    assert!(!tools.is_empty());
    let violations = violations(tools);
    assert!(
        violations.is_empty(),
        "{} places break a rule:\n{}",
        violations.len(),
        violations.join("\n")
    );
}

#[test]
fn every_rule_refuses_its_examples() {
    for rule in rules() {
        let examples = (rule.refuses)();
        assert!(!examples.is_empty(), "no example of: {}", rule.says);
        for example in examples {
            let mut tool = accepted();
            for (name, value) in example.as_object().unwrap() {
                tool[name] = value.clone();
            }
            assert!(!(rule.check)(&Tool::new(&tool)).is_empty(), "{}: {example}", rule.says);
        }
    }
}

#[test]
fn no_rule_refuses_a_schema_that_follows_all() {
    assert_eq!(violations(&[accepted()]), Vec::<String>::new());
    let empty =
        json!({ "inputSchema": { "type": "object", "properties": {} }, "name": "list", "description": "Lists." });
    assert_eq!(violations(&[empty]), Vec::<String>::new());
}
