//! The handler of MCP requests.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult, CompletionInfo,
    DiscoverResult, GetPromptRequestParams, GetPromptResponse, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, PaginatedRequestParams, ProtocolVersion, ReadResourceRequestParams,
    ReadResourceResponse, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use tracing::Span;

use super::completion::{complete, wanted};
use super::confirm::StateSeal;
use super::context::{Context, LISTS_FRESH_MS, Standing, implementation};
use super::failure::{failure, refusal};
use super::guard::guarded;
use super::list::{listed, listed_module};
use super::progress;
use super::result::{Called, Done};
use super::{prompts, resources};
use crate::config::ToolStyle;
use crate::credentials::Source;
use crate::error_code::ErrorCode;
use crate::telemetry::{Audit, Call, metrics, trace};
use crate::tools::{
    Completion, Offer, Progress, ResourceUri, Services, Session, ToolError, Toolbox, Word, listed_modules, named_bucket,
};

const INSTRUCTIONS: &str = "Work with a Quilt data catalog: buckets and objects on S3, with the caller's own rights. \
                            Start with bucket_list. When something is denied, auth_status says with whose credentials \
                            the calls act and why.";

/// The versions of the protocol. Without 2024-11-05, whose transport is not served here.
const VERSIONS: [ProtocolVersion; 4] = [
    ProtocolVersion::V_2025_03_26,
    ProtocolVersion::V_2025_06_18,
    ProtocolVersion::V_2025_11_25,
    ProtocolVersion::V_2026_07_28,
];

/// The versions of the protocol that are served, oldest first.
pub fn served_versions() -> impl Iterator<Item = &'static str> {
    static SERVED: [ProtocolVersion; 4] = VERSIONS;
    SERVED.iter().map(ProtocolVersion::as_str)
}

/// The handler. Cheap to clone; built once, whatever the number of requests.
#[derive(Clone)]
pub struct McpServer(Arc<Inner>);

struct Inner {
    toolbox: Toolbox,
    /// The typed tools as they are listed.
    typed: HashMap<&'static str, Tool>,
    services: Arc<Services>,
    seal: StateSeal,
    tool_timeout: Duration,
}

/// What is to be done for a caller, as logs and metrics name it.
struct Job {
    method: &'static str,
    /// The tool, or what is done instead of one.
    label: &'static str,
    /// The bucket that it is about, where that can be told.
    bucket: Option<String>,
}

impl McpServer {
    /// Builds every tool and schema.
    #[must_use]
    pub fn new(services: Arc<Services>, seal: StateSeal, tool_timeout: Duration) -> Self {
        let toolbox = Toolbox::new();
        let typed = toolbox.typed().iter().map(|tool| (tool.name, listed(tool))).collect();
        Self(Arc::new(Inner { toolbox, typed, services, seal, tool_timeout }))
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

    /// Does what a caller asked for within its bounds, and tells logs and metrics how it ended.
    async fn work<T>(
        &self,
        job: &Job,
        context: &Context<'_>,
        session: &Session,
        work: impl Future<Output = Result<T, ToolError>>,
    ) -> Result<Result<T, ToolError>, ErrorData> {
        let (started, asked) = (Instant::now(), Call::default());
        let outcome = asked.counts(guarded(context.client_left, self.0.tool_timeout, work)).await;
        let (ended_as, duration) =
            (outcome.as_ref().map_or_else(|error| error.code.as_str(), |_| "ok"), started.elapsed());
        metrics::tool_call(job.label, ended_as, duration);
        trace::ended(&Span::current(), ended_as);
        let audit = Audit {
            method: job.method,
            tool: Some(job.label),
            bucket: job.bucket.as_deref(),
            outcome: ended_as,
            credential_source: session.credential_source().map(Source::as_str),
            duration,
            upstream_calls: asked.upstream_calls(),
        };
        audit.called(session.caller());
        if outcome.as_ref().is_err_and(|error| error.code == ErrorCode::Cancelled) {
            return Err(refusal(ErrorCode::Cancelled, "The client cancelled the call."));
        }
        Ok(outcome)
    }

    /// Whether there is a tool of this name, offered or not.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.0.toolbox.find(name).is_some()
    }

    /// Calls a tool.
    pub(super) async fn called(
        &self,
        request: CallToolRequestParams,
        context: &Context<'_>,
        progress: Option<Progress>,
    ) -> Result<Called, ErrorData> {
        let Some(callable) = self.0.toolbox.find(&request.name) else {
            audit_unserved(&request.name, ErrorCode::UnknownTool, context)?;
            return Err(refusal(ErrorCode::UnknownTool, format!("There is no tool `{}`.", request.name)));
        };
        let Standing { caller, offer, .. } = context.standing()?;
        let toolset = callable.toolset();
        if !offer.includes(toolset) {
            audit_unserved(&request.name, ErrorCode::ToolsetOff, context)?;
            let message = format!(
                "The tool `{}` belongs to the toolset {}, which is switched off for this request (QUILT_MCP_TOOLSETS, \
                 X-MCP-Toolsets).",
                request.name,
                toolset.as_str()
            );
            return Err(refusal(ErrorCode::ToolsetOff, message));
        }
        let (word, binding) = self.0.seal.word(&request, caller, context)?;
        let session = self.session(context, progress, word)?;
        let arguments = request.arguments.unwrap_or_default();
        let (label, bucket) = (callable.label(&arguments), named_bucket(&arguments).map(|bucket| bucket.to_string()));
        let job = Job { method: "tools/call", label, bucket };
        let call = Box::pin(self.0.toolbox.call(callable, *offer, session.clone(), arguments));
        let outcome = self.work(&job, context, &session, call).await?;
        if let (Some(question), Some(binding)) = (outcome.as_ref().err().and_then(|e| e.question.as_ref()), &binding) {
            let mut asked = self.0.seal.ask(question, binding);
            asked.meta = context.server_meta();
            return Ok(Called::Asked(Box::new(asked)));
        }
        let done = Done::of(outcome, context.knows_links(), context.server_meta());
        done.map(Called::Done).map_err(|error| failure(error, None))
    }

    fn session(&self, context: &Context<'_>, progress: Option<Progress>, word: Word) -> Result<Session, ErrorData> {
        let Standing { caller, memory, .. } = context.standing()?.clone();
        Ok(Session::new(caller, memory, self.0.services.clone(), self.0.tool_timeout, progress, word))
    }
}

/// Every list is one page, so no cursor was ever given out.
fn whole(page: Option<PaginatedRequestParams>) -> Result<(), ErrorData> {
    match page.and_then(|page| page.cursor) {
        None => Ok(()),
        Some(_) => Err(refusal(ErrorCode::InvalidParams, "This list has one page, so the cursor cannot be its.")),
    }
}

/// The audit line of a call for which there is no tool.
fn audit_unserved(name: &str, code: ErrorCode, context: &Context<'_>) -> Result<(), ErrorData> {
    let outcome = code.as_str();
    metrics::refusal(outcome);
    trace::ended(&Span::current(), outcome);
    let audit = Audit {
        method: "tools/call",
        tool: Some(name),
        bucket: None,
        outcome,
        credential_source: None,
        duration: Duration::ZERO,
        upstream_calls: 0,
    };
    audit.called(&context.standing()?.caller);
    Ok(())
}

impl ServerHandler for McpServer {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(
            ServerCapabilities::builder()
                .enable_tools()
                .enable_resources()
                .enable_prompts()
                .enable_completions()
                .build(),
        )
        .with_server_info(implementation())
        .with_instructions(INSTRUCTIONS)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Borrowed(&VERSIONS)
    }

    async fn discover(&self, _: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        let versions = self.supported_protocol_versions().into_owned();
        Ok(DiscoverResult::from_server_info(versions, self.get_info())
            .with_ttl_ms(LISTS_FRESH_MS)
            .with_cache_scope(CacheScope::Public))
    }

    async fn list_tools(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let context = Context::from(&context);
        whole(page)?;
        let offer = context.offer()?;
        let mut list = ListToolsResult::with_all_items(self.listed(offer));
        (list.ttl_ms, list.cache_scope) = context.freshness(offer);
        list.meta = context.server_meta();
        Ok(list)
    }

    async fn list_resources(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let context = Context::from(&context);
        whole(page)?;
        let mut list = ListResourcesResult::with_all_items(Vec::new());
        (list.ttl_ms, list.cache_scope) = context.freshness(context.offer()?);
        list.meta = context.server_meta();
        Ok(list)
    }

    async fn list_resource_templates(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let context = Context::from(&context);
        whole(page)?;
        let offer = context.offer()?;
        let mut list = ListResourceTemplatesResult::with_all_items(resources::templates(offer));
        (list.ttl_ms, list.cache_scope) = context.freshness(offer);
        list.meta = context.server_meta();
        Ok(list)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let context = Context::from(&context);
        let failed = |error| failure(error, Some(&request.uri));
        let uri = ResourceUri::parse(&request.uri).map_err(failed)?;
        if !context.offer()?.includes(uri.toolset()) {
            return Err(resources::switched_off(uri.toolset()));
        }
        let session = self.session(&context, None, Word::CannotAsk)?;
        let bucket = Some(uri.bucket().to_string());
        let job = Job { method: "resources/read", label: "resources/read", bucket };
        let read = self.work(&job, &context, &session, Box::pin(uri.read(&session))).await?.map_err(failed)?;
        // Somebody's data, which may change at any time.
        let mut result = resources::contents(&request.uri, read).with_ttl_ms(0).with_cache_scope(CacheScope::Private);
        result.meta = context.server_meta();
        Ok(result.into())
    }

    async fn list_prompts(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let context = Context::from(&context);
        whole(page)?;
        let offer = context.offer()?;
        let mut list = ListPromptsResult::with_all_items(prompts::list(offer));
        (list.ttl_ms, list.cache_scope) = context.freshness(offer);
        list.meta = context.server_meta();
        Ok(list)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let context = Context::from(&context);
        let mut result = prompts::get(&request, context.offer()?)?;
        result.meta = context.server_meta();
        Ok(result.into())
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let context = Context::from(&context);
        let wanted = wanted(&request, context.offer()?)?;
        let session = self.session(&context, None, Word::CannotAsk)?;
        let job = Job { method: "completion/complete", label: "completion/complete", bucket: None };
        let work = Box::pin(complete(wanted, &session, &request.argument.value));
        let found = self.work(&job, &context, &session, work).await?;
        let Completion { names, has_more } = found.map_err(|error| failure(error, None))?;
        let total = u32::try_from(names.len()).ok().filter(|_| !has_more);
        let info = CompletionInfo::with_pagination(names, total, has_more)
            .map_err(|problem| refusal(ErrorCode::Internal, problem))?;
        let mut result = CompleteResult::new(info);
        result.meta = context.server_meta();
        Ok(result)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.0.typed.get(name).cloned()
    }

    async fn call_tool(
        &self,
        mut request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let (progress, forwarded) = progress::forwarder(&context);
        let context = Context::from(&context);
        request.arguments = context.standing()?.arguments.take();
        let called = tokio::select! {
            called = self.called(request, &context, progress) => called?,
            never = forwarded => match never {},
        };
        Ok(match called {
            Called::Asked(asked) => (*asked).into(),
            Called::Done(done) => done.into_result().map_err(|error| failure(error, None))?.into(),
        })
    }
}
