//! Schemas of a package's entries, validated entry by entry where they contain no requirement on the whole array.

use serde_json::Value;

use super::{check, keywords};
use crate::Entry;

/// Keywords beside `items` that contain no requirement on the array.
const ANNOTATIONS: [&str; 8] = [
    "$comment",
    "$id",
    "$schema",
    "default",
    "definitions",
    "description",
    "examples",
    "title",
];

/// Estimated memory of an error of one branch of `anyOf` or `oneOf`, and of the clone of its context.
const BRANCH_BYTES: usize = 768;
/// Estimated memory of an entry as a JSON value, besides its metadata and its keys.
const ENTRY_BYTES: usize = 768;

/// A compiled schema of the array of entries.
#[derive(Debug)]
pub(super) struct EntriesSchema {
    validator: jsonschema::Validator,
    /// Whether the validator is that of `items` and validates single entries.
    by_entry: bool,
    branches: usize,
}

/// The location and the message of a validation error.
pub(super) type Rejection = (String, String);

impl EntriesSchema {
    /// Compiles a valid schema of draft 7 without references (`super::schema`).
    pub(super) fn compile(
        schema: &Value,
        whole: jsonschema::Validator,
    ) -> Result<Self, jsonschema::ValidationError<'static>> {
        let branches = branches(schema);
        Ok(match items_schema(schema) {
            Some(items) => Self {
                validator: keywords::build(items)?,
                by_entry: true,
                branches,
            },
            None => Self {
                validator: whole,
                by_entry: false,
                branches,
            },
        })
    }

    /// Estimates the memory for validating this number of entries, in bytes. Validation by entry requires one value and the
    /// errors of its branches at a time. Otherwise, all values exist at once, and each may have an error in each branch.
    pub(super) fn estimate_bytes(&self, entries: usize) -> usize {
        let at_once = if self.by_entry { 1 } else { entries };
        at_once.saturating_mul(self.branches.saturating_mul(BRANCH_BYTES).saturating_add(ENTRY_BYTES))
    }

    /// Returns the first validation error of these entries. Calls `checkpoint` before each entry and stops at its error.
    pub(super) fn check<'e, E>(
        &self,
        entries: impl IntoIterator<Item = &'e Entry>,
        mut checkpoint: impl FnMut() -> Result<(), E>,
    ) -> Result<Option<Rejection>, E> {
        let entries = entries.into_iter();
        if self.by_entry {
            for (index, entry) in entries.enumerate() {
                checkpoint()?;
                if let Some((pointer, problem)) = check::first_violation(&self.validator, &entry_value(entry)) {
                    return Ok(Some((
                        format!("{} /{index}{pointer}", entry.logical_key.as_str()),
                        problem,
                    )));
                }
            }
            return Ok(None);
        }
        let mut all = Vec::with_capacity(entries.size_hint().0);
        for entry in entries {
            checkpoint()?;
            all.push(entry_value(entry));
        }
        let all = Value::Array(all);
        let rejection = check::first_violation(&self.validator, &all);
        Ok(rejection.map(|(pointer, problem)| (named(&all, &pointer).unwrap_or(pointer), problem)))
    }
}

/// Returns the schema of single entries, if there is no requirement on the whole array.
fn items_schema(schema: &Value) -> Option<&Value> {
    let schema = schema.as_object()?;
    let is_per_entry = |(keyword, value): (&String, &Value)| {
        keyword == "items" || ANNOTATIONS.contains(&keyword.as_str()) || (keyword == "type" && value == "array")
    };
    schema
        .get("items")
        .filter(|items| items.is_object() && schema.iter().all(is_per_entry))
}

/// Returns the number of branches that may fail for one value: the members of all `allOf`, `anyOf` and `oneOf`, and the
/// schema itself.
fn branches(schema: &Value) -> usize {
    fn below(value: &Value) -> usize {
        match value {
            Value::Array(items) => items.iter().map(below).sum(),
            Value::Object(object) => object
                .iter()
                .map(|(keyword, value)| {
                    let own = match (keyword.as_str(), value) {
                        ("allOf" | "anyOf" | "oneOf", Value::Array(branches)) => branches.len(),
                        _ => 0,
                    };
                    own + below(value)
                })
                .sum(),
            _ => 0,
        }
    }
    1 + below(schema)
}

/// Converts an entry to the value that is validated (`get_pkg_entries_for_validation`).
fn entry_value(entry: &Entry) -> Value {
    let meta = entry.user_meta().map_or_else(|| serde_json::json!({}), Value::from);
    serde_json::json!({ "logical_key": entry.logical_key.as_str(), "size": entry.size, "meta": meta })
}

/// Adds the logical key to a pointer: `/3/size` becomes `README.md /3/size`.
fn named(entries: &Value, pointer: &str) -> Option<String> {
    let index = pointer.strip_prefix('/')?.split('/').next()?;
    let key = entries
        .get(index.parse::<usize>().ok()?)?
        .get("logical_key")?
        .as_str()?;
    Some(format!("{key} {pointer}"))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::{LogicalKey, PhysicalKey, json as quilt_json};

    fn entry(key: &str, size: u64) -> Entry {
        Entry {
            logical_key: LogicalKey::from_manifest(key.to_owned()),
            physical_key: PhysicalKey::S3 {
                bucket: "bkt".into(),
                key: key.into(),
                version_id: None,
            },
            size,
            hash: quilt_json::Value::Null,
            meta: quilt_json::Value::Null,
        }
    }

    fn compiled(mut schema: Value) -> EntriesSchema {
        keywords::rewrite_for_python(&mut schema).unwrap();
        EntriesSchema::compile(&schema, keywords::build(&schema).unwrap()).unwrap()
    }

    fn rejection(schema: &EntriesSchema, entries: &[Entry]) -> Option<Rejection> {
        schema.check(entries, || Ok::<_, Infallible>(())).unwrap()
    }

    #[test]
    fn only_what_demands_nothing_of_the_list_is_checked_by_entry() {
        for (schema, by_entry) in [
            (json!({ "items": { "minProperties": 1 } }), true),
            (
                json!({ "type": "array", "title": "t", "definitions": { "a": {} }, "items": {} }),
                true,
            ),
            (json!({ "items": [{}] }), false),
            (json!({ "items": false }), false),
            (json!({ "items": {}, "maxItems": 3 }), false),
            (json!({ "items": {}, "type": "object" }), false),
            (json!({ "items": {}, "contains": {} }), false),
            (json!({ "contains": {} }), false),
            (json!(true), false),
        ] {
            assert_eq!(compiled(schema.clone()).by_entry, by_entry, "{schema}");
        }
    }

    #[test]
    fn memory_is_asked_for_by_entries_and_branches() {
        let any_of = json!({ "anyOf": [{ "type": "object" }, { "not": { "oneOf": [{}, {}] } }] });
        let by_entry = compiled(json!({ "items": any_of }));
        assert_eq!(
            (by_entry.branches, by_entry.estimate_bytes(1)),
            (5, by_entry.estimate_bytes(50_000))
        );
        let whole = compiled(json!({ "items": any_of, "minItems": 1 }));
        assert_eq!(whole.estimate_bytes(1000), 1000 * by_entry.estimate_bytes(1));
    }

    #[test]
    fn a_check_ends_between_entries() {
        let (schema, entries) = (compiled(json!({ "items": {} })), [entry("a", 1), entry("b", 2)]);
        let mut asked = 0;
        let outcome = schema.check(&entries, || {
            asked += 1;
            if asked == 2 { Err("late") } else { Ok(()) }
        });
        assert_eq!(outcome, Err("late"));
    }

    proptest! {
        #[test]
        fn entries_one_by_one_are_refused_as_the_list_is(
            sizes in proptest::collection::vec(0u64..6, 0..5), most in 0u64..6, key in "[ab]",
        ) {
            let entries: Vec<Entry> = sizes.iter().map(|size| entry(&format!("{key}{size}"), *size)).collect();
            let items = json!({ "properties": { "size": { "maximum": most }, "logical_key": { "pattern": "^a" } } });
            let by_entry = compiled(json!({ "type": "array", "items": items }));
            let whole = compiled(json!({ "type": "array", "items": items, "minItems": 0 }));
            prop_assert!(by_entry.by_entry && !whole.by_entry);
            prop_assert_eq!(rejection(&by_entry, &entries), rejection(&whole, &entries));
        }
    }
}
