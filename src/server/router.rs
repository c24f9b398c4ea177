//! The route table. What happens to a request for the MCP endpoint is in [`crate::endpoint`].

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get};
use tower_http::catch_panic::CatchPanicLayer;

use super::health::{Readiness, health, ready};
use super::{console, cors, oauth_metadata, request_id};
use crate::clock::Clock;
use crate::console::{Console, SignIn};
use crate::endpoint::{Endpoint, ResourceServer, response};
use crate::identity::Verifier;
use crate::telemetry::RequestLog;

/// The parts of the routes.
pub struct Routes {
    /// The MCP endpoint.
    pub endpoint: Endpoint,
    /// The path of the public URL, below which the endpoint is served too; empty for the root.
    pub base_path: String,
    /// The OAuth metadata.
    pub resource_server: Option<Arc<ResourceServer>>,
    /// Proves tokens; its state is part of readiness.
    pub verifier: Arc<Verifier>,
    /// Whether this copy takes work.
    pub readiness: Readiness,
    /// The page.
    pub console: Console,
    /// The users as whom the page signs in, in the development environment.
    pub sign_in: Vec<SignIn>,
    /// The requests that the page shows, in the development environment.
    pub request_log: Option<RequestLog>,
    /// The time.
    pub clock: Clock,
}

impl Routes {
    /// Every route of the server.
    pub fn into_router(self) -> Router {
        let Self {
            endpoint,
            base_path,
            resource_server,
            verifier,
            readiness,
            console,
            sign_in,
            request_log,
            clock,
        } = self;
        let policy = endpoint.host_policy.clone();
        let mut paths = vec!["/mcp".to_owned(), "/mcp/".to_owned()];
        if !base_path.is_empty() {
            paths.extend([format!("{base_path}/mcp"), format!("{base_path}/mcp/")]);
        }
        let pages = Arc::new(console::Pages {
            console,
            policy: policy.clone(),
            verifier: verifier.clone(),
            readiness: readiness.clone(),
            sign_in,
            request_log: request_log.clone(),
        });
        let mcp = any(console::page_or_answer).with_state((pages.clone(), Arc::new(endpoint)));
        let mcp = paths.into_iter().fold(pages.routes(&base_path), |router, path| {
            router.route(&path, mcp.clone())
        });
        let health = Router::new()
            .route("/health", get(health))
            .route("/healthz", get(health))
            .with_state(clock)
            .route("/ready", get(ready))
            .with_state((readiness, verifier));
        let cors = cors::listed_origins(policy.origins().clone());
        let catch_panic = CatchPanicLayer::custom(response::panicked);
        // One call of `layer` for all: each boxes the service, and clones the box for every request.
        let layers = (
            from_fn_with_state(request_log.clone(), request_id::assign),
            cors::RefusePreflights(policy),
            cors,
            catch_panic,
        );
        let listed = Router::new()
            .merge(mcp)
            .merge(health)
            .merge(oauth_metadata::fallback_routes(resource_server.clone()))
            .fallback(response::not_found)
            .layer(layers);
        let public = oauth_metadata::routes(resource_server);
        let assign_id = from_fn_with_state(request_log, request_id::assign);
        listed.merge(public.layer((assign_id, cors::any_origin(), catch_panic)))
    }
}
