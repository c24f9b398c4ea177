//! Latency: a proxy that delays each request, as S3 does from afar. It can also stop answering after a number of requests,
//! and hide one object.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::forward::{Upstream, serve};

/// The proxy.
pub struct SlowProxy {
    pub url: String,
    inner: Arc<Inner>,
}

struct Inner {
    upstream: Upstream,
    latency: Duration,
    current: AtomicUsize,
    most: AtomicUsize,
    missing: Mutex<Option<String>>,
    quota: Mutex<Option<(String, usize)>>,
}

impl SlowProxy {
    pub async fn before(upstream: &str, latency: Duration) -> Self {
        let inner = Arc::new(Inner {
            upstream: Upstream::new(upstream),
            latency,
            current: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            missing: Mutex::default(),
            quota: Mutex::default(),
        });
        let url = serve(Router::new().fallback(pass).with_state(inner.clone())).await;
        Self { url, inner }
    }

    /// Answers every request for this key, as its path, as if there were no such object; with `None` no longer.
    pub fn hide(&self, key: Option<&str>) {
        *self.inner.missing.lock().unwrap() = key.map(str::to_owned);
    }

    /// Forwards the next `requests` `HEAD` requests below this path, and leaves later ones unanswered until it is called again.
    pub fn set_quota(&self, path: &str, requests: usize) {
        *self.inner.quota.lock().unwrap() = Some((path.to_owned(), requests));
    }

    /// Returns how many requests were under way at once, at most.
    pub fn most_at_once(&self) -> usize {
        self.inner.most.load(Ordering::Relaxed)
    }
}

async fn pass(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    let current = inner.current.fetch_add(1, Ordering::Relaxed) + 1;
    inner.most.fetch_max(current, Ordering::Relaxed);
    // A client that leaves ends its request too.
    let _counted = Counted(&inner.current);
    tokio::time::sleep(inner.latency).await;
    if !inner.is_within_quota(&request) {
        std::future::pending::<()>().await;
    }
    let missing = inner.missing.lock().unwrap().clone();
    if missing.is_some_and(|key| request.uri().path().ends_with(&key)) {
        let error = "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>";
        return (StatusCode::NOT_FOUND, error).into_response();
    }
    inner.upstream.forward(request).await
}

impl Inner {
    fn is_within_quota(&self, request: &Request) -> bool {
        match self.quota.lock().unwrap().as_mut() {
            Some((path, left))
                if request.method() == Method::HEAD && request.uri().path().starts_with(path.as_str()) =>
            {
                let is_within = *left > 0;
                *left = left.saturating_sub(1);
                is_within
            }
            _ => true,
        }
    }
}

struct Counted<'a>(&'a AtomicUsize);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
