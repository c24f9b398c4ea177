//! How a schema's complaint is told.

use std::fmt::{self, Write as _};

use jsonschema::ValidationError;

/// Longest complaint; some hold the whole value.
const LONGEST: usize = 300;

/// A complaint in one short sentence.
pub(super) fn told(error: &ValidationError<'_>) -> String {
    let mut sentence = Sentence {
        text: String::new(),
        room: LONGEST,
    };
    if write!(sentence, "{error}").is_err() {
        sentence.text.push('…');
    }
    sentence.text
}

/// A text that takes so many characters more, and then fails, so that no long value is written out for it.
struct Sentence {
    text: String,
    room: usize,
}

impl fmt::Write for Sentence {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        for character in more.chars() {
            self.room = self.room.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(character);
        }
        Ok(())
    }
}

/// The first complaint, and where: a JSON pointer, empty for the whole.
pub(super) fn first(validator: &jsonschema::Validator, value: &serde_json::Value) -> Option<(String, String)> {
    let error = validator.validate(value).err()?;
    Some((error.instance_path().to_string(), told(&error)))
}
