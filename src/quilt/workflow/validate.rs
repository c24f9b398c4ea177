//! Whether a package is what its workflow demands (`WorkflowValidator.validate`).

use std::collections::BTreeMap;

use fancy_regex::Regex;

use super::document::ConfigError;
use super::schema::{self, SchemaError};
use super::{Chosen, SchemaSource, check, pattern};
use crate::quilt::json::{Object, Value};
use crate::quilt::{Entry, PhysicalKey};

/// A schema that was fetched.
#[derive(Debug, Clone)]
pub struct LoadedSchema {
    /// What was read.
    pub bytes: Vec<u8>,
    /// Where from, with the version that was read.
    pub source: PhysicalKey,
}

/// What is to be pushed.
#[derive(Debug)]
pub struct Candidate<'a, E> {
    /// The package's name.
    pub name: &'a str,
    /// The message.
    pub message: Option<&'a str>,
    /// The metadata, if the header has any.
    pub user_meta: Option<&'a Value>,
    /// The entries in tree order.
    pub entries: E,
}

/// What a package lacks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Give a message.
    #[error("the workflow '{workflow}' requires a commit message (is_message_required), but none was given")]
    Message {
        /// The workflow.
        workflow: String,
    },
    /// Choose another name.
    #[error("the workflow '{workflow}' requires a package name that matches {pattern} (handle_pattern)")]
    Name {
        /// The workflow.
        workflow: String,
        /// The pattern.
        pattern: String,
    },
    /// Change the metadata.
    #[error(
        "the workflow '{workflow}' refuses the package's metadata (metadata_schema '{schema}') at `{place}`: {problem}"
    )]
    Metadata {
        /// The workflow.
        workflow: String,
        /// The schema's id.
        schema: String,
        /// A JSON pointer into the metadata.
        place: String,
        /// What is wrong there.
        problem: String,
    },
    /// Change the entries.
    #[error(
        "the workflow '{workflow}' refuses the package's entries (entries_schema '{schema}') at `{place}`: {problem}"
    )]
    Entries {
        /// The workflow.
        workflow: String,
        /// The schema's id.
        schema: String,
        /// A JSON pointer into the list of entries, with the entry's key in front of it when it points into one.
        place: String,
        /// What is wrong there.
        problem: String,
    },
}

/// Why a workflow cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnusableWorkflow {
    /// The bucket's owner has to repair the configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The bucket's owner has to repair the schema.
    #[error(transparent)]
    Schema(#[from] SchemaError),
}

/// A workflow that is ready to judge packages.
#[derive(Debug)]
pub struct Validator {
    workflow: String,
    message_required: bool,
    pattern: Option<(String, Regex)>,
    metadata: Option<(String, jsonschema::Validator)>,
    entries: Option<(String, jsonschema::Validator)>,
    stored: Value,
}

impl Validator {
    /// Makes one of a choice, the place and version of the configuration, and the schemas that the choice asks for, by id.
    pub fn new(
        chosen: &Chosen,
        config: &PhysicalKey,
        loaded: &BTreeMap<String, LoadedSchema>,
    ) -> Result<Self, UnusableWorkflow> {
        let workflow = chosen.id.clone().unwrap_or_default();
        let pattern = chosen.workflow.as_ref().and_then(|workflow| workflow.handle_pattern.as_deref());
        let pattern = pattern
            .map(|text| {
                let wrong = |problem: String| ConfigError::Pattern { workflow: workflow.clone(), problem };
                let translated = pattern::translate(text).map_err(|problem| wrong(problem.to_owned()))?;
                let regex = Regex::new(&translated).map_err(|error| wrong(error.to_string()))?;
                Ok::<_, ConfigError>((text.to_owned(), regex))
            })
            .transpose()?;
        let mut schemas = Object::new();
        let mut compiled = |source: Option<&SchemaSource>| {
            let Some(SchemaSource { id, .. }) = source else { return Ok(None) };
            let schema = loaded.get(id).ok_or_else(|| ConfigError::NoSuchSchema(id.clone()))?;
            let validator = schema::compile(id, &schema.bytes)?;
            schemas.set(id, schema.source.to_string().into());
            Ok::<_, UnusableWorkflow>(Some((id.clone(), validator)))
        };
        let metadata = compiled(chosen.metadata_schema.as_ref())?;
        let entries = compiled(chosen.entries_schema.as_ref())?;
        let mut stored = Object::new();
        stored.set("id", chosen.id.as_deref().map_or(Value::Null, Value::from));
        stored.set("config", config.to_string().into());
        if !schemas.is_empty() {
            stored.set("schemas", schemas.into());
        }
        let message_required = chosen.workflow.as_ref().is_some_and(|workflow| workflow.is_message_required);
        Ok(Self { workflow, message_required, pattern, metadata, entries, stored: stored.into() })
    }

    /// What the header of a package that passed says of it.
    #[must_use]
    pub fn stored(&self) -> &Value {
        &self.stored
    }

    /// Whether the entries matter; if not, none have to be given.
    #[must_use]
    pub fn wants_entries(&self) -> bool {
        self.entries.is_some()
    }

    /// Judges a package: message, name, metadata, entries, in this order; the first violation is told.
    pub fn validate<'e>(&self, package: Candidate<'_, impl IntoIterator<Item = &'e Entry>>) -> Result<(), Violation> {
        let workflow = || self.workflow.clone();
        if self.message_required && package.message.is_none_or(str::is_empty) {
            return Err(Violation::Message { workflow: workflow() });
        }
        // A pattern that takes too long does not match, for nobody knows.
        if let Some((text, regex)) = &self.pattern
            && !regex.is_match(package.name).unwrap_or(false)
        {
            return Err(Violation::Name { workflow: workflow(), pattern: text.clone() });
        }
        if let Some((schema, validator)) = &self.metadata {
            let meta = package.user_meta.map_or_else(|| serde_json::json!({}), serde_json::Value::from);
            if let Some((place, problem)) = check::first(validator, &meta) {
                return Err(Violation::Metadata { workflow: workflow(), schema: schema.clone(), place, problem });
            }
        }
        if let Some((schema, validator)) = &self.entries {
            let entries: Vec<serde_json::Value> = package.entries.into_iter().map(seen).collect();
            let entries = serde_json::Value::Array(entries);
            if let Some((pointer, problem)) = check::first(validator, &entries) {
                let place = named(&entries, &pointer).unwrap_or(pointer);
                return Err(Violation::Entries { workflow: workflow(), schema: schema.clone(), place, problem });
            }
        }
        Ok(())
    }
}

/// What a schema sees of an entry (`get_pkg_entries_for_validation`).
fn seen(entry: &Entry) -> serde_json::Value {
    let meta = entry.user_meta().map_or_else(|| serde_json::json!({}), serde_json::Value::from);
    serde_json::json!({ "logical_key": entry.logical_key.as_str(), "size": entry.size, "meta": meta })
}

/// `/3/size` as `README.md /3/size`.
fn named(entries: &serde_json::Value, pointer: &str) -> Option<String> {
    let index = pointer.strip_prefix('/')?.split('/').next()?;
    let key = entries.get(index.parse::<usize>().ok()?)?.get("logical_key")?.as_str()?;
    Some(format!("{key} {pointer}"))
}
