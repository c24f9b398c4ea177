//! Whether a package is what its workflow demands (`WorkflowValidator.validate`).

use std::collections::BTreeMap;
use std::convert::Infallible;

use fancy_regex::Regex;

use super::document::ConfigError;
use super::entries::EntriesSchema;
use super::schema::{self, SchemaError};
use super::{Chosen, SchemaSource, check, pattern};
use crate::json::{Object, Value};
use crate::{Entry, PhysicalKey};

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
    entries: Option<(String, EntriesSchema)>,
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
        let mut stored = Object::new();
        stored.set("id", chosen.id.as_deref().map_or(Value::Null, Value::from));
        stored.set("config", config.to_string().into());
        if !schemas.is_empty() {
            stored.set("schemas", schemas.into());
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
            stored: stored.into(),
        })
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

    /// Memory for the check of a package of so many entries, beside the entries themselves.
    #[must_use]
    pub fn room(&self, entries: usize) -> usize {
        self.entries.as_ref().map_or(0, |(_, schema)| schema.room(entries))
    }

    /// Judges a package: message, name, metadata, entries, in this order; the first violation is told.
    pub fn validate<'e>(&self, package: Candidate<'_, impl IntoIterator<Item = &'e Entry>>) -> Result<(), Violation> {
        match self.validate_while(package, || Ok::<_, Infallible>(())) {
            Ok(outcome) => outcome,
            Err(never) => match never {},
        }
    }

    /// Judges a package for as long as `between`, which is asked before each entry, does not fail.
    pub fn validate_while<'e, E>(
        &self,
        package: Candidate<'_, impl IntoIterator<Item = &'e Entry>>,
        mut between: impl FnMut() -> Result<(), E>,
    ) -> Result<Result<(), Violation>, E> {
        if let Err(violation) = self.validate_head(package.name, package.message, package.user_meta) {
            return Ok(Err(violation));
        }
        between()?;
        let Some((schema, compiled)) = &self.entries else {
            return Ok(Ok(()));
        };
        Ok(match compiled.check(package.entries, between)? {
            None => Ok(()),
            Some((place, problem)) => {
                let (workflow, schema) = (self.workflow.clone(), schema.clone());
                Err(Violation::Entries {
                    workflow,
                    schema,
                    place,
                    problem,
                })
            }
        })
    }

    /// Judges all but the entries.
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
            if let Some((place, problem)) = check::first(validator, &meta) {
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

/// A schema's id and what it is compiled to. Where it was read from is added to `schemas`.
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
