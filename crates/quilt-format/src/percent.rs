//! Percent-encoding as Python's `urllib.parse` does it, which quilt3 writes physical keys with.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// `quote`: letters, digits, `_.-~` and `/` stand as they are.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'_')
    .remove(b'.')
    .remove(b'-')
    .remove(b'~')
    .remove(b'/');
/// `quote_plus`: neither does `/`; a space becomes `+`.
const QUERY: &AsciiSet = &PATH.add(b'/').remove(b' ');
/// JavaScript's `encodeURIComponent`.
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

/// The path of a URI: Python's `quote`.
#[must_use]
pub fn quote(path: &str) -> String {
    utf8_percent_encode(path, PATH).to_string()
}

/// A value in a query: Python's `quote_plus`.
#[must_use]
pub fn quote_plus(value: &str) -> String {
    utf8_percent_encode(value, QUERY).to_string().replace(' ', "+")
}

/// A value in a fragment: JavaScript's `encodeURIComponent`.
#[must_use]
pub fn encode_component(value: &str) -> String {
    utf8_percent_encode(value, COMPONENT).to_string()
}

/// Undoes [`quote`]. `None` if what is encoded is not UTF-8; a `%` that begins no escape stands for itself.
#[must_use]
pub fn unquote(text: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(text).decode_utf8().ok()
}

/// Undoes [`quote_plus`], like [`unquote`].
#[must_use]
pub fn unquote_plus(text: &str) -> Option<String> {
    Some(unquote(&text.replace('+', " "))?.into_owned())
}
