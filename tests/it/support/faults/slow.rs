//! Latency: a proxy that holds each request for a while, as S3 does from afar.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;

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
}

impl SlowProxy {
    pub async fn before(upstream: &str, latency: Duration) -> Self {
        let inner = Arc::new(Inner {
            upstream: Upstream::new(upstream),
            latency,
            current: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        });
        let url = serve(Router::new().fallback(pass).with_state(inner.clone())).await;
        Self { url, inner }
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
    inner.upstream.forward(request).await
}

struct Counted<'a>(&'a AtomicUsize);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
