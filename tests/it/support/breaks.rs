//! A proxy in front of an S3 that breaks at a chosen request: refuses it, loses its answer, or never answers; and from then
//! on, if told so, is dead.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use quilt_mcp::catalog::http_client;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::faults::forward;

/// What happens at the chosen request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// It does not reach S3, and is answered with an internal error.
    Refuse,
    /// It reaches S3, and its answer is replaced by an internal error.
    LoseAnswer,
    /// It does not reach S3 and is never answered.
    Hang,
    /// It reaches S3 and is never answered.
    HangBehind,
    /// It waits for [`Breaks::release`], then passes.
    Hold,
}

/// When and how.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// At this request, counted from 0 since the plan was made.
    pub at: usize,
    pub how: Break,
    /// Every request behind it is refused too.
    pub then_dead: bool,
}

/// The proxy.
pub struct Breaks {
    pub url: String,
    inner: Arc<Inner>,
}

struct Inner {
    upstream: String,
    http: reqwest::Client,
    plan: Mutex<Option<Plan>>,
    /// Method and path of the requests since the plan was made.
    seen: Mutex<Vec<String>>,
    broken: Notify,
    released: Notify,
    left: Notify,
}

impl Breaks {
    pub async fn before(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let http = http_client(std::time::Duration::from_secs(30)).unwrap();
        let (plan, seen) = (Mutex::default(), Mutex::default());
        let (broken, released, left) = (Notify::new(), Notify::new(), Notify::new());
        let upstream = upstream.to_owned();
        let inner = Arc::new(Inner {
            upstream,
            http,
            plan,
            seen,
            broken,
            released,
            left,
        });
        let routes = Router::new().fallback(pass).with_state(inner.clone());
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, inner }
    }

    /// From now on this happens; `None` lets everything pass. Requests are counted anew.
    pub fn plan(&self, plan: Option<Plan>) {
        *self.inner.plan.lock().unwrap() = plan;
        self.inner.seen.lock().unwrap().clear();
    }

    /// Method and path of the requests since the last plan was made.
    pub fn seen(&self) -> Vec<String> {
        self.inner.seen.lock().unwrap().clone()
    }

    /// Waits until the chosen request has come, and has been to S3 if the plan lets it.
    pub async fn broken(&self) {
        self.inner.broken.notified().await;
    }

    /// Lets the request pass that is held.
    pub fn release(&self) {
        self.inner.released.notify_one();
    }

    /// Waits until whoever sent the request that hangs has given it up.
    pub async fn left(&self) {
        self.inner.left.notified().await;
    }
}

async fn pass(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    let number = {
        let mut seen = inner.seen.lock().unwrap();
        seen.push(format!("{} {}", request.method(), request.uri().path()));
        seen.len() - 1
    };
    let plan = *inner.plan.lock().unwrap();
    let how = match plan {
        Some(plan) if number == plan.at => plan.how,
        Some(plan) if number > plan.at && plan.then_dead => Break::Refuse,
        _ => return forward(&inner.http, &inner.upstream, request).await,
    };
    let request = if matches!(how, Break::LoseAnswer | Break::HangBehind) {
        forward(&inner.http, &inner.upstream, request).await;
        Request::default()
    } else {
        request
    };
    inner.broken.notify_one();
    match how {
        Break::Hang | Break::HangBehind => {
            let _told = TellWhenDropped(&inner.left);
            std::future::pending().await
        }
        Break::Hold => {
            inner.released.notified().await;
            forward(&inner.http, &inner.upstream, request).await
        }
        Break::Refuse | Break::LoseAnswer => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

struct TellWhenDropped<'a>(&'a Notify);

impl Drop for TellWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}
