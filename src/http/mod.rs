//! From bytes to a checked request.
//!
//! Owns the connections and how they end, the routes, and what a request for the MCP endpoint goes through (`endpoint`):
//! Host and Origin, body and JSON-RPC envelope, the limits, who may call. Owns neither identity (it asks the verifier) nor MCP (it hands the request on).
//!
//! Invariants: a preflight is answered before anybody is asked who they are; a request that reaches the MCP endpoint
//! carries a [`crate::mcp::Standing`] with its caller and no `Authorization` header; every answer has an `x-request-id`.

mod allow_list;
mod audit;
mod auth;
mod connection;
mod edge;
mod endpoint;
mod envelope;
mod gate;
mod health;
mod held;
mod limits;
mod metadata;
mod payload;
mod reply;
mod request_id;
mod router;
mod serve;
mod tighten;

pub use allow_list::{AllowedHosts, AllowedOrigins};
pub use health::Readiness;
pub use metadata::ResourceServer;
pub use router::{HttpParts, router};
pub use serve::{ConnectionLimits, Ending, serve};
