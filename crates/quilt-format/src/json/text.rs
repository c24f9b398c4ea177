//! Strings that may contain lone surrogates, unlike Rust's.
//!
//! Python accepts and hashes `"\ud800"`, so it may occur in a manifest. It cannot be written as UTF-8, by quilt3 neither.

use std::borrow::Cow;

/// A string of code points, including lone surrogates.
///
/// Stored as WTF-8, whose byte order is the order of the code points.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text(Vec<u8>);

impl Text {
    pub(super) fn new(wtf8: Vec<u8>) -> Self {
        Self(wtf8)
    }

    /// Returns whether the string is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the length in bytes of WTF-8.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the string, unless it contains a lone surrogate.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Returns the string with lone surrogates replaced by U+FFFD.
    #[must_use]
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// Converts to a Rust string, unless it contains a lone surrogate.
    #[must_use]
    pub fn into_string(self) -> Option<String> {
        String::from_utf8(self.0).ok()
    }

    /// Returns the bytes of WTF-8.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.to_string_lossy())
    }
}
