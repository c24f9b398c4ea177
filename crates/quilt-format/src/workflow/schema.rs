//! JSON schemas as quilt3 takes them: draft 7, nothing referred to, formats not checked.

use super::entries::EntriesSchema;
use super::{check, keywords};
use crate::json::{self, Value};

/// The only value of `$schema` (`SUPPORTED_META_SCHEMAS`).
const DRAFT_7: &str = "http://json-schema.org/draft-07/schema#";

/// Schemas are walked by their own recursion; this deep no person writes one.
const MAX_DEPTH: usize = 100;

/// Why a schema cannot be used. The bucket's owner has to repair it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// Repair its syntax.
    #[error("the schema '{id}' is not JSON: {problem}")]
    NotJson {
        /// The schema.
        id: String,
        /// Why.
        problem: String,
    },
    /// Write out what is referred to.
    #[error("the schema '{id}' has a $ref, which is not supported")]
    Reference {
        /// The schema.
        id: String,
    },
    /// Write it for draft 7.
    #[error("the schema '{id}' is for the meta-schema {meta_schema}; only {DRAFT_7} is supported")]
    MetaSchema {
        /// The schema.
        id: String,
        /// What it says.
        meta_schema: String,
    },
    /// Repair the schema.
    #[error("the schema '{id}' is not valid: {problem}")]
    Invalid {
        /// The schema.
        id: String,
        /// Why.
        problem: String,
    },
}

/// Reads a schema.
pub(super) fn compile(id: &str, bytes: &[u8]) -> Result<jsonschema::Validator, SchemaError> {
    Ok(read(id, bytes)?.1)
}

/// Reads a schema of the list of entries.
pub(super) fn compile_entries(id: &str, bytes: &[u8]) -> Result<EntriesSchema, SchemaError> {
    let (schema, whole) = read(id, bytes)?;
    EntriesSchema::compile(&schema, whole).map_err(|error| SchemaError::Invalid {
        id: id.to_owned(),
        problem: check::told(&error),
    })
}

/// The schema as it is compiled, and the validator of the whole.
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
    keywords::as_python_means(&mut schema).map_err(invalid)?;
    let validator = keywords::build(&schema).map_err(|error| invalid(check::told(&error)))?;
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

/// Whether any object has a `$ref`, even where it is not a keyword (`_schema_load_object_hook`).
fn refers(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(refers),
        Value::Object(object) => object.iter().any(|(key, value)| key == "$ref" || refers(value)),
        _ => false,
    }
}
