//! JSON schemas with the restrictions of quilt3: draft 7, without references, and with formats not checked.

use super::entries::EntriesSchema;
use super::{check, keywords};
use crate::json::{self, Value};

/// The only supported value of `$schema` (`SUPPORTED_META_SCHEMAS`).
const DRAFT_7: &str = "http://json-schema.org/draft-07/schema#";

/// Maximum depth of a schema, because schemas are processed recursively.
const MAX_DEPTH: usize = 100;

/// An error in a schema, which the bucket's owner must correct.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// Occurs when the schema is not JSON.
    #[error("the schema '{id}' is not JSON: {problem}")]
    NotJson {
        /// The schema's ID.
        id: String,
        /// The problem.
        problem: String,
    },
    /// Occurs when the schema contains a `$ref`.
    #[error("the schema '{id}' has a $ref, which is not supported")]
    Reference {
        /// The schema's ID.
        id: String,
    },
    /// Occurs when `$schema` names another draft than draft 7.
    #[error("the schema '{id}' is for the meta-schema {meta_schema}; only {DRAFT_7} is supported")]
    MetaSchema {
        /// The schema's ID.
        id: String,
        /// The value of `$schema`.
        meta_schema: String,
    },
    /// Occurs when the schema is not a valid JSON schema.
    #[error("the schema '{id}' is not valid: {problem}")]
    Invalid {
        /// The schema's ID.
        id: String,
        /// The problem.
        problem: String,
    },
}

/// Compiles a schema.
pub(super) fn compile(id: &str, bytes: &[u8]) -> Result<jsonschema::Validator, SchemaError> {
    Ok(read(id, bytes)?.1)
}

/// Compiles a schema of the array of entries.
pub(super) fn compile_entries(id: &str, bytes: &[u8]) -> Result<EntriesSchema, SchemaError> {
    let (schema, whole) = read(id, bytes)?;
    EntriesSchema::compile(&schema, whole).map_err(|error| SchemaError::Invalid {
        id: id.to_owned(),
        problem: check::message(&error),
    })
}

/// Parses a schema and returns it with its validator.
fn read(id: &str, bytes: &[u8]) -> Result<(serde_json::Value, jsonschema::Validator), SchemaError> {
    let not_json = |problem: String| SchemaError::NotJson {
        id: id.to_owned(),
        problem,
    };
    let invalid = |problem: String| SchemaError::Invalid {
        id: id.to_owned(),
        problem,
    };
    let text = std::str::from_utf8(bytes).map_err(|_| not_json("it is not UTF-8".to_owned()))?;
    let schema = json::parse(text).map_err(|problem| not_json(problem.to_string()))?;
    if deeper_than(&schema, MAX_DEPTH) {
        return Err(invalid(format!("it is nested deeper than {MAX_DEPTH}")));
    }
    if refers(&schema) {
        return Err(SchemaError::Reference { id: id.to_owned() });
    }
    if let Some(meta_schema) = schema.as_object().and_then(|schema| schema.get("$schema"))
        && meta_schema.as_str() != Some(DRAFT_7)
    {
        return Err(SchemaError::MetaSchema {
            id: id.to_owned(),
            meta_schema: meta_schema.canonical(),
        });
    }
    let mut schema = serde_json::Value::from(&schema);
    keywords::rewrite_for_python(&mut schema).map_err(invalid)?;
    let validator = keywords::build(&schema).map_err(|error| invalid(check::message(&error)))?;
    Ok((schema, validator))
}

fn deeper_than(value: &Value, depth: usize) -> bool {
    let below = |value: &Value| depth == 0 || deeper_than(value, depth - 1);
    match value {
        Value::Array(items) => items.iter().any(below),
        Value::Object(object) => object.iter().any(|(_, value)| below(value)),
        _ => false,
    }
}

/// Returns whether any object has a `$ref`, even where it is not a keyword (`_schema_load_object_hook`).
fn refers(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(refers),
        Value::Object(object) => object.iter().any(|(key, value)| key == "$ref" || refers(value)),
        _ => false,
    }
}
