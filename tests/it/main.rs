//! Integration tests over real sockets: the real router, and an S3 that enforces rights. [`support`] introduces the
//! terms.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that is surprised should stop"
)]

mod account;
mod architecture;
mod athena;
mod catalog;
mod cli;
mod console;
mod credentials;
mod dev;
mod documentation;
mod http;
mod identity;
mod limits;
mod mcp;
mod network;
mod objects;
mod packages;
mod peers;
mod permissions;
mod resilience;
mod search;
mod shipping;
mod support;
mod tabulator;
mod telemetry;
