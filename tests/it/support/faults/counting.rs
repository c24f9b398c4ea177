//! A proxy in front of an S3 that counts the bytes of objects that it sends, and serves large objects out of files.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::forward::{Upstream, serve};

/// The proxy.
pub struct CountingProxy {
    pub url: String,
    inner: Arc<Inner>,
}

struct Inner {
    upstream: Upstream,
    bytes: AtomicU64,
    requests: AtomicU64,
    /// Files by the path of their object. Their bytes are not in the S3.
    files: Mutex<HashMap<String, PathBuf>>,
}

impl CountingProxy {
    pub async fn before(upstream: &str) -> Self {
        let inner = Arc::new(Inner {
            upstream: Upstream::new(upstream),
            bytes: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            files: Mutex::default(),
        });
        let url = serve(Router::new().fallback(pass).with_state(inner.clone())).await;
        Self { url, inner }
    }

    /// Answers reads of this `bucket/key` out of a file.
    pub fn serve_file(&self, object: &str, file: &Path) {
        self.inner
            .files
            .lock()
            .unwrap()
            .insert(format!("/{object}"), file.to_owned());
    }

    /// Returns the bytes of objects, and the number of reads, since the last call.
    pub fn take_counts(&self) -> (u64, u64) {
        let take = |count: &AtomicU64| count.swap(0, Ordering::Relaxed);
        (take(&self.inner.bytes), take(&self.inner.requests))
    }
}

async fn pass(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    if request.method() != Method::GET {
        return inner.upstream.forward(request).await;
    }
    let file = inner.files.lock().unwrap().get(request.uri().path()).cloned();
    let response = match file {
        Some(file) => range_of_file(&file, &request),
        None => inner.upstream.forward(request).await,
    };
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    inner.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    inner.requests.fetch_add(1, Ordering::Relaxed);
    Response::from_parts(parts, Body::from(bytes))
}

fn range_of_file(path: &Path, request: &Request) -> Response {
    let file = File::open(path).unwrap();
    let size = file.metadata().unwrap().len();
    let range = request.headers()[header::RANGE].to_str().unwrap();
    let (first, last) = range.trim_start_matches("bytes=").split_once('-').unwrap();
    let (first, last): (u64, u64) = (first.parse().unwrap(), last.parse::<u64>().unwrap().min(size - 1));
    let mut bytes = vec![0; usize::try_from(last + 1 - first).unwrap()];
    file.read_exact_at(&mut bytes, first).unwrap();
    let headers = [
        (header::CONTENT_RANGE, format!("bytes {first}-{last}/{size}")),
        (header::ETAG, "\"file\"".to_owned()),
    ];
    (StatusCode::PARTIAL_CONTENT, headers, bytes).into_response()
}
