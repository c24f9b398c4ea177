//! Bounds of the texts that come from outside and go into log lines, traces and messages.
//!
//! Invariant: what a caller, or another server, sent reaches a log line or a trace only by a function of this module, so
//! that no line is longer than this program decides.

use axum::http::Method;

/// Most bytes of a name: of a tool, a prompt, a bucket, a version.
pub const NAME: usize = 128;
/// Most bytes of a token's subject.
pub const SUBJECT: usize = 256;
/// Most bytes of an error's text, which may repeat what another server answered.
pub const ERROR: usize = 512;
/// What is shown in place of what is not known.
pub const UNKNOWN: &str = "(unknown)";

/// The beginning of a text, cut between two characters so that it has at most `max` bytes.
#[must_use]
pub fn bounded(text: &str, max: usize) -> &str {
    text.get(..text.floor_char_boundary(max)).unwrap_or_default()
}

/// The beginning of a text without control characters, at most `max` characters, to be repeated in a message.
#[must_use]
pub fn without_controls(text: &str, max: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(max).collect()
}

/// An error as it is logged.
#[must_use]
pub fn error(error: &dyn std::fmt::Display) -> String {
    let mut text = error.to_string();
    text.truncate(text.floor_char_boundary(ERROR));
    text
}

/// An HTTP method, if it is one of the common ones.
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
        assert_eq!(error(&"é".repeat(1000)).len(), ERROR);
    }

    #[test]
    fn what_is_not_ours_is_not_repeated() {
        let odd = Method::from_bytes("M".repeat(60_000).as_bytes()).unwrap();
        assert_eq!((http_method(&Method::POST), http_method(&odd)), ("POST", UNKNOWN));
    }
}
