//! STS responses in XML. All text is escaped.

use std::fmt::Write;

use bytes::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::http::HeaderValue;
use hyper::{HeaderMap, StatusCode};
use s3s::{Body, S3Response};

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// A buffer to which XML elements are appended.
#[derive(Default)]
pub(crate) struct Xml(String);

impl Xml {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Appends an element with text content.
    pub fn text(&mut self, name: &str, text: &str) -> &mut Self {
        let _ = write!(self.0, "<{name}>{}</{name}>", escape(text));
        self
    }

    /// Appends an element with child elements.
    pub fn nest(&mut self, name: &str, fill: impl FnOnce(&mut Self)) -> &mut Self {
        let _ = write!(self.0, "<{name}>");
        fill(self);
        let _ = write!(self.0, "</{name}>");
        self
    }
}

/// Escapes text for the content of an element.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

/// Reverses [`escape`].
pub(crate) fn unescape(text: &str) -> String {
    let mut text = text.to_owned();
    for (escaped, plain) in [
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ] {
        text = text.replace(escaped, plain);
    }
    text
}

/// The result of a successful action.
pub(crate) struct Success {
    pub action: &'static str,
    pub result: Xml,
}

/// The error of a failed action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StsError {
    pub status: u16,
    pub code: String,
    pub message: String,
}

impl StsError {
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
        }
    }

    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "ValidationError", message)
    }
}

pub(crate) fn success_response(success: &Success, request_id: &str) -> S3Response<Body> {
    let Success { action, result } = success;
    let body = format!(
        "<{action}Response xmlns=\"{NAMESPACE}\"><{action}Result>{}</{action}Result>\
         <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{action}Response>",
        result.0
    );
    response(StatusCode::OK, body)
}

pub(crate) fn error_response(error: &StsError, request_id: &str) -> S3Response<Body> {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
    response(status, error_body(error, request_id))
}

/// Returns the body of an error response.
pub(crate) fn error_body(error: &StsError, request_id: &str) -> String {
    let mut xml = Xml::default();
    xml.text("Type", if error.status >= 500 { "Receiver" } else { "Sender" });
    xml.text("Code", &error.code).text("Message", &error.message);
    format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error>{}</Error><RequestId>{request_id}</RequestId></ErrorResponse>",
        xml.0
    )
}

fn response(status: StatusCode, body: String) -> S3Response<Body> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    let mut response = S3Response::with_headers(Body::from(Bytes::from(body)), headers);
    response.status = Some(status);
    response
}
