//! The audit line of a request that is refused at the door.

use std::fmt::Debug;
use std::time::Duration;

use super::envelope::Envelope;
use crate::error_code::ErrorCode;
use crate::telemetry::{Audit, metrics};

/// Tells logs and metrics of a refusal. `caller`: the hash of what was to prove them, or of what proved them.
pub(super) fn refused(envelope: Option<&Envelope>, code: ErrorCode, caller: Option<&dyn Debug>) {
    metrics::refusal(code.as_str());
    let audit = Audit {
        method: envelope.map_or("", |envelope| &envelope.method),
        tool: envelope.and_then(|envelope| envelope.name.as_deref()),
        bucket: None,
        outcome: code.as_str(),
        credential_source: None,
        duration: Duration::ZERO,
        upstream_calls: 0,
    };
    audit.refused(caller);
}
