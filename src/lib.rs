//! A stateless MCP server for the Quilt data catalog. Each request acts on S3 with the AWS credentials of its caller.
//!
//! `docs/architecture.md` has the map: what each module owns, which modules it may import, two requests followed through the
//! code, the invariants and the glossary. A request passes the modules in one direction:
//!
//! ```text
//! socket ─ server ─ endpoint ─ mcp ─ tools ─ {athena, packages, aws, catalog} ─ AWS / registry
//!                      └ identity      └────── credentials ──┘
//! ```
//!
//! The package format is the crate [`quilt_format`]. `dev` and [`cli`] stand outside and may use every module;
//! [`app`] wires the modules from the settings ([`config`]).
//!
//! # Isolation of callers
//!
//! The verifier makes an [`identity::Caller`] of a token that it verified. The caller travels with the request in its
//! `mcp::CallContext`, and the `Authorization` header is removed. A tool receives a [`tools::Session`], whose only way to S3
//! is [`tools::Session::s3`]: it resolves the caller's credentials and returns an [`aws::s3::UserS3`] that signs with them.
//! The client underneath has no identity. No function returns a client with the rights of another caller.

pub mod app;
pub mod athena;
pub mod aws;
pub mod blocking;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod config;
pub mod console;
pub mod credentials;
#[cfg(feature = "dev")]
pub mod dev;
pub mod endpoint;
pub mod error_code;
pub mod identity;
pub mod json;
pub mod mcp;
pub mod memory;
pub mod packages;
pub mod preview;
pub mod redact;
pub mod resilience;
pub mod server;
pub mod setting;
pub mod telemetry;
pub mod tls;
pub mod tools;
