//! MCP, as rmcp speaks it. The only room that knows rmcp.
//!
//! Owns the protocol's side of a call: the caller out of the request's context, the guard around the handler, the shape of
//! results, how a tool's question reaches the user, and what rmcp leaves to its user (own server name, name on every result,
//! caching hints, prompts). Owns no tool.
//!
//! Invariant: nothing a handler does can hang a request or outlive it: a panic, the time limit and a client that left all
//! end it here.

mod completion;
mod confirm;
#[cfg(feature = "conformance")]
mod conformance;
mod context;
mod failure;
mod guard;
mod list;
mod progress;
mod prompts;
mod resources;
mod result;
mod server;
mod service;

pub use confirm::StateSeal;
pub use server::{McpServer, served_versions};
pub use service::{McpService, service};
