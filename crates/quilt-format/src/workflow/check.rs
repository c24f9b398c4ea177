//! Validation errors of schemas as short messages.

use std::fmt::{self, Write as _};

use jsonschema::ValidationError;

/// Maximum length of a message. The messages of jsonschema may contain the whole value.
const MAX_MESSAGE_CHARS: usize = 300;

/// Formats an error, truncated to [`MAX_MESSAGE_CHARS`].
pub(super) fn message(error: &ValidationError<'_>) -> String {
    let mut message = TruncatedText {
        text: String::new(),
        remaining: MAX_MESSAGE_CHARS,
    };
    if write!(message, "{error}").is_err() {
        message.text.push('…');
    }
    message.text
}

/// A buffer for a limited number of characters. Writing more fails, so that long values are not formatted to their end.
struct TruncatedText {
    text: String,
    remaining: usize,
}

impl fmt::Write for TruncatedText {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        for character in more.chars() {
            self.remaining = self.remaining.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(character);
        }
        Ok(())
    }
}

/// Returns the location and message of the first error. The location is a JSON pointer, empty for the whole value.
pub(super) fn first_violation(
    validator: &jsonschema::Validator,
    value: &serde_json::Value,
) -> Option<(String, String)> {
    let error = validator.validate(value).err()?;
    Some((error.instance_path().to_string(), message(&error)))
}
