//! Paths of `json_extract`: `$.name`, `$["name"]`, `$[0]`.

use serde_json::Value;

/// Returns the value at a path, or `None` if the path is not one.
pub(crate) fn find<'v>(value: &'v Value, path: &str) -> Option<Option<&'v Value>> {
    let mut rest = path.strip_prefix('$')?;
    let mut found = Some(value);
    while !rest.is_empty() {
        let (step, after) = if let Some(name) = rest.strip_prefix('.') {
            let end = name.find(['.', '[']).unwrap_or(name.len());
            name.split_at(end)
        } else {
            rest.strip_prefix('[')?.split_once(']')?
        };
        if step.is_empty() {
            return None;
        }
        let is_bracket = rest.starts_with('[');
        rest = after;
        let quoted = ['"', '\''].into_iter().find_map(|quote| {
            let inner = step.strip_prefix(quote)?;
            inner.strip_suffix(quote)
        });
        found = match (found, step.parse::<usize>()) {
            (Some(Value::Array(items)), Ok(index)) if is_bracket => items.get(index),
            (Some(Value::Object(members)), _) => members.get(quoted.unwrap_or(step)),
            _ => None,
        };
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn finds_members_and_items() {
        let value = json!({"a": {"b c": [1, {"d": "x"}]}});
        assert_eq!(find(&value, "$.a[\"b c\"][1].d"), Some(Some(&json!("x"))));
        assert_eq!(find(&value, "$.a.missing.d"), Some(None));
        assert_eq!(find(&value, "$"), Some(Some(&value)));
        assert_eq!(find(&value, "a.b"), None);
    }
}
