//! OAuth: protected resource metadata (RFC 9728), and the paths where clients look for an authorization server.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use serde_json::json;

use crate::endpoint::response::refuse;
use crate::endpoint::{ResourceServer, authority};
use crate::error_code::ErrorCode;

const PATH: &str = ResourceServer::METADATA_PATH;

/// The document at its well-known paths. It is public: it has nothing but addresses.
///
/// RFC 9728 section 3.1 puts the path of the resource behind the well-known part. The other forms are for clients that ask
/// at the root, and for proxies that pass on one path only.
pub(super) fn routes(server: Option<Arc<ResourceServer>>) -> Router {
    let Some(server) = server else { return Router::new() };
    let base = server.path();
    let mut paths = vec![PATH.to_owned(), format!("{PATH}/mcp")];
    if !base.is_empty() {
        paths.extend([
            format!("{PATH}{base}/mcp"),
            format!("{base}{PATH}"),
            format!("{base}{PATH}/mcp"),
        ]);
    }
    let router = paths
        .into_iter()
        .fold(Router::new(), |router, path| router.route(&path, get(document)));
    router.with_state(server)
}

async fn document(State(server): State<Arc<ResourceServer>>, request: Request) -> Response {
    let authority = authority(request.headers(), request.uri());
    if server.public_url.is_none() && !server.hosts.allows(authority) {
        let message = "This server does not answer to the Host of this request.";
        return refuse(ErrorCode::HostNotAllowed, message, None).into_response();
    }
    let mut document = json!({
        "resource": format!("{}/mcp", server.base(authority)),
        "resource_name": "quilt-mcp",
        "authorization_servers": server.authorization_servers,
        "bearer_methods_supported": ["header"],
    });
    if let (false, Some(document)) = (server.scopes.is_empty(), document.as_object_mut()) {
        document.insert("scopes_supported".to_owned(), json!(server.scopes));
    }
    Json(document).into_response()
}

/// The paths of an authorization server in MCP 2025-03-26. Clients that find no metadata after a 401 fall back to them, and
/// show their users the OAuth error that they get.
pub(super) fn fallback_routes(server: Option<Arc<ResourceServer>>) -> Router {
    let paths = ["/register", "/authorize", "/token"];
    let router = paths
        .into_iter()
        .fold(Router::new(), |router, path| router.route(path, any(no_login)));
    router.with_state(server)
}

async fn no_login(State(server): State<Option<Arc<ResourceServer>>>) -> Response {
    let login = match server {
        None => "This server has no OAuth login.".to_owned(),
        Some(server) => {
            format!(
                "This server has no login of its own; log in at {}.",
                server.authorization_servers.join(" or ")
            )
        }
    };
    let description =
        format!("{login} Send the header Authorization: Bearer <token> with a valid token of the Quilt catalog.");
    let body = json!({ "error": "invalid_request", "error_description": description });
    (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
