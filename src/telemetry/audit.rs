//! The audit line: caller, tool, credentials and outcome. One for each call of a tool, denied ones included.
//!
//! Invariant: of what a caller sent it holds names only, each of a form that a token or key does not have, and each bounded.

use std::time::Duration;

use super::text;
use crate::identity::Caller;

/// Longest name of a tool that is repeated; ours are shorter.
const LONGEST_NAME: usize = 64;

/// One call.
#[derive(Debug, Clone, Copy)]
pub struct Audit<'a> {
    /// The JSON-RPC method; empty where none was read.
    pub method: &'static str,
    /// The tool that was named, if any.
    pub tool: Option<&'a str>,
    /// The bucket that it is about, where its arguments name one.
    pub bucket: Option<&'a str>,
    /// `ok`, or an error code.
    pub outcome: &'a str,
    /// Where the credentials came from that the call acted with, if it came to that.
    pub credential_source: Option<&'a str>,
    /// How long it took.
    pub duration: Duration,
    /// How many requests it made of others.
    pub upstream_calls: u32,
}

impl Audit<'_> {
    /// Writes the line of a call by this caller.
    pub fn called(&self, caller: &Caller) {
        let subject = match caller {
            Caller::Anonymous => None,
            Caller::Proved(proved) => proved.subject(),
        };
        tracing::info!(
            target: "quilt_mcp::audit",
            method = self.method,
            tool = self.tool.map(shown),
            bucket = self.bucket.map(|bucket| text::bounded(bucket, text::NAME)),
            caller = ?caller,
            subject = subject.map(|subject| text::bounded(subject, text::SUBJECT)),
            outcome = self.outcome,
            credential_source = self.credential_source.unwrap_or("none"),
            duration_ms = u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX),
            upstream_calls = self.upstream_calls,
            "tool called"
        );
    }

    /// Writes the line of a request that was refused before its method runs. `caller`: the hash of what was to prove them.
    pub fn refused(&self, caller: Option<&dyn std::fmt::Debug>) {
        tracing::info!(
            target: "quilt_mcp::audit",
            method = self.method,
            tool = self.tool.map(shown),
            caller = caller.map(tracing::field::debug),
            outcome = self.outcome,
            error_code = self.outcome,
            "caller refused"
        );
    }
}

/// A name as far as it can be one of a tool.
fn shown(name: &str) -> &str {
    let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-./".contains(&b));
    if is_name && name.len() <= LONGEST_NAME {
        name
    } else {
        "(not a tool name)"
    }
}
