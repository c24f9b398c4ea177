//! Paths of `json_extract`: `$.name`, `$["name"]`, `$[0]`.

use serde_json::Value;

/// Occurs when a path is not one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InvalidPath;

/// Returns the value at a path, if there is one.
pub(crate) fn find<'v>(value: &'v Value, path: &str) -> Result<Option<&'v Value>, InvalidPath> {
    let mut rest = path.strip_prefix('$').ok_or(InvalidPath)?;
    let mut found = Some(value);
    while !rest.is_empty() {
        let (step, after) = if let Some(name) = rest.strip_prefix('.') {
            let end = name.find(['.', '[']).unwrap_or(name.len());
            name.split_at(end)
        } else {
            let inner = rest.strip_prefix('[').ok_or(InvalidPath)?;
            inner.split_once(']').ok_or(InvalidPath)?
        };
        if step.is_empty() {
            return Err(InvalidPath);
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
    Ok(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn finds_members_and_items() {
        let value = json!({"a": {"b c": [1, {"d": "x"}]}});
        assert_eq!(find(&value, "$.a[\"b c\"][1].d"), Ok(Some(&json!("x"))));
        assert_eq!(find(&value, "$.a.missing.d"), Ok(None));
        assert_eq!(find(&value, "$"), Ok(Some(&value)));
        assert_eq!(find(&value, "a.b"), Err(InvalidPath));
    }
}
