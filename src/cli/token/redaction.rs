//! Redaction of a token's contents for the terminal.
//!
//! **Invariant:** neither an AWS key nor another token is shown, under any name, and no character of a token can
//! control the terminal.

use serde_json::{Map, Value};

const HIDDEN: &str = "(hidden)";

/// Names, in lower case and without separators, whose values are secrets.
const SECRET_PARTS: [&str; 8] = [
    "secret",
    "password",
    "passwd",
    "credential",
    "accesskey",
    "apikey",
    "privatekey",
    "sessiontoken",
];

/// Formats the object as indented JSON, without its secrets.
pub(super) fn json(object: &Map<String, Value>) -> String {
    let shown = object
        .iter()
        .map(|(name, value)| (name.clone(), member(name, value)))
        .collect();
    serde_json::to_string_pretty(&Value::Object(shown)).unwrap_or_default()
}

/// Escapes control characters and those that change the direction of text.
pub(super) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        let is_directional = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if is_directional || (c.is_control() && c != '\n') {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

fn member(name: &str, value: &Value) -> Value {
    let name: String = name
        .chars()
        .filter(|c| c.is_alphanumeric())
        .collect::<String>()
        .to_lowercase();
    let is_secret =
        name.ends_with("token") || name.ends_with("tokens") || SECRET_PARTS.iter().any(|part| name.contains(part));
    match value {
        Value::Null => Value::Null,
        _ if is_secret => HIDDEN.into(),
        _ => hidden(value),
    }
}

fn hidden(value: &Value) -> Value {
    match value {
        Value::String(text) if holds_secret(text) => HIDDEN.into(),
        Value::Array(values) => values.iter().map(hidden).collect(),
        Value::Object(object) => object
            .iter()
            .map(|(name, value)| (name.clone(), member(name, value)))
            .collect::<Map<_, _>>()
            .into(),
        _ => value.clone(),
    }
}

/// Whether a text contains a JWT, a Quilt API key or an AWS access key id.
fn holds_secret(text: &str) -> bool {
    let mut parts = text.split(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)));
    parts.any(|part| {
        let is_jwt = part.starts_with("eyJ") && part.contains('.');
        let is_key_id = ["AKIA", "ASIA"].iter().any(|kind| part.starts_with(kind)) && part.len() >= 16;
        is_jwt || is_key_id || part.starts_with("qk_")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(value: &Value) -> String {
        json(value.as_object().unwrap())
    }

    #[test]
    fn secrets_are_hidden_wherever_they_are() {
        let key = "ASIAABCDEFGHIJKLMNOP";
        for value in [
            json!({"aws_credentials": {"access_key_id": "canary"}}),
            json!({"awsCredentials": "canary"}),
            json!({"catalog_token": "canary"}),
            json!({"catalogToken": ["canary"]}),
            json!({"a": [{"b": {"SecretAccessKey": "canary"}}]}),
            json!({"aws": {"SessionToken": "canary", "access-key": "canary"}}),
            json!({"refresh_tokens": {"x": "canary"}}),
            json!({"password": 7, "note": "Bearer eyJhbGciOiJIUzI1NiJ9.canary.x"}),
            json!({"note": format!("key={key};canary")}),
            json!({"list": ["qk_canary"]}),
        ] {
            let text = shown(&value);
            assert!(
                !text.contains("canary") && !text.contains(key) && text.contains(HIDDEN),
                "{text}"
            );
        }
    }

    #[test]
    fn other_claims_are_shown() {
        let value = json!({"sub": "alice", "exp": 1, "role_arn": "arn:aws:iam::123456789012:role/x",
            "transitive_tag_keys": ["team"], "session_tags": {"team": "a"}, "token_use": "access", "catalog_token": null});
        assert!(!shown(&value).contains(HIDDEN), "{}", shown(&value));
    }

    #[test]
    fn a_token_cannot_control_the_terminal() {
        let text = printable("a\u{1b}[2J\u{9b}1m\u{202e}b\nc");
        assert_eq!(text, "a\\u{1b}[2J\\u{9b}1m\\u{202e}b\nc");
    }
}
