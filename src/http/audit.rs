//! The audit line of a request that is refused at the door.

use std::fmt::Debug;
use std::time::Duration;

use super::envelope::Envelope;
use crate::telemetry::{Audit, metrics};

/// Tells logs and metrics of a refusal. `caller`: the hash of what was to prove them, or of what proved them.
pub(super) fn refused(envelope: Option<&Envelope>, code: &'static str, caller: Option<&dyn Debug>) {
    metrics::refusal(code);
    let audit = Audit {
        method: envelope.map_or("", |envelope| &envelope.method),
        tool: envelope.and_then(|envelope| envelope.name.as_deref()),
        bucket: None,
        outcome: code,
        credential_source: None,
        duration: Duration::ZERO,
        upstream_calls: 0,
    };
    audit.refused(caller);
}
