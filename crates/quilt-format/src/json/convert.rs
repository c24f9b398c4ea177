//! Conversions to and from `serde_json`.

use super::{Number, Object, Value};

impl From<&serde_json::Value> for Value {
    fn from(value: &serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(value) => Self::Bool(*value),
            serde_json::Value::Number(number) => Self::Number(match number.as_f64() {
                Some(float) if number.is_f64() => Number::Float(float),
                _ => Number::Integer(number.to_string().into()),
            }),
            serde_json::Value::String(text) => Self::from(text.as_str()),
            serde_json::Value::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            serde_json::Value::Object(object) => Self::Object(
                object
                    .iter()
                    .map(|(key, value)| (key.as_str(), Self::from(value)))
                    .collect::<Object>(),
            ),
        }
    }
}

impl From<&Value> for serde_json::Value {
    /// Converts to JSON without Python's extensions: integers beyond 64 bits become doubles, infinity the largest double, NaN
    /// `null`, and lone surrogates U+FFFD.
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => from_number(number),
            Value::String(text) => Self::String(text.to_string_lossy().into_owned()),
            Value::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            Value::Object(object) => Self::Object(
                object
                    .iter()
                    .map(|(key, value)| (key.to_string_lossy().into_owned(), Self::from(value)))
                    .collect(),
            ),
        }
    }
}

fn from_number(number: &Number) -> serde_json::Value {
    let float = match number {
        Number::Integer(digits) => {
            if let Ok(number) = digits.parse::<u64>() {
                return number.into();
            }
            if let Ok(number) = digits.parse::<i64>() {
                return number.into();
            }
            digits.parse().unwrap_or_default()
        }
        Number::Float(float) => *float,
    };
    // `clamp` keeps NaN, which `from` converts to null.
    serde_json::Value::from(float.clamp(f64::MIN, f64::MAX))
}
