//! GraphQL queries to the registry (`POST {registry}/graphql`).

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::registry::ErrorBody;
use super::{RegistryAccess, RegistryError};
use crate::json::deserialize_optional_value;
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
    /// Occurs when the registry does not accept the value of a variable, which is an argument of the caller.
    #[error("the registry does not accept an argument: {0}")]
    Variable(String),
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

/// Maximum length of an error's text.
const MAX_MESSAGE_CHARS: usize = 600;

#[derive(Deserialize)]
struct Response {
    #[serde(default, deserialize_with = "deserialize_optional_value")]
    data: Option<Value>,
    /// Null in the responses of some servers.
    #[serde(default)]
    errors: Option<Vec<ResponseError>>,
}

impl Response {
    /// Returns the error that all errors of the response amount to.
    fn error(&self) -> Option<GraphqlError> {
        let errors = self.errors.as_deref().unwrap_or_default();
        if errors.is_empty() {
            return None;
        }
        let texts: Vec<String> = errors.iter().map(ResponseError::text).collect();
        let text = without_controls(&texts.join("; "), MAX_MESSAGE_CHARS);
        Some(if errors.iter().any(ResponseError::is_about_variable) {
            GraphqlError::Variable(text)
        } else if errors.iter().any(ResponseError::is_schema_error) {
            GraphqlError::Schema(text)
        } else {
            GraphqlError::Errors(text)
        })
    }
}

#[derive(Deserialize)]
struct ResponseError {
    #[serde(default)]
    message: String,
    #[serde(default, deserialize_with = "deserialize_optional_value")]
    extensions: Option<Value>,
    /// The field that failed.
    #[serde(default, deserialize_with = "deserialize_optional_value")]
    path: Option<Value>,
}

/// How messages begin with which graphql-core and graphql-js refuse a document that does not fit the schema.
const SCHEMA_MESSAGES: [&str; 5] = [
    "Cannot query field",
    "Unknown argument",
    "Unknown type",
    "Unknown directive",
    "Fragment cannot be spread here",
];
/// What they say of a variable whose definition does not fit the schema, other than of one with an invalid value.
const VARIABLE_DEFINITIONS: [&str; 4] = [
    "used in position expecting",
    "is never used",
    "is not defined",
    "cannot be non-input type",
];

impl ResponseError {
    /// Returns the message, with the field if an answer has it.
    fn text(&self) -> String {
        let message = match self.message.trim().trim_end_matches('.') {
            "" => "an error without a message",
            message => message,
        };
        let steps: Vec<&str> = self
            .path
            .as_ref()
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if steps.is_empty() {
            message.to_owned()
        } else {
            format!("{message} (in {})", steps.join("."))
        }
    }

    fn is_schema_error(&self) -> bool {
        let code = self
            .extensions
            .as_ref()
            .and_then(|e| e.get("code"))
            .and_then(Value::as_str);
        let text = &self.message;
        code == Some("GRAPHQL_VALIDATION_FAILED")
            || SCHEMA_MESSAGES.iter().any(|begin| text.starts_with(begin))
            || text.contains("does not exist in '") && text.contains("' enum")
            || self.names_variable() && VARIABLE_DEFINITIONS.iter().any(|part| text.contains(part))
    }

    /// Whether the value of a variable is wrong, in the words of graphql-core and graphql-js.
    fn is_about_variable(&self) -> bool {
        self.names_variable() && !VARIABLE_DEFINITIONS.iter().any(|part| self.message.contains(part))
    }

    fn names_variable(&self) -> bool {
        ["Variable '$", "Variable \"$"]
            .iter()
            .any(|begin| self.message.starts_with(begin))
    }
}

/// Sends a query with the caller's token; `variables` is null or an object. A response with errors is an error, even if it has
/// data as well.
pub(super) async fn query<T: DeserializeOwned>(
    access: &RegistryAccess,
    document: &str,
    variables: Value,
) -> Result<T, GraphqlError> {
    let body = access
        .registry
        .query(PATH, &request(document, variables), &access.token)
        .await;
    read(body)
}

/// Sends a mutation with the caller's token, once.
pub(super) async fn mutate<T: DeserializeOwned>(
    access: &RegistryAccess,
    document: &str,
    variables: Value,
) -> Result<T, GraphqlError> {
    let body = access
        .registry
        .mutate(PATH, &request(document, variables), &access.token)
        .await;
    read(body)
}

const PATH: &str = "/graphql";

fn request(document: &str, variables: Value) -> Value {
    let mut request = json!({ "query": document });
    if let (Some(request), Value::Object(_)) = (request.as_object_mut(), &variables) {
        request.insert("variables".to_owned(), variables);
    }
    request
}

fn read<T: DeserializeOwned>(body: Result<Vec<u8>, RegistryError>) -> Result<T, GraphqlError> {
    let body = match body {
        // Servers that follow the GraphQL-over-HTTP specification answer a query that does not fit the schema with a 400.
        Err(RegistryError::BadRequest(body)) => return Err(bad_request(body)),
        other => other?,
    };
    let answer: Response = serde_json::from_slice(&body).map_err(|_| GraphqlError::Shape)?;
    if let Some(error) = answer.error() {
        return Err(error);
    }
    serde_json::from_value(answer.data.unwrap_or_default()).map_err(|_| GraphqlError::Shape)
}

/// Reads the errors of a 400. One without a body may mean anything, and mostly that the schema is another one.
fn bad_request(body: ErrorBody) -> GraphqlError {
    if body.0.trim_ascii().is_empty() {
        return GraphqlError::Schema("the answer was a 400 without a reason".to_owned());
    }
    let answer: Result<Response, _> = serde_json::from_slice(&body.0);
    let error = answer.ok().and_then(|answer| answer.error());
    error.unwrap_or(GraphqlError::Registry(RegistryError::BadRequest(body)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn error(messages: &[&str]) -> GraphqlError {
        let errors: Vec<Value> = messages.iter().map(|message| json!({ "message": message })).collect();
        bad_request(ErrorBody(json!({ "errors": errors }).to_string().into_bytes()))
    }

    #[test]
    fn every_error_of_a_response_is_reported() {
        let text = error(&[
            "Cannot query field 'me' on type 'Query'.",
            "Cannot query field 'x' on type 'Query'.",
        ]);
        let GraphqlError::Schema(text) = text else {
            panic!("{text}")
        };
        assert!(text.contains("'me'") && text.contains("'x'"), "{text}");
        assert!(matches!(error(&["index on fire"]), GraphqlError::Errors(_)));
        for mismatch in [
            "Fragment cannot be spread here as objects of type 'A' can never be of type 'B'.",
            "Unknown directive '@include'.",
            "Value 'LEX_ASC' does not exist in 'SearchResultOrder' enum.",
            "Variable '$o' of type 'A' used in position expecting type 'B'.",
        ] {
            assert!(
                matches!(error(&["first", mismatch]), GraphqlError::Schema(_)),
                "{mismatch}"
            );
        }
        for quote in ['\'', '"'] {
            let message = format!("Variable {quote}$order{quote} got invalid value 'X'; no such enum value.");
            assert!(
                matches!(error(&["first", &message]), GraphqlError::Variable(text) if text.contains("no such enum"))
            );
        }
        assert!(matches!(bad_request(ErrorBody(b" ".to_vec())), GraphqlError::Schema(_)));
        assert!(matches!(
            bad_request(ErrorBody(b"<p>Bad gateway".to_vec())),
            GraphqlError::Registry(RegistryError::BadRequest(_))
        ));
    }
}
