//! Values as JSON: by their logical type where they have one.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::SignedDuration;
use jiff::civil;

use super::schema::{Logical, Physical, Unit};

/// Days of 1970-01-01 in the count of INT96.
const JULIAN_EPOCH: i128 = 2_440_588;
const NANOS_OF_DAY: i128 = 86_400_000_000_000;
/// Bytes of a decimal that is shown as one.
const MAX_DECIMAL_BYTES: usize = 32;
/// Maximum scale of a decimal that is shown with its point.
const MAX_SCALE: usize = 100;

/// A physical value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Raw<'a> {
    Boolean(bool),
    Integer(i64),
    Float(f32),
    Double(f64),
    Int96([u32; 3]),
    Bytes(&'a [u8]),
}

/// Returns the JSON text of a value. Of a string that is longer than `max` bytes, a little more than these are taken.
pub(super) fn json(raw: Raw<'_>, physical: Physical, logical: Logical, max: usize) -> String {
    match raw {
        Raw::Boolean(value) => value.to_string(),
        Raw::Integer(value) => integer(value, physical, logical),
        Raw::Float(value) if value.is_finite() => number(&value),
        Raw::Float(value) => quoted(&value.to_string()),
        Raw::Double(value) => double(value),
        Raw::Int96([low, high, day]) => {
            let nanos = i128::from(low) | i128::from(high) << 32;
            let days = i128::from(day.cast_signed()) - JULIAN_EPOCH;
            timestamp(days * NANOS_OF_DAY + nanos, Unit::Nanos, true)
        }
        Raw::Bytes(bytes) => of_bytes(bytes, logical, max),
    }
}

fn number(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn double(value: f64) -> String {
    if value.is_finite() {
        number(&value)
    } else {
        quoted(&value.to_string())
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn integer(value: i64, physical: Physical, logical: Logical) -> String {
    let nanos_of = |unit: Unit| i128::from(value) * nanos_in(unit);
    match logical {
        Logical::Integer {
            bits: 64,
            is_signed: false,
        } => value.cast_unsigned().to_string(),
        Logical::Integer { is_signed: false, .. } if physical == Physical::Int32 => {
            (value.cast_unsigned() & u64::from(u32::MAX)).to_string()
        }
        Logical::Date => {
            let date = i32::try_from(value).ok().and_then(|days| {
                let days = SignedDuration::from_hours(24 * i64::from(days));
                civil::date(1970, 1, 1).checked_add(days).ok()
            });
            date.map_or_else(|| value.to_string(), |date| quoted(&date.to_string()))
        }
        Logical::Time(unit) => {
            let nanos = i64::try_from(nanos_of(unit)).ok();
            let time = nanos.and_then(|nanos| {
                civil::Time::midnight()
                    .checked_add(SignedDuration::from_nanos(nanos))
                    .ok()
            });
            time.map_or_else(
                || value.to_string(),
                |time| quoted(&format!("{time:.*}", digits_of(unit))),
            )
        }
        Logical::Timestamp(unit, is_utc) => timestamp(nanos_of(unit), unit, is_utc),
        Logical::Decimal { scale, .. } => quoted(&decimal(&value.to_be_bytes(), scale)),
        Logical::Null => "null".to_owned(),
        _ => value.to_string(),
    }
}

fn nanos_in(unit: Unit) -> i128 {
    match unit {
        Unit::Millis => 1_000_000,
        Unit::Micros => 1000,
        Unit::Nanos => 1,
    }
}

fn digits_of(unit: Unit) -> usize {
    match unit {
        Unit::Millis => 3,
        Unit::Micros => 6,
        Unit::Nanos => 9,
    }
}

/// Formats a time by RFC 3339. One that is not in UTC has no offset; one beyond the year 9999 is its number.
fn timestamp(nanos: i128, unit: Unit, is_utc: bool) -> String {
    let Ok(time) = jiff::Timestamp::from_nanosecond(nanos) else {
        return (nanos / nanos_in(unit)).to_string();
    };
    let local = jiff::tz::Offset::UTC.to_datetime(time);
    let digits = digits_of(unit);
    let digits = if nanos.rem_euclid(1_000_000_000) == 0 {
        0
    } else {
        digits
    };
    let zone = if is_utc { "Z" } else { "" };
    quoted(&format!("{local:.digits$}{zone}"))
}

/// Formats a decimal: an unscaled integer in two's complement, big-endian, and the place of its point.
fn decimal(unscaled: &[u8], scale: i32) -> String {
    let is_negative = unscaled.first().is_some_and(|first| first & 0x80 != 0);
    let digits = digits_of_integer(unscaled, is_negative);
    let sign = if is_negative { "-" } else { "" };
    let Some(scale) = usize::try_from(scale).ok().filter(|scale| *scale <= MAX_SCALE) else {
        return format!("{sign}{digits}e{}", i64::from(scale).saturating_neg());
    };
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at_checked(digits.len() - scale).unwrap_or((&digits, ""));
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

/// Returns the decimal digits of an integer's magnitude.
fn digits_of_integer(bytes: &[u8], is_negative: bool) -> String {
    const BASE: u64 = 1_000_000_000;
    // Groups of nine digits, the lowest first. The magnitude of a negative integer is its complement, plus one.
    let mut groups = vec![0_u64];
    let mut add = |byte: u8, factor: u64| {
        let mut carry = u64::from(byte);
        for group in &mut groups {
            let value = *group * factor + carry;
            (*group, carry) = (value % BASE, value / BASE);
        }
        if carry > 0 {
            groups.push(carry);
        }
    };
    for byte in bytes {
        add(if is_negative { !byte } else { *byte }, 256);
    }
    add(u8::from(is_negative), 1);
    let mut groups = groups.iter().rev();
    let first = groups.next().map(u64::to_string).unwrap_or_default();
    let digits = groups.fold(first, |digits, group| digits + &format!("{group:09}"));
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        "0".to_owned()
    } else {
        significant.to_owned()
    }
}

fn of_bytes(bytes: &[u8], logical: Logical, max: usize) -> String {
    match logical {
        Logical::Decimal { scale, .. } if bytes.len() <= MAX_DECIMAL_BYTES && !bytes.is_empty() => {
            quoted(&decimal(bytes, scale))
        }
        Logical::Uuid if bytes.len() == 16 => {
            let uuid = uuid::Uuid::from_slice(bytes).map(|uuid| uuid.to_string());
            quoted(&uuid.unwrap_or_default())
        }
        Logical::Float16 => match bytes {
            [low, high] => double(float16(u16::from_le_bytes([*low, *high]))),
            _ => binary(bytes, max),
        },
        Logical::Interval => match bytes.as_chunks::<4>() {
            ([months, days, millis], []) => {
                let [months, days, millis] = [months, days, millis].map(|part| u32::from_le_bytes(*part));
                format!("{{\"months\":{months},\"days\":{days},\"milliseconds\":{millis}}}")
            }
            _ => binary(bytes, max),
        },
        Logical::Null => "null".to_owned(),
        _ => text(bytes, max),
    }
}

/// Returns bytes as a string if they are printable UTF-8, else as `base64:…`.
fn text(bytes: &[u8], max: usize) -> String {
    let start = bytes.get(..max + 4).unwrap_or(bytes);
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() && start.len() < bytes.len() => {
            let valid = start.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(valid).unwrap_or_default()
        }
        Err(_) => return binary(bytes, max),
    };
    let is_control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.contains(is_control) {
        return binary(bytes, max);
    }
    quoted(text)
}

fn binary(bytes: &[u8], max: usize) -> String {
    let start = bytes.get(..max + 4).unwrap_or(bytes);
    format!("\"base64:{}\"", BASE64_STANDARD.encode(start))
}

/// Converts IEEE 754's half precision.
fn float16(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => fraction * 2.0_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2.0_f64.powi(exponent - 15),
    };
    sign * magnitude
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_their_digits() {
        for (unscaled, scale, expected) in [
            (12_345_i128, 2, "123.45"),
            (-5, 2, "-0.05"),
            (0, 3, "0.000"),
            (7, 0, "7"),
            (7, -3, "7e3"),
            (i128::MIN, 38, "-1.70141183460469231731687303715884105728"),
        ] {
            assert_eq!(decimal(&unscaled.to_be_bytes(), scale), expected);
        }
        let logical = Logical::Decimal { precision: 5, scale: 1 };
        assert_eq!(
            json(Raw::Bytes(&[0xff, 0x38]), Physical::Bytes, logical, 9),
            "\"-20.0\""
        );
    }

    #[test]
    fn times_are_formatted_by_rfc_3339() {
        let of = |value, logical| json(Raw::Integer(value), Physical::Int64, logical, 100);
        assert_eq!(
            of(-1, Logical::Timestamp(Unit::Millis, true)),
            "\"1969-12-31T23:59:59.999Z\""
        );
        assert_eq!(
            of(1, Logical::Timestamp(Unit::Nanos, false)),
            "\"1970-01-01T00:00:00.000000001\""
        );
        assert_eq!(
            of(i64::MAX, Logical::Timestamp(Unit::Millis, true)),
            i64::MAX.to_string()
        );
        assert_eq!(of(19_782, Logical::Date), "\"2024-02-29\"");
        assert_eq!(of(i64::from(i32::MAX), Logical::Date), i32::MAX.to_string());
        assert_eq!(of(3_600_001, Logical::Time(Unit::Millis)), "\"01:00:00.001\"");
        let noon = json(
            Raw::Int96([0x48a7_8000, 0x274a, 2_440_588]),
            Physical::Int96,
            Logical::Plain,
            9,
        );
        assert_eq!(noon, "\"1970-01-01T12:00:00Z\"");
    }

    #[test]
    fn bytes_are_text_or_base64() {
        let of = |bytes: &[u8], logical| json(Raw::Bytes(bytes), Physical::Bytes, logical, 100);
        assert_eq!(of("añ\n".as_bytes(), Logical::Plain), "\"añ\\n\"");
        assert_eq!(of(&[0, 1], Logical::String), "\"base64:AAE=\"");
        assert_eq!(of(&[0, 0x3c], Logical::Float16), "1.0");
        assert_eq!(
            json(Raw::Double(f64::NAN), Physical::Double, Logical::Plain, 9),
            "\"NaN\""
        );
        assert_eq!(json(Raw::Float(0.1), Physical::Float, Logical::Plain, 9), "0.1");
    }
}
