//! The schema of a package's entries, applied to one entry after another where it demands nothing of the list as a whole.

use serde_json::Value;

use super::{check, keywords};
use crate::Entry;

/// Keywords beside `items` that demand nothing of a list.
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

/// Memory for an error of one branch of `anyOf` or `oneOf`, and for the clone of its context.
const BRANCH: usize = 768;
/// Memory for an entry as a value, beside its metadata and its names.
const ENTRY: usize = 768;

/// A compiled schema of the list of entries.
#[derive(Debug)]
pub(super) struct EntriesSchema {
    validator: jsonschema::Validator,
    /// Whether the validator is of `items` and takes single entries.
    by_entry: bool,
    branches: usize,
}

/// Where and why the entries are refused.
pub(super) type Complaint = (String, String);

impl EntriesSchema {
    /// Compiles a schema of draft 7 in which nothing is referred to (`super::schema`) and that is known to be valid.
    pub(super) fn compile(
        schema: &Value,
        whole: jsonschema::Validator,
    ) -> Result<Self, jsonschema::ValidationError<'static>> {
        let branches = branches(schema);
        Ok(match items_alone(schema) {
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

    /// Memory for the check of so many entries. By entry, there is one value, and the errors of its branches, at a time.
    /// Otherwise all are there at once, and each may have an error in each branch.
    pub(super) fn room(&self, entries: usize) -> usize {
        let at_once = if self.by_entry { 1 } else { entries };
        at_once.saturating_mul(self.branches.saturating_mul(BRANCH).saturating_add(ENTRY))
    }

    /// The first complaint about these entries. `between` is asked before each of them, and ends it by an error.
    pub(super) fn check<'e, E>(
        &self,
        entries: impl IntoIterator<Item = &'e Entry>,
        mut between: impl FnMut() -> Result<(), E>,
    ) -> Result<Option<Complaint>, E> {
        let entries = entries.into_iter();
        if self.by_entry {
            for (index, entry) in entries.enumerate() {
                between()?;
                if let Some((pointer, problem)) = check::first(&self.validator, &seen(entry)) {
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
            between()?;
            all.push(seen(entry));
        }
        let all = Value::Array(all);
        let complaint = check::first(&self.validator, &all);
        Ok(complaint.map(|(pointer, problem)| (named(&all, &pointer).unwrap_or(pointer), problem)))
    }
}

/// The schema of single entries, if nothing else is demanded of the list.
fn items_alone(schema: &Value) -> Option<&Value> {
    let schema = schema.as_object()?;
    let demands_nothing = |(keyword, value): (&String, &Value)| {
        keyword == "items" || ANNOTATIONS.contains(&keyword.as_str()) || (keyword == "type" && value == "array")
    };
    schema
        .get("items")
        .filter(|items| items.is_object() && schema.iter().all(demands_nothing))
}

/// How many branches may fail for one value: the members of all `allOf`, `anyOf` and `oneOf`, and the schema itself.
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

/// What a schema sees of an entry (`get_pkg_entries_for_validation`).
fn seen(entry: &Entry) -> Value {
    let meta = entry.user_meta().map_or_else(|| serde_json::json!({}), Value::from);
    serde_json::json!({ "logical_key": entry.logical_key.as_str(), "size": entry.size, "meta": meta })
}

/// `/3/size` as `README.md /3/size`.
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
            logical_key: LogicalKey::found(key.to_owned()),
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
        keywords::as_python_means(&mut schema).unwrap();
        EntriesSchema::compile(&schema, keywords::build(&schema).unwrap()).unwrap()
    }

    fn complaint(schema: &EntriesSchema, entries: &[Entry]) -> Option<Complaint> {
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
        assert_eq!((by_entry.branches, by_entry.room(1)), (5, by_entry.room(50_000)));
        let whole = compiled(json!({ "items": any_of, "minItems": 1 }));
        assert_eq!(whole.room(1000), 1000 * by_entry.room(1));
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
            prop_assert_eq!(complaint(&by_entry, &entries), complaint(&whole, &entries));
        }
    }
}
