//! JSON as Python's `json` module sees it.
//!
//! Owns values whose numbers keep what the text said, and the two spellings that Quilt writes: the canonical one that is
//! hashed and the one of manifests. Does not know what a manifest is.
//!
//! `serde_json` is not used for manifests: it makes doubles of integers beyond 64 bits unless `arbitrary_precision` is
//! on, which would change the whole build; it refuses `1e400`, `NaN` and lone surrogates, which Python reads; and it
//! prints doubles differently.
//!
//! Invariant: the same text gives the bytes that `json.JSONDecoder().decode` followed by `json.JSONEncoder` gives in
//! CPython 3.11, or is refused where that raises. Depth is bounded ([`parse::MAX_DEPTH`]), so no value can exhaust a
//! stack.

mod canonical;
mod convert;
mod equal;
mod number;
mod object;
pub mod parse;
mod recode;
mod scan;
mod text;
mod write;

pub use number::Number;
pub use object::Object;
pub use parse::{ParseError, parse};
pub(crate) use recode::{Recoder, quoted};
pub(crate) use scan::{plain, plain_uri, split_digits};
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
    /// An object; its keys keep their order.
    Object(Object),
}

impl Value {
    /// Whether Python's `bool()` says so: quilt3 takes `null`, `false`, zero and everything empty as absent.
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

    /// About how many bytes of memory it takes.
    #[must_use]
    pub fn weight(&self) -> usize {
        /// An allocation of its own.
        const PIECE: usize = 32;
        size_of::<Self>()
            + match self {
                Self::Null | Self::Bool(_) => 0,
                Self::Number(_) => PIECE,
                Self::String(text) => PIECE + text.len(),
                Self::Array(items) => items.iter().map(Self::weight).sum(),
                Self::Object(object) => object.weight(),
            }
    }

    /// The text, if it is a string without lone surrogates.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => text.as_str(),
            _ => None,
        }
    }

    /// The object, if it is one.
    #[must_use]
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The items, if it is an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The number, if it is an integer from 0 to 2^64 - 1.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Number(Number::Integer(digits)) => digits.parse().ok(),
            _ => None,
        }
    }

    /// Appends the canonical spelling, which the top hash covers: `json.JSONEncoder(sort_keys=True, separators=(',',
    /// ':'))` of quilt3's `Package._calculate_top_hash`.
    pub fn write_canonical(&self, out: &mut Vec<u8>) {
        canonical::value(self, out);
    }

    /// The canonical spelling. It is ASCII.
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut out = Vec::new();
        self.write_canonical(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Appends the spelling of manifests: `json.JSONEncoder(ensure_ascii=False, allow_nan=False)` of quilt3's
    /// `Package._dump`.
    pub fn write_manifest(&self, out: &mut Vec<u8>) -> Result<(), NotWritable> {
        write::value(self, out)
    }
}

/// Appends the canonical spelling of a string, which is UTF-8.
pub(crate) fn write_canonical_str(text: &[u8], out: &mut Vec<u8>) {
    canonical::string(text, out);
}

/// Appends an integer.
pub(crate) fn write_integer(number: u64, out: &mut Vec<u8>) {
    use std::io::Write as _;
    // Writing to memory does not fail.
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
