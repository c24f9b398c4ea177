//! A tool's result as the JSON text that it leaves as. It is written once, whatever its size, and never held as values.

use serde::Serialize;
use serde_json::{Map, Value};

use super::ToolError;
use crate::error_code::ErrorCode;

/// A JSON object, as compact text.
#[derive(Debug, Clone)]
pub struct Written(Vec<u8>);

impl Written {
    /// A success: `success`, and then the members of `output`, which has to be a struct or a map, and is about so `long`.
    pub fn success(output: &impl Serialize, long: usize) -> Result<Self, ToolError> {
        let begin = br#"{"success":true"#;
        let members = begin.len();
        let mut text = Vec::with_capacity(long + 512);
        text.extend_from_slice(begin);
        serde_json::to_writer(&mut text, output).map_err(|_| unwritable())?;
        match text.get_mut(members..) {
            Some([b'{', b'}']) => text.truncate(members),
            Some([open @ b'{', .., b'}']) => {
                *open = b',';
                text.pop();
            }
            _ => return Err(unwritable()),
        }
        text.push(b'}');
        Ok(Self(text))
    }

    /// An object that is there already.
    pub fn object(object: &Map<String, Value>) -> Result<Self, ToolError> {
        serde_json::to_vec(object).map(Self).map_err(|_| unwritable())
    }

    /// With one member more, behind all others.
    pub fn with(mut self, name: &'static str, value: &impl Serialize) -> Result<Self, ToolError> {
        let Self(text) = &mut self;
        text.pop();
        if text.len() > 1 {
            text.push(b',');
        }
        serde_json::to_writer(&mut *text, name).map_err(|_| unwritable())?;
        text.push(b':');
        serde_json::to_writer(&mut *text, value).map_err(|_| unwritable())?;
        text.push(b'}');
        Ok(self)
    }

    /// The text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, to keep.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The object, for whoever has to look into it.
    pub fn read(&self) -> Result<Map<String, Value>, ToolError> {
        serde_json::from_slice(&self.0).map_err(|_| unwritable())
    }
}

pub(super) fn unwritable() -> ToolError {
    ToolError::new(ErrorCode::Internal, "The result could not be written.")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(output: &Value, more: Option<(&'static str, &str)>) -> String {
        let written = Written::success(output, 0).unwrap();
        let written = more
            .into_iter()
            .fold(written, |written, (name, value)| written.with(name, &value).unwrap());
        String::from_utf8(written.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn success_comes_first_and_what_is_added_last() {
        assert_eq!(text(&json!({}), None), r#"{"success":true}"#);
        assert_eq!(text(&json!({}), Some(("a", "\""))), r#"{"success":true,"a":"\""}"#);
        assert_eq!(
            text(&json!({"b": {}, "c": []}), Some(("a", ""))),
            r#"{"success":true,"b":{},"c":[],"a":""}"#
        );
        let empty = Written::object(&Map::new()).unwrap().with("a", &1).unwrap();
        assert_eq!(empty.as_bytes(), br#"{"a":1}"#);
        assert_eq!(empty.read().unwrap().get("a"), Some(&json!(1)));
    }

    #[test]
    fn what_is_no_object_is_no_result() {
        for value in [json!(1), json!([]), json!("{}"), json!(null), json!("{\"a\"}")] {
            assert_eq!(
                Written::success(&value, 0).unwrap_err().code,
                ErrorCode::Internal,
                "{value}"
            );
        }
    }
}
