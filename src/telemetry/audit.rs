//! The audit log: caller, tool, credentials and outcome of each tool call, including refused ones.
//!
//! Invariant: of a request, a line contains names only. They are of bounded length, and a tool name cannot be a token or a
//! key.

use std::time::Duration;

use super::text;

/// Maximum length of a logged tool name.
const MAX_TOOL_NAME_BYTES: usize = 64;

/// One call.
#[derive(Debug, Clone, Copy)]
pub struct Audit<'a> {
    /// The JSON-RPC method; empty if it is not known.
    pub method: &'static str,
    /// The tool that the request names.
    pub tool: Option<&'a str>,
    /// The bucket in the tool's arguments.
    pub bucket: Option<&'a str>,
    /// The hash of the token, after its mode of verification if it was verified; `anonymous` without a token.
    pub caller: Option<&'a str>,
    /// The subject of the verified token.
    pub subject: Option<&'a str>,
    /// `ok`, or an error code.
    pub outcome: &'a str,
    /// The source of the AWS credentials, if the call resolved any.
    pub credential_source: Option<&'a str>,
    pub duration: Duration,
    /// Number of requests to other services.
    pub upstream_calls: u32,
}

impl Audit<'_> {
    /// Writes the line of a call.
    pub fn called(&self) {
        tracing::info!(
            target: "quilt_mcp::audit",
            method = self.method,
            tool = self.tool.map(tool_name),
            bucket = self.bucket.map(|bucket| text::bounded(bucket, text::MAX_NAME_BYTES)),
            caller = self.caller.map(tracing::field::display),
            subject = self.subject.map(|subject| text::bounded(subject, text::MAX_SUBJECT_BYTES)),
            outcome = self.outcome,
            credential_source = self.credential_source.unwrap_or("none"),
            duration_ms = u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX),
            upstream_calls = self.upstream_calls,
            "tool called"
        );
    }

    /// Writes the line of a request that was refused before its method ran.
    pub fn refused(&self) {
        tracing::info!(
            target: "quilt_mcp::audit",
            method = self.method,
            tool = self.tool.map(tool_name),
            caller = self.caller.map(tracing::field::display),
            outcome = self.outcome,
            error_code = self.outcome,
            "caller refused"
        );
    }
}

/// Returns the name if it can be that of a tool.
pub(super) fn tool_name(name: &str) -> &str {
    let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-./".contains(&b));
    if is_name && name.len() <= MAX_TOOL_NAME_BYTES {
        name
    } else {
        "(not a tool name)"
    }
}
