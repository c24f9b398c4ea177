//! JSON of RFC 8259, for results that other programs read: compact, with numbers as Python writes them.
//!
//! Python's extensions are replaced: NaN and infinities become strings, lone surrogates U+FFFD.

use super::{Number, Value, write};

/// Appends the value. Returns whether every number is one.
pub(super) fn value(value: &Value, out: &mut Vec<u8>) -> bool {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number @ Number::Float(float)) if !float.is_finite() => {
            out.push(b'"');
            number.write(out);
            out.push(b'"');
            return false;
        }
        Value::Number(number) => number.write(out),
        Value::String(text) => write::quoted(&text.to_string_lossy(), out),
        Value::Array(items) => {
            let mut is_exact = true;
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                is_exact &= self::value(item, out);
            }
            out.push(b']');
            return is_exact;
        }
        Value::Object(object) => {
            let mut is_exact = true;
            out.push(b'{');
            for (at, (key, item)) in object.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write::quoted(&key.to_string_lossy(), out);
                out.push(b':');
                is_exact &= self::value(item, out);
            }
            out.push(b'}');
            return is_exact;
        }
    }
    true
}
