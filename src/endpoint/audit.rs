//! The audit line and the metric of a request that is refused before its method runs.

use std::fmt::Debug;
use std::time::Duration;

use crate::error_code::ErrorCode;
use crate::mcp::Request;
use crate::telemetry::{Audit, metrics};

/// Records a refusal. `caller` is the hash of the credential that the request has.
pub(super) fn refused(request: Option<&Request>, code: ErrorCode, caller: Option<&dyn Debug>) {
    metrics::refusal(code.as_str());
    let caller = caller.map(|caller| format!("{caller:?}"));
    let audit = Audit {
        method: request.map_or("", Request::log_name),
        tool: request.and_then(Request::target),
        bucket: None,
        caller: caller.as_deref(),
        subject: None,
        outcome: code.as_str(),
        credential_source: None,
        duration: Duration::ZERO,
        upstream_calls: 0,
    };
    audit.refused();
}
