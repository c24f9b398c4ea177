//! Mutations: documents that change something, and the unions that they are answered with.
//!
//! **Invariant**: a mutation is sent once. Only if the registry answered that it did not run is another document tried.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{GraphqlError, InputError, OperationError};

/// Why nothing was changed, or why it is not known whether something was.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MutationError {
    /// Occurs when the request fails, or its answer cannot be read.
    #[error("{0}")]
    Graphql(#[from] GraphqlError),
    /// Occurs when the registry does not accept the input.
    #[error("the registry does not accept the input")]
    Input(Vec<InputError>),
    /// Occurs when the operation fails.
    #[error("the operation failed")]
    Operation(OperationError),
}

#[derive(Deserialize)]
struct Input {
    errors: Vec<InputError>,
}

/// Reads the answer to a mutation: a value of the type `success`, or one of the errors.
pub(super) fn outcome<T: DeserializeOwned>(answer: Value, success: &str) -> Result<T, MutationError> {
    let kind = answer.get("__typename").and_then(Value::as_str).map(str::to_owned);
    let shape = |_| MutationError::Graphql(GraphqlError::Shape);
    match kind.as_deref() {
        Some("InvalidInput") => {
            let input: Input = serde_json::from_value(answer).map_err(shape)?;
            Err(MutationError::Input(input.errors))
        }
        Some("OperationError") => Err(MutationError::Operation(serde_json::from_value(answer).map_err(shape)?)),
        Some(kind) if kind == success => serde_json::from_value(answer).map_err(shape),
        _ => Err(GraphqlError::Shape.into()),
    }
}
