//! The whole route table and the whole stack, on one screen.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, Method, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{any_service, get};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use super::health::{Readiness, health, ready};
use super::{
    AllowedHosts, AllowedOrigins, ResourceServer, auth, edge, gate, limits, metadata, payload, reply, request_id,
    tighten,
};
use crate::clock::Clock;
use crate::config::Rate;
use crate::identity::{Verifier, WithoutToken};
use crate::mcp::McpService;
use crate::memory::Memory;
use crate::tools::Offer;

/// What the routes need.
pub struct HttpParts {
    /// Proves bearers.
    pub verifier: Arc<Verifier>,
    /// What a call without a token is.
    pub without_token: WithoutToken,
    /// Whether discovery needs a token too.
    pub nothing_is_open: bool,
    /// Where clients log in, for OAuth clients.
    pub resource_server: Option<ResourceServer>,
    /// The MCP endpoint.
    pub mcp: McpService,
    /// What the operator offers; requests may tighten it.
    pub offer: Offer,
    /// Names to answer to.
    pub hosts: AllowedHosts,
    /// Browser origins that may call.
    pub origins: AllowedOrigins,
    /// Largest request body, in bytes.
    pub max_body: usize,
    /// Memory for bodies, answers and what lies between.
    pub memory: Memory,
    /// Most requests worked on at once.
    pub max_in_flight: usize,
    /// Most calls of one caller in a time.
    pub rate_limit: Option<Rate>,
    /// Whether to say that this copy is ready.
    pub readiness: Readiness,
    /// The time.
    pub clock: Clock,
}

/// Every route of the server.
pub fn router(parts: HttpParts) -> Router {
    let gate = gate::Gate { hosts: parts.hosts, origins: parts.origins.clone() };
    let limits = Arc::new(limits::Limits::new(parts.max_in_flight, parts.rate_limit));
    // The layer added last is the outermost.
    let resource_server = parts.resource_server.map(Arc::new);
    let door = Arc::new(auth::Door {
        verifier: parts.verifier.clone(),
        without_token: parts.without_token,
        nothing_is_open: parts.nothing_is_open,
        resource_server: resource_server.clone(),
    });
    let intake = edge::Intake { max_body: parts.max_body, memory: parts.memory.clone() };
    let mcp = Router::new()
        .route("/mcp", any_service(parts.mcp.clone()))
        .route("/mcp/", any_service(parts.mcp))
        // Behind the door: who is nobody gets no more memory than his body needed.
        .layer(from_fn_with_state(parts.memory, payload::admit))
        .layer(from_fn_with_state(limits.clone(), limits::by_caller))
        .layer(from_fn_with_state(door, auth::authenticate))
        // Behind the edge: who sends a body slowly must not take a place from those who are being served.
        .layer(from_fn_with_state(limits, limits::in_all))
        .layer(from_fn_with_state(parts.offer, tighten::read))
        .layer(from_fn_with_state(intake, edge::check))
        .layer(from_fn_with_state(Arc::new(gate), gate::check))
        .layer(cors(parts.origins));
    let health = Router::new()
        .route("/health", get(health))
        .route("/healthz", get(health))
        .with_state(parts.clock)
        .route("/ready", get(ready))
        .with_state((parts.readiness, parts.verifier.clone()));
    Router::new()
        .merge(mcp)
        .merge(health)
        .merge(metadata::routes(resource_server))
        .fallback(reply::not_found)
        .layer(CatchPanicLayer::custom(reply::panicked))
        .layer(from_fn(request_id::assign))
}

/// Answers preflights. Bearers are headers, so credentials mode is off and origins are named one by one.
fn cors(origins: AllowedOrigins) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| origins.allows(origin)))
        .allow_methods([Method::POST, Method::OPTIONS])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([
            header::WWW_AUTHENTICATE,
            header::RETRY_AFTER,
            HeaderName::from_static("x-request-id"),
            HeaderName::from_static("mcp-protocol-version"),
            HeaderName::from_static("mcp-session-id"),
        ])
        .max_age(std::time::Duration::from_hours(2))
}
