//! The whole route table, on one screen. What happens to a request for the MCP endpoint is in [`super::endpoint`].

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, Method, header};
use axum::middleware::from_fn;
use axum::routing::{any, get};
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use super::auth::{Door, MAX_QUESTIONS};
use super::edge::Intake;
use super::endpoint::{self, Endpoint};
use super::gate::Gate;
use super::health::{Readiness, health, ready};
use super::limits::Limits;
use super::{AllowedHosts, AllowedOrigins, ResourceServer, metadata, reply, request_id};
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
    let resource_server = parts.resource_server.map(Arc::new);
    let endpoint = Arc::new(Endpoint {
        gate: Gate { hosts: parts.hosts, origins: parts.origins.clone() },
        intake: Intake { max_body: parts.max_body, memory: parts.memory.clone() },
        offer: parts.offer,
        limits: Limits::new(parts.max_in_flight, parts.rate_limit),
        door: Door {
            verifier: parts.verifier.clone(),
            without_token: parts.without_token,
            nothing_is_open: parts.nothing_is_open,
            questions: Semaphore::new(MAX_QUESTIONS),
            resource_server: resource_server.clone(),
        },
        memory: parts.memory,
        mcp: parts.mcp,
    });
    let mcp = Router::new()
        .route("/mcp", any(endpoint::answer))
        .route("/mcp/", any(endpoint::answer))
        .with_state(endpoint)
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
