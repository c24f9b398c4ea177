//! GraphQL queries to the registry (`POST {registry}/graphql`).

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{RegistryAccess, RegistryError};
use crate::telemetry::text::without_controls;

/// Why a query returned no data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphqlError {
    /// Occurs when the request fails.
    #[error("the registry was asked, and {0}")]
    Registry(#[from] RegistryError),
    /// Occurs when the schema of the stack does not have a field of the query.
    #[error("the schema of this catalog does not support the query: {0}")]
    Schema(String),
    /// Occurs when the response has errors.
    #[error("the registry answered with a GraphQL error: {0}")]
    Errors(String),
    /// Occurs when the response is that for a user who is not logged in, with status 200.
    #[error("the registry answered that no user is logged in: it does not accept the token")]
    NotLoggedIn,
    /// Occurs when the data of the response does not have the fields of the query.
    #[error("the registry answered with data of an unexpected shape")]
    Shape,
}

#[derive(Deserialize)]
struct Response {
    data: Option<Value>,
    #[serde(default)]
    errors: Vec<ResponseError>,
}

#[derive(Deserialize)]
struct ResponseError {
    #[serde(default)]
    message: String,
    #[serde(default)]
    extensions: Option<Value>,
}

impl ResponseError {
    fn is_schema_error(&self) -> bool {
        let code = self
            .extensions
            .as_ref()
            .and_then(|e| e.get("code"))
            .and_then(Value::as_str);
        code == Some("GRAPHQL_VALIDATION_FAILED") || self.message.contains("Cannot query field")
    }
}

/// Sends a query with the caller's token. A response with errors is an error, even if it has data as well.
pub(super) async fn query<T: DeserializeOwned>(access: &RegistryAccess, query: &str) -> Result<T, GraphqlError> {
    let body = access
        .registry
        .query("/graphql", &json!({ "query": query }), &access.token)
        .await;
    let body = match body {
        // Servers that follow the GraphQL-over-HTTP specification answer a query that does not fit the schema with a 400.
        Err(RegistryError::Status(400)) => return Err(GraphqlError::Schema("400".to_owned())),
        other => other?,
    };
    let answer: Response = serde_json::from_slice(&body).map_err(|_| GraphqlError::Shape)?;
    if let Some(problem) = answer.errors.first() {
        let message = without_controls(&problem.message, 200);
        let is_of_schema = problem.is_schema_error();
        return Err(if is_of_schema {
            GraphqlError::Schema(message)
        } else {
            GraphqlError::Errors(message)
        });
    }
    serde_json::from_value(answer.data.unwrap_or_default()).map_err(|_| GraphqlError::Shape)
}
