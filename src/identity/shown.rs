//! Text from tokens and key sets in messages: bounded, and without control characters.

use serde_json::Value;

/// Maximum number of characters of a text.
const MAX_CHARS: usize = 120;
/// Maximum number of texts in a list.
const MAX_ITEMS: usize = 5;

/// Returns the text in backticks.
pub(super) fn quoted(text: &str) -> String {
    format!("`{}`", bare(text))
}

/// Returns the text without control characters and backticks, and shortened.
pub(super) fn bare(text: &str) -> String {
    let mut printable = text.chars().filter(|c| !c.is_control() && !is_format(*c) && *c != '`');
    let mut shown: String = printable.by_ref().take(MAX_CHARS).collect();
    if printable.next().is_some() {
        shown.push('…');
    }
    shown
}

/// Whether a terminal or a browser does not show the character, or shows others in another order because of it.
fn is_format(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Returns the texts in backticks, separated by `separator`.
pub(super) fn list<'a>(texts: impl IntoIterator<Item = &'a str>, separator: &str) -> String {
    let mut texts = texts.into_iter();
    let mut shown: Vec<String> = texts.by_ref().take(MAX_ITEMS).map(quoted).collect();
    if texts.next().is_some() {
        shown.push("…".to_owned());
    }
    shown.join(separator)
}

/// Returns the name of the type of a JSON value, with its article.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "a null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_is_shortened_and_cannot_end_its_quotes() {
        assert_eq!(quoted("a`b\u{1b}[31m\n\u{202e}c"), "`ab[31mc`");
        assert_eq!(quoted(&"x".repeat(121)), format!("`{}…`", "x".repeat(120)));
        assert_eq!(list(["a", "b"], " or "), "`a` or `b`");
        assert_eq!(list(["a"; 9], ", "), "`a`, `a`, `a`, `a`, `a`, …");
    }

    proptest! {
        #[test]
        fn any_text_is_bounded(text in "\\PC{0,300}") {
            prop_assert!(bare(&text).chars().count() <= MAX_CHARS + 1);
        }
    }
}
