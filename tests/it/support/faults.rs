//! A proxy in front of an S3 that refuses by access key, or hangs or waits by object, as it is told, and passes everything
//! else on unchanged.
//!
//! `Host`, path and body stay what they are, so that signatures verify behind it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use quilt_mcp::catalog::http_client;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore, watch};

const SLOW_DOWN: &str = "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";

/// How often an access key is asked to slow down.
#[derive(Clone, Copy)]
pub enum Throttle {
    Always,
    Times(u32),
}

/// The proxy.
pub struct Faults {
    pub url: String,
    inner: Arc<Inner>,
}

struct Inner {
    upstream: String,
    http: reqwest::Client,
    rules: Mutex<HashMap<String, Throttle>>,
    /// Buckets, and objects as `bucket/key`, about which nothing is ever answered.
    silent: Mutex<HashSet<String>>,
    /// Objects, as `bucket/key`, about which is answered when they are let go: their semaphores are closed then.
    held: Mutex<HashMap<String, Arc<Semaphore>>>,
    /// How many requests wait for that.
    waiting: watch::Sender<usize>,
    /// How often an upload may be opened and told at once.
    openings: Semaphore,
    /// An upload was opened.
    opened: Notify,
    /// An upload was aborted.
    aborted: Notify,
    /// The access key of each request, and whether it was asked to slow down.
    seen: Mutex<Vec<(String, bool)>>,
}

impl Faults {
    pub async fn before(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let http = http_client(std::time::Duration::from_secs(30)).unwrap();
        let inner = Arc::new(Inner {
            upstream: upstream.to_owned(),
            http,
            rules: Mutex::default(),
            silent: Mutex::default(),
            held: Mutex::default(),
            waiting: watch::Sender::default(),
            openings: Semaphore::new(Semaphore::MAX_PERMITS),
            opened: Notify::new(),
            aborted: Notify::new(),
            seen: Mutex::default(),
        });
        let routes = Router::new().fallback(pass).with_state(inner.clone());
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, inner }
    }

    /// From now on nothing is answered about this bucket, or this `bucket/key`.
    pub fn silence(&self, what: &str) {
        self.inner.silent.lock().unwrap().insert(what.to_owned());
    }

    /// From now on answers about this `bucket/key` wait until what this gives back is closed.
    pub fn hold(&self, what: &str) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        self.inner.held.lock().unwrap().insert(what.to_owned(), gate.clone());
        gate
    }

    /// Waits until so many requests wait.
    pub async fn holding(&self, requests: usize) {
        self.inner
            .waiting
            .subscribe()
            .wait_for(|waiting| *waiting >= requests)
            .await
            .unwrap();
    }

    /// From now on uploads are opened, and who opens one is not told, until they are let go.
    pub fn hold_openings(&self) {
        self.inner.openings.forget_permits(Semaphore::MAX_PERMITS);
    }

    /// Lets go of one opening that is held.
    pub fn let_go(&self) {
        self.inner.openings.add_permits(1);
    }

    /// Waits until an upload has been opened, whoever was told.
    pub async fn opened(&self) {
        self.inner.opened.notified().await;
    }

    /// Waits until an upload has been aborted.
    pub async fn aborted(&self) {
        self.inner.aborted.notified().await;
    }

    /// From now on requests signed with this access key are throttled so often.
    pub fn throttle(&self, access_key_id: &str, how: Throttle) {
        self.inner.rules.lock().unwrap().insert(access_key_id.to_owned(), how);
    }

    /// For each request of this access key so far, whether it was asked to slow down.
    pub fn seen(&self, access_key_id: &str) -> Vec<bool> {
        let seen = self.inner.seen.lock().unwrap();
        seen.iter()
            .filter(|(key, _)| key == access_key_id)
            .map(|(_, throttled)| *throttled)
            .collect()
    }
}

impl Inner {
    /// Whether this request is to be refused; counts it.
    fn refuses(&self, access_key_id: String) -> bool {
        let refuses = match self.rules.lock().unwrap().get_mut(&access_key_id) {
            Some(Throttle::Times(left)) if *left > 0 => {
                *left -= 1;
                true
            }
            Some(Throttle::Times(_)) | None => false,
            Some(Throttle::Always) => true,
        };
        self.seen.lock().unwrap().push((access_key_id, refuses));
        refuses
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
    if inner.refuses(access_key(request.headers())) {
        return (StatusCode::SERVICE_UNAVAILABLE, SLOW_DOWN).into_response();
    }
    let path = request.uri().path().trim_start_matches('/').to_owned();
    let bucket = path.split('/').next().unwrap_or_default();
    let is_silent = |what: &str| inner.silent.lock().unwrap().contains(what);
    if is_silent(bucket) || is_silent(&path) {
        return std::future::pending().await;
    }
    let held = inner.held.lock().unwrap().get(&path).cloned();
    if let Some(gate) = held {
        inner.waiting.send_modify(|waiting| *waiting += 1);
        let _closed = gate.acquire().await;
        inner.waiting.send_modify(|waiting| *waiting -= 1);
    }
    let query = request.uri().query().unwrap_or_default().to_owned();
    let opens =
        request.method() == Method::POST && query.split('&').any(|part| part.trim_end_matches('=') == "uploads");
    let aborts = request.method() == Method::DELETE && query.contains("uploadId=");
    let answer = forward(&inner.http, &inner.upstream, request).await;
    if opens {
        inner.opened.notify_one();
        inner.openings.acquire().await.unwrap().forget();
    }
    if aborts {
        inner.aborted.notify_one();
    }
    answer
}

/// Passes a request on as it is, and its answer back.
pub async fn forward(http: &reqwest::Client, upstream: &str, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let passed = http
        .request(parts.method, format!("{upstream}{path}"))
        .headers(parts.headers);
    let answer = passed.body(body).send().await.unwrap();
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    // How the body is framed on this connection is the matter of this connection.
    headers.remove(header::TRANSFER_ENCODING);
    let mut response = Response::new(Body::from(answer.bytes().await.unwrap()));
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    response
}
