//! Faults by rule: a proxy in front of an S3 that throttles access keys, and about objects does not answer, answers late, or
//! answers that they are archived.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use tokio::sync::{Notify, Semaphore, watch};

use super::forward::{Upstream, serve};

const SLOW_DOWN: &str = "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
const ARCHIVED: &str = "<Error><Code>InvalidObjectState</Code><Message>The operation is not valid for the object's storage \
                        class</Message><StorageClass>GLACIER</StorageClass></Error>";

/// How many requests of an access key are throttled.
#[derive(Clone, Copy)]
pub enum Throttle {
    Always,
    Times(u32),
}

/// The proxy.
pub struct RuleProxy {
    pub url: String,
    inner: Arc<Inner>,
}

struct Inner {
    upstream: Upstream,
    throttled: Mutex<HashMap<String, Throttle>>,
    /// Buckets, and objects as `bucket/key`, about which nothing is ever answered.
    silent: Mutex<HashSet<String>>,
    /// Objects, as `bucket/key`, that are archived.
    archived: Mutex<HashSet<String>>,
    /// Objects, as `bucket/key`, about which nothing is answered until their semaphore is closed.
    delayed: Mutex<HashMap<String, Arc<Semaphore>>>,
    /// The number of requests that wait for such a semaphore.
    waiting: watch::Sender<usize>,
    /// Answers to `CreateMultipartUpload` that may be sent.
    openings: Semaphore,
    /// An upload was opened at the upstream.
    opened: Notify,
    /// An upload was aborted at the upstream.
    aborted: Notify,
    /// The access key of each request, and whether it was throttled.
    requests: Mutex<Vec<(String, bool)>>,
}

impl RuleProxy {
    pub async fn before(upstream: &str) -> Self {
        let inner = Arc::new(Inner {
            upstream: Upstream::new(upstream),
            throttled: Mutex::default(),
            silent: Mutex::default(),
            archived: Mutex::default(),
            delayed: Mutex::default(),
            waiting: watch::Sender::default(),
            openings: Semaphore::new(Semaphore::MAX_PERMITS),
            opened: Notify::new(),
            aborted: Notify::new(),
            requests: Mutex::default(),
        });
        let url = serve(Router::new().fallback(pass).with_state(inner.clone())).await;
        Self { url, inner }
    }

    /// Never answers about this bucket, or this `bucket/key`.
    pub fn silence(&self, resource: &str) {
        self.inner.silent.lock().unwrap().insert(resource.to_owned());
    }

    /// Refuses reads of this `bucket/key`, as S3 does those of an archived object, until it is written anew.
    pub fn archive(&self, object: &str) {
        self.inner.archived.lock().unwrap().insert(object.to_owned());
    }

    /// Delays answers about this `bucket/key` until the semaphore that it returns is closed.
    pub fn delay(&self, object: &str) -> Arc<Semaphore> {
        let release = Arc::new(Semaphore::new(0));
        self.inner
            .delayed
            .lock()
            .unwrap()
            .insert(object.to_owned(), release.clone());
        release
    }

    /// Waits until this many requests are delayed.
    pub async fn delaying(&self, requests: usize) {
        self.inner
            .waiting
            .subscribe()
            .wait_for(|waiting| *waiting >= requests)
            .await
            .unwrap();
    }

    /// Delays the answers to `CreateMultipartUpload`, which reach the upstream, until [`Self::release_opening`].
    pub fn delay_openings(&self) {
        self.inner.openings.forget_permits(Semaphore::MAX_PERMITS);
    }

    /// Lets one answer to `CreateMultipartUpload` pass.
    pub fn release_opening(&self) {
        self.inner.openings.add_permits(1);
    }

    /// Waits until an upload was opened at the upstream.
    pub async fn opened(&self) {
        self.inner.opened.notified().await;
    }

    /// Waits until an upload was aborted at the upstream.
    pub async fn aborted(&self) {
        self.inner.aborted.notified().await;
    }

    /// Throttles requests that are signed with this access key.
    pub fn throttle(&self, access_key_id: &str, how: Throttle) {
        self.inner
            .throttled
            .lock()
            .unwrap()
            .insert(access_key_id.to_owned(), how);
    }

    /// Returns, for each request of this access key so far, whether it was throttled.
    pub fn requests(&self, access_key_id: &str) -> Vec<bool> {
        let requests = self.inner.requests.lock().unwrap();
        requests
            .iter()
            .filter(|(key, _)| key == access_key_id)
            .map(|(_, throttled)| *throttled)
            .collect()
    }
}

impl Inner {
    /// Decides whether this request is throttled, and records it.
    fn throttles(&self, access_key_id: String) -> bool {
        let throttles = match self.throttled.lock().unwrap().get_mut(&access_key_id) {
            Some(Throttle::Times(left)) if *left > 0 => {
                *left -= 1;
                true
            }
            Some(Throttle::Times(_)) | None => false,
            Some(Throttle::Always) => true,
        };
        self.requests.lock().unwrap().push((access_key_id, throttles));
        throttles
    }
}

fn access_key(headers: &HeaderMap) -> String {
    let signature = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let scope = signature.split_once("Credential=").map_or("", |(_, scope)| scope);
    scope.split('/').next().unwrap_or_default().to_owned()
}

async fn pass(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    if inner.throttles(access_key(request.headers())) {
        return (StatusCode::SERVICE_UNAVAILABLE, SLOW_DOWN).into_response();
    }
    let path = request.uri().path().trim_start_matches('/').to_owned();
    let bucket = path.split('/').next().unwrap_or_default();
    let is_silent = |resource: &str| inner.silent.lock().unwrap().contains(resource);
    if is_silent(bucket) || is_silent(&path) {
        return std::future::pending().await;
    }
    if request.method() == Method::PUT {
        inner.archived.lock().unwrap().remove(&path);
    }
    if request.method() == Method::GET && inner.archived.lock().unwrap().contains(&path) {
        return (StatusCode::FORBIDDEN, ARCHIVED).into_response();
    }
    let delayed = inner.delayed.lock().unwrap().get(&path).cloned();
    if let Some(release) = delayed {
        inner.waiting.send_modify(|waiting| *waiting += 1);
        let _ = release.acquire().await;
        inner.waiting.send_modify(|waiting| *waiting -= 1);
    }
    let query = request.uri().query().unwrap_or_default().to_owned();
    let opens =
        request.method() == Method::POST && query.split('&').any(|part| part.trim_end_matches('=') == "uploads");
    let aborts = request.method() == Method::DELETE && query.contains("uploadId=");
    let answer = inner.upstream.forward(request).await;
    if opens {
        inner.opened.notify_one();
        inner.openings.acquire().await.unwrap().forget();
    }
    if aborts {
        inner.aborted.notify_one();
    }
    answer
}
