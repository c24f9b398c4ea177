//! A subset of GraphQL: selections of nested fields, with errors for unknown fields. Arguments, aliases, fragments and
//! variables are not supported.

use serde_json::{Map, Value};

/// A selected field with its own selection.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    name: String,
    selection: Vec<Field>,
}

/// Parses the selection of a query: `query Name { a { b c } }` or `{ a }`.
pub fn parse(query: &str) -> Result<Vec<Field>, String> {
    let spaced = query.replace('{', " { ").replace('}', " } ").replace(',', " ");
    let mut tokens = spaced.split_whitespace().peekable();
    while tokens.peek().is_some_and(|token| *token != "{") {
        tokens.next();
    }
    tokens.next().ok_or("Syntax Error: no selection")?;
    let fields = selection(&mut tokens)?;
    if tokens.next().is_some() {
        Err("Syntax Error: unexpected text after the query".to_owned())
    } else {
        Ok(fields)
    }
}

fn selection<'a>(tokens: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>) -> Result<Vec<Field>, String> {
    let mut fields = Vec::new();
    loop {
        match tokens.next() {
            None => return Err("Syntax Error: the selection is not terminated".to_owned()),
            Some("}") => return Ok(fields),
            Some("{") => return Err("Syntax Error: a selection without a field".to_owned()),
            Some(name) => {
                let selection = if tokens.next_if_eq(&"{").is_some() {
                    selection(tokens)?
                } else {
                    Vec::new()
                };
                fields.push(Field {
                    name: name.to_owned(),
                    selection,
                });
            }
        }
    }
}

/// Returns the selected fields of a value.
pub fn project(value: &Value, fields: &[Field]) -> Result<Value, String> {
    match value {
        Value::Array(items) => items.iter().map(|item| project(item, fields)).collect(),
        Value::Object(object) => {
            let mut selected = Map::new();
            for Field { name, selection } in fields {
                let value = object
                    .get(name)
                    .ok_or_else(|| format!("Cannot query field \"{name}\""))?;
                let value = if selection.is_empty() {
                    value.clone()
                } else {
                    project(value, selection)?
                };
                selected.insert(name.clone(), value);
            }
            Ok(Value::Object(selected))
        }
        other => Ok(other.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_what_is_selected_and_refuses_what_there_is_not() {
        let root =
            json!({ "me": { "name": "a", "role": { "name": "r", "x": 1 } }, "buckets": [{ "name": "b", "t": 2 }] });
        let ask = |query| parse(query).and_then(|fields| project(&root, &fields));
        let expected = json!({ "me": { "role": { "name": "r" } }, "buckets": [{ "name": "b" }] });
        assert_eq!(ask("query Q { me { role { name } } buckets{name} }"), Ok(expected));
        assert_eq!(ask("{ nothing }"), Err("Cannot query field \"nothing\"".to_owned()));
        for bad in ["", "{", "{ me", "{ me } }", "{ { } }"] {
            assert!(ask(bad).is_err(), "{bad}");
        }
    }
}
