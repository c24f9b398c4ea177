//! Values as Athena prints and casts them.

use jiff::civil::DateTime;
use rusqlite::types::{Value, ValueRef};

use super::failure::OURS;

/// Returns the text of a value of this type, or `None` for NULL.
pub(crate) fn printed(value: ValueRef<'_>, data_type: &str) -> Option<String> {
    Some(match value {
        ValueRef::Null => return None,
        ValueRef::Integer(number) if data_type == "boolean" => (number != 0).to_string(),
        ValueRef::Integer(number) if matches!(data_type, "double" | "real" | "float") => format!("{number}.0"),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => double(number),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        // As Trino prints bytes: in hexadecimal digits, two by two.
        ValueRef::Blob(bytes) => {
            let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            pairs.join(" ")
        }
    })
}

/// Returns the type of a value of an expression.
pub(crate) fn type_of(value: ValueRef<'_>) -> Option<&'static str> {
    Some(match value {
        ValueRef::Null => return None,
        ValueRef::Integer(_) => "bigint",
        ValueRef::Real(_) => "double",
        ValueRef::Text(_) => "varchar",
        ValueRef::Blob(_) => "varbinary",
    })
}

/// Returns a number as Java prints it.
fn double(number: f64) -> String {
    let magnitude = number.abs();
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else if magnitude == 0.0 || (1e-3..1e7).contains(&magnitude) {
        // `Debug` switches to exponents outside of these bounds only.
        format!("{number:?}")
    } else {
        let text = format!("{number:E}");
        match text.split_once('E') {
            Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0E{exponent}"),
            _ => text,
        }
    }
}

/// Returns the date and time that a text writes. There is no zone but UTC.
pub(crate) fn parse_time(text: &str) -> Option<DateTime> {
    let text = text.trim();
    // The parser reads dates without hyphens, too.
    let is_date = text.as_bytes().get(4) == Some(&b'-');
    let civil = text.trim_end_matches(" UTC").trim_end_matches('Z');
    civil.parse().ok().filter(|_| is_date)
}

/// Returns a time as a value of the type `timestamp(3)`.
pub(crate) fn timestamp(time: DateTime) -> String {
    let milliseconds = time.subsec_nanosecond() / 1_000_000;
    format!("{}.{milliseconds:03}", time.strftime("%Y-%m-%d %H:%M:%S"))
}

/// Casts a value. The error is the one with which Athena fails.
pub(crate) fn cast(value: ValueRef<'_>, data_type: &str) -> Result<Value, String> {
    let base = data_type.split('(').next().unwrap_or_default();
    let text = printed(value, "").unwrap_or_default();
    let invalid = || {
        let name = data_type.to_uppercase();
        format!("INVALID_CAST_ARGUMENT: Cannot cast '{text}' to {name}")
    };
    if value == ValueRef::Null {
        return Ok(Value::Null);
    }
    Ok(match base {
        "varchar" | "char" | "string" | "json" => Value::Text(text),
        "bigint" | "integer" | "int" | "smallint" | "tinyint" => {
            let number = match value {
                ValueRef::Real(number) if number.abs() < 9.2e18 => rounded(number),
                _ => text.trim().parse().map_err(|_| invalid())?,
            };
            let is_in_range = match base {
                "bigint" => true,
                "smallint" => i16::try_from(number).is_ok(),
                "tinyint" => i8::try_from(number).is_ok(),
                _ => i32::try_from(number).is_ok(),
            };
            Value::Integer(Some(number).filter(|_| is_in_range).ok_or_else(invalid)?)
        }
        "double" | "real" | "float" | "decimal" => match text.trim().parse::<f64>() {
            // To SQLite it is NULL.
            Ok(number) if number.is_nan() => return Err(format!("NOT_SUPPORTED: NaN {OURS}")),
            number => Value::Real(number.map_err(|_| invalid())?),
        },
        "boolean" => match text.to_lowercase().as_str() {
            "true" | "t" | "1" => Value::Integer(1),
            "false" | "f" | "0" => Value::Integer(0),
            _ => return Err(invalid()),
        },
        "date" => Value::Text(parse_time(&text).ok_or_else(invalid)?.date().to_string()),
        "timestamp" => Value::Text(timestamp(parse_time(&text).ok_or_else(invalid)?)),
        _ => return Err(format!("NOT_SUPPORTED: Cast to {data_type} {OURS}")),
    })
}

#[expect(clippy::cast_possible_truncation, reason = "the caller has checked the range")]
fn rounded(number: f64) -> i64 {
    number.round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_numbers_as_java_does() {
        for (number, expected) in [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e7, "1.0E7"),
            (-1.5e-5, "-1.5E-5"),
            (f64::NAN, "NaN"),
            (9_999_999.0, "9999999.0"),
        ] {
            assert_eq!(double(number), expected);
        }
    }

    #[test]
    fn casts_as_trino_does() {
        let text = |text: &'static str| ValueRef::Text(text.as_bytes());
        assert_eq!(cast(text("7"), "bigint"), Ok(Value::Integer(7)));
        assert_eq!(cast(ValueRef::Real(2.5), "integer"), Ok(Value::Integer(3)));
        assert_eq!(
            cast(text("2014-07-05"), "timestamp"),
            Ok(Value::Text("2014-07-05 00:00:00.000".to_owned()))
        );
        for (value, data_type) in [("300", "tinyint"), ("-32769", "smallint"), ("2147483648", "integer")] {
            let data_type_name = data_type.to_uppercase();
            let expected = format!("INVALID_CAST_ARGUMENT: Cannot cast '{value}' to {data_type_name}");
            assert_eq!(cast(text(value), data_type), Err(expected));
            assert!(cast(text(value), "bigint").is_ok());
        }
        let unsupported = "NOT_SUPPORTED: NaN (development server)".to_owned();
        assert_eq!(cast(text("NaN"), "double"), Err(unsupported));
        assert_eq!(
            cast(text("x"), "bigint"),
            Err("INVALID_CAST_ARGUMENT: Cannot cast 'x' to BIGINT".to_owned())
        );
    }
}
