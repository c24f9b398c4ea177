//! The functions of Athena that queries may call.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use regex::Regex;
use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Error, Result};

use super::dates::{strftime_format, truncate};
use super::failure::OURS;
use super::json_path;
use super::values::{cast, parse_time, printed, timestamp};

/// The functions that both dialects have, and those that are added.
const FUNCTIONS: &str = " ABS AVG COALESCE CONCAT CONCAT_WS COUNT CUME_DIST DENSE_RANK FIRST_VALUE LAG LAST_VALUE LEAD \
    LENGTH LOWER LTRIM MAX MIN NTH_VALUE NTILE NULLIF PERCENT_RANK RANK REPLACE ROUND ROW_NUMBER RTRIM SUBSTR SUBSTRING SUM \
    TRIM UPPER APPROX_DISTINCT ARRAY_AGG DATE DATE_FORMAT DATE_TRUNC FROM_UNIXTIME IF JSON_ARRAY_CONTAINS JSON_ARRAY_LENGTH \
    JSON_EXTRACT JSON_EXTRACT_SCALAR JSON_FORMAT JSON_PARSE NOW REGEXP_EXTRACT REGEXP_EXTRACT_ALL REGEXP_LIKE \
    REGEXP_REPLACE SLEEP_MS SPLIT_PART STARTS_WITH STRPOS TRY ";

/// Maximum size of what `array_agg` collects.
const MAX_ARRAY_BYTES: usize = 16 * 1024 * 1024;
/// The interval at which a query that sleeps looks whether it was stopped.
const SLEEP_STEP: Duration = Duration::from_millis(10);

/// Returns whether queries may call this function, which is given in upper case.
pub(super) fn is_function(name: &str) -> bool {
    FUNCTIONS.contains(&format!(" {name} "))
}

fn failed(message: impl Into<String>) -> Error {
    Error::UserFunctionError(message.into().into())
}

fn text(context: &Context<'_>, argument: usize) -> Option<String> {
    (argument < context.len())
        .then(|| printed(context.get_raw(argument), ""))
        .flatten()
}

/// Registers the functions. `now` is the time of the query, `stopped` whether it was stopped.
pub(super) fn register(connection: &Connection, now: Timestamp, stopped: &Arc<AtomicBool>) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    let add = |name: &str, arguments: i32, function: fn(&mut Context<'_>) -> Result<Value>| {
        connection.create_scalar_function(name, arguments, flags, function)
    };
    for (name, arguments, function) in SCALARS {
        add(name, *arguments, *function)?;
    }
    let time = jiff::tz::TimeZone::UTC.to_datetime(now);
    connection.create_scalar_function("now", 0, flags, move |_| Ok(timestamp(time)))?;
    connection.create_scalar_function("athena_today", 0, flags, move |_| Ok(time.date().to_string()))?;
    let stopped = Arc::clone(stopped);
    connection.create_scalar_function("sleep_ms", 1, FunctionFlags::SQLITE_UTF8, move |context| {
        let milliseconds: u32 = context.get(0)?;
        let mut left = Duration::from_millis(milliseconds.into());
        while !left.is_zero() && !stopped.load(Ordering::Acquire) {
            let step = left.min(SLEEP_STEP);
            std::thread::sleep(step);
            left -= step;
        }
        Ok(milliseconds)
    })?;
    connection.create_aggregate_function("approx_distinct", 1, flags, Distinct)?;
    connection.create_aggregate_function("array_agg", 1, flags, Collected)
}

type Scalar = (&'static str, i32, fn(&mut Context<'_>) -> Result<Value>);

const SCALARS: &[Scalar] = &[
    ("athena_cast", 2, |context| {
        cast(context.get_raw(0), &text(context, 1).unwrap_or_default()).map_err(failed)
    }),
    ("athena_try_cast", 2, |context| {
        let value = cast(context.get_raw(0), &text(context, 1).unwrap_or_default());
        match value {
            Err(message) if message.starts_with("NOT_SUPPORTED") => Err(failed(message)),
            other => Ok(other.unwrap_or(Value::Null)),
        }
    }),
    // The operand after `/` and `%`, which are NULL in SQLite if it is zero.
    ("athena_divisor", 1, |context| match context.get_raw(0) {
        ValueRef::Integer(0) => Err(failed("DIVISION_BY_ZERO: Division by zero")),
        ValueRef::Real(0.0) => Err(failed(format!("NOT_SUPPORTED: Division by the double zero {OURS}"))),
        other => Ok(other.into_value()),
    }),
    ("concat", -1, |context| {
        let parts: Option<String> = (0..context.len()).map(|at| text(context, at)).collect();
        Ok(parts.into())
    }),
    ("lower", 1, |context| {
        Ok(text(context, 0).map(|text| text.to_lowercase()).into())
    }),
    ("upper", 1, |context| {
        Ok(text(context, 0).map(|text| text.to_uppercase()).into())
    }),
    ("try", 1, |context| Ok(context.get_raw(0).into_value())),
    ("json_extract", 2, |context| {
        Ok(extracted(context)?.map_or(Value::Null, |value| Value::Text(value.to_string())))
    }),
    ("json_extract_scalar", 2, |context| {
        Ok(match extracted(context)? {
            Some(serde_json::Value::String(text)) => Value::Text(text),
            Some(serde_json::Value::Number(number))
                if number.is_f64() && number.as_f64().map(f64::abs) >= Some(1e15) =>
            {
                return Err(failed(format!("NOT_SUPPORTED: A large number in JSON {OURS}")));
            }
            Some(scalar @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_))) => {
                Value::Text(scalar.to_string())
            }
            _ => Value::Null,
        })
    }),
    ("json_parse", 1, |context| {
        let Some(text) = text(context, 0) else {
            return Ok(Value::Null);
        };
        let value: serde_json::Value = serde_json::from_str(&text).map_err(|_| {
            failed(format!(
                "INVALID_FUNCTION_ARGUMENT: Cannot convert value to JSON: '{text}'"
            ))
        })?;
        Ok(Value::Text(value.to_string()))
    }),
    ("json_format", 1, |context| Ok(context.get_raw(0).into_value())),
    ("json_array_contains", 2, |context| {
        Ok(contains(context).map_or(Value::Null, |found| Value::Integer(found.into())))
    }),
    ("json_array_length", 1, |context| {
        let items = items(context);
        Ok(items.map_or(Value::Null, |items| {
            Value::Integer(i64::try_from(items.len()).unwrap_or(i64::MAX))
        }))
    }),
    ("regexp_like", 2, |context| {
        let (text, pattern) = (text(context, 0), pattern(context)?);
        let found = text.zip(pattern).map(|(text, pattern)| pattern.is_match(&text));
        Ok(found.map_or(Value::Null, |found| Value::Integer(found.into())))
    }),
    ("regexp_extract", 2, |context| {
        Ok(matches(context)?
            .and_then(|found| found.into_iter().next())
            .flatten()
            .into())
    }),
    ("regexp_extract", 3, |context| {
        Ok(matches(context)?
            .and_then(|found| found.into_iter().next())
            .flatten()
            .into())
    }),
    ("regexp_extract_all", 2, |context| {
        Ok(matches(context)?.map(|found| array(&found)).into())
    }),
    ("regexp_extract_all", 3, |context| {
        Ok(matches(context)?.map(|found| array(&found)).into())
    }),
    ("regexp_replace", 2, replaced),
    ("regexp_replace", 3, replaced),
    ("split_part", 3, |context| {
        let (Some(text), Some(separator), Some(index)) = (text(context, 0), text(context, 1), context.get(2)?) else {
            return Ok(Value::Null);
        };
        let index: i64 = index;
        let Some(index) = usize::try_from(index).ok().and_then(|index| index.checked_sub(1)) else {
            return Err(failed("INVALID_FUNCTION_ARGUMENT: Index must be greater than zero"));
        };
        Ok(text.split(&separator).nth(index).map(str::to_owned).into())
    }),
    ("starts_with", 2, |context| {
        let found = text(context, 0)
            .zip(text(context, 1))
            .map(|(text, start)| text.starts_with(&start));
        Ok(found.map_or(Value::Null, |found| Value::Integer(found.into())))
    }),
    ("strpos", 2, |context| {
        let place = text(context, 0).zip(text(context, 1)).map(|(text, part)| {
            let before = text.find(&part).and_then(|offset| text.get(..offset));
            before.map_or(0, |before| before.chars().count() + 1)
        });
        Ok(place.map_or(Value::Null, |place| {
            Value::Integer(i64::try_from(place).unwrap_or(i64::MAX))
        }))
    }),
    ("date", 1, |context| cast(context.get_raw(0), "date").map_err(failed)),
    ("from_unixtime", 1, |context| {
        let seconds: Option<f64> = context.get(0)?;
        let time = seconds.and_then(|seconds| {
            Timestamp::UNIX_EPOCH
                .checked_add(std::time::Duration::try_from_secs_f64(seconds).ok()?)
                .ok()
        });
        Ok(time
            .map(|time| timestamp(jiff::tz::TimeZone::UTC.to_datetime(time)))
            .into())
    }),
    ("date_format", 2, |context| {
        let (Some(time), Some(format)) = (time(context, 0)?, text(context, 1)) else {
            return Ok(Value::Null);
        };
        let format = strftime_format(&format).map_err(failed)?;
        let text = jiff::fmt::strtime::format(format.as_bytes(), time).map_err(|error| failed(error.to_string()))?;
        Ok(Value::Text(text))
    }),
    ("date_trunc", 2, |context| {
        let (Some(unit), Some(time)) = (text(context, 0), time(context, 1)?) else {
            return Ok(Value::Null);
        };
        let truncated = truncate(&unit.to_lowercase(), time);
        let truncated = truncated.ok_or_else(|| {
            failed(format!(
                "INVALID_FUNCTION_ARGUMENT: '{unit}' is not a valid Timestamp field"
            ))
        })?;
        let is_date = text(context, 1).is_some_and(|text| text.trim().len() == "2026-01-01".len());
        Ok(Value::Text(if is_date {
            truncated.date().to_string()
        } else {
            timestamp(truncated)
        }))
    }),
];

/// Owns a value of an argument.
trait IntoValue {
    fn into_value(self) -> Value;
}

impl IntoValue for ValueRef<'_> {
    fn into_value(self) -> Value {
        Value::try_from(self).unwrap_or(Value::Null)
    }
}

fn extracted(context: &Context<'_>) -> Result<Option<serde_json::Value>> {
    let (Some(text), Some(path)) = (text(context, 0), text(context, 1)) else {
        return Ok(None);
    };
    let Ok(value) = serde_json::from_str::<serde_json::Value>(&text) else {
        return Ok(None);
    };
    let found = json_path::find(&value, &path);
    let found = found.map_err(|_| failed(format!("INVALID_FUNCTION_ARGUMENT: Invalid JSON path: '{path}'")))?;
    Ok(found.cloned())
}

fn items(context: &Context<'_>) -> Option<Vec<serde_json::Value>> {
    serde_json::from_str(&text(context, 0)?).ok()
}

/// Returns whether an array has an item that is equal, of the same kind.
fn contains(context: &Context<'_>) -> Option<bool> {
    let items = items(context)?;
    Some(match context.get_raw(1) {
        ValueRef::Null | ValueRef::Blob(_) => return None,
        ValueRef::Integer(number) => items
            .iter()
            .any(|item| item.as_i64() == Some(number) || item.as_bool().map(i64::from) == Some(number)),
        ValueRef::Real(number) => items.iter().any(|item| item.as_f64() == Some(number)),
        ValueRef::Text(text) => items
            .iter()
            .any(|item| item.as_str().is_some_and(|item| item.as_bytes() == text)),
    })
}

fn pattern(context: &Context<'_>) -> Result<Option<Arc<Regex>>> {
    if context.get_raw(1) == ValueRef::Null {
        return Ok(None);
    }
    let compile = |value: ValueRef<'_>| Regex::new(&printed(value, "").unwrap_or_default());
    let pattern = context.get_or_create_aux(1, compile);
    let pattern = pattern.map_err(|error| failed(format!("INVALID_FUNCTION_ARGUMENT: {error}")))?;
    Ok(Some(pattern))
}

/// Returns what a pattern, or one of its groups, matches.
fn matches(context: &Context<'_>) -> Result<Option<Vec<Option<String>>>> {
    let group: i64 = if context.len() > 2 { context.get(2)? } else { 0 };
    let group = usize::try_from(group).unwrap_or(usize::MAX);
    let (Some(text), Some(pattern)) = (text(context, 0), pattern(context)?) else {
        return Ok(None);
    };
    if group >= pattern.captures_len() {
        let groups = pattern.captures_len() - 1;
        return Err(failed(format!(
            "INVALID_FUNCTION_ARGUMENT: Pattern has {groups} groups. Cannot access group {group}"
        )));
    }
    let found = pattern.captures_iter(&text);
    Ok(Some(
        found
            .map(|found| found.get(group).map(|part| part.as_str().to_owned()))
            .collect(),
    ))
}

fn array(items: &[Option<String>]) -> String {
    let items: Vec<&str> = items.iter().map(|item| item.as_deref().unwrap_or("null")).collect();
    format!("[{}]", items.join(", "))
}

fn replaced(context: &mut Context<'_>) -> Result<Value> {
    let (Some(value), Some(pattern)) = (text(context, 0), pattern(context)?) else {
        return Ok(Value::Null);
    };
    let with = if context.len() > 2 {
        text(context, 2)
    } else {
        Some(String::new())
    };
    let Some(with) = with else {
        return Ok(Value::Null);
    };
    let with = replacement(&with, pattern.captures_len())
        .ok_or_else(|| failed(format!("NOT_SUPPORTED: The replacement '{with}' {OURS}")))?;
    Ok(Value::Text(pattern.replace_all(&value, with.as_str()).into_owned()))
}

/// Writes a replacement with `$1` and `${name}` in the syntax of `regex`, to which `$1` may be the beginning of a name.
fn replacement(text: &str, groups: usize) -> Option<String> {
    let mut parts = text.split('$');
    let mut out = parts.next()?.to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        let (group, after) = part.split_at(end);
        if part.starts_with('{') {
            out.extend(["$", part]);
        } else if group.parse::<usize>().ok()? < groups {
            out.extend(["${", group, "}", after]);
        } else {
            return None;
        }
    }
    Some(out).filter(|_| !text.contains('\\'))
}

fn time(context: &Context<'_>, argument: usize) -> Result<Option<DateTime>> {
    let Some(text) = text(context, argument) else {
        return Ok(None);
    };
    let time =
        parse_time(&text).ok_or_else(|| failed(format!("INVALID_FUNCTION_ARGUMENT: '{text}' is not a timestamp")))?;
    Ok(Some(time))
}

struct Distinct;

impl Aggregate<HashSet<String>, i64> for Distinct {
    fn init(&self, _: &mut Context<'_>) -> Result<HashSet<String>> {
        Ok(HashSet::new())
    }

    fn step(&self, context: &mut Context<'_>, values: &mut HashSet<String>) -> Result<()> {
        values.extend(text(context, 0));
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, values: Option<HashSet<String>>) -> Result<i64> {
        Ok(i64::try_from(values.unwrap_or_default().len()).unwrap_or(i64::MAX))
    }
}

struct Collected;

impl Aggregate<(usize, Vec<Option<String>>), Option<String>> for Collected {
    fn init(&self, _: &mut Context<'_>) -> Result<(usize, Vec<Option<String>>)> {
        Ok((0, Vec::new()))
    }

    fn step(&self, context: &mut Context<'_>, (size, items): &mut (usize, Vec<Option<String>>)) -> Result<()> {
        let item = text(context, 0);
        *size += item.as_ref().map_or(4, String::len) + 2;
        if *size > MAX_ARRAY_BYTES {
            return Err(failed(
                "EXCEEDED_MEMORY_LIMIT: array_agg collects too much (development server)",
            ));
        }
        items.push(item);
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, items: Option<(usize, Vec<Option<String>>)>) -> Result<Option<String>> {
        Ok(items.map(|(_, items)| array(&items)))
    }
}
