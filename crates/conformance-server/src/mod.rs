//! The fixtures of MCP's official conformance suite, on the very endpoint that is served (cargo feature `conformance`).
//!
//! Owns the tools, resources and prompts that the suite's scenarios name, and the methods of older versions that only it
//! wants. Owns no answer of the server itself: whatever is not a fixture goes to the real handler, and lists have both.
//!
//! Invariants: the feature is off unless it is asked for, so that nothing of this is in a build that serves anybody; a
//! fixture knows nothing of AWS, and of the caller only what its client declares.
#![expect(deprecated, reason = "the suite asks older versions for log messages, sampling and roots")]

mod handler;
mod notices;
mod prompts;
mod resources;
mod rounds;
mod tools;

use rmcp::ErrorData;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use handler::Everything;

/// A pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4z8AAAAMBAQD3A0FDAAAAAElFTkSuQmCC";
/// A millisecond of silence.
const WAV: &str = "UklGRiwAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQgAAACAgICAgICAgA==";

/// A fixture as rmcp has it.
fn decoded<T: DeserializeOwned>(fixture: Value) -> Result<T, ErrorData> {
    serde_json::from_value(fixture)
        .map_err(|problem| ErrorData::internal_error(format!("this fixture is not what MCP has: {problem}"), None))
}
