//! A listed tool, the nodes of its schema, and what their descriptions say.

use serde_json::{Map, Value};

/// Keywords whose values are lists of schemas.
const COMBINATORS: [&str; 3] = ["anyOf", "oneOf", "allOf"];
/// Words that stand for an empty string, array or object.
const EMPTY: [&str; 8] = ["all", "empty", "every", "no", "none", "nothing", "root", "whole"];
/// Words that multiply the number before them.
const UNITS: [(&str, u64); 9] = [
    ("byte", 1),
    ("second", 1),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("minute", 60),
    ("hour", 3600),
    ("day", 86400),
    ("week", 604_800),
];

/// The members of a tool that a provider is sent.
pub struct Tool<'a> {
    pub name: &'a str,
    pub description: &'a str,
    pub schema: &'a Value,
}

/// Where a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The arguments.
    Root,
    /// An argument, or a member of an object.
    Property,
    /// The items of an array.
    Items,
    /// The members of an object with free keys.
    FreeMembers,
    /// An alternative, a definition, or a negation.
    Other,
}

/// A schema within the schema of a tool.
pub struct Node<'a> {
    pub path: String,
    pub place: Place,
    pub schema: &'a Value,
}

impl<'a> Tool<'a> {
    pub fn new(tool: &'a Value) -> Self {
        Self {
            name: tool["name"].as_str().unwrap(),
            description: tool["description"].as_str().unwrap_or_default(),
            schema: &tool["inputSchema"],
        }
    }

    /// Returns all nodes, the arguments first.
    pub fn nodes(&self) -> Vec<Node<'a>> {
        let mut nodes = Vec::new();
        add(&mut nodes, "arguments".to_owned(), Place::Root, self.schema);
        nodes
    }

    /// Returns `what` for each node for which there is one, with the node's path.
    pub fn places(&self, what: impl Fn(&Node<'_>) -> Option<String>) -> Vec<String> {
        let nodes = self.nodes();
        let found = nodes
            .iter()
            .filter_map(|node| Some(format!("{}, {}", node.path, what(node)?)));
        found.collect()
    }
}

fn add<'a>(nodes: &mut Vec<Node<'a>>, path: String, place: Place, schema: &'a Value) {
    let mut children = Vec::new();
    for (name, property) in members(schema, "properties").into_iter().flatten() {
        let path = match place {
            Place::Root => name.clone(),
            _ => format!("{path}.{name}"),
        };
        children.push((path, Place::Property, property));
    }
    for combinator in COMBINATORS {
        let branches = schema[combinator].as_array();
        children.extend(
            branches
                .into_iter()
                .flatten()
                .map(|it| (path.clone(), Place::Other, it)),
        );
    }
    for (_, definition) in members(schema, "$defs").into_iter().flatten() {
        children.push((path.clone(), Place::Other, definition));
    }
    for (keyword, mark, place) in [
        ("items", "[]", Place::Items),
        ("additionalProperties", ".*", Place::FreeMembers),
        ("not", "", Place::Other),
    ] {
        if schema[keyword].is_object() {
            children.push((format!("{path}{mark}"), place, &schema[keyword]));
        }
    }
    nodes.push(Node { path, place, schema });
    for (path, place, schema) in children {
        add(nodes, path, place, schema);
    }
}

/// Returns the members of an object's object.
pub fn members<'a>(schema: &'a Value, keyword: &str) -> Option<&'a Map<String, Value>> {
    schema[keyword].as_object()
}

impl Node<'_> {
    /// Returns whether it is an object whose members are not listed.
    pub fn is_free_form(&self) -> bool {
        self.schema["type"] == "object" && self.schema["properties"].is_null()
    }

    /// Returns its description, or nothing.
    pub fn description(&self) -> &str {
        self.schema["description"].as_str().unwrap_or_default()
    }
}

/// Returns the words of a text, lower case; numbers are without separators.
fn words(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let parts = text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | ',')));
    let words = parts.map(|part| part.trim_matches(['.', ',']));
    let words = words.map(|word| match word.replace(',', "") {
        number if number.parse::<u64>().is_ok() => number,
        _ => word.to_owned(),
    });
    words.filter(|word| !word.is_empty()).collect()
}

/// Returns whether a text has this word.
pub fn mentions(text: &str, word: &str) -> bool {
    let wanted = word.to_lowercase();
    words(text).iter().flat_map(|it| it.split(',')).any(|it| it == wanted)
}

/// Returns whether a text has this number, also with a unit: 65536 as `64 KiB`.
fn says_number(text: &str, number: u64) -> bool {
    let words = words(text);
    words.iter().enumerate().any(|(at, word)| {
        let unit = words.get(at + 1).map_or("", |next| next.trim_end_matches('s'));
        let factor = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .map_or(1, |(_, factor)| *factor);
        word.parse::<u64>().ok().and_then(|it| it.checked_mul(factor)) == Some(number)
    })
}

/// Returns whether a text has this value of a keyword.
pub fn says_value(text: &str, value: &Value) -> bool {
    let says_empty = || text.contains("\"\"") || EMPTY.iter().any(|word| mentions(text, word));
    match value {
        Value::Null => false,
        Value::Bool(value) => mentions(text, &value.to_string()),
        Value::Number(number) => number.as_u64().is_some_and(|number| says_number(text, number)),
        Value::String(value) if value.is_empty() => says_empty(),
        Value::String(value) => text.contains(value.as_str()),
        Value::Array(values) if values.is_empty() => says_empty(),
        Value::Array(values) => values.iter().all(|value| says_value(text, value)),
        Value::Object(object) => object.is_empty() && says_empty(),
    }
}

#[test]
fn numbers_are_read_with_separators_and_units() {
    for text in ["65536", "At most 65,536.", "1-65536", "64 KiB", "(64 KiB)"] {
        assert!(says_number(text, 65536), "{text}");
    }
    assert!(says_number("7 days", 604_800));
    assert!(!says_number("at most 1 MiB", 1));
    assert!(!says_number("165536", 65536));
    assert!(mentions("Each {key, text or data}", "data") && !mentions("metadata", "data"));
}
