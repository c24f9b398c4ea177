//! The JSON format of manifests: Python's default separators, keys in their order, and unescaped UTF-8.

use super::{Number, Text, Value};

/// An error for a value that a manifest cannot contain. quilt3 rejects the same values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotWritable {
    /// Occurs when a number is infinite or NaN.
    #[error("a number is infinite or NaN, which a manifest cannot contain; write it as a string or leave it out")]
    NotFinite,
    /// Occurs when a string contains a lone surrogate.
    #[error(
        "a string contains half of a UTF-16 surrogate pair, which is not a character and cannot be written as UTF-8"
    )]
    LoneSurrogate,
}

pub(super) fn value(value: &Value, out: &mut Vec<u8>) -> Result<(), NotWritable> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(Number::Float(number)) if !number.is_finite() => return Err(NotWritable::NotFinite),
        Value::Number(number) => number.write(out),
        Value::String(text) => string(text, out)?,
        Value::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.extend_from_slice(b", ");
                }
                self::value(item, out)?;
            }
            out.push(b']');
        }
        Value::Object(object) => {
            out.push(b'{');
            for (at, (key, item)) in object.iter().enumerate() {
                if at > 0 {
                    out.extend_from_slice(b", ");
                }
                string(key, out)?;
                out.extend_from_slice(b": ");
                self::value(item, out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

fn string(text: &Text, out: &mut Vec<u8>) -> Result<(), NotWritable> {
    quoted(text.as_str().ok_or(NotWritable::LoneSurrogate)?, out);
    Ok(())
}

/// Appends a string like `py_encode_basestring` of CPython: only control characters, `"` and `\` are escaped; DEL is not.
pub(super) fn quoted(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x0c => out.extend_from_slice(b"\\f"),
            0x08 => out.extend_from_slice(b"\\b"),
            0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}
