//! The handler of MCP requests.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, DiscoverResult, Implementation,
    ListToolsResult, MetaObject, PaginatedRequestParams, ProtocolVersion, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};

use super::guard::guarded;
use super::list::{listed, listed_module};
use super::result::result;
use crate::config::ToolStyle;
use crate::identity::Caller;
use crate::telemetry::metrics;
use crate::tools::{Offer, Services, Session, Toolbox, code, listed_modules};

/// How long clients may keep the tool list and the discovery answer: they change with a release only.
const LISTS_FRESH_MS: u64 = 5 * 60 * 1000;

const INSTRUCTIONS: &str = "Work with a Quilt data catalog: buckets and objects on S3, with the caller's own rights. \
                            Start with bucket_list. When something is denied, auth_status says with whose credentials \
                            the calls act and why.";

/// The handler. Cheap to clone; built once, whatever the number of requests.
#[derive(Clone)]
pub struct McpServer(Arc<Inner>);

struct Inner {
    toolbox: Toolbox,
    /// The typed tools as they are listed.
    typed: HashMap<&'static str, Tool>,
    services: Arc<Services>,
    tool_timeout: Duration,
}

impl McpServer {
    /// Builds every tool and schema.
    #[must_use]
    pub fn new(services: Arc<Services>, tool_timeout: Duration) -> Self {
        let toolbox = Toolbox::new();
        let typed = toolbox.typed().iter().map(|tool| (tool.name, listed(tool))).collect();
        Self(Arc::new(Inner { toolbox, typed, services, tool_timeout }))
    }

    /// What is listed for this offer, in order of the names.
    fn listed(&self, offer: Offer) -> Vec<Tool> {
        let mut list = Vec::new();
        if offer.style() != ToolStyle::Modules {
            let tools = self.0.toolbox.typed().iter().filter(|tool| offer.has(tool));
            list.extend(tools.filter_map(|tool| self.0.typed.get(tool.name).cloned()));
        }
        if offer.style() != ToolStyle::Typed {
            list.extend(listed_modules(&self.0.toolbox, offer).into_iter().map(listed_module));
        }
        list.sort_by(|a, b| a.name.cmp(&b.name));
        list
    }

    /// The caller that the identity layer put into the request. Its absence is a fault of ours, never an anonymous caller.
    fn caller(context: &RequestContext<RoleServer>) -> Result<&Caller, ErrorData> {
        from_http(context)
            .ok_or_else(|| ErrorData::internal_error("the request reached its handler without a caller", None))
    }

    /// What is offered to this request. Its absence is a fault of ours, never an offer of everything.
    fn offer(context: &RequestContext<RoleServer>) -> Result<Offer, ErrorData> {
        from_http(context)
            .copied()
            .ok_or_else(|| ErrorData::internal_error("the request reached its handler without an offer", None))
    }
}

/// What the http room put into the request.
fn from_http<T: Send + Sync + 'static>(context: &RequestContext<RoleServer>) -> Option<&T> {
    context.extensions.get::<axum::http::request::Parts>()?.extensions.get()
}

fn implementation() -> Implementation {
    Implementation::new("quilt-mcp", env!("CARGO_PKG_VERSION")).with_title("Quilt data catalog")
}

fn speaks_2026(context: &RequestContext<RoleServer>) -> bool {
    // Versions are dates, so they compare as text.
    context.protocol_version().is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str())
}

/// From 2026-07-28 on every result should say whose it is; rmcp does that for `server/discover` alone.
fn server_meta(context: &RequestContext<RoleServer>) -> Option<MetaObject> {
    if !speaks_2026(context) {
        return None;
    }
    let mut meta = MetaObject::new();
    let name = serde_json::to_value(implementation()).ok()?;
    meta.0.insert("io.modelcontextprotocol/serverInfo".to_owned(), name);
    Some(meta)
}

impl ServerHandler for McpServer {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(implementation())
            .with_instructions(INSTRUCTIONS)
    }

    /// Without 2024-11-05, whose transport is not served here.
    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        const VERSIONS: &[ProtocolVersion] = &[
            ProtocolVersion::V_2025_03_26,
            ProtocolVersion::V_2025_06_18,
            ProtocolVersion::V_2025_11_25,
            ProtocolVersion::V_2026_07_28,
        ];
        Cow::Borrowed(VERSIONS)
    }

    async fn discover(&self, _: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        let versions = self.supported_protocol_versions().into_owned();
        Ok(DiscoverResult::from_server_info(versions, self.get_info())
            .with_ttl_ms(LISTS_FRESH_MS)
            .with_cache_scope(CacheScope::Public))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let offer = Self::offer(&context)?;
        let mut list = ListToolsResult::with_all_items(self.listed(offer));
        if speaks_2026(&context) {
            let scope = if offer.is_tightened() { CacheScope::Private } else { CacheScope::Public };
            list = list.with_ttl_ms(LISTS_FRESH_MS).with_cache_scope(scope);
            list.meta = server_meta(&context);
        }
        Ok(list)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.0.typed.get(name).cloned()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(callable) = self.0.toolbox.find(&request.name) else {
            return Err(ErrorData::invalid_params(format!("There is no tool `{}`.", request.name), None));
        };
        let offer = Self::offer(&context)?;
        let toolset = callable.toolset();
        if !offer.includes(toolset) {
            let message = format!(
                "The tool `{}` belongs to the toolset {}, which is switched off for this request (QUILT_MCP_TOOLSETS, \
                 X-MCP-Toolsets).",
                request.name,
                toolset.as_str()
            );
            return Err(ErrorData::invalid_params(message, None));
        }
        let session = Session::new(Self::caller(&context)?.clone(), self.0.services.clone(), self.0.tool_timeout);
        let started = Instant::now();
        let arguments = request.arguments.unwrap_or_default();
        let label = callable.label(&arguments);
        let call = self.0.toolbox.call(callable, offer, session.clone(), arguments);
        let outcome = guarded(&context.ct, self.0.tool_timeout, call).await;
        let ended_as = outcome.as_ref().map_or_else(|error| error.code, |_| "ok");
        metrics::tool_call(label, ended_as, started.elapsed());
        tracing::info!(
            tool = label,
            outcome = ended_as,
            credential_source = session.credential_source().map_or("none", |source| source.as_str()),
            duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "tool called"
        );
        if outcome.as_ref().is_err_and(|error| error.code == code::CANCELLED) {
            return Err(ErrorData::internal_error("cancelled", None));
        }
        let mut result: CallToolResult = result(outcome);
        result.meta = server_meta(&context);
        Ok(result.into())
    }
}
