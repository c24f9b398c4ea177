//! Construction of values from JSON text and other deserializers, without special treatment of `serde_json`'s private tokens.

use std::fmt;

use serde::Deserialize as _;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

use super::{Excess, Shape};

/// Returns whether the argument with this name is metadata. Metadata is kept as the JSON text that was sent, because it must
/// not pass through `serde_json::Value`, whose numbers have 64 bits.
#[must_use]
pub fn is_verbatim(argument: &str) -> bool {
    matches!(argument, "metadata" | "meta")
}

/// Parses a JSON object. Members that are metadata ([`is_verbatim`]), at any depth, become strings with their JSON text;
/// `null` remains `null`.
///
/// The text must be measured first with [`Shape::measure`](super::Shape::measure).
pub fn parse_object(text: &[u8]) -> Result<Map<String, Value>, serde_json::Error> {
    match parse_container(text)? {
        Value::Object(object) => Ok(object),
        _ => Err(serde_json::Error::custom("expected an object")),
    }
}

/// Parses a JSON array or object like [`parse_object`].
///
/// The text must be measured first with [`Shape::measure`](super::Shape::measure).
pub fn parse_container(text: &[u8]) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = deserializer.deserialize_any(ValueVisitor::<true>)?;
    deserializer.end()?;
    Ok(value)
}

/// Parses the JSON of another party: claims, key sets, answers of services.
pub fn parse_value(text: &[u8]) -> Result<Value, InvalidJson> {
    Shape::measure(text)?;
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = deserialize_value(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Why a text is not parsed.
#[derive(Debug, thiserror::Error)]
pub enum InvalidJson {
    /// Occurs when it is too deep, or has too many values.
    #[error(transparent)]
    Excess(#[from] Excess),
    /// Occurs when it is not JSON.
    #[error(transparent)]
    Syntax(#[from] serde_json::Error),
}

/// Deserializes an optional value. For fields with `#[serde(default, deserialize_with = "…")]`.
pub fn deserialize_optional_value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    deserialize_value(deserializer).map(|value| Some(value).filter(|value| !value.is_null()))
}

/// Deserializes a value like `serde_json::Value`, but treats `serde_json`'s private tokens like any other key.
pub fn deserialize_value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    deserializer.deserialize_any(ValueVisitor::<false>)
}

/// Deserializes a present member as its JSON text, including `null`, which `Option` alone treats as absent. For fields with
/// `#[serde(borrow, default, deserialize_with = "…")]`.
pub fn deserialize_present<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Returns the metadata in these arguments that was sent as JSON text inside a JSON string, decoded once.
#[must_use]
pub fn nested_texts(arguments: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value) in arguments {
        collect_nested_texts(is_verbatim(name), value, &mut found);
    }
    found
}

fn collect_nested_texts(is_metadata: bool, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if is_metadata && text.starts_with('"') => found.extend(serde_json::from_str(text).ok()),
        Value::Array(items) => items.iter().for_each(|item| collect_nested_texts(false, item, found)),
        Value::Object(members) => {
            members
                .iter()
                .for_each(|(name, item)| collect_nested_texts(is_verbatim(name), item, found));
        }
        _ => {}
    }
}

/// Builds values. `FROM_TEXT` means that the deserializer reads JSON text, so that members can be kept as text.
struct ValueVisitor<const FROM_TEXT: bool>;

impl<'de, const FROM_TEXT: bool> DeserializeSeed<'de> for ValueVisitor<FROM_TEXT> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, const FROM_TEXT: bool> Visitor<'de> for ValueVisitor<FROM_TEXT> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(Self)? {
            array.push(item);
        }
        Ok(array.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = if FROM_TEXT && is_verbatim(&name) {
                match members.next_value::<&'de RawValue>()?.get() {
                    "null" => Value::Null,
                    text => text.into(),
                }
            } else {
                members.next_value_seed(Self)?
            };
            object.insert(name, value);
        }
        Ok(object.into())
    }
}
