//! A registry that behaves, for each bearer, as it is told: the real one is closed source.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::json;
use tokio::net::TcpListener;

use super::stage::Keys;

/// What `get_credentials` does for a bearer.
#[derive(Clone)]
pub enum Vends {
    /// These keys, which end in so many seconds.
    Keys(Keys, i64),
    /// A web page with a 200, as a catalog host does.
    Html,
    /// This body of this type, with a 200.
    Text(&'static str, &'static str),
    /// JSON without credentials.
    Nonsense,
    /// This status with a JSON message.
    Status(u16),
    /// Nothing, ever.
    Hangs,
}

/// The registry.
#[derive(Clone)]
pub struct FakeRegistry {
    pub url: String,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    vends: HashMap<String, Vends>,
    requests: Vec<String>,
}

impl FakeRegistry {
    /// Starts one. A bearer it was not told about is refused with 401.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Mutex::new(Inner::default()));
        let routes = Router::new().fallback(answer).with_state(inner.clone());
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, inner }
    }

    /// From now on this bearer gets that.
    pub fn vends(&self, bearer: &str, what: Vends) {
        self.inner.lock().unwrap().vends.insert(bearer.to_owned(), what);
    }

    /// Paths of all requests so far.
    pub fn requests(&self) -> Vec<String> {
        self.inner.lock().unwrap().requests.clone()
    }
}

async fn answer(State(inner): State<Arc<Mutex<Inner>>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let bearer = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default().to_owned();
    let what = {
        let mut inner = inner.lock().unwrap();
        inner.requests.push(path.clone());
        inner.vends.get(&bearer).cloned()
    };
    if path != "/api/auth/get_credentials" {
        return StatusCode::NOT_FOUND.into_response();
    }
    match what {
        None => (StatusCode::UNAUTHORIZED, axum::Json(json!({ "message": "unknown token" }))).into_response(),
        Some(Vends::Keys(keys, seconds)) => {
            let end = quilt_mcp::clock::Clock::system().now() + jiff::SignedDuration::from_secs(seconds);
            axum::Json(json!({
                "AccessKeyId": keys.access_key_id,
                "SecretAccessKey": keys.secret_access_key,
                "SessionToken": keys.session_token,
                "Expiration": end,
            }))
            .into_response()
        }
        Some(Vends::Html) => Html("<!doctype html><title>A catalog</title>").into_response(),
        Some(Vends::Text(content_type, body)) => ([(header::CONTENT_TYPE, content_type)], body).into_response(),
        Some(Vends::Nonsense) => axum::Json(json!({ "hello": "world" })).into_response(),
        Some(Vends::Status(status)) => {
            let status = StatusCode::from_u16(status).unwrap();
            (status, axum::Json(json!({ "message": "as told" }))).into_response()
        }
        Some(Vends::Hangs) => std::future::pending().await,
    }
}
