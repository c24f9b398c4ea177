//! Validation of a package against the requirements of its workflow (`WorkflowValidator.validate`).

use std::collections::BTreeMap;
use std::convert::Infallible;

use fancy_regex::Regex;

use super::document::ConfigError;
use super::entries::EntriesSchema;
use super::schema::{self, SchemaError};
use super::{ChosenWorkflow, SchemaSource, check, pattern};
use crate::json::{Object, Value};
use crate::{Entry, PhysicalKey};

/// A fetched schema.
#[derive(Debug, Clone)]
pub struct LoadedSchema {
    /// The content.
    pub bytes: Vec<u8>,
    /// The location, with the version that was read.
    pub source: PhysicalKey,
}

/// The package to be pushed.
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

/// A requirement that a package does not meet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Occurs when the workflow requires a message and the package has none.
    #[error("the workflow '{workflow}' requires a commit message (is_message_required), but none was given")]
    Message {
        /// The workflow's ID.
        workflow: String,
    },
    /// Occurs when the package's name does not match the workflow's pattern.
    #[error("the workflow '{workflow}' requires a package name that matches {pattern} (handle_pattern)")]
    Name {
        /// The workflow's ID.
        workflow: String,
        /// The pattern.
        pattern: String,
    },
    /// Occurs when the package's metadata does not conform to the schema.
    #[error(
        "the workflow '{workflow}' refuses the package's metadata (metadata_schema '{schema}') at `{place}`: {problem}"
    )]
    Metadata {
        /// The workflow's ID.
        workflow: String,
        /// The schema's id.
        schema: String,
        /// A JSON pointer into the metadata.
        place: String,
        /// The problem.
        problem: String,
    },
    /// Occurs when the package's entries do not conform to the schema.
    #[error(
        "the workflow '{workflow}' refuses the package's entries (entries_schema '{schema}') at `{place}`: {problem}"
    )]
    Entries {
        /// The workflow's ID.
        workflow: String,
        /// The schema's id.
        schema: String,
        /// A JSON pointer into the array of entries, preceded by the entry's logical key if it points into an entry.
        place: String,
        /// The problem.
        problem: String,
    },
}

/// An error in the configuration or the schemas of a workflow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnusableWorkflow {
    /// Occurs when the configuration is not valid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Occurs when a schema is not valid.
    #[error(transparent)]
    Schema(#[from] SchemaError),
}

/// A workflow with its compiled schemas, against which packages are validated.
#[derive(Debug)]
pub struct Validator {
    workflow: String,
    message_required: bool,
    pattern: Option<(String, Regex)>,
    metadata: Option<(String, jsonschema::Validator)>,
    entries: Option<(String, EntriesSchema)>,
    header_value: Value,
}

impl Validator {
    /// Creates a validator from a selected workflow, the location and version of the configuration, and the fetched schemas
    /// by ID.
    pub fn new(
        chosen: &ChosenWorkflow,
        config: &PhysicalKey,
        loaded: &BTreeMap<String, LoadedSchema>,
    ) -> Result<Self, UnusableWorkflow> {
        let workflow = chosen.id.clone().unwrap_or_default();
        let pattern = chosen
            .workflow
            .as_ref()
            .and_then(|workflow| workflow.handle_pattern.as_deref());
        let pattern = pattern
            .map(|text| {
                let wrong = |problem: String| ConfigError::Pattern {
                    workflow: workflow.clone(),
                    problem,
                };
                let translated = pattern::translate(text).map_err(|problem| wrong(problem.to_owned()))?;
                let regex = Regex::new(&translated).map_err(|error| wrong(error.to_string()))?;
                Ok::<_, ConfigError>((text.to_owned(), regex))
            })
            .transpose()?;
        let mut schemas = Object::new();
        let metadata = compiled(chosen.metadata_schema.as_ref(), loaded, &mut schemas, schema::compile)?;
        let entries = compiled(
            chosen.entries_schema.as_ref(),
            loaded,
            &mut schemas,
            schema::compile_entries,
        )?;
        let mut header_value = Object::new();
        header_value.set("id", chosen.id.as_deref().map_or(Value::Null, Value::from));
        header_value.set("config", config.to_string().into());
        if !schemas.is_empty() {
            header_value.set("schemas", schemas.into());
        }
        let message_required = chosen
            .workflow
            .as_ref()
            .is_some_and(|workflow| workflow.is_message_required);
        Ok(Self {
            workflow,
            message_required,
            pattern,
            metadata,
            entries,
            header_value: header_value.into(),
        })
    }

    /// Returns the value of the field `workflow` in the header of a valid package.
    #[must_use]
    pub fn header_value(&self) -> &Value {
        &self.header_value
    }

    /// Returns whether the workflow has a schema of entries. If not, no entries need to be passed.
    #[must_use]
    pub fn wants_entries(&self) -> bool {
        self.entries.is_some()
    }

    /// Estimates the memory for validating this number of entries, in bytes, besides the entries themselves.
    #[must_use]
    pub fn estimate_bytes(&self, entries: usize) -> usize {
        self.entries
            .as_ref()
            .map_or(0, |(_, schema)| schema.estimate_bytes(entries))
    }

    /// Validates message, name, metadata and entries of a package, in this order, and returns the first violation.
    pub fn validate<'e>(&self, package: Candidate<'_, impl IntoIterator<Item = &'e Entry>>) -> Result<(), Violation> {
        match self.validate_while(package, || Ok::<_, Infallible>(())) {
            Ok(outcome) => outcome,
            Err(never) => match never {},
        }
    }

    /// Validates a package like [`validate`](Self::validate), calling `checkpoint` before each entry and stopping at its
    /// error.
    pub fn validate_while<'e, E>(
        &self,
        package: Candidate<'_, impl IntoIterator<Item = &'e Entry>>,
        mut checkpoint: impl FnMut() -> Result<(), E>,
    ) -> Result<Result<(), Violation>, E> {
        if let Err(violation) = self.validate_head(package.name, package.message, package.user_meta) {
            return Ok(Err(violation));
        }
        checkpoint()?;
        let Some((schema, compiled)) = &self.entries else {
            return Ok(Ok(()));
        };
        Ok(match compiled.check(package.entries, checkpoint)? {
            None => Ok(()),
            Some((place, problem)) => Err(Violation::Entries {
                workflow: self.workflow.clone(),
                schema: schema.clone(),
                place,
                problem,
            }),
        })
    }

    /// Validates everything except for the entries.
    fn validate_head(&self, name: &str, message: Option<&str>, user_meta: Option<&Value>) -> Result<(), Violation> {
        let workflow = || self.workflow.clone();
        if self.message_required && message.is_none_or(str::is_empty) {
            return Err(Violation::Message { workflow: workflow() });
        }
        // A pattern that takes too long does not match.
        if let Some((text, regex)) = &self.pattern
            && !regex.is_match(name).unwrap_or(false)
        {
            return Err(Violation::Name {
                workflow: workflow(),
                pattern: text.clone(),
            });
        }
        if let Some((schema, validator)) = &self.metadata {
            let meta = user_meta.map_or_else(|| serde_json::json!({}), serde_json::Value::from);
            if let Some((place, problem)) = check::first_violation(validator, &meta) {
                return Err(Violation::Metadata {
                    workflow: workflow(),
                    schema: schema.clone(),
                    place,
                    problem,
                });
            }
        }
        Ok(())
    }
}

/// Compiles a schema and returns it with its ID. Adds its location to `schemas`.
fn compiled<T>(
    source: Option<&SchemaSource>,
    loaded: &BTreeMap<String, LoadedSchema>,
    schemas: &mut Object,
    compile: impl FnOnce(&str, &[u8]) -> Result<T, SchemaError>,
) -> Result<Option<(String, T)>, UnusableWorkflow> {
    let Some(SchemaSource { id, .. }) = source else {
        return Ok(None);
    };
    let schema = loaded.get(id).ok_or_else(|| ConfigError::NoSuchSchema(id.clone()))?;
    let compiled = compile(id, &schema.bytes)?;
    schemas.set(id, schema.source.to_string().into());
    Ok(Some((id.clone(), compiled)))
}
