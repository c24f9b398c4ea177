//! Reads any bytes as a caller's JSON, as the endpoint does: measured, parsed, and the texts in it parsed again.
#![no_main]
#![expect(dead_code, unused_imports, reason = "the target uses a part of the module")]

#[path = "../../src/json/mod.rs"]
mod json;

use json::{MAX_CONTAINERS, MAX_DEPTH, MAX_VALUES, Shape, deserialize_value, nested_texts, parse_object};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fn depth_and_count(value: &Value) -> (usize, usize) {
    let inner = |values: &mut dyn Iterator<Item = &Value>| {
        values.map(depth_and_count).fold((0, 0), |(depth, count), (d, c)| (depth.max(d), count + c))
    };
    let (depth, count) = match value {
        Value::Array(items) => inner(&mut items.iter()),
        Value::Object(members) => inner(&mut members.values()),
        _ => return (0, 1),
    };
    (depth + 1, count + 1)
}

fn read(text: &[u8], texts_left: usize) {
    let Ok(shape) = Shape::measure(text) else { return };
    assert!(shape.depth <= MAX_DEPTH && shape.values <= MAX_VALUES && shape.containers <= MAX_CONTAINERS);
    let Ok(object) = parse_object(text) else { return };
    let value = Value::Object(object);
    let (depth, count) = depth_and_count(&value);
    assert!(depth <= shape.depth && count <= shape.values + shape.containers + 1);
    // The parsed value equals its text, for any keys.
    assert_eq!(deserialize_value(value.clone()).unwrap(), value);
    let Value::Object(object) = value else { return };
    if texts_left == 0 {
        return;
    }
    for text in nested_texts(&object).iter().chain(object.values().filter_map(|value| match value {
        Value::String(text) => Some(text),
        _ => None,
    })) {
        read(text.as_bytes(), texts_left - 1);
    }
}

fuzz_target!(|bytes: &[u8]| read(bytes, 3));
