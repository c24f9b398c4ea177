//! Formats and units of times.

use jiff::civil::{DateTime, DateTimeRound, Time};
use jiff::{RoundMode, ToSpan as _, Unit};

/// Translates a format of MySQL, which Trino has, to one of `strftime`.
pub(super) fn strftime_format(format: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        out.push_str(match chars.next() {
            Some('i') => "%M",
            Some('M') => "%B",
            Some('s' | 'S') => "%S",
            Some('c') => "%-m",
            Some('e') => "%-d",
            Some('W') => "%A",
            Some('k') => "%-H",
            Some('l') => "%-I",
            Some('h' | 'I') => "%I",
            Some('r') => "%I:%M:%S %p",
            Some('T') => "%H:%M:%S",
            Some('f') => "%6f",
            Some('a') => "%a",
            Some('b') => "%b",
            Some('d') => "%d",
            Some('H') => "%H",
            Some('j') => "%j",
            Some('m') => "%m",
            Some('p') => "%p",
            Some('Y') => "%Y",
            Some('y') => "%y",
            Some('%') => "%%",
            other => {
                let other = other.unwrap_or('%');
                return Err(format!(
                    "INVALID_FUNCTION_ARGUMENT: %{other} not supported in date format string"
                ));
            }
        });
    }
    Ok(out)
}

/// Returns the beginning of the unit in which a time is, or `None` if there is no such unit.
pub(super) fn truncate(unit: &str, time: DateTime) -> Option<DateTime> {
    let midnight = time.date().to_datetime(Time::midnight());
    let rounded = |unit: Unit| {
        time.round(DateTimeRound::new().smallest(unit).mode(RoundMode::Trunc))
            .ok()
    };
    match unit {
        "second" => rounded(Unit::Second),
        "minute" => rounded(Unit::Minute),
        "hour" => rounded(Unit::Hour),
        "day" => Some(midnight),
        "week" => midnight
            .checked_sub(i64::from(time.weekday().to_monday_zero_offset()).days())
            .ok(),
        "month" => Some(midnight.first_of_month()),
        "quarter" => midnight
            .first_of_month()
            .with()
            .month((time.month() - 1) / 3 * 3 + 1)
            .build()
            .ok(),
        "year" => Some(midnight.first_of_year()),
        _ => None,
    }
}
