//! The protocol: MCP 2025-03-26 to 2026-07-28 over streamable HTTP, without sessions.
//!
//! Owns the methods, the versions and their differences, the required members of requests, the form of results and errors. Does not own the transport ([`crate::endpoint`]) or any tool ([`crate::tools`]). The types of results are those
//! of `rmcp::model`; its transport and service loop are not used. `docs/protocol.md` lists the rules with their tests.
//!
//! A request is decoded by [`Request::read`], its headers are checked by [`Request::version`], and
//! [`McpServer::handle`] runs its method and returns an [`Answer`] or an [`RpcError`].
//!
//! Invariants: no other module knows a method's name; panics, time limits and cancellations end a call here.

mod answer;
mod call;
mod chunked_json;
mod completion;
mod config;
mod confirm;
mod context;
mod discovery;
mod error;
#[cfg(feature = "conformance")]
mod fixtures;
mod headers;
mod lists;
mod meta;
mod params;
mod progress;
mod prompts;
mod protocol;
mod request;
mod resources;
mod server;
mod skills;
mod views;

pub use self::answer::Answer;
pub use self::chunked_json::ChunkedJson;
pub use self::config::CallConfig;
pub use self::confirm::StateCodec;
pub use self::context::{CallContext, Notifications};
pub use self::error::RpcError;
use self::protocol::Method;
pub use self::protocol::Version;
pub use self::request::Request;
pub use self::server::McpServer;
