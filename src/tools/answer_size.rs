//! The length of an answer's text: clients hide longer ones from their models. Lists end their page early instead, texts end
//! early, and metadata is cut.

use std::io::{self, Write};

use serde::Serialize;

/// Maximum length of an answer's text in characters. Claude Code hides longer results, measured at 50,000 characters.
pub const MAX_ANSWER_CHARS: usize = 48_000;
/// Characters for the members that every result has: `success`, `credential_source`, `ignored_arguments`, cursors, warnings.
pub(super) const RESERVED_CHARS: usize = 3000;
/// Maximum length of metadata in a result, in bytes of JSON.
pub(super) const MAX_METADATA_BYTES: usize = 4096;
/// Maximum length of all warnings of a result, in characters.
const MAX_WARNINGS_CHARS: usize = 8000;
/// Maximum length of a message in a result, in characters.
const MAX_MESSAGE_CHARS: usize = 2000;

/// The characters that an answer may still use.
#[derive(Debug)]
pub(super) struct AnswerBudget {
    left: usize,
    has_rows: bool,
}

impl AnswerBudget {
    pub(super) fn new() -> Self {
        Self {
            left: MAX_ANSWER_CHARS - RESERVED_CHARS,
            has_rows: false,
        }
    }

    /// The budget of a list beside a part of the answer.
    pub(super) fn beside(part: &impl Serialize) -> Self {
        let mut budget = Self::new();
        budget.left = budget.left.saturating_sub(length(part));
        budget
    }

    /// Returns the number of characters that are not used yet.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// Counts characters of the answer.
    pub(super) fn spend(&mut self, chars: usize) {
        self.left = self.left.saturating_sub(chars);
        self.has_rows = true;
    }

    /// Counts a row, and reports whether it fits. The first row always does, so that each page makes progress; its members
    /// are bounded.
    pub(super) fn admits(&mut self, row: &impl Serialize) -> bool {
        let needed = length(row) + 1;
        let fits = needed <= self.left || !self.has_rows;
        if fits {
            self.left = self.left.saturating_sub(needed);
            self.has_rows = true;
        }
        fits
    }

    /// Keeps the rows at the beginning that fit, and returns whether all do.
    pub(super) fn truncate<T: Serialize>(&mut self, rows: &mut Vec<T>) -> bool {
        let count = rows.iter().take_while(|row| self.admits(row)).count();
        let fits = count == rows.len();
        rows.truncate(count);
        fits
    }
}

/// Returns the length of a value's JSON in characters.
pub(super) fn length(value: &impl Serialize) -> usize {
    let mut counter = CharCounter(0);
    match serde_json::to_writer(&mut counter, value) {
        Ok(()) => counter.0,
        Err(_) => 0,
    }
}

/// Bounds the warnings of a result: those that do not fit are counted.
pub(super) fn bounded_warnings(mut warnings: Vec<String>) -> Vec<String> {
    let mut left = MAX_WARNINGS_CHARS;
    let fits = |warning: &&String| {
        let needed = length(warning) + 1;
        let fits = needed <= left;
        left = left.saturating_sub(needed);
        fits
    };
    let shown = warnings.iter().take_while(fits).count();
    let more = warnings.len() - shown;
    warnings.truncate(shown);
    if more > 0 {
        warnings.push(format!("{more} more warnings are not shown."));
    }
    warnings
}

/// Returns the beginning of a message, which ends in `…` if it is cut.
pub(super) fn bounded_message(message: &str) -> String {
    beginning(message, MAX_MESSAGE_CHARS)
}

/// Returns the beginning of a text: at most `max` characters, then `…` if it is cut.
pub(super) fn beginning(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Counts the characters of the UTF-8 text that is written to it.
struct CharCounter(usize);

impl Write for CharCounter {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0 += text.iter().filter(|byte| **byte & 0b1100_0000 != 0b1000_0000).count();
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_text() {
        for text in ["", "añ€😀", "\"\\\n\u{1}"] {
            let json = serde_json::to_string(text).unwrap();
            assert_eq!(length(&text), json.chars().count(), "{text:?}");
        }
    }

    #[test]
    fn a_page_has_at_least_one_row_and_ends_before_it_is_too_long() {
        let row = "x".repeat(10_000);
        let mut rows = vec![row.clone(); 9];
        assert!(!AnswerBudget::new().truncate(&mut rows));
        assert_eq!(rows.len(), 4);
        assert!(AnswerBudget::new().truncate(&mut rows));
        let mut long = vec!["x".repeat(100_000); 2];
        AnswerBudget::new().truncate(&mut long);
        assert_eq!(long.len(), 1);
        let mut rows = vec![row; 9];
        AnswerBudget::beside(&"x".repeat(20_000)).truncate(&mut rows);
        assert_eq!(rows.len(), 2);
    }

    #[test]
    fn warnings_and_messages_are_bounded() {
        let few = vec!["one".to_owned(), "two".to_owned()];
        assert_eq!(bounded_warnings(few.clone()), few);
        let many = bounded_warnings(vec!["x".repeat(998); 20]);
        assert_eq!(many.len(), 8);
        assert_eq!(many.last().map(String::as_str), Some("13 more warnings are not shown."));
        assert_eq!(bounded_message("short"), "short");
        assert_eq!(bounded_message(&"ä".repeat(3000)).chars().count(), 2001);
    }
}
