//! Faults by number: a proxy that fails one request of a sequence, and on demand all that follow.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::Notify;

use super::forward::{Upstream, serve};

/// The fault of the chosen request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not forwarded, and answered with an internal error.
    Refuse,
    /// It is forwarded, and its response is replaced by an internal error.
    LoseAnswer,
    /// It is not forwarded and never answered.
    Hang,
    /// It is forwarded and never answered.
    HangBehind,
    /// It waits for [`NthRequestProxy::release`], and is forwarded then.
    Delay,
}

/// Which request fails, and how.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The number of the request, counted from 0 since the plan was set.
    pub at: usize,
    pub fault: Fault,
    /// All later requests are refused.
    pub then_down: bool,
}

/// The proxy.
pub struct NthRequestProxy {
    pub url: String,
    inner: Arc<Inner>,
}

struct Inner {
    upstream: Upstream,
    plan: Mutex<Option<Plan>>,
    /// Method and path of the requests since the plan was set.
    requests: Mutex<Vec<String>>,
    reached: Notify,
    released: Notify,
    abandoned: Notify,
}

impl NthRequestProxy {
    pub async fn before(upstream: &str) -> Self {
        let inner = Arc::new(Inner {
            upstream: Upstream::new(upstream),
            plan: Mutex::default(),
            requests: Mutex::default(),
            reached: Notify::new(),
            released: Notify::new(),
            abandoned: Notify::new(),
        });
        let url = serve(Router::new().fallback(pass).with_state(inner.clone())).await;
        Self { url, inner }
    }

    /// Sets the plan and counts requests from 0 again; with `None` everything is forwarded.
    pub fn plan(&self, plan: Option<Plan>) {
        *self.inner.plan.lock().unwrap() = plan;
        self.inner.requests.lock().unwrap().clear();
    }

    /// Returns method and path of the requests since the plan was set.
    pub fn requests(&self) -> Vec<String> {
        self.inner.requests.lock().unwrap().clone()
    }

    /// Waits until the chosen request has arrived, and was forwarded if the fault is one that forwards it.
    pub async fn reached(&self) {
        self.inner.reached.notified().await;
    }

    /// Lets the delayed request pass.
    pub fn release(&self) {
        self.inner.released.notify_one();
    }

    /// Waits until the client has abandoned the request that hangs.
    pub async fn abandoned(&self) {
        self.inner.abandoned.notified().await;
    }
}

async fn pass(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    let number = {
        let mut requests = inner.requests.lock().unwrap();
        requests.push(format!("{} {}", request.method(), request.uri().path()));
        requests.len() - 1
    };
    let plan = *inner.plan.lock().unwrap();
    let fault = match plan {
        Some(plan) if number == plan.at => plan.fault,
        Some(plan) if number > plan.at && plan.then_down => Fault::Refuse,
        _ => return inner.upstream.forward(request).await,
    };
    let request = if matches!(fault, Fault::LoseAnswer | Fault::HangBehind) {
        inner.upstream.forward(request).await;
        Request::default()
    } else {
        request
    };
    inner.reached.notify_one();
    match fault {
        Fault::Hang | Fault::HangBehind => {
            let _guard = NotifyOnDrop(&inner.abandoned);
            std::future::pending().await
        }
        Fault::Delay => {
            inner.released.notified().await;
            inner.upstream.forward(request).await
        }
        Fault::Refuse | Fault::LoseAnswer => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

struct NotifyOnDrop<'a>(&'a Notify);

impl Drop for NotifyOnDrop<'_> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}
