//! The GraphQL of catalogs of two ages: queries that fit their schema are answered, others are refused as these
//! catalogs refuse them. The validator is from outside of this project.

pub mod search;

use apollo_compiler::executable::{Selection, SelectionSet};
use apollo_compiler::{ExecutableDocument, Schema};
use serde_json::{Map, Value, json};

/// A schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// The schema of 2026.
    Current,
    /// The schema before buckets were listed in the scope of a role, and collaborators moved there.
    BeforeApril2026,
    /// The schema before `me` came (quiltdata/quilt#3984).
    BeforeMay2024,
    /// The schema of quilt3-local 2.0.0, which has neither `me` nor `buckets`.
    Local,
}

impl Age {
    fn sdl(self) -> &'static str {
        match self {
            Self::Current => include_str!("current.graphql"),
            Self::BeforeApril2026 => include_str!("before_april_2026.graphql"),
            Self::BeforeMay2024 => {
                "type Query { bucketConfigs: [BucketConfig!]! }
                 type BucketConfig { name: String! title: String! description: String iconUrl: String }"
            }
            Self::Local => {
                "type Query { bucketConfigs: [BucketConfig!]! status: String }
                 type BucketConfig { name: String! title: String! description: String collaborators: [Edge!]! }
                 type Edge { collaborator: Collaborator! permissionLevel: String! }
                 type Collaborator { email: String! username: String! }"
            }
        }
    }
}

/// The data of a catalog.
#[derive(Clone)]
pub struct Stack {
    pub age: Age,
    /// The fields that a query may select.
    pub root: Value,
}

impl Stack {
    /// Returns the data of a user `alice` in role `Tests`, and buckets with the level declared for her.
    pub fn of_alice(age: Age, is_admin: bool, buckets: &[(&str, Option<&str>)]) -> Self {
        let row = |who: &str, level: &str| json!({ "collaborator": { "email": format!("{who}@example.com"), "username": who }, "permissionLevel": level });
        let buckets = buckets.iter().map(|(name, level)| {
            let mut rows = vec![row("bob", "READ_WRITE")];
            rows.extend(level.map(|level| row("alice", level)));
            json!({ "name": name, "title": format!("Title of {name}"), "description": null, "collaborators": rows })
        });
        let buckets: Value = buckets.collect();
        let me = json!({ "name": "alice", "email": "alice@example.com", "isAdmin": is_admin,
            "role": { "name": "Tests" }, "roles": [{ "name": "Tests" }, { "name": "Curators" }] });
        Self {
            age,
            root: json!({ "me": me, "buckets": buckets, "bucketConfigs": buckets }),
        }
    }

    /// Returns the answer to a query, or the validator's error.
    pub fn answer(&self, query: &str) -> Result<Value, String> {
        let schema = Schema::parse_and_validate(self.age.sdl(), "schema.graphql").unwrap();
        let document = ExecutableDocument::parse_and_validate(&schema, query, "query.graphql")
            .map_err(|invalid| invalid.errors.to_string())?;
        let operation = document.operations.get(None).unwrap();
        Ok(json!({ "data": select(&operation.selection_set, &self.root) }))
    }
}

fn select(selected: &SelectionSet, from: &Value) -> Value {
    match from {
        Value::Array(items) => items.iter().map(|item| select(selected, item)).collect(),
        Value::Object(object) => {
            let fields = selected.selections.iter().map(|selection| {
                let Selection::Field(field) = selection else {
                    panic!("fragments are not answered here")
                };
                let value = &object[field.name.as_str()];
                let below = &field.selection_set;
                let value = if below.selections.is_empty() {
                    value.clone()
                } else {
                    select(below, value)
                };
                (field.response_key().to_string(), value)
            });
            Value::Object(fields.collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}
