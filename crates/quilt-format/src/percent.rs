//! Percent-encoding compatible with Python's `urllib.parse`, with which quilt3 writes physical keys.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The characters that `quote` encodes: all but letters, digits, `_.-~` and `/`.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'_')
    .remove(b'.')
    .remove(b'-')
    .remove(b'~')
    .remove(b'/');
/// The characters that `quote_plus` encodes: `/` as well, but not the space, which becomes `+`.
const QUERY: &AsciiSet = &PATH.add(b'/').remove(b' ');
/// The characters that JavaScript's `encodeURIComponent` encodes.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'_')
    .remove(b'.')
    .remove(b'-')
    .remove(b'~')
    .remove(b'!')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// Encodes the path of a URI, like Python's `quote`.
#[must_use]
pub fn quote(path: &str) -> String {
    utf8_percent_encode(path, PATH).to_string()
}

/// Encodes a value in a query, like Python's `quote_plus`.
#[must_use]
pub fn quote_plus(value: &str) -> String {
    utf8_percent_encode(value, QUERY).to_string().replace(' ', "+")
}

/// Encodes a value in a fragment, like JavaScript's `encodeURIComponent`.
#[must_use]
pub fn encode_component(value: &str) -> String {
    utf8_percent_encode(value, COMPONENT).to_string()
}

/// Decodes the result of [`quote`]. Returns `None` if the decoded bytes are not UTF-8. A `%` that is not followed by two
/// hexadecimal digits is kept.
#[must_use]
pub fn unquote(text: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(text).decode_utf8().ok()
}

/// Decodes the result of [`quote_plus`], with the same rules as [`unquote`].
#[must_use]
pub fn unquote_plus(text: &str) -> Option<String> {
    Some(unquote(&text.replace('+', " "))?.into_owned())
}
