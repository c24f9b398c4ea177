//! Equality of values with Python's semantics, which decides whether an entry has changed (`PackageEntry.__eq__` of quilt3).

use super::{Number, Value};

impl PartialEq for Value {
    /// As in Python, `1`, `1.0` and `true` are equal, the order of keys is ignored, and NaN is not equal to itself.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Array(a), Self::Array(b)) => a == b,
            (Self::Object(a), Self::Object(b)) => a.len() == b.len() && a.sorted() == b.sorted(),
            (a, b) => match (number(a), number(b)) {
                (Some(a), Some(b)) => equal(&a, &b),
                _ => false,
            },
        }
    }
}

/// Returns the number as which Python compares the value.
fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Bool(value) => Some(Number::Integer(if *value { "1" } else { "0" }.into())),
        Value::Number(number) => Some(number.clone()),
        _ => None,
    }
}

fn equal(a: &Number, b: &Number) -> bool {
    match (a, b) {
        (Number::Integer(a), Number::Integer(b)) => a == b,
        #[expect(clippy::float_cmp, reason = "equal doubles are the same number")]
        (Number::Float(a), Number::Float(b)) => a == b,
        (Number::Integer(digits), Number::Float(float)) | (Number::Float(float), Number::Integer(digits)) => {
            // Formatted without a fraction, a double has all of its digits, so the comparison is exact, as in Python.
            float.is_finite() && float.fract() == 0.0 && format!("{:.0}", float + 0.0) == **digits
        }
    }
}
