//! Completion of responses: the request IDs that every AWS response has, and the bodies of errors.
//!
//! s3s writes errors without request ID, bucket or key, and writes errors of STS requests in the form of S3. Both are
//! corrected here.

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE};
use hyper::http::HeaderValue;
use s3s::{Body, HttpResponse};

use super::error::insert_headers;
use super::journal::RequestDetails;
use super::sts::xml::{StsError, Xml, error_body, unescape};

/// The parts of a request that its response depends on.
pub(crate) struct ResponseContext<'a> {
    pub request_id: &'a str,
    pub host_id: &'a str,
    pub head: bool,
    pub sts: bool,
    pub path: &'a str,
    pub access_key_id: Option<&'a str>,
    pub details: &'a RequestDetails,
}

/// Adds the request IDs to a response and rewrites the body of an error.
pub(crate) fn complete(mut response: HttpResponse, request: &ResponseContext<'_>) -> HttpResponse {
    let ids = [
        ("x-amz-request-id", request.request_id),
        ("x-amz-id-2", request.host_id),
        ("server", "AmazonS3"),
    ];
    if request.sts {
        insert_headers(response.headers_mut(), [("x-amzn-requestid", request.request_id)]);
    }
    insert_headers(response.headers_mut(), ids);
    let status = response.status();
    if status.is_success() {
        // s3s answers every successful `HeadObject` with 200.
        if request.head && response.headers().contains_key(CONTENT_RANGE) {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        return response;
    }
    if request.head || status == StatusCode::NOT_MODIFIED {
        response.headers_mut().remove(CONTENT_TYPE);
        response.headers_mut().remove(CONTENT_LENGTH);
        *response.body_mut() = Body::empty();
        return response;
    }
    let Some(bytes) = response.body().bytes() else {
        return response;
    };
    let text = String::from_utf8_lossy(&bytes);
    if !text.contains("<Error>") || text.contains("<ErrorResponse") {
        return response;
    }
    let code = unescape(element(&text, "Code").unwrap_or_default());
    let message = element(&text, "Message").map_or_else(|| default_message(&code).to_owned(), unescape);
    let region = response
        .headers()
        .get("x-amz-bucket-region")
        .and_then(|region| region.to_str().ok());
    let body = if request.sts {
        error_body(&sts_error(status, &code, &message), request.request_id)
    } else {
        s3_body(&code, &message, region, request)
    };
    let body = Bytes::from(body);
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static(if request.sts { "text/xml" } else { "application/xml" }),
    );
    headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    *response.body_mut() = Body::from(body);
    response
}

/// Returns the response to a request whose signature is not of the expected form.
pub(crate) fn malformed_signature() -> HttpResponse {
    let mut response = HttpResponse::new(Body::from(Bytes::from_static(
        b"<Error><Code>SignatureDoesNotMatch</Code></Error>",
    )));
    *response.status_mut() = StatusCode::FORBIDDEN;
    response
}

fn s3_body(code: &str, message: &str, region: Option<&str>, request: &ResponseContext<'_>) -> String {
    let mut body = Xml::default();
    let bucket = request.details.bucket.as_deref().unwrap_or_default();
    let key = request.details.key.as_deref().unwrap_or_default();
    body.text("Code", code).text("Message", message);
    match code {
        "NoSuchBucket" | "NoSuchBucketPolicy" | "BucketNotEmpty" | "BucketAlreadyOwnedByYou" => {
            body.text("BucketName", bucket);
        }
        "NoSuchKey" => {
            body.text("Key", key);
        }
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" => {
            body.text("AWSAccessKeyId", request.access_key_id.unwrap_or_default());
        }
        "PermanentRedirect" => {
            body.text(
                "Endpoint",
                &format!("{bucket}.s3.{}.amazonaws.com", region.unwrap_or_default()),
            );
            body.text("Bucket", bucket);
        }
        "AccessDenied" => {}
        _ => {
            body.text("Resource", request.path);
        }
    }
    body.text("RequestId", request.request_id)
        .text("HostId", request.host_id);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>{}</Error>",
        body.as_str()
    )
}

/// Translates an S3 error to the STS error with the same meaning.
fn sts_error(status: StatusCode, code: &str, message: &str) -> StsError {
    match code {
        "InvalidAccessKeyId" => StsError::new(
            403,
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
        ),
        "RequestTimeTooSkewed" => StsError::new(403, "SignatureDoesNotMatch", "Signature expired"),
        code => StsError::new(status.as_u16(), code, message),
    }
}

/// Returns AWS's message for an error that s3s returns without one.
fn default_message(code: &str) -> &'static str {
    match code {
        "SignatureDoesNotMatch" => {
            "The request signature we calculated does not match the signature you provided. Check your key and signing method."
        }
        "RequestTimeTooSkewed" => "The difference between the request time and the current time is too large.",
        "InvalidBucketName" => "The specified bucket is not valid.",
        "InvalidURI" => "Couldn't parse the specified URI.",
        "KeyTooLongError" => "Your key is too long",
        "MethodNotAllowed" => "The specified method is not allowed against this resource.",
        "NotImplemented" => "A header or query you provided implies functionality that is not implemented.",
        "InternalError" => "We encountered an internal error. Please try again.",
        _ => "",
    }
}

/// Returns the escaped text of an element without attributes.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completes_an_error() {
        let details = RequestDetails {
            bucket: Some("b".to_owned()),
            key: Some("a<b".to_owned()),
            ..RequestDetails::default()
        };
        let request = ResponseContext {
            request_id: "R",
            host_id: "H",
            head: false,
            sts: false,
            path: "/b/a%3Cb",
            access_key_id: Some("AKIA"),
            details: &details,
        };
        let mut response = HttpResponse::new(Body::from(Bytes::from_static(b"<Error><Code>NoSuchKey</Code></Error>")));
        *response.status_mut() = StatusCode::NOT_FOUND;
        let response = complete(response, &request);
        let body = response.body().bytes().unwrap();
        let text = std::str::from_utf8(&body).unwrap();
        assert!(
            text.contains("<Key>a&lt;b</Key><RequestId>R</RequestId><HostId>H</HostId></Error>"),
            "{text}"
        );
        assert_eq!(response.headers()["x-amz-request-id"], "R");
        let request = ResponseContext { sts: true, ..request };
        let response = complete(malformed_signature(), &request);
        let body = response.body().bytes().unwrap();
        assert!(body.starts_with(b"<ErrorResponse"));
    }
}
