//! Routes of the page. All of them check the Host, as the endpoint does.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use secrecy::ExposeSecret as _;

use super::health::Readiness;
use crate::console::{Console, SignIn, private_json, wants_page};
use crate::endpoint::{self, AllowedHosts, Endpoint, HostPolicy, authority, response};
use crate::error_code::ErrorCode;
use crate::identity::Verifier;
use crate::telemetry::RequestLog;

/// The page and what it shows of the server.
pub(super) struct Pages {
    pub console: Console,
    pub policy: HostPolicy,
    pub verifier: Arc<Verifier>,
    pub readiness: Readiness,
    pub sign_in: Vec<SignIn>,
    pub request_log: Option<RequestLog>,
}

impl Pages {
    /// The page at the root, and its files. Load balancers may route nothing but `/mcp*`, so the files are below it.
    pub fn routes(self: &Arc<Self>, base_path: &str) -> Router {
        if !self.console.is_on() {
            return Router::new();
        }
        let mut roots = vec!["/".to_owned()];
        let mut files = vec!["/mcp/console".to_owned()];
        if !base_path.is_empty() {
            files.push(format!("{base_path}/mcp/console"));
            // Such a path is one of the endpoint, of OAuth or of the files.
            let is_taken = ["/mcp", "/register", "/authorize", "/token"].contains(&base_path);
            if !is_taken && !base_path.starts_with("/mcp/console") {
                roots.extend([base_path.to_owned(), format!("{base_path}/")]);
            }
        }
        let router = roots
            .iter()
            .fold(Router::new(), |router, path| router.route(path, any(root)));
        let router = files.iter().fold(router, |router, path| {
            let router = if self.sign_in.is_empty() {
                router
            } else {
                router.route(&format!("{path}/users/{{name}}"), get(user))
            };
            router
                .route(&format!("{path}/about"), get(about))
                .route(&format!("{path}/requests"), get(requests))
                .route(&format!("{path}/{{digest}}/{{file}}"), get(file))
        });
        // Errors of these paths have the shape of all errors.
        let router = router.method_not_allowed_fallback(response::not_found);
        router.with_state(self.clone())
    }

    /// Returns why a request does not get tokens of the users.
    fn refuse_tokens(&self, request: &Request) -> Option<Response> {
        if let Err(refusal) = self.policy.check(request) {
            return Some(refusal.into_response());
        }
        let message = "The users' tokens are for the page of this server.";
        is_foreign(request.headers())
            .then(|| response::refuse(ErrorCode::OriginNotAllowed, message, None).into_response())
    }

    fn page(&self, request: &Request) -> Response {
        match self.policy.check(request) {
            Ok(()) => self.console.page(),
            Err(refusal) => refusal.into_response(),
        }
    }
}

/// The endpoint, which gives a browser the page.
pub(super) async fn page_or_answer(
    State((pages, endpoint)): State<(Arc<Pages>, Arc<Endpoint>)>,
    request: Request,
) -> Response {
    if pages.console.is_on() && wants_page(&request) {
        return pages.page(&request);
    }
    endpoint::answer(State(endpoint), request).await
}

async fn root(State(pages): State<Arc<Pages>>, request: Request) -> Response {
    if wants_page(&request) {
        pages.page(&request)
    } else {
        response::not_found().await
    }
}

async fn file(
    State(pages): State<Arc<Pages>>,
    Path((digest, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    match pages.console.file(&digest, &name, &headers) {
        Some(response) => response,
        None => response::not_found().await,
    }
}

async fn about(State(pages): State<Arc<Pages>>, request: Request) -> Response {
    if let Err(refusal) = pages.policy.check(&request) {
        return refusal.into_response();
    }
    let not_ready = pages.readiness.not_ready(&pages.verifier).await;
    pages.console.about(not_ready.as_deref())
}

/// The request log, for the page itself on this machine. Pages of other origins may call the endpoint, and may not read who
/// else does.
async fn requests(State(pages): State<Arc<Pages>>, request: Request) -> Response {
    let Some(log) = &pages.request_log else {
        return response::not_found().await;
    };
    if let Err(refusal) = pages.policy.check(&request) {
        return refusal.into_response();
    }
    let headers = request.headers();
    let is_loopback = AllowedHosts::loopback().allows(authority(headers, request.uri()));
    if is_foreign(headers) || !is_loopback {
        let message = "The request log is for the page of this server, on this machine.";
        return response::refuse(ErrorCode::OriginNotAllowed, message, None).into_response();
    }
    private_json(&log.to_json())
}

/// Whether a page of another origin sent a request.
fn is_foreign(headers: &HeaderMap) -> bool {
    let is_foreign_fetch = headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin");
    is_foreign_fetch || headers.contains_key(header::ORIGIN)
}

/// The token of a user of the development environment, for the page itself and for programs that are no browser.
async fn user(State(pages): State<Arc<Pages>>, Path(name): Path<String>, request: Request) -> Response {
    if let Some(refused) = pages.refuse_tokens(&request) {
        return refused;
    }
    match pages.sign_in.iter().find(|user| user.name == name) {
        Some(user) => (
            [(header::CACHE_CONTROL, "no-store")],
            user.token.expose_secret().to_owned(),
        )
            .into_response(),
        None => response::not_found().await,
    }
}
