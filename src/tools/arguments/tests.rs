use serde_json::{Value, json};

use super::*;
use crate::tools;

fn schema(properties: &Value, required: &[&str]) -> Map<String, Value> {
    match json!({ "type": "object", "properties": properties, "required": required }) {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}

fn checked(properties: &Value, required: &[&str], arguments: Value) -> Result<Value, String> {
    let Value::Object(mut arguments) = arguments else {
        panic!("{arguments}")
    };
    check::check(&schema(properties, required), &mut arguments).map_err(|error| error.message)?;
    Ok(arguments.into())
}

#[test]
fn texts_of_numbers_and_booleans_are_read() {
    let properties = json!({
        "n": { "type": "integer", "minimum": 1, "maximum": 10 },
        "b": { "type": "boolean" },
        "t": { "type": "string" },
    });
    let read = |arguments| checked(&properties, &[], arguments);
    for (sent, value) in [
        (json!("2"), 2),
        (json!(" 2 "), 2),
        (json!("2.0"), 2),
        (json!(2.0), 2),
        (json!(10), 10),
    ] {
        assert_eq!(read(json!({ "n": sent })), Ok(json!({ "n": value })), "{sent}");
    }
    for bad in [
        json!("two"),
        json!("2,0"),
        json!("1.5"),
        json!(1.5),
        json!("11"),
        json!(0),
        json!(true),
        json!([2]),
    ] {
        let problem = read(json!({ "n": bad })).unwrap_err();
        assert!(
            problem.starts_with("Argument n: expected a whole number from 1 to 10, got"),
            "{problem}"
        );
    }
    for (sent, value) in [("true", true), ("True", true), ("false", false), ("False", false)] {
        assert_eq!(read(json!({ "b": sent })), Ok(json!({ "b": value })), "{sent}");
    }
    for bad in [json!("yes"), json!(1), json!("1"), json!("TRUE "), json!({})] {
        let problem = read(json!({ "b": bad })).unwrap_err();
        assert!(
            problem.starts_with("Argument b: expected true or false, got"),
            "{problem}"
        );
    }
    for text in ["2", "true", "[1,2]", "{}", " x "] {
        assert_eq!(
            read(json!({ "t": text })),
            Ok(json!({ "t": text })),
            "a text stays a text"
        );
    }
    assert!(
        read(json!({ "t": 7 }))
            .unwrap_err()
            .contains("expected a string, got 7")
    );
}

#[test]
fn absence_has_many_forms_and_never_widens_a_deletion() {
    let properties = json!({
        "optional": { "type": "string" },
        "number": { "type": "integer" },
        "list": { "type": "array", "items": { "type": "string" } },
        "value": { "type": "string", "x-blank": "value" },
        "refused": { "type": "string", "x-blank": "refused" },
        "required": { "type": "string", "description": "What is needed" },
        "items": { "type": "array", "items": { "type": "object", "properties": {
            "key": { "type": "string" }, "size": { "type": "integer" } }, "required": ["key"] } },
    });
    let read = |arguments| checked(&properties, &["required"], arguments);
    let absent = json!({ "required": "x" });
    for (name, sent) in [
        ("optional", json!(null)),
        ("optional", json!("")),
        ("optional", json!(" \n")),
        ("number", json!("")),
        ("list", json!("")),
        ("list", json!([])),
        ("value", json!(null)),
        ("refused", Value::Null),
    ] {
        let mut arguments = absent.clone();
        arguments[name] = sent.clone();
        if name == "refused" {
            let problem = read(arguments).unwrap_err();
            assert!(problem.contains("leave it out"), "{problem}");
        } else {
            assert_eq!(read(arguments), Ok(absent.clone()), "{name} {sent}");
        }
    }
    for blank in ["", "  "] {
        let problem = read(json!({ "required": "x", "refused": blank })).unwrap_err();
        assert!(problem.contains("Argument refused is blank"), "{problem}");
    }
    let value = json!({ "required": "x", "value": "" });
    assert_eq!(read(value.clone()), Ok(value));
    for missing in [json!({}), json!({ "required": null })] {
        let problem = read(missing).unwrap_err();
        assert_eq!(problem, "Argument required is required: a string (What is needed).");
    }
    let nested = json!({ "required": "x", "items": [{ "key": "k", "size": "7" }, { "key": "l", "size": null }] });
    let expected = json!({ "required": "x", "items": [{ "key": "k", "size": 7 }, { "key": "l" }] });
    assert_eq!(read(nested), Ok(expected));
    for (item, part) in [
        (json!({ "size": 1 }), "Argument items[0].key is required"),
        (
            json!({ "key": "k", "sise": 1 }),
            "Argument items[0].sise is unknown there; expected only key, size",
        ),
        (json!(7), "Argument items[0]: expected an object with key, size, got 7"),
        (
            Value::Null,
            "Argument items[0]: expected an object with key, size, got null",
        ),
    ] {
        let problem = read(json!({ "required": "x", "items": [item] })).unwrap_err();
        assert!(problem.contains(part), "{problem}");
    }
}

#[test]
fn a_text_stands_for_an_object_only_where_the_schema_says_so() {
    let file = json!({ "type": "object", "x-text": "uri", "properties": { "uri": { "type": "string" } } });
    let properties = json!({ "file": file, "other": { "type": "object", "properties": {} } });
    assert_eq!(
        checked(&properties, &["other"], json!({ "file": "s3://b/k", "other": [] })),
        Ok(json!({ "file": { "uri": "s3://b/k" }, "other": {} })),
        "and an empty list is the empty object of some languages"
    );
    let problem = checked(&properties, &[], json!({ "other": "s3://b/k" })).unwrap_err();
    assert!(problem.contains("expected an object"), "{problem}");
    let problem = checked(&properties, &[], json!({ "other": [1] })).unwrap_err();
    assert!(problem.contains("got a list"), "{problem}");
}

#[test]
fn own_keywords_are_not_listed() {
    for tool in tools::all() {
        let listed = Value::from(tool.input_schema.clone()).to_string();
        assert!(!listed.contains("\"x-"), "{}: {listed}", tool.name);
    }
    let fetch = tools::all()
        .into_iter()
        .find(|tool| tool.name == "bucket_object_fetch")
        .unwrap();
    assert!(
        fetch.arguments.has("base64_encode")
            && !fetch.input_schema["properties"]
                .as_object()
                .unwrap()
                .contains_key("base64_encode")
    );
}

/// An alias or an ignored argument of no tool would be documented and do nothing.
#[test]
fn every_other_name_leads_to_a_tool() {
    let tools = tools::all();
    for alias in ALIASES {
        let applies = |tool: &&tools::AnyTool| tool.arguments.has(alias.argument) && !tool.arguments.has(alias.alias);
        assert!(tools.iter().any(|tool| applies(&tool)), "{alias:?}");
    }
    for ignored in IGNORED {
        let tool = tools.iter().find(|tool| tool.name == ignored.tool).unwrap();
        assert!(!tool.arguments.has(ignored.argument), "{ignored:?}");
        assert!(
            ALIASES
                .iter()
                .all(|alias| alias.alias != ignored.argument || !tool.arguments.has(alias.argument)),
            "{ignored:?}"
        );
    }
}
