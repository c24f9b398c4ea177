//! JSON schemas of arguments and results, kept small: every byte of them costs a model context.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::credentials::Source;

/// Returns the schema of a tool's arguments. It does not say that unknown arguments are refused: `false` crashes the MCP
/// helper of google-genai (googleapis/python-genai#2393).
pub fn input<T: JsonSchema>() -> Map<String, Value> {
    let mut schema = generate::<T>(SchemaSettings::draft2020_12().for_deserialize());
    drop_null(&mut schema);
    simplify_additional_properties(&mut schema);
    schema
}

/// Says `{}` of objects with any members, and nothing of others.
fn simplify_additional_properties(schema: &mut Map<String, Value>) {
    match schema.get("additionalProperties") {
        Some(Value::Bool(false)) => drop(schema.remove("additionalProperties")),
        Some(Value::Bool(true)) => drop(schema.insert("additionalProperties".into(), json!({}))),
        _ => {}
    }
    schema
        .values_mut()
        .filter_map(Value::as_object_mut)
        .for_each(simplify_additional_properties);
}

/// Returns the schema of a tool's result: of its success. Only `success` is required, so that a failure matches the schema
/// too; some clients validate it.
pub fn output<T: JsonSchema>() -> Map<String, Value> {
    let mut schema = generate::<T>(SchemaSettings::draft2020_12().for_serialize());
    simplify_additional_properties(&mut schema);
    schema.values_mut().for_each(drop_descriptions);
    let mut properties = Map::new();
    properties.insert("success".into(), json!({ "type": "boolean" }));
    if let Some(Value::Object(own)) = schema.remove("properties") {
        properties.extend(own);
    }
    properties.insert(
        "credential_source".into(),
        json!({ "enum": Source::ALL.map(Source::as_str) }),
    );
    schema.insert("properties".into(), properties.into());
    schema.insert("required".into(), json!(["success"]));
    schema
}

fn generate<T: JsonSchema>(mut settings: SchemaSettings) -> Map<String, Value> {
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    simplify(&mut schema);
    match schema {
        Value::Object(mut schema) => {
            schema.remove("description");
            schema.entry("type").or_insert_with(|| "object".into());
            schema.entry("properties").or_insert_with(|| json!({}));
            schema
        }
        _ => Map::new(),
    }
}

/// Drops descriptions, which a model does not need to read a result: names and the tool's description explain it.
fn drop_descriptions(value: &mut Value) {
    match value {
        Value::Object(object) => {
            // A property may itself have this name.
            if object.get("description").is_some_and(Value::is_string) {
                object.remove("description");
            }
            object.values_mut().for_each(drop_descriptions);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_descriptions),
        _ => {}
    }
}

/// Drops titles and number formats, which a model does not use, and turns a choice of strings into an `enum`. A schema that
/// accepts any value is written as `{}`: the TypeScript SDK refuses a whole tool list if a property's schema is `true`.
fn simplify(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if let Some(Value::Object(properties)) = object.get_mut("properties") {
                properties
                    .values_mut()
                    .filter(|schema| **schema == Value::Bool(true))
                    .for_each(|any| *any = json!({}));
            }
            if object.get("items") == Some(&Value::Bool(true)) {
                object.insert("items".into(), json!({}));
            }
            object.values_mut().for_each(simplify);
            list_choice(object);
            let is_schema = object.contains_key("type") || object.contains_key("properties");
            if is_schema || object.get("title").is_some_and(Value::is_string) {
                object.remove("title");
                object.remove("format");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(simplify),
        _ => {}
    }
}

/// Turns `oneOf` of constants with descriptions into `enum`, also where `null` is allowed.
fn list_choice(schema: &mut Map<String, Value>) {
    let texts = schema.get("oneOf").and_then(Value::as_array).and_then(|variants| {
        let text = |variant: &Value| variant.get("const").filter(|value| value.is_string()).cloned();
        variants.iter().map(text).collect::<Option<Vec<Value>>>()
    });
    if let Some(texts) = texts {
        schema.remove("oneOf");
        schema.insert("type".into(), "string".into());
        schema.insert("enum".into(), texts.into());
    }
    let or_null = match schema.get("anyOf").and_then(Value::as_array).map(Vec::as_slice) {
        Some([choice, null]) if null.get("type") == Some(&json!("null")) => choice.get("enum").cloned(),
        _ => None,
    };
    if let Some(Value::Array(mut texts)) = or_null {
        texts.push(Value::Null);
        schema.remove("anyOf");
        schema.insert("enum".into(), texts.into());
    }
}

/// Drops the `null` of optional arguments, which may be left out. The `null` of results stays, because clients validate them.
fn drop_null(schema: &mut Map<String, Value>) {
    if schema.contains_key("type") && schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(choice)) = schema.get_mut("enum") {
        choice.retain(|value| !value.is_null());
    }
    for value in schema.values_mut() {
        match value {
            Value::Object(object) => drop_null(object),
            Value::Array(items) => items.iter_mut().filter_map(Value::as_object_mut).for_each(drop_null),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    /// One or the other.
    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Choice {
        /// The one.
        One,
        /// The other.
        Other,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Both {
        /// What is chosen
        choice: Choice,
        maybe: Option<Choice>,
        /// A field of this name is not a description of the schema
        description: String,
    }

    #[test]
    fn schemas_are_small_and_arguments_keep_their_descriptions() {
        let input = &input::<Both>()["properties"];
        let choice = json!({ "description": "What is chosen", "type": "string", "enum": ["one", "other"] });
        assert_eq!(
            (&input["choice"], &input["maybe"]["enum"]),
            (&choice, &json!(["one", "other"]))
        );
        let output = &output::<Both>()["properties"];
        assert_eq!(output["choice"], json!({ "type": "string", "enum": ["one", "other"] }));
        assert_eq!(output["maybe"], json!({ "enum": ["one", "other", null] }));
        assert_eq!(output["description"], json!({ "type": "string" }));
    }
}
