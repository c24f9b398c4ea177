//! What surrounds every answer of AWS: the request ids, and in a refusal's body the names of what was asked for. It
//! completes what the operations and the verifier wrote, and gives the refusals of STS the form STS has.

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE};
use hyper::http::HeaderValue;
use s3s::{Body, HttpResponse};

use super::error::insert;
use super::journal::Noted;
use super::sts::xml::{Fault, Xml, fault_body, unescape};

/// The request that is answered, as far as its answer repeats it.
pub(crate) struct Addressed<'a> {
    pub request_id: &'a str,
    pub host_id: &'a str,
    pub head: bool,
    pub sts: bool,
    pub path: &'a str,
    pub access_key_id: Option<&'a str>,
    pub noted: &'a Noted,
}

/// Completes an answer.
pub(crate) fn complete(mut response: HttpResponse, request: &Addressed<'_>) -> HttpResponse {
    let ids = [
        ("x-amz-request-id", request.request_id),
        ("x-amz-id-2", request.host_id),
        ("server", "AmazonS3"),
    ];
    if request.sts {
        insert(response.headers_mut(), [("x-amzn-requestid", request.request_id)]);
    }
    insert(response.headers_mut(), ids);
    let status = response.status();
    if status.is_success() {
        // The HTTP layer gives every `HeadObject` 200.
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
        fault_body(&sts_fault(status, &code, &message), request.request_id)
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

/// The refusal that a request's signature is not even shaped like one.
pub(crate) fn malformed_signature() -> HttpResponse {
    let mut response = HttpResponse::new(Body::from(Bytes::from_static(
        b"<Error><Code>SignatureDoesNotMatch</Code></Error>",
    )));
    *response.status_mut() = StatusCode::FORBIDDEN;
    response
}

fn s3_body(code: &str, message: &str, region: Option<&str>, request: &Addressed<'_>) -> String {
    let mut body = Xml::default();
    let bucket = request.noted.bucket.as_deref().unwrap_or_default();
    let key = request.noted.key.as_deref().unwrap_or_default();
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

/// The verifier speaks S3; STS has other names for some refusals.
fn sts_fault(status: StatusCode, code: &str, message: &str) -> Fault {
    match code {
        "InvalidAccessKeyId" => Fault::new(
            403,
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
        ),
        "RequestTimeTooSkewed" => Fault::new(403, "SignatureDoesNotMatch", "Signature expired"),
        code => Fault::new(status.as_u16(), code, message),
    }
}

/// The message of a refusal that the verifier gives without one.
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

/// The raw text of an element, which the serializer wrote without attributes.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completes_a_refusal() {
        let noted = Noted {
            bucket: Some("b".to_owned()),
            key: Some("a<b".to_owned()),
            ..Noted::default()
        };
        let request = Addressed {
            request_id: "R",
            host_id: "H",
            head: false,
            sts: false,
            path: "/b/a%3Cb",
            access_key_id: Some("AKIA"),
            noted: &noted,
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
        let request = Addressed { sts: true, ..request };
        let response = complete(malformed_signature(), &request);
        let body = response.body().bytes().unwrap();
        assert!(body.starts_with(b"<ErrorResponse"));
    }
}
