//! What a token says, with everything secret in it hidden.
//!
//! Invariant: neither an AWS key nor another token is shown, under whatever name a token carries it, and nothing of a
//! token can steer the terminal.

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

/// The object as indented JSON.
pub(super) fn json(object: &Map<String, Value>) -> String {
    let shown = object
        .iter()
        .map(|(name, value)| (name.clone(), member(name, value)))
        .collect();
    serde_json::to_string_pretty(&Value::Object(shown)).unwrap_or_default()
}

/// Text for a terminal: control characters and those that turn its direction around are spelt out.
pub(super) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        let is_turn = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if is_turn || (c.is_control() && c != '\n') {
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

/// Whether a text holds what looks like a JWT, a Quilt API key or an AWS access key id, wherever it stands.
fn holds_secret(text: &str) -> bool {
    let mut words = text.split(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)));
    words.any(|word| {
        let is_jwt = word.starts_with("eyJ") && word.contains('.');
        let is_key_id = ["AKIA", "ASIA"].iter().any(|kind| word.starts_with(kind)) && word.len() >= 16;
        is_jwt || is_key_id || word.starts_with("qk_")
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
    fn what_is_no_secret_is_shown() {
        let value = json!({"sub": "alice", "exp": 1, "role_arn": "arn:aws:iam::123456789012:role/x",
            "transitive_tag_keys": ["team"], "session_tags": {"team": "a"}, "token_use": "access", "catalog_token": null});
        assert!(!shown(&value).contains(HIDDEN), "{}", shown(&value));
    }

    #[test]
    fn a_token_cannot_steer_the_terminal() {
        let text = printable("a\u{1b}[2J\u{9b}1m\u{202e}b\nc");
        assert_eq!(text, "a\\u{1b}[2J\\u{9b}1m\\u{202e}b\nc");
    }
}
