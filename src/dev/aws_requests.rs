//! Requests for S3, STS and Athena that come to a server with other paths besides.

use std::net::{Ipv4Addr, SocketAddr};

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, header};
use axum::response::{IntoResponse as _, Response};
use embedded_aws::Services;

/// Answers as S3, STS or Athena.
pub(super) async fn answer_as_aws(aws: &Services, request: Request) -> Response {
    // The address of a client beyond the published port is that of the port.
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    aws.answer(request, peer).await.map(Body::new).into_response()
}

/// Whether a request is one for AWS: it is signed, or it is a form for STS, whose exchange of a web identity is not.
pub(super) fn is_for_aws(request: &Request) -> bool {
    let is_signed = request
        .headers()
        .get(header::AUTHORIZATION)
        .is_some_and(|value| value.as_bytes().starts_with(b"AWS4-HMAC-SHA256"));
    let query = request.uri().query().unwrap_or_default();
    let is_presigned = query.split('&').any(|part| part.starts_with("X-Amz-Signature="));
    let is_form = || {
        let kind = request.headers().get(header::CONTENT_TYPE);
        kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"))
    };
    is_signed || is_presigned || (request.method() == Method::POST && request.uri().path() == "/" && is_form())
}
