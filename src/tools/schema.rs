//! JSON schemas of arguments and results, as small as they can be: every byte of them costs a model context.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// Schema of a tool's arguments. Unknown ones are refused, and the schema says so.
pub fn input<T: JsonSchema>() -> Map<String, Value> {
    let mut schema = generate::<T>(SchemaSettings::draft2020_12().for_deserialize());
    drop_null(&mut schema);
    schema.insert("additionalProperties".into(), false.into());
    schema
}

/// Schema of a tool's result: that of its success, with what a failure carries beside it. Only `success` is required, so
/// that a failure fits the schema too; some clients check it there.
pub fn output<T: JsonSchema>() -> Map<String, Value> {
    let mut schema = generate::<T>(SchemaSettings::draft2020_12().for_serialize());
    let mut properties = Map::new();
    properties.insert("success".into(), json!({ "type": "boolean" }));
    if let Some(Value::Object(own)) = schema.remove("properties") {
        properties.extend(own);
    }
    properties.insert("credential_source".into(), json!({ "enum": ["jwt", "catalog", "ambient"] }));
    properties.insert("error".into(), json!({ "type": "string" }));
    properties.insert("error_code".into(), json!({ "type": "string" }));
    properties.insert("retryable".into(), json!({ "type": "boolean" }));
    properties.insert("hint".into(), json!({ "type": "string" }));
    properties.insert("details".into(), json!({ "type": "object" }));
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

/// Drops what says nothing to a model: titles and number formats. Writes "anything" as `{}`: the TypeScript SDK refuses a
/// whole tool list in which a property's schema is `true`.
fn simplify(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if let Some(Value::Object(properties)) = object.get_mut("properties") {
                properties.values_mut().filter(|schema| **schema == Value::Bool(true)).for_each(|any| *any = json!({}));
            }
            let is_schema = object.contains_key("type") || object.contains_key("properties");
            if is_schema || object.get("title").is_some_and(Value::is_string) {
                object.remove("title");
                object.remove("format");
            }
            object.values_mut().for_each(simplify);
        }
        Value::Array(items) => items.iter_mut().for_each(simplify),
        _ => {}
    }
}

/// Drops the `null` of optional arguments, which may be left out. A result's `null` stays: clients check it.
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
    for value in schema.values_mut() {
        match value {
            Value::Object(object) => drop_null(object),
            Value::Array(items) => items.iter_mut().filter_map(Value::as_object_mut).for_each(drop_null),
            _ => {}
        }
    }
}
