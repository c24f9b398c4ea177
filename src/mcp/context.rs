//! What a handler knows of a request, by whichever road it came, and the mark that is put on every result.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::model::{CacheScope, ClientCapabilities, Implementation, MetaObject, ProtocolVersion, RequestMetaObject};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::failure::refusal;
use crate::error_code::ErrorCode;
use crate::identity::Caller;
use crate::memory::CallMemory;
use crate::tools::Offer;

/// How long clients may keep lists and the discovery answer: they change with a release only.
pub(super) const LISTS_FRESH_MS: u64 = 5 * 60 * 1000;

/// What the http room found out about a request.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Who calls.
    pub caller: Caller,
    /// What is offered to them.
    pub offer: Offer,
    /// What the request holds in memory.
    pub memory: CallMemory,
    /// The arguments of a tool call that goes through rmcp's transport, which is not given them.
    pub arguments: Arguments,
}

/// The arguments of a tool call, for the one handler that takes them. Without their content in `Debug`.
#[derive(Clone, Default)]
pub struct Arguments(Arc<Mutex<Option<Map<String, Value>>>>);

impl Arguments {
    pub(super) fn new(arguments: Option<Map<String, Value>>) -> Self {
        Self(Arc::new(Mutex::new(arguments)))
    }

    pub(super) fn take(&self) -> Option<Map<String, Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Arguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Arguments")
    }
}

/// What a handler knows of a request.
pub(super) struct Context<'a> {
    standing: Option<&'a Standing>,
    meta: &'a RequestMetaObject,
    version: Option<ProtocolVersion>,
    /// Is cancelled when the client has left, or the server ends.
    pub client_left: &'a CancellationToken,
}

impl<'a> From<&'a RequestContext<RoleServer>> for Context<'a> {
    fn from(context: &'a RequestContext<RoleServer>) -> Self {
        Self {
            standing: context.extensions.get::<axum::http::request::Parts>().and_then(|parts| parts.extensions.get()),
            meta: &context.meta,
            version: context.protocol_version(),
            client_left: &context.ct,
        }
    }
}

impl<'a> Context<'a> {
    pub(super) fn new(
        standing: &'a Standing,
        meta: &'a RequestMetaObject,
        version: ProtocolVersion,
        client_left: &'a CancellationToken,
    ) -> Self {
        Self { standing: Some(standing), meta, version: Some(version), client_left }
    }

    /// Caller, offer and memory. Their absence is a fault of ours: never an anonymous caller, an offer of everything, or
    /// memory without bounds.
    pub(super) fn standing(&self) -> Result<&'a Standing, ErrorData> {
        self.standing.ok_or_else(|| refusal(ErrorCode::Internal, "The request reached its handler without a caller."))
    }

    /// What is offered to this request.
    pub(super) fn offer(&self) -> Result<Offer, ErrorData> {
        Ok(self.standing()?.offer)
    }

    /// What the client says that it can do. Only 2026-07-28 says it with each request.
    pub(super) fn client_capabilities(&self) -> Option<ClientCapabilities> {
        self.meta.client_capabilities()
    }

    fn speaks(&self, since: &ProtocolVersion) -> bool {
        // Versions are dates, so they compare as text.
        self.version.as_ref().is_some_and(|version| version.as_str() >= since.as_str())
    }

    pub(super) fn speaks_2026(&self) -> bool {
        self.speaks(&ProtocolVersion::V_2026_07_28)
    }

    /// Links to resources are part of results since 2025-06-18.
    pub(super) fn knows_links(&self) -> bool {
        self.speaks(&ProtocolVersion::V_2025_06_18)
    }

    /// From 2026-07-28 on every result should say whose it is; rmcp does that for `server/discover` alone.
    pub(super) fn server_meta(&self) -> Option<MetaObject> {
        if !self.speaks_2026() {
            return None;
        }
        let mut meta = MetaObject::new();
        let name = serde_json::to_value(implementation()).ok()?;
        meta.0.insert("io.modelcontextprotocol/serverInfo".to_owned(), name);
        Some(meta)
    }

    /// For how long and for whom a list is good, for peers that know of it: a tightened one is its caller's alone.
    pub(super) fn freshness(&self, offer: Offer) -> (Option<u64>, Option<CacheScope>) {
        if !self.speaks_2026() {
            return (None, None);
        }
        let scope = if offer.is_tightened() { CacheScope::Private } else { CacheScope::Public };
        (Some(LISTS_FRESH_MS), Some(scope))
    }
}

pub(super) fn implementation() -> Implementation {
    Implementation::new("quilt-mcp", env!("CARGO_PKG_VERSION")).with_title("Quilt data catalog")
}
