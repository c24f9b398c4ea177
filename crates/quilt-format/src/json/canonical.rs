//! Canonical JSON, over which the top hash is computed: keys sorted by code point, no spaces, and everything but printable
//! ASCII escaped.

use super::scan::plain_len;
use super::{Text, Value};

pub(super) fn value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => number.write(out),
        Value::String(text) => string(text.bytes(), out),
        Value::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                self::value(item, out);
            }
            out.push(b']');
        }
        // Most objects are sorted already and need no list of their keys.
        Value::Object(object) if object.is_sorted() => members(object.iter(), out),
        Value::Object(object) => members(object.sorted().into_iter(), out),
    }
}

fn members<'a>(members: impl Iterator<Item = (&'a Text, &'a Value)>, out: &mut Vec<u8>) {
    out.push(b'{');
    for (at, (key, item)) in members.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        string(key.bytes(), out);
        out.push(b':');
        value(item, out);
    }
    out.push(b'}');
}

/// Appends a string like `py_encode_basestring_ascii` of CPython: 0x20 to 0x7E are copied except for `"` and `\`; DEL is
/// escaped.
pub(super) fn string(wtf8: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = wtf8;
    while let Some((run, tail)) = rest.split_at_checked(plain_len(rest)) {
        out.extend_from_slice(run);
        let Some((code, tail)) = next_code(tail) else { break };
        escape(code, out);
        rest = tail;
    }
    out.push(b'"');
}

/// Appends the escape of every character.
pub(super) fn escaped(wtf8: &[u8], out: &mut Vec<u8>) {
    let mut rest = wtf8;
    while let Some((code, tail)) = next_code(rest) {
        escape(code, out);
        rest = tail;
    }
}

fn escape(code: u32, out: &mut Vec<u8>) {
    match code {
        0x22 => out.extend_from_slice(b"\\\""),
        0x5c => out.extend_from_slice(b"\\\\"),
        0x0a => out.extend_from_slice(b"\\n"),
        0x0d => out.extend_from_slice(b"\\r"),
        0x09 => out.extend_from_slice(b"\\t"),
        0x0c => out.extend_from_slice(b"\\f"),
        0x08 => out.extend_from_slice(b"\\b"),
        0..0x1_0000 => unit(code, out),
        _ => {
            let above = code - 0x1_0000;
            unit(0xd800 + (above >> 10), out);
            unit(0xdc00 + (above & 0x3ff), out);
        }
    }
}

fn unit(unit: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\\u");
    for shift in [12, 8, 4, 0] {
        out.push(char::from_digit((unit >> shift) & 15, 16).map_or(b'0', |digit| digit as u8));
    }
}

/// Splits off the first code point, which may be a surrogate.
fn next_code(wtf8: &[u8]) -> Option<(u32, &[u8])> {
    let (&first, rest) = wtf8.split_first()?;
    let (mut code, more) = match first {
        0..0x80 => (u32::from(first), 0),
        0x80..0xe0 => (u32::from(first & 0x1f), 1),
        0xe0..0xf0 => (u32::from(first & 0x0f), 2),
        _ => (u32::from(first & 0x07), 3),
    };
    let (continued, rest) = rest.split_at_checked(more)?;
    for byte in continued {
        code = code << 6 | u32::from(byte & 0x3f);
    }
    Some((code, rest))
}
