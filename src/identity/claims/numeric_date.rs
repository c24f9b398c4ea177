//! `NumericDate` values (RFC 7519).

use jiff::Timestamp;
use serde_json::Value;

/// Reads seconds since 1970, whole or fractional.
pub(super) fn numeric_date(value: &Value) -> Option<Timestamp> {
    if let Some(seconds) = value.as_i64() {
        return Timestamp::from_second(seconds).ok();
    }
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked on the same line")]
    value
        .as_f64()
        .filter(|s| s.abs() < 1e11)
        .and_then(|s| Timestamp::from_second(s.floor() as i64).ok())
}
