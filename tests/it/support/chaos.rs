//! A proxy in front of a party that fails at known rates: it refuses requests before they reach the party, and cuts answers.
//!
//! `Host`, path and body stay what they are, so that signatures verify behind it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures::{StreamExt as _, stream};
use quilt_mcp::catalog::http_client;
use tokio::net::TcpListener;

use super::faults::forward;

const UNAVAILABLE: &str = "<Error><Code>ServiceUnavailable</Code><Message>as told</Message></Error>";

/// How likely a request is refused with 503, and how likely the answer to a GET is cut in its middle.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    pub refused: f64,
    pub cut: f64,
}

/// The rates for a path.
type RatesOf = fn(&str) -> Rates;

/// The proxy.
pub struct Chaos {
    pub url: String,
    inner: Arc<Inner>,
}

struct Inner {
    upstream: String,
    http: reqwest::Client,
    rates: RatesOf,
    requests: AtomicUsize,
    refused: AtomicUsize,
    cut: AtomicUsize,
}

impl Chaos {
    pub async fn before(upstream: &str, rates: RatesOf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let http = http_client(std::time::Duration::from_secs(30)).unwrap();
        let (requests, refused, cut) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        let inner = Arc::new(Inner {
            upstream: upstream.to_owned(),
            http,
            rates,
            requests,
            refused,
            cut,
        });
        let routes = Router::new().fallback(pass).with_state(inner.clone());
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, inner }
    }

    /// Requests so far, how many of them were refused, and how many answers were cut.
    pub fn counts(&self) -> [usize; 3] {
        [&self.inner.requests, &self.inner.refused, &self.inner.cut].map(|count| count.load(Ordering::Relaxed))
    }
}

async fn pass(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    inner.requests.fetch_add(1, Ordering::Relaxed);
    let Rates { refused, cut } = (inner.rates)(request.uri().path());
    if rand::random_bool(refused) {
        inner.refused.fetch_add(1, Ordering::Relaxed);
        return (StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE).into_response();
    }
    let cuts = request.method() == Method::GET && rand::random_bool(cut);
    let answer = forward(&inner.http, &inner.upstream, request).await;
    if !cuts || !answer.status().is_success() {
        return answer;
    }
    inner.cut.fetch_add(1, Ordering::Relaxed);
    let (mut parts, body) = answer.into_parts();
    let whole = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    parts.headers.insert(header::CONTENT_LENGTH, whole.len().into());
    let half = Ok::<Bytes, std::io::Error>(whole.slice(..whole.len() / 2));
    // What there is goes out before the break, or else the whole request would have failed, which is another fault.
    let broken = async {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
    };
    Response::from_parts(
        parts,
        Body::from_stream(stream::iter([half]).chain(stream::once(broken))),
    )
}
