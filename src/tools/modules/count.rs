//! `count` in lists of the action style, which older servers had in place of `returned`.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::tools::{JsonObject, ToolError, ToolSuccess};

/// The members of a result that are lists, or say how many rows the list has.
#[derive(Deserialize)]
struct Lists<'a> {
    returned: Option<u64>,
    count: Option<u64>,
    #[serde(borrow)]
    packages: Option<&'a RawValue>,
    #[serde(borrow)]
    objects: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Part {
    returned: Option<u64>,
}

/// Adds `count` to a list, and to each list of a search of both kinds. The result stays text, so that its numbers stay exact.
pub(super) fn with_count(mut success: ToolSuccess<JsonObject>) -> Result<ToolSuccess<JsonObject>, ToolError> {
    let text = String::from_utf8_lossy(success.output.as_bytes()).into_owned();
    let Ok(lists) = serde_json::from_str::<Lists<'_>>(&text) else {
        return Ok(success);
    };
    let mut counted = text.clone();
    for part in [lists.packages, lists.objects].into_iter().flatten().map(RawValue::get) {
        if let Ok(Part {
            returned: Some(returned),
        }) = serde_json::from_str(part)
            && let Some(members) = part.strip_suffix('}')
        {
            counted = counted.replacen(part, &format!("{members},\"count\":{returned}}}"), 1);
        }
    }
    success.output = JsonObject::from_text(counted);
    match lists.returned.filter(|_| lists.count.is_none()) {
        None => Ok(success),
        Some(returned) => Ok(ToolSuccess {
            output: success.output.with_member("count", &returned)?,
            ..success
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn counted(output: &serde_json::Value) -> String {
        let success: ToolSuccess<JsonObject> = JsonObject::success(output, 0).unwrap().into();
        String::from_utf8(with_count(success).unwrap().output.into_bytes()).unwrap()
    }

    #[test]
    fn lists_are_counted_and_nothing_else_changes() {
        let rows = json!({ "packages": [{ "returned": 7 }], "returned": 1 });
        assert_eq!(
            counted(&rows),
            r#"{"success":true,"packages":[{"returned":7}],"returned":1,"count":1}"#
        );
        let both = json!({ "packages": { "returned": 2 }, "objects": { "returned": 0 } });
        assert_eq!(
            counted(&both),
            r#"{"success":true,"packages":{"returned":2,"count":2},"objects":{"returned":0,"count":0}}"#
        );
        assert_eq!(counted(&json!({ "a": 1 })), r#"{"success":true,"a":1}"#);
    }
}
