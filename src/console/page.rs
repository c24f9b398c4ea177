//! Responses: the page, its files, and the headers that confine it.

use std::sync::Arc;

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::assets::{self, DIGEST};
use super::{About, ConsoleMode};

/// Only files of this origin, no code or style inline, no form, frame or plug-in, and no string that becomes code.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
);
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// The page. Clones share it.
#[derive(Clone)]
pub struct Console(Arc<Inner>);

struct Inner {
    mode: ConsoleMode,
    about: About,
    html: String,
}

/// Whether a request is that of a browser which opens a page. MCP clients name JSON or a stream of events.
#[must_use]
pub fn wants_page(request: &Request) -> bool {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let values = request.headers().get_all(header::ACCEPT).iter();
    let types: Vec<&str> = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|range| range.split(';').next())
        .map(str::trim)
        .collect();
    let names = |wanted: &str| types.iter().any(|found| found.eq_ignore_ascii_case(wanted));
    is_read && names("text/html") && !names("application/json") && !names("text/event-stream")
}

impl Console {
    /// The page of a server whose endpoint is served below `base_path` too, the path of its public URL.
    #[must_use]
    pub fn new(mode: ConsoleMode, base_path: &str, about: About) -> Self {
        let script = if mode == ConsoleMode::Full {
            "console.js"
        } else {
            "connect.js"
        };
        let html = assets::PAGE
            .replace("{base}", &escaped(base_path))
            .replace("{digest}", &DIGEST)
            .replace("{mode}", mode.as_str())
            .replace("{script}", script);
        Self(Arc::new(Inner { mode, about, html }))
    }

    /// Whether browsers get a page.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.mode != ConsoleMode::Off
    }

    /// The page.
    #[must_use]
    pub fn page(&self) -> Response {
        let headers = [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/html; charset=utf-8"),
            ),
            (header::CACHE_CONTROL, NO_STORE),
            (header::VARY, HeaderValue::from_static("accept")),
        ];
        confined((headers, self.0.html.clone()).into_response())
    }

    /// A file of the page, by the hash in its URL and its name.
    #[must_use]
    pub fn file(&self, digest: &str, name: &str, headers: &HeaderMap) -> Option<Response> {
        let asset = assets::find(self.0.mode, name).filter(|_| digest == *DIGEST)?;
        let etag = HeaderValue::from_str(&format!("\"{}\"", *DIGEST)).ok()?;
        let is_known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| *known == etag);
        let cache = [(header::ETAG, etag), (header::CACHE_CONTROL, IMMUTABLE)];
        if is_known {
            return Some(confined((StatusCode::NOT_MODIFIED, cache).into_response()));
        }
        let content_type = [(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type()))];
        Some(confined((cache, content_type, asset.served()).into_response()))
    }

    /// What is on. `not_ready`: why this copy takes no work.
    #[must_use]
    pub fn about(&self, not_ready: Option<&str>) -> Response {
        let mut about = json!(self.0.about);
        if let Value::Object(about) = &mut about {
            about.insert("version".to_owned(), json!(env!("CARGO_PKG_VERSION")));
            about.insert("ready".to_owned(), json!(not_ready.is_none()));
            about.insert("not_ready".to_owned(), json!(not_ready));
        }
        private_json(&about)
    }
}

/// JSON for the page, which no cache keeps.
#[must_use]
pub fn private_json(value: &Value) -> Response {
    confined(([(header::CACHE_CONTROL, NO_STORE)], Json(value)).into_response())
}

/// Adds the headers that confine the page and its files.
fn confined(mut response: Response) -> Response {
    let name = HeaderName::from_static;
    let value = HeaderValue::from_static;
    response.headers_mut().extend([
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, value("nosniff")),
        (header::REFERRER_POLICY, value("no-referrer")),
        (name("cross-origin-opener-policy"), value("same-origin")),
        (name("cross-origin-resource-policy"), value("same-origin")),
    ]);
    response
}

/// Escapes text for an attribute of HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn only_a_browser_wants_a_page() {
        let asks = |method: &str, accept: &[&str]| {
            let request = Request::builder().method(method);
            let request = accept
                .iter()
                .fold(request, |request, value| request.header("accept", *value));
            wants_page(&request.body(Body::empty()).unwrap())
        };
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
        assert!(asks("GET", &[browser]) && asks("HEAD", &["TEXT/HTML; q=0.5"]) && asks("GET", &["*/*", "text/html"]));
        assert!(!asks("POST", &[browser]) && !asks("GET", &[]) && !asks("GET", &["*/*"]));
        for client in [
            "text/event-stream",
            "application/json, text/html",
            "text/html, text/event-stream;q=0.1",
        ] {
            assert!(!asks("GET", &[client]), "{client}");
        }
        assert!(!asks("GET", &["text/html", "application/json"]), "in two headers");
    }
}
