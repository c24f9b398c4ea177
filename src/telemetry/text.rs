//! Sanitizing of untrusted text for log lines, traces and messages.
//!
//! Invariant: text from a caller or another server is written to a log line or a trace only through a function of this
//! module, which limits its length.

use axum::http::Method;

/// Maximum length of a name, such as that of a tool, a prompt, a bucket or a version.
pub const MAX_NAME_BYTES: usize = 128;
/// Maximum length of a token's subject.
pub const MAX_SUBJECT_BYTES: usize = 256;
/// Maximum length of an error message, which may contain text of another server.
pub const MAX_ERROR_BYTES: usize = 512;
/// Replaces an unknown name.
pub const UNKNOWN: &str = "(unknown)";

/// Truncates a text to at most `max` bytes, on a character boundary.
#[must_use]
pub fn bounded(text: &str, max: usize) -> &str {
    text.get(..text.floor_char_boundary(max)).unwrap_or_default()
}

/// Removes control characters and truncates the text to `max` characters, for use in a message.
#[must_use]
pub fn without_controls(text: &str, max: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(max).collect()
}

/// Formats an error for a log line.
#[must_use]
pub fn error(error: &dyn std::fmt::Display) -> String {
    let mut text = error.to_string();
    text.truncate(text.floor_char_boundary(MAX_ERROR_BYTES));
    text
}

/// Returns the name of a common HTTP method, and [`UNKNOWN`] for others.
#[must_use]
pub fn http_method(method: &Method) -> &'static str {
    let known = [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT",
    ];
    known
        .into_iter()
        .find(|known| *known == method.as_str())
        .unwrap_or(UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(bounded("abc", 3), "abc");
        assert_eq!(bounded("abcd", 3), "abc");
        assert_eq!(bounded("aé", 2), "a");
        assert_eq!(bounded("é", 1), "");
        assert_eq!(error(&"é".repeat(1000)).len(), MAX_ERROR_BYTES);
    }

    #[test]
    fn what_is_not_ours_is_not_repeated() {
        let odd = Method::from_bytes("M".repeat(60_000).as_bytes()).unwrap();
        assert_eq!((http_method(&Method::POST), http_method(&odd)), ("POST", UNKNOWN));
    }
}
