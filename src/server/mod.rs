//! Sockets and routes.
//!
//! Owns the listener, connections and their bounds, the order of a shutdown, the route table, CORS, health and the OAuth
//! documents. Does not own what happens to a request for the MCP endpoint ([`crate::endpoint`]).
//!
//! Invariants: a preflight is answered before a token is asked for; every answer has an `x-request-id`; a web page of a
//! listed origin can read every answer.

mod config;
mod connection;
mod console;
mod cors;
mod descriptors;
mod health;
mod listener;
mod oauth_metadata;
mod request_id;
mod router;

pub use self::config::{ConnectionConfig, ListenConfig};
pub use self::descriptors::raise_limit as raise_descriptor_limit;
pub use self::health::Readiness;
pub use self::listener::{ConnectionLimits, Shutdown, serve};
pub use self::router::Routes;
