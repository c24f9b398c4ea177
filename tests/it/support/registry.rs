//! A fake registry whose answers a test chooses for each bearer; the real one is closed source.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::graphql::Stack;
use super::graphql::search::SearchRegistry;
use super::stage::Keys;

/// The response of `get_credentials` to a bearer.
#[derive(Clone)]
pub enum Vends {
    /// These keys, which expire after these seconds.
    Keys(Keys, i64),
    /// These keys, with `"Expiration": null`, as quilt3-local 2.0.0 vends the session of its owner.
    Endless(Keys),
    /// A web page with status 200, as a catalog host answers.
    Html,
    /// A content type and a body, with status 200.
    Text(&'static str, &'static str),
    /// JSON without credentials.
    Nonsense,
    /// This status, with a JSON message.
    Status(u16),
    /// No response.
    Hangs,
}

/// The response of `/graphql` to a bearer.
#[derive(Clone)]
pub enum Speaks {
    /// That of such a catalog; queries that do not fit its schema get status 400.
    Like(Stack),
    /// That of such a catalog, at the path with a final slash, to which a 307 leads.
    Mounted(Stack),
    /// This redirect.
    Redirects(u16, String),
    /// That of such a catalog; a query for collaborators gets five mebibytes.
    AtLength(Stack),
    /// That of such a catalog; queries that do not fit get the error with status 200.
    Politely(Stack),
    /// That of this search.
    Searches(Arc<SearchRegistry>),
    /// This body, with status 200.
    Says(Value),
    /// This status, without a body.
    Status(u16),
}

#[derive(Clone)]
pub struct FakeRegistry {
    pub url: String,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    vends: HashMap<String, Vends>,
    speaks: HashMap<String, Speaks>,
    config: Option<Value>,
    requests: Vec<String>,
}

impl FakeRegistry {
    /// Starts a registry. It refuses unknown bearers with 401.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Mutex::new(Inner::default()));
        let routes = Router::new().fallback(answer).with_state(inner.clone());
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, inner }
    }

    /// Sets the response of `get_credentials` to this bearer.
    pub fn vends(&self, bearer: &str, what: Vends) {
        self.inner.lock().unwrap().vends.insert(bearer.to_owned(), what);
    }

    /// Sets the response of `/graphql` to this bearer; other bearers get 404, as if there were no GraphQL.
    pub fn speaks(&self, bearer: &str, how: Speaks) {
        self.inner.lock().unwrap().speaks.insert(bearer.to_owned(), how);
    }

    /// Sets the answer to `/config.json`, as if this were also the catalog's host; without one it is 404.
    pub fn configures(&self, config: &Value) {
        self.inner.lock().unwrap().config = Some(config.clone());
    }

    /// Returns the number of requests of this path.
    pub fn count(&self, path: &str) -> usize {
        self.requests().iter().filter(|asked| *asked == path).count()
    }

    /// Returns the number of requests for credentials.
    pub fn asked_for_credentials(&self) -> usize {
        self.requests()
            .iter()
            .filter(|path| *path == "/api/auth/get_credentials")
            .count()
    }

    /// Returns the paths of all requests.
    pub fn requests(&self) -> Vec<String> {
        self.inner.lock().unwrap().requests.clone()
    }
}

async fn answer(State(inner): State<Arc<Mutex<Inner>>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let bearer = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let bearer = bearer
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default()
        .to_owned();
    let what = {
        let mut inner = inner.lock().unwrap();
        inner.requests.push(path.clone());
        inner.vends.get(&bearer).cloned()
    };
    if path.trim_end_matches('/') == "/graphql" {
        let how = inner.lock().unwrap().speaks.get(&bearer).cloned();
        let body = to_bytes(request.into_body(), 1 << 20).await.unwrap();
        return graphql(how, &path, &body);
    }
    if path == "/config.json" {
        let config = inner.lock().unwrap().config.clone();
        return config.map_or_else(
            || StatusCode::NOT_FOUND.into_response(),
            |config| axum::Json(config).into_response(),
        );
    }
    if path != "/api/auth/get_credentials" {
        return StatusCode::NOT_FOUND.into_response();
    }
    match what {
        None => (
            StatusCode::UNAUTHORIZED,
            axum::Json(json!({ "message": "unknown token" })),
        )
            .into_response(),
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
        Some(Vends::Endless(keys)) => axum::Json(json!({
            "AccessKeyId": keys.access_key_id,
            "SecretAccessKey": keys.secret_access_key,
            "SessionToken": keys.session_token,
            "Expiration": null,
        }))
        .into_response(),
        Some(Vends::Html) => Html("<!doctype html><title>A catalog</title>").into_response(),
        Some(Vends::Text(content_type, body)) => ([(header::CONTENT_TYPE, content_type)], body).into_response(),
        Some(Vends::Nonsense) => axum::Json(json!({ "hello": "world" })).into_response(),
        Some(Vends::Status(status)) => {
            let status = StatusCode::from_u16(status).unwrap();
            (status, axum::Json(json!({ "message": "injected" }))).into_response()
        }
        Some(Vends::Hangs) => std::future::pending().await,
    }
}

fn graphql(how: Option<Speaks>, path: &str, body: &[u8]) -> Response {
    let request: Value = serde_json::from_slice(body).unwrap();
    let query = request["query"].as_str().unwrap();
    let refusal = |message: String| json!({ "errors": [{ "message": message, "extensions": { "code": "GRAPHQL_VALIDATION_FAILED" } }] });
    match how {
        None => StatusCode::NOT_FOUND.into_response(),
        Some(Speaks::Mounted(_)) if path == "/graphql" => redirect(307, "/graphql/"),
        Some(Speaks::Redirects(status, location)) => redirect(status, &location),
        Some(Speaks::Searches(search)) => {
            let (status, body) = search.answer(&request);
            (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
        }
        Some(Speaks::Says(answer)) => axum::Json(answer).into_response(),
        Some(Speaks::Status(status)) => StatusCode::from_u16(status).unwrap().into_response(),
        Some(Speaks::AtLength(_)) if query.contains("collaborators") => vec![b' '; 5 << 20].into_response(),
        Some(Speaks::Like(stack) | Speaks::AtLength(stack) | Speaks::Mounted(stack)) => match stack.answer(query) {
            Ok(answer) => axum::Json(answer).into_response(),
            Err(message) => (StatusCode::BAD_REQUEST, axum::Json(refusal(message))).into_response(),
        },
        Some(Speaks::Politely(stack)) => axum::Json(stack.answer(query).unwrap_or_else(refusal)).into_response(),
    }
}

fn redirect(status: u16, location: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (status, [(header::LOCATION, location)]).into_response()
}
