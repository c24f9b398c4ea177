//! Where clients learn how to log in: protected resource metadata (RFC 9728), and the way to it in a 401.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderName, Method};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tower_http::cors::{Any, CorsLayer};

use super::AllowedHosts;
use super::gate::authority;
use super::reply::{Problem, problem};
use crate::config::BaseUrl;
use crate::error_code::ErrorCode;

const PATH: &str = "/.well-known/oauth-protected-resource";

/// This server as an OAuth client sees it.
#[derive(Debug, Clone)]
pub struct ResourceServer {
    /// The external URL; without one, the Host that a request was sent to.
    pub public_url: Option<BaseUrl>,
    /// Where clients log in.
    pub authorization_servers: Vec<String>,
    /// What they ask for there.
    pub scopes: Vec<String>,
    /// Hosts to answer to.
    pub hosts: AllowedHosts,
}

impl ResourceServer {
    /// The part of a challenge that says where to log in.
    pub(super) fn challenge(&self, request_authority: &str) -> String {
        let metadata = format!(r#"resource_metadata="{}{PATH}/mcp""#, self.base(request_authority));
        if self.scopes.is_empty() {
            return metadata;
        }
        format!(r#"{metadata}, scope="{}""#, self.scopes.join(" "))
    }

    fn base(&self, request_authority: &str) -> String {
        if let Some(url) = &self.public_url {
            return url.to_string();
        }
        let is_here = format!("http://{request_authority}").parse().is_ok_and(|url: BaseUrl| url.is_loopback());
        let scheme = if is_here { "http" } else { "https" };
        format!("{scheme}://{request_authority}")
    }
}

/// The two forms of the document. Pages of any origin may read it: it holds nothing but addresses.
pub(super) fn routes(server: Option<Arc<ResourceServer>>) -> Router {
    let Some(server) = server else { return Router::new() };
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::OPTIONS])
        .allow_headers([HeaderName::from_static("mcp-protocol-version")]);
    Router::new().route(PATH, get(document)).route(&format!("{PATH}/mcp"), get(document)).layer(cors).with_state(server)
}

async fn document(State(server): State<Arc<ResourceServer>>, request: Request) -> Response {
    let authority = authority(request.headers(), request.uri());
    if server.public_url.is_none() && !server.hosts.allows(authority) {
        let message = "This server does not answer to the Host of this request.";
        return problem(&Problem::new(ErrorCode::HostNotAllowed, message), None);
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
