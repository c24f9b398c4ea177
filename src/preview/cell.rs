//! Cells: the JSON text of a value, of a bounded length.

use std::fmt::Write as _;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// A value of a row, as JSON. A number keeps its letters.
#[derive(Debug, Clone)]
pub struct Cell {
    json: Box<RawValue>,
    is_cut: bool,
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

impl Cell {
    pub(super) fn null() -> Self {
        Self {
            json: RawValue::NULL.to_owned(),
            is_cut: false,
        }
    }

    /// Returns a string, cut if its JSON has more than `max` characters beside the quotes. A cut string ends in `…`.
    pub(super) fn string(text: &str, max: usize) -> Self {
        let mut left = max;
        let mut fits = |letter: char| {
            let needed = json_chars(letter);
            let fits = needed <= left;
            left = left.saturating_sub(needed);
            fits
        };
        let cut = text.char_indices().find(|(_, letter)| !fits(*letter)).map(|(at, _)| at);
        let json = match cut {
            Some(at) => serde_json::value::to_raw_value(&format!("{}…", text.get(..at).unwrap_or_default())),
            None => serde_json::value::to_raw_value(text),
        };
        Self {
            json: json.unwrap_or_else(|_| RawValue::NULL.to_owned()),
            is_cut: cut.is_some(),
        }
    }

    /// Returns the value of a JSON text. One of more than `max` characters, or that is too deep, becomes a string with its
    /// beginning.
    pub(super) fn json(text: &str, max: usize) -> Self {
        let fits = text.len() <= max || text.chars().nth(max).is_none();
        let is_plain = crate::json::Shape::measure(text.as_bytes()).is_ok();
        match RawValue::from_string(text.to_owned()) {
            Ok(json) if fits && is_plain => Self { json, is_cut: false },
            _ => Self::cut_json(text, max),
        }
    }

    /// Returns a string with the beginning of a JSON text that goes on behind its end.
    pub(super) fn cut_json(text: &str, max: usize) -> Self {
        let mut fits = max.saturating_sub(1);
        let shown: String = text
            .chars()
            .take_while(|letter| {
                let needed = json_chars(*letter);
                let is_shown = needed <= fits;
                fits = fits.saturating_sub(needed);
                is_shown
            })
            .collect();
        Self {
            is_cut: true,
            ..Self::string(&format!("{shown}…"), usize::MAX)
        }
    }

    /// Returns the JSON text.
    #[must_use]
    pub fn as_json(&self) -> &str {
        self.json.get()
    }

    /// Whether the value is longer than what is shown.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }
}

/// Returns the number of characters of a letter inside a JSON string.
fn json_chars(letter: char) -> usize {
    match letter {
        '"' | '\\' | '\u{8}' | '\u{9}' | '\u{a}' | '\u{c}' | '\u{d}' => 2,
        '\0'..='\u{1f}' => 6,
        _ => 1,
    }
}

/// A JSON text of bounded length. What is written behind the bound is discarded.
pub(super) struct JsonText {
    text: String,
    max: usize,
}

impl JsonText {
    /// Returns an empty text of at most a little more than `max` bytes.
    pub fn new(max: usize) -> Self {
        Self {
            text: String::new(),
            max,
        }
    }

    pub fn push(&mut self, json: &str) {
        if !self.is_full() {
            self.text.push_str(json);
        }
    }

    pub fn push_string(&mut self, text: &str) {
        if !self.is_full() {
            let _ = write!(self.text, "{}", serde_json::Value::from(text));
        }
    }

    /// Discards what is written from now on, behind what there is.
    pub fn stop(&mut self) {
        self.max = 0;
    }

    /// Whether nothing more is added.
    pub fn is_full(&self) -> bool {
        self.text.len() > self.max
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_is_a_string_with_its_beginning() {
        assert_eq!(Cell::string("añ€", 3).as_json(), "\"añ€\"");
        let cut = Cell::string("añ€\u{1}x", 8);
        assert_eq!((cut.as_json(), cut.is_cut()), ("\"añ€…\"", true));
        assert_eq!(Cell::json("1.10", 4).as_json(), "1.10");
        assert_eq!(Cell::json("[1,2,3]", 5).as_json(), "\"[1,2…\"");
        assert_eq!(Cell::json("18446744073709551616", 30).as_json(), "18446744073709551616");
        let deep = Cell::json(&format!("{}{}", "[".repeat(400), "]".repeat(400)), 1000);
        assert!(deep.is_cut() && deep.as_json().starts_with("\"[["));
    }
}
