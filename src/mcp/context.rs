//! What the handlers take out of a request's context, and the mark that is put on every result.

use rmcp::model::{CacheScope, Implementation, MetaObject, ProtocolVersion};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};

use crate::identity::Caller;
use crate::memory::CallMemory;
use crate::tools::Offer;

/// How long clients may keep lists and the discovery answer: they change with a release only.
pub(super) const LISTS_FRESH_MS: u64 = 5 * 60 * 1000;

/// What the http room put into the request.
fn from_http<T: Send + Sync + 'static>(context: &RequestContext<RoleServer>) -> Option<&T> {
    context.extensions.get::<axum::http::request::Parts>()?.extensions.get()
}

/// The caller that the identity layer put into the request. Its absence is a fault of ours, never an anonymous caller.
pub(super) fn caller(context: &RequestContext<RoleServer>) -> Result<&Caller, ErrorData> {
    from_http(context)
        .ok_or_else(|| ErrorData::internal_error("the request reached its handler without a caller", None))
}

/// What is offered to this request. Its absence is a fault of ours, never an offer of everything.
pub(super) fn offer(context: &RequestContext<RoleServer>) -> Result<Offer, ErrorData> {
    from_http(context)
        .copied()
        .ok_or_else(|| ErrorData::internal_error("the request reached its handler without an offer", None))
}

/// What this request holds in memory. Its absence is a fault of ours, never memory without bounds.
pub(super) fn memory(context: &RequestContext<RoleServer>) -> Result<&CallMemory, ErrorData> {
    from_http(context).ok_or_else(|| ErrorData::internal_error("the request reached its handler without memory", None))
}

pub(super) fn implementation() -> Implementation {
    Implementation::new("quilt-mcp", env!("CARGO_PKG_VERSION")).with_title("Quilt data catalog")
}

fn speaks(context: &RequestContext<RoleServer>, since: &ProtocolVersion) -> bool {
    // Versions are dates, so they compare as text.
    context.protocol_version().is_some_and(|version| version.as_str() >= since.as_str())
}

pub(super) fn speaks_2026(context: &RequestContext<RoleServer>) -> bool {
    speaks(context, &ProtocolVersion::V_2026_07_28)
}

/// Links to resources are part of results since 2025-06-18.
pub(super) fn knows_links(context: &RequestContext<RoleServer>) -> bool {
    speaks(context, &ProtocolVersion::V_2025_06_18)
}

/// From 2026-07-28 on every result should say whose it is; rmcp does that for `server/discover` alone.
pub(super) fn server_meta(context: &RequestContext<RoleServer>) -> Option<MetaObject> {
    if !speaks_2026(context) {
        return None;
    }
    let mut meta = MetaObject::new();
    let name = serde_json::to_value(implementation()).ok()?;
    meta.0.insert("io.modelcontextprotocol/serverInfo".to_owned(), name);
    Some(meta)
}

/// For how long and for whom a list is good, for peers that know of it: a tightened one is its caller's alone.
pub(super) fn freshness(context: &RequestContext<RoleServer>, offer: Offer) -> (Option<u64>, Option<CacheScope>) {
    if !speaks_2026(context) {
        return (None, None);
    }
    let scope = if offer.is_tightened() { CacheScope::Private } else { CacheScope::Public };
    (Some(LISTS_FRESH_MS), Some(scope))
}
