//! A JSON object as text. A tool's result is serialized once, whatever its size, and never parsed into values.

use serde::Serialize;
use serde_json::{Map, Value};

use super::ToolError;
use crate::error_code::ErrorCode;

/// A JSON object, as compact text.
#[derive(Debug, Clone)]
pub struct JsonObject(Vec<u8>);

impl JsonObject {
    /// Serializes a success: `success`, then the members of `output`, which must be a struct or a map. `estimated_bytes` is
    /// the expected length of its JSON.
    pub fn success(output: &impl Serialize, estimated_bytes: usize) -> Result<Self, ToolError> {
        let begin = br#"{"success":true"#;
        let members = begin.len();
        let mut text = Vec::with_capacity(estimated_bytes + 512);
        text.extend_from_slice(begin);
        serde_json::to_writer(&mut text, output).map_err(|_| serialization_error())?;
        match text.get_mut(members..) {
            Some([b'{', b'}']) => text.truncate(members),
            Some([open @ b'{', .., b'}']) => {
                *open = b',';
                text.pop();
            }
            _ => return Err(serialization_error()),
        }
        text.push(b'}');
        Ok(Self(text))
    }

    /// Serializes a map.
    pub fn from_map(object: &Map<String, Value>) -> Result<Self, ToolError> {
        serde_json::to_vec(object).map(Self).map_err(|_| serialization_error())
    }

    /// Takes the text of an object.
    #[must_use]
    pub fn from_text(text: String) -> Self {
        Self(text.into_bytes())
    }

    /// Appends a member.
    pub fn with_member(mut self, name: &'static str, value: &impl Serialize) -> Result<Self, ToolError> {
        let Self(text) = &mut self;
        text.pop();
        if text.len() > 1 {
            text.push(b',');
        }
        serde_json::to_writer(&mut *text, name).map_err(|_| serialization_error())?;
        text.push(b':');
        serde_json::to_writer(&mut *text, value).map_err(|_| serialization_error())?;
        text.push(b'}');
        Ok(self)
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Parses the text.
    pub fn to_map(&self) -> Result<Map<String, Value>, ToolError> {
        serde_json::from_slice(&self.0).map_err(|_| serialization_error())
    }
}

pub(super) fn serialization_error() -> ToolError {
    ToolError::new(ErrorCode::Internal, "The result could not be serialized.")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(output: &Value, more: Option<(&'static str, &str)>) -> String {
        let object = JsonObject::success(output, 0).unwrap();
        let object = more.into_iter().fold(object, |object, (name, value)| {
            object.with_member(name, &value).unwrap()
        });
        String::from_utf8(object.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn success_comes_first_and_what_is_added_last() {
        assert_eq!(text(&json!({}), None), r#"{"success":true}"#);
        assert_eq!(text(&json!({}), Some(("a", "\""))), r#"{"success":true,"a":"\""}"#);
        assert_eq!(
            text(&json!({"b": {}, "c": []}), Some(("a", ""))),
            r#"{"success":true,"b":{},"c":[],"a":""}"#
        );
        let empty = JsonObject::from_map(&Map::new()).unwrap().with_member("a", &1).unwrap();
        assert_eq!(empty.as_bytes(), br#"{"a":1}"#);
        assert_eq!(empty.to_map().unwrap().get("a"), Some(&json!(1)));
    }

    #[test]
    fn what_is_no_object_is_no_result() {
        for value in [json!(1), json!([]), json!("{}"), json!(null), json!("{\"a\"}")] {
            assert_eq!(
                JsonObject::success(&value, 0).unwrap_err().code,
                ErrorCode::Internal,
                "{value}"
            );
        }
    }
}
