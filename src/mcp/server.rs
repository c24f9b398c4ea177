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
use super::list::listed;
use super::progress;
use super::result::result;
use crate::identity::Caller;
use crate::telemetry::metrics;
use crate::tools::{self, AnyTool, Services, Session, code};

/// How long clients may keep the tool list and the discovery answer: they change with a release only.
const LISTS_FRESH_MS: u64 = 5 * 60 * 1000;

const INSTRUCTIONS: &str = "Work with a Quilt data catalog: buckets and objects on S3, with the caller's own rights. \
                            Start with bucket_list. When something is denied, auth_status says with whose credentials \
                            the calls act and why.";

/// The handler. Cheap to clone; built once, whatever the number of requests.
#[derive(Clone)]
pub struct McpServer(Arc<Inner>);

struct Inner {
    tools: HashMap<&'static str, (AnyTool, Tool)>,
    listed: Vec<Tool>,
    services: Arc<Services>,
    tool_timeout: Duration,
}

impl McpServer {
    /// Builds every tool and schema.
    #[must_use]
    pub fn new(services: Arc<Services>, tool_timeout: Duration) -> Self {
        let tools: Vec<(AnyTool, Tool)> = tools::all()
            .into_iter()
            .map(|tool| {
                let listed = listed(&tool);
                (tool, listed)
            })
            .collect();
        let listed = tools.iter().map(|(_, listed)| listed.clone()).collect();
        let tools = tools.into_iter().map(|(tool, listed)| (tool.name, (tool, listed))).collect();
        Self(Arc::new(Inner { tools, listed, services, tool_timeout }))
    }

    /// The caller that the identity layer put into the request. Its absence is a fault of ours, never an anonymous caller.
    fn caller(context: &RequestContext<RoleServer>) -> Result<&Caller, ErrorData> {
        context
            .extensions
            .get::<axum::http::request::Parts>()
            .and_then(|parts| parts.extensions.get::<Caller>())
            .ok_or_else(|| ErrorData::internal_error("the request reached its handler without a caller", None))
    }
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
        let mut list = ListToolsResult::with_all_items(self.0.listed.clone());
        if speaks_2026(&context) {
            list = list.with_ttl_ms(LISTS_FRESH_MS).with_cache_scope(CacheScope::Public);
            list.meta = server_meta(&context);
        }
        Ok(list)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.0.tools.get(name).map(|(_, listed)| listed.clone())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some((tool, _)) = self.0.tools.get(&*request.name) else {
            return Err(ErrorData::invalid_params(format!("There is no tool `{}`.", request.name), None));
        };
        let (progress, forwarded) = progress::forwarder(&context);
        let caller = Self::caller(&context)?.clone();
        let session = Session::new(caller, self.0.services.clone(), self.0.tool_timeout, progress);
        let started = Instant::now();
        let arguments = request.arguments.unwrap_or_default();
        let call = tool.call(session.clone(), arguments);
        let outcome = tokio::select! {
            outcome = guarded(&context.ct, self.0.tool_timeout, call) => outcome,
            never = forwarded => match never {},
        };
        let ended_as = outcome.as_ref().map_or_else(|error| error.code, |_| "ok");
        metrics::tool_call(tool.name, ended_as, started.elapsed());
        tracing::info!(
            tool = tool.name,
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
