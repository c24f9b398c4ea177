//! MCP, as rmcp speaks it. The only room that knows rmcp.
//!
//! Owns the protocol's side of a call: the two roads to a handler (rmcp's transport, and for usual calls of tools a short
//! one past it), the guard around the handler, the shape of results, how a tool's question reaches the user, and what rmcp
//! leaves to its user (own server name, name on every result, caching hints, prompts). Owns no tool.
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
mod pieces;
mod progress;
mod prompts;
mod resources;
mod result;
mod server;
mod service;
mod short_road;

pub use confirm::StateSeal;
pub use context::{Arguments, Standing};
pub use server::{McpServer, served_versions};
pub use service::{Answered, McpService};
pub use short_road::ToolCall;
