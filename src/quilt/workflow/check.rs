//! How a schema's complaint is told.

use jsonschema::ValidationError;

/// Longest complaint; some hold the whole value.
const LONGEST: usize = 300;

/// A complaint in one short sentence.
pub(super) fn told(error: &ValidationError<'_>) -> String {
    let mut sentence = error.to_string();
    if let Some((at, _)) = sentence.char_indices().nth(LONGEST) {
        sentence.truncate(at);
        sentence.push('…');
    }
    sentence
}

/// The first complaint, and where: a JSON pointer, empty for the whole.
pub(super) fn first(validator: &jsonschema::Validator, value: &serde_json::Value) -> Option<(String, String)> {
    let error = validator.iter_errors(value).next()?;
    Some((error.instance_path().to_string(), told(&error)))
}
