//! The edge in front of the MCP endpoint: one method, one kind of body, one envelope; and what clients send in ways that
//! rmcp would refuse although it is clear what they mean.

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;

use super::envelope::Envelope;
use super::reply::{INVALID_REQUEST, Problem, problem};

/// Checks the request and puts its [`Envelope`] into the extensions.
pub(super) async fn check(State(max_body): State<usize>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")]).into_response();
    }
    let invalid =
        |status, error_code, message| problem(status, &Problem { code: INVALID_REQUEST, message, error_code }, None);
    if !is_json(&request) {
        let message = "The Content-Type must be application/json.";
        return invalid(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message);
    }
    let (mut parts, body) = request.into_parts();
    let body = match read(body, max_body).await {
        Ok(body) => body,
        Err(ReadError::TooLarge) => {
            let message = "The request body is larger than this server takes (QUILT_MCP_MAX_BODY).";
            return invalid(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message);
        }
        Err(ReadError::Broken) => {
            return invalid(StatusCode::BAD_REQUEST, "parse_error", "The request body broke off.");
        }
    };
    let envelope = match Envelope::parse(&body) {
        Ok(envelope) => envelope,
        Err((what, id)) => return problem(StatusCode::BAD_REQUEST, &what, id.as_deref()),
    };
    tracing::Span::current().record("rpc", envelope.method.as_str());
    parts.extensions.insert(envelope);
    // Clients send no Accept, or one of the two types; what they get depends on the call alone.
    let both = HeaderValue::from_static("application/json, text/event-stream");
    parts.headers.insert(header::ACCEPT, both);
    next.run(Request::from_parts(parts, Body::from(body))).await
}

fn is_json(request: &Request) -> bool {
    request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

enum ReadError {
    TooLarge,
    Broken,
}

async fn read(body: Body, limit: usize) -> Result<Bytes, ReadError> {
    let mut stream = body.into_data_stream();
    let mut whole = bytes::BytesMut::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| ReadError::Broken)?;
        if whole.len() + chunk.len() > limit {
            return Err(ReadError::TooLarge);
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}
