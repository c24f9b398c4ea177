//! Faults by chance: a proxy that refuses requests and cuts answers at known rates.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures::{StreamExt as _, stream};

use super::forward::{Upstream, serve};

const UNAVAILABLE: &str = "<Error><Code>ServiceUnavailable</Code><Message>injected</Message></Error>";

/// The probability that a request is refused with 503 before it reaches the upstream, and that the answer to a GET is cut in
/// half.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    pub refused: f64,
    pub cut: f64,
}

/// The rates for a path.
type RatesOf = fn(&str) -> Rates;

/// The proxy.
pub struct RandomProxy {
    pub url: String,
    inner: Arc<Inner>,
}

struct Inner {
    upstream: Upstream,
    rates: RatesOf,
    requests: AtomicUsize,
    refused: AtomicUsize,
    cut: AtomicUsize,
}

impl RandomProxy {
    pub async fn before(upstream: &str, rates: RatesOf) -> Self {
        let inner = Arc::new(Inner {
            upstream: Upstream::new(upstream),
            rates,
            requests: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            cut: AtomicUsize::new(0),
        });
        let url = serve(Router::new().fallback(pass).with_state(inner.clone())).await;
        Self { url, inner }
    }

    /// Returns the number of requests, of refused requests, and of cut answers.
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
    let answer = inner.upstream.forward(request).await;
    if !cuts || !answer.status().is_success() {
        return answer;
    }
    inner.cut.fetch_add(1, Ordering::Relaxed);
    let (mut parts, body) = answer.into_parts();
    let whole = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    parts.headers.insert(header::CONTENT_LENGTH, whole.len().into());
    let half = Ok::<Bytes, std::io::Error>(whole.slice(..whole.len() / 2));
    // The first half is sent before the reset; otherwise the whole request would have failed, which is another fault.
    let reset = async {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
    };
    Response::from_parts(
        parts,
        Body::from_stream(stream::iter([half]).chain(stream::once(reset))),
    )
}
