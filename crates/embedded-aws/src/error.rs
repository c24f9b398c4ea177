//! S3 errors that several operations return, with AWS's messages. The response module adds the request ID, bucket and key.

use hyper::HeaderMap;
use hyper::http::HeaderValue;
use s3s::{S3Error, S3ErrorCode};

pub(crate) fn error(code: S3ErrorCode, message: impl Into<std::borrow::Cow<'static, str>>) -> S3Error {
    S3Error::with_message(code, message)
}

pub(crate) fn access_denied() -> S3Error {
    error(S3ErrorCode::AccessDenied, "Access Denied")
}

pub(crate) fn no_such_bucket() -> S3Error {
    error(S3ErrorCode::NoSuchBucket, "The specified bucket does not exist")
}

pub(crate) fn no_such_key() -> S3Error {
    error(S3ErrorCode::NoSuchKey, "The specified key does not exist.")
}

pub(crate) fn no_such_version() -> S3Error {
    error(S3ErrorCode::NoSuchVersion, "The specified version does not exist.")
}

pub(crate) fn no_such_upload() -> S3Error {
    error(
        S3ErrorCode::NoSuchUpload,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
    )
}

pub(crate) fn precondition_failed() -> S3Error {
    error(
        S3ErrorCode::PreconditionFailed,
        "At least one of the pre-conditions you specified did not hold",
    )
}

pub(crate) fn invalid_argument(message: impl Into<std::borrow::Cow<'static, str>>) -> S3Error {
    error(S3ErrorCode::InvalidArgument, message)
}

pub(crate) fn invalid_request(message: impl Into<std::borrow::Cow<'static, str>>) -> S3Error {
    error(S3ErrorCode::InvalidRequest, message)
}

/// Adds response headers to an error; values that are not valid in a header are left out.
pub(crate) fn with_headers<'a>(
    mut error: S3Error,
    headers: impl IntoIterator<Item = (&'static str, &'a str)>,
) -> S3Error {
    let mut map = error.headers().cloned().unwrap_or_default();
    insert_headers(&mut map, headers);
    error.set_headers(map);
    error
}

/// Sets response headers; values that are not valid in a header are left out.
pub(crate) fn insert_headers<'a>(map: &mut HeaderMap, headers: impl IntoIterator<Item = (&'static str, &'a str)>) {
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            map.insert(name, value);
        }
    }
}
