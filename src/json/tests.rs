//! Tests of the parser with hostile texts, and against `serde_json` with all others.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const RAW: &str = "$serde_json::private::RawValue";

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

/// Returns texts nested in texts, each of the maximum depth.
fn nested(rounds: usize) -> String {
    (0..rounds).fold("1".to_owned(), |inner, _| {
        let arrays = MAX_DEPTH - 4;
        format!(
            r#"{}{{"{RAW}":{}}}{}"#,
            "[".repeat(arrays),
            Value::from(inner),
            "]".repeat(arrays)
        )
    })
}

#[test]
fn a_private_token_is_a_key_like_any_other() {
    for key in [
        RAW.to_owned(),
        RAW.replace('$', "\\u0024"),
        "$serde_json::private::Number".to_owned(),
    ] {
        let text = format!(r#"{{"x":{{"{key}":"[1]"}}}}"#);
        let parsed = parse_object(text.as_bytes()).unwrap();
        let name: String = serde_json::from_str(&format!("\"{key}\"")).unwrap();
        assert_eq!(parsed.get("x"), Some(&json!({ name: "[1]" })), "{text}");
        let again = deserialize_value(Value::Object(parsed.clone())).unwrap();
        assert_eq!(again, Value::Object(parsed), "{text}");
        assert_eq!(Shape::measure(text.as_bytes()).unwrap().private_tokens, 1, "{text}");
    }
    // `serde_json` itself parses the text anew; if this fails, the token needs no care any more.
    let theirs: Value = serde_json::from_str(&format!(r#"{{"{RAW}":"[1]"}}"#)).unwrap();
    assert_eq!(theirs, json!([1]));
}

#[test]
fn texts_in_texts_do_not_add_depth() {
    let text = format!(r#"{{"x":{}}}"#, nested(10));
    assert!(Shape::measure(text.as_bytes()).unwrap().depth <= MAX_DEPTH);
    let parsed = parse_object(text.as_bytes()).unwrap();
    assert!(depth(&Value::Object(parsed)) <= MAX_DEPTH);
}

#[test]
fn escapes_hide_no_values_from_the_second_measure() {
    let escaped = format!(r#"{{"params":"{}"}}"#, "\\u007b\\u002c".repeat(1000));
    let outer = Shape::measure(escaped.as_bytes()).unwrap();
    assert_eq!((outer.values, outer.containers), (0, 1));
    let parsed = parse_object(escaped.as_bytes()).unwrap();
    let inner = parsed.get("params").and_then(Value::as_str).unwrap();
    assert_eq!(Shape::measure(inner.as_bytes()), Err(Excess), "a thousand levels");
}

#[test]
fn metadata_is_kept_as_it_was_written() {
    let text = r#"{"metadata": {"n": 123456789012345678901234567890, "a" : 1.0}, "files":[{"meta":{"x":1e400}}],
        "meta": null, "other": {"metadata": "{\"a\": 1}"}}"#;
    let parsed = Value::Object(parse_object(text.as_bytes()).unwrap());
    assert_eq!(
        parsed["metadata"],
        r#"{"n": 123456789012345678901234567890, "a" : 1.0}"#
    );
    assert_eq!(parsed["files"][0]["meta"], r#"{"x":1e400}"#);
    assert_eq!(parsed["meta"], Value::Null);
    let Value::Object(arguments) = parsed else {
        panic!("an object")
    };
    assert_eq!(nested_texts(&arguments), [r#"{"a": 1}"#]);
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        let key = prop_oneof![any::<String>(), Just(RAW.to_owned()), "[a-c\"\\\\]{0,4}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..6).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    /// Values written by `serde_json` are read back unchanged, with any keys.
    #[test]
    fn values_are_read_as_they_were_written(value in json_value()) {
        let object = json!({ "x": value });
        let text = object.to_string();
        let parsed = Value::Object(parse_object(text.as_bytes()).unwrap());
        let has_metadata = text.contains("\"meta");
        prop_assert!(has_metadata || parsed == object, "{text}");
    }

    /// No text becomes a value that was not counted.
    #[test]
    fn no_text_makes_more_than_was_measured(
        text in "(\\{|\\[|\"|\\\\|,|:|\\]|\\}|1|\\$serde_json::private::RawValue|u0024|\\\\u007b| ){0,200}",
        rounds in 0_usize..4,
    ) {
        let text = if rounds > 0 { format!(r#"{{"x":{},"y":{}}}"#, nested(rounds), Value::from(text)) } else { text };
        if let (Ok(shape), Ok(parsed)) = (Shape::measure(text.as_bytes()), parse_object(text.as_bytes())) {
            let value = Value::Object(parsed);
            prop_assert!(depth(&value) <= shape.depth && shape.depth <= MAX_DEPTH);
            prop_assert!(count(&value) <= shape.values + shape.containers + 1);
        }
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}
