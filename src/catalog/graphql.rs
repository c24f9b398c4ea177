//! GraphQL on the registry (`POST {registry}/graphql`).

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{RegistryAccess, RegistryError};
use crate::telemetry::text::without_controls;

/// Why a query gave no data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphqlError {
    /// The request did not get through.
    #[error("the registry was asked, and {0}")]
    Registry(#[from] RegistryError),
    /// The schema of this stack does not know the query; ask an older one.
    #[error("this catalog's schema does not have the query: {0}")]
    Schema(String),
    /// The registry answered with errors.
    #[error("the registry's GraphQL answered: {0}")]
    Errors(String),
    /// The registry answered 200 as to somebody without a login: log in again.
    #[error("the registry's GraphQL says that nobody is logged in: it does not accept the token")]
    NobodyLoggedIn,
    /// The answer's data has another shape than the query asks for.
    #[error("the registry's GraphQL answered data of an unexpected shape")]
    Shape,
}

#[derive(Deserialize)]
struct Answer {
    data: Option<Value>,
    #[serde(default)]
    errors: Vec<Problem>,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    message: String,
    #[serde(default)]
    extensions: Option<Value>,
}

impl Problem {
    fn is_of_schema(&self) -> bool {
        let code = self
            .extensions
            .as_ref()
            .and_then(|e| e.get("code"))
            .and_then(Value::as_str);
        code == Some("GRAPHQL_VALIDATION_FAILED") || self.message.contains("Cannot query field")
    }
}

/// Asks one query in the caller's name. Errors in the answer are errors here, whatever data came beside them.
pub(super) async fn query<T: DeserializeOwned>(access: &RegistryAccess, query: &str) -> Result<T, GraphqlError> {
    let body = access
        .registry
        .query("/graphql", &json!({ "query": query }), &access.token)
        .await;
    let body = match body {
        // Servers that follow GraphQL over HTTP answer a query that does not fit the schema with a bare 400.
        Err(RegistryError::Status(400)) => return Err(GraphqlError::Schema("400".to_owned())),
        other => other?,
    };
    let answer: Answer = serde_json::from_slice(&body).map_err(|_| GraphqlError::Shape)?;
    if let Some(problem) = answer.errors.first() {
        let message = without_controls(&problem.message, 200);
        let is_of_schema = problem.is_of_schema();
        return Err(if is_of_schema {
            GraphqlError::Schema(message)
        } else {
            GraphqlError::Errors(message)
        });
    }
    serde_json::from_value(answer.data.unwrap_or_default()).map_err(|_| GraphqlError::Shape)
}
