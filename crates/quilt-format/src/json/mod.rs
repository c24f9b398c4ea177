//! JSON with the semantics of Python's `json` module.
//!
//! **Owns** values whose numbers keep the digits of their text, and the two formats that Quilt writes: the canonical one that
//! is hashed, and that of manifests.
//!
//! `serde_json` is not used for manifests: it converts integers beyond 64 bits to doubles unless `arbitrary_precision` is
//! enabled, which would affect the whole build; it rejects `1e400`, `NaN` and lone surrogates, which Python accepts; and it
//! formats doubles differently.
//!
//! **Invariants.** A text yields the bytes that `json.JSONDecoder().decode` followed by `json.JSONEncoder` yields in CPython
//! 3.11, or an error where that raises one. The depth is limited ([`parse::MAX_DEPTH`]), so that no value can overflow the
//! stack.

mod canonical;
mod convert;
mod equal;
mod number;
mod object;
pub mod parse;
mod recode;
mod scan;
mod strict;
mod text;
mod write;

pub use number::Number;
pub use object::Object;
pub use parse::{ParseError, parse};
pub(crate) use recode::Recoder;
pub(crate) use scan::{plain_len, plain_uri_len, split_digits, split_plain_string};
pub use text::Text;
pub use write::NotWritable;

/// A JSON value.
#[derive(Debug, Clone)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer of any size, or a double.
    Number(Number),
    /// A string.
    String(Text),
    /// An array.
    Array(Vec<Value>),
    /// An object, with its keys in the order of the text.
    Object(Object),
}

impl Value {
    /// Returns Python's `bool()` of the value. quilt3 treats `null`, `false`, zero and empty values as absent.
    #[must_use]
    pub fn is_truthy(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(value) => *value,
            Self::Number(number) => !number.is_zero(),
            Self::String(text) => !text.is_empty(),
            Self::Array(items) => !items.is_empty(),
            Self::Object(object) => !object.is_empty(),
        }
    }

    /// Estimates the memory of the value in bytes.
    #[must_use]
    pub fn estimate_bytes(&self) -> usize {
        /// Overhead of a separate allocation.
        const ALLOCATION: usize = 32;
        size_of::<Self>()
            + match self {
                Self::Null | Self::Bool(_) => 0,
                Self::Number(_) => ALLOCATION,
                Self::String(text) => ALLOCATION + text.len(),
                Self::Array(items) => items.iter().map(Self::estimate_bytes).sum(),
                Self::Object(object) => object.estimate_bytes(),
            }
    }

    /// Returns the text of a string without lone surrogates.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => text.as_str(),
            _ => None,
        }
    }

    /// Returns the object, if the value is one.
    #[must_use]
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// Returns the items, if the value is an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// Returns the number, if the value is an integer from 0 to 2^64 - 1.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Number(Number::Integer(digits)) => digits.parse().ok(),
            _ => None,
        }
    }

    /// Appends the canonical form, over which the top hash is computed: `json.JSONEncoder(sort_keys=True,
    /// separators=(',', ':'))` of quilt3's `Package._calculate_top_hash`.
    pub fn write_canonical(&self, out: &mut Vec<u8>) {
        canonical::value(self, out);
    }

    /// Returns the canonical form, which is ASCII.
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut out = Vec::new();
        self.write_canonical(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Appends compact JSON without Python's extensions, for other programs: NaN and infinities become strings, lone surrogates
    /// U+FFFD. All other numbers are exact. Returns `false` if a number became a string.
    pub fn write_json(&self, out: &mut Vec<u8>) -> bool {
        strict::value(self, out)
    }

    /// Appends the format of manifests: `json.JSONEncoder(ensure_ascii=False, allow_nan=False)` of quilt3's
    /// `Package._dump`.
    pub fn write_manifest(&self, out: &mut Vec<u8>) -> Result<(), NotWritable> {
        write::value(self, out)
    }
}

/// Appends the canonical form of a string in UTF-8.
pub(crate) fn write_canonical_str(text: &[u8], out: &mut Vec<u8>) {
    canonical::string(text, out);
}

/// Appends an integer in decimal digits.
pub(crate) fn write_integer(number: u64, out: &mut Vec<u8>) {
    use std::io::Write as _;
    // Writing to a `Vec` cannot fail.
    let _ = write!(out, "{number}");
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(Number::Integer(number.to_string().into()))
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

#[cfg(test)]
mod tests;
