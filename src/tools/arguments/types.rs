//! Argument types that check their values while the arguments are parsed.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::json::deserialize_value;

/// Default of a boolean argument that is `true` if omitted.
pub fn yes() -> bool {
    true
}

/// How much of each row is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    #[default]
    Brief,
    Full,
}

/// An integer from `LO` to `HI`, by default `DEFAULT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Bounded<const LO: u64, const HI: u64, const DEFAULT: u64>(u64);

impl<const LO: u64, const HI: u64, const DEFAULT: u64> Default for Bounded<LO, HI, DEFAULT> {
    fn default() -> Self {
        Self(DEFAULT)
    }
}

impl<const LO: u64, const HI: u64, const DEFAULT: u64> Bounded<LO, HI, DEFAULT> {
    pub fn get(self) -> u64 {
        self.0
    }
}

impl<'de, const LO: u64, const HI: u64, const DEFAULT: u64> Deserialize<'de> for Bounded<LO, HI, DEFAULT> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = deserialize_value(deserializer)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked: integral, and in range"
        )]
        let integer = |number: f64| (number.fract() == 0.0 && (0.0..1e15).contains(&number)).then_some(number as u64);
        // JSON Schema treats 100.0 as an integer, and so do clients that have only one type of number.
        value
            .as_u64()
            .or_else(|| value.as_f64().and_then(integer))
            .filter(|number| (LO..=HI).contains(number))
            .map(Self)
            .ok_or_else(|| D::Error::custom(format!("expected an integer from {LO} to {HI}, got {value}")))
    }
}

impl<const LO: u64, const HI: u64, const DEFAULT: u64> JsonSchema for Bounded<LO, HI, DEFAULT> {
    fn schema_name() -> Cow<'static, str> {
        format!("Bounded{LO}To{HI}").into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": LO, "maximum": HI })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_outside_the_bounds_are_refused_and_not_clamped() {
        let read = |text: &str| serde_json::from_str::<Bounded<1, 1000, 100>>(text);
        assert_eq!(read("1000").unwrap().get(), 1000);
        assert_eq!(read("100.0").unwrap().get(), 100);
        for bad in ["0", "1001", "-1", "1.5", "\"7\"", "null"] {
            let message = read(bad).unwrap_err().to_string();
            assert!(message.contains("from 1 to 1000"), "{message}");
        }
    }
}
