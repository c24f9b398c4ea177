//! JSON 1.1: requests, responses, errors and pages.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE};
use hyper::http::HeaderValue;
use s3s::{Body, HttpResponse};
use serde_json::{Map, Value, json};

use crate::error::insert_headers;

/// The error of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub status: u16,
    pub code: &'static str,
    /// The `AthenaErrorCode` of `InvalidRequestException`.
    athena_code: Option<&'static str>,
    message: String,
}

impl ApiError {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: if code == "InternalServerException" { 500 } else { 400 },
            code,
            athena_code: None,
            message: message.into(),
        }
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self {
            athena_code: Some("INVALID_INPUT"),
            ..Self::new("InvalidRequestException", message)
        }
    }

    pub fn malformed_query(message: impl Into<String>) -> Self {
        Self {
            athena_code: Some("MALFORMED_QUERY"),
            ..Self::invalid(message)
        }
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    fn body(&self) -> Value {
        let mut body = json!({ "__type": self.code, "Message": self.message, "message": self.message });
        if let (Some(code), Some(members)) = (self.athena_code, body.as_object_mut()) {
            members.insert("AthenaErrorCode".to_owned(), code.into());
        }
        if let (true, Some(members)) = (self.code == "TooManyRequestsException", body.as_object_mut()) {
            members.insert("Reason".to_owned(), "CONCURRENT_QUERY_LIMIT_EXCEEDED".into());
        }
        body
    }
}

/// Returns the response to a call.
pub(crate) fn response(outcome: Result<Value, ApiError>, request_id: &str) -> HttpResponse {
    let (status, body) = match outcome {
        Ok(body) => (200, body),
        Err(error) => (error.status, error.body()),
    };
    let body = Bytes::from(body.to_string());
    let length = body.len();
    let mut response = HttpResponse::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    insert_headers(headers, [("x-amzn-requestid", request_id)]);
    response
}

/// The members of a request.
pub(crate) struct Input(pub Map<String, Value>);

impl Input {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    pub fn required(&self, name: &str) -> Result<&str, ApiError> {
        let missing = || ApiError::invalid(format!("{name} is a required field"));
        self.get(name).filter(|value| !value.is_empty()).ok_or_else(missing)
    }

    /// Returns the strings of a list.
    pub fn list(&self, name: &str) -> Vec<String> {
        let items = self.0.get(name).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Returns the page that `MaxResults` and `NextToken` ask for: its first item and the number of its items.
    pub fn page(&self, maximum: usize, scope: &str) -> Result<(usize, usize), ApiError> {
        let size = match self.0.get("MaxResults").and_then(Value::as_i64) {
            None => maximum,
            Some(size) => match usize::try_from(size) {
                Ok(0) | Err(_) => return Err(ApiError::invalid("MaxResults is less than minimum allowed value 1")),
                Ok(size) if size > maximum => {
                    let message = format!("MaxResults is more than maximum allowed length {maximum}");
                    return Err(ApiError::invalid(message));
                }
                Ok(size) => size,
            },
        };
        let first = match self.get("NextToken") {
            None => 0,
            Some(token) => read_token(token, scope).ok_or_else(|| ApiError::invalid("Invalid NextToken"))?,
        };
        Ok((first, size))
    }

    /// Returns a page of items, and the token of the next one if there are more.
    pub fn paged<T>(&self, items: Vec<T>, maximum: usize, scope: &str) -> Result<(Vec<T>, Option<String>), ApiError> {
        let (first, size) = self.page(maximum, scope)?;
        let next = (items.len() > first + size).then(|| token(first + size, scope));
        Ok((items.into_iter().skip(first).take(size).collect(), next))
    }
}

/// Returns the token of the page that begins at an item of what `scope` names.
pub(crate) fn token(first: usize, scope: &str) -> String {
    BASE64_STANDARD.encode(format!("{first}:{scope}"))
}

fn read_token(token: &str, scope: &str) -> Option<usize> {
    let text = String::from_utf8(BASE64_STANDARD.decode(token).ok()?).ok()?;
    let (first, of) = text.split_once(':')?;
    first.parse().ok().filter(|_| of == scope)
}

/// Adds `NextToken` to an output.
pub(crate) fn with_token(mut output: Value, next: Option<String>) -> Value {
    if let (Some(next), Some(members)) = (next, output.as_object_mut()) {
        members.insert("NextToken".to_owned(), next.into());
    }
    output
}
