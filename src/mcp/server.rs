//! Dispatch of MCP methods.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{CompleteResult, CompletionInfo};

use super::call::{Job, audit_unserved};
use super::completion::{complete, wanted};
use super::confirm::StateCodec;
use super::error::MAX_ECHO;
use super::headers::ParamHeader;
use super::lists::{List, Lists};
use super::request::ToolCall;
use super::{Answer, CallContext, Method, Request, RpcError, discovery, prompts, resources, skills};
use crate::error_code::ErrorCode;
use crate::setting::BaseUrl;
use crate::telemetry::text::{bounded, without_controls};
use crate::tools::{Completion, Confirmation, ResolvedTool, ResourceUri, Services, Toolbox, toolset_off};

/// The methods of MCP. Built once; cheap to clone.
#[derive(Clone)]
pub struct McpServer(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub toolbox: Toolbox,
    /// Arguments that also stand in headers, by tool.
    param_headers: HashMap<&'static str, Vec<ParamHeader>>,
    lists: Lists,
    pub services: Arc<Services>,
    pub seal: StateCodec,
    pub tool_timeout: Duration,
    #[cfg(feature = "conformance")]
    pub fixtures: conformance_server::Fixtures,
}

impl McpServer {
    /// Builds the tools and their schemas.
    #[must_use]
    pub fn new(services: Arc<Services>, seal: StateCodec, tool_timeout: Duration) -> Self {
        let toolbox = Toolbox::new();
        let of_tool = |tool: &crate::tools::AnyTool| (tool.name, ParamHeader::of(&tool.input_schema));
        let param_headers = toolbox
            .typed()
            .iter()
            .map(of_tool)
            .filter(|(_, found)| !found.is_empty())
            .collect();
        Self(Arc::new(Inner {
            toolbox,
            param_headers,
            lists: Lists::default(),
            services,
            seal,
            tool_timeout,
            #[cfg(feature = "conformance")]
            fixtures: conformance_server::Fixtures::default(),
        }))
    }

    /// Runs the method of a request. Its headers have been checked, and memory for its decoded params is reserved.
    pub async fn handle(&self, request: Request, context: &CallContext) -> Result<Answer, RpcError> {
        #[cfg(feature = "conformance")]
        if let Some(answer) = self.fixture(&request, context).await {
            return answer;
        }
        let version = context.version;
        let method = request
            .method
            .filter(|method| method.is_in(version))
            .ok_or_else(|| unknown(&request))?;
        let token_notice = context.token_notice.as_deref();
        match method {
            Method::Initialize => discovery::initialize(version, token_notice, self.website()),
            Method::Discover => discovery::discover(token_notice, self.website()),
            Method::Ping => Ok(Answer::Json("{}".into())),
            Method::ListTools => self.list(List::Tools, &request, context),
            Method::ListResources => self.list(List::Resources, &request, context),
            Method::ListResourceTemplates => self.list(List::ResourceTemplates, &request, context),
            Method::ListPrompts => self.list(List::Prompts, &request, context),
            Method::ListSkills => self.list(List::Skills, &request, context),
            Method::GetSkill => {
                let uri = request.params.uri.as_deref().unwrap_or_default();
                skills::get(uri, context.tool_filter, version)
            }
            Method::CallTool => self.call_tool(request, context).await,
            Method::ReadResource => self.read_resource(request, context).await,
            Method::GetPrompt => prompts::get(&request, context),
            Method::Complete => self.complete(&request, context).await,
        }
    }

    /// Returns the website of the data: the catalog's.
    fn website(&self) -> Option<&BaseUrl> {
        self.0
            .services
            .registries
            .configured_catalog()
            .map(|catalog| catalog.url())
    }

    /// Returns a list, which is one page, so no cursor is valid. Clients that encode null as `""` mean the first page.
    fn list(&self, list: List, request: &Request, context: &CallContext) -> Result<Answer, RpcError> {
        let cursor = &request.params.cursor;
        if !cursor.is_absent() && cursor.string().as_deref() != Some("") {
            let message = "This cursor is not valid: the list is one page. Repeat the request without `cursor`.";
            return Err(RpcError::new(ErrorCode::InvalidParams, message));
        }
        self.0
            .lists
            .get(list, context.tool_filter, context.version, &self.0.toolbox)
    }

    /// Finds the tool that a call names, if the request has its toolset.
    pub(super) fn find_tool(&self, name: &str, context: &CallContext) -> Result<ResolvedTool<'_>, RpcError> {
        let Some(tool) = self.0.toolbox.resolve(name) else {
            audit_unserved(name, ErrorCode::UnknownTool, context);
            let message = format!(
                "There is no tool `{}`; tools/list shows the tools.",
                without_controls(name, 80)
            );
            return Err(RpcError::new(ErrorCode::UnknownTool, message));
        };
        let toolset = tool.toolset();
        if !context.tool_filter.includes(toolset) {
            audit_unserved(name, ErrorCode::ToolsetOff, context);
            return Err(RpcError::new(
                ErrorCode::ToolsetOff,
                toolset_off(&format!("The tool `{name}`"), toolset),
            ));
        }
        Ok(tool)
    }

    pub(super) fn check_param_headers(&self, call: &ToolCall, context: &CallContext) -> Result<(), RpcError> {
        let annotated = self
            .0
            .param_headers
            .get(call.name.as_str())
            .filter(|_| context.version.is_self_describing());
        annotated
            .into_iter()
            .flatten()
            .try_for_each(|header| header.check(&context.headers, &call.arguments))
    }

    async fn read_resource(&self, request: Request, context: &CallContext) -> Result<Answer, RpcError> {
        let text = request.params.uri.unwrap_or_default();
        if resources::is_own(&text) {
            let page = resources::own(&text, context.tool_filter, context.version);
            let page = page.map_err(|error| error.with("uri", bounded(&text, MAX_ECHO).into()))?;
            return Answer::of(&page);
        }
        let failed = |error| RpcError::from_tool(error).with("uri", bounded(&text, MAX_ECHO).into());
        let uri = ResourceUri::parse(&text).map_err(failed)?;
        if !context.tool_filter.includes(uri.toolset()) {
            return Err(resources::switched_off(uri.toolset()));
        }
        let session = self.session(context, None, Confirmation::Unsupported);
        let label = Method::ReadResource.as_str();
        let job = Job {
            method: Method::ReadResource,
            label,
            bucket: Some(uri.bucket().to_string()),
        };
        let read = self
            .run(&job, context, &session, Box::pin(uri.read(&session)))
            .await?
            .map_err(failed)?;
        Answer::of(&resources::contents(&text, read, context.version))
    }

    async fn complete(&self, request: &Request, context: &CallContext) -> Result<Answer, RpcError> {
        let (wanted, begin) = wanted(request, context.tool_filter)?;
        let session = self.session(context, None, Confirmation::Unsupported);
        let job = Job {
            method: Method::Complete,
            label: Method::Complete.as_str(),
            bucket: None,
        };
        let found = self
            .run(&job, context, &session, Box::pin(complete(wanted, &session, &begin)))
            .await?;
        let Completion { names, has_more } = found.map_err(RpcError::from_tool)?;
        let total = u32::try_from(names.len()).ok().filter(|_| !has_more);
        let info = CompletionInfo::with_pagination(names, total, has_more)
            .map_err(|problem| RpcError::new(ErrorCode::Internal, problem))?;
        let mut result = CompleteResult::new(info);
        result.meta = discovery::server_meta(context.version).cloned();
        result.result_type.take_if(|_| context.version.has_handshake());
        Answer::of(&result)
    }
}

/// A method that this server does not implement in the version of the request.
fn unknown(request: &Request) -> RpcError {
    let message = format!(
        "There is no method `{}` in this version of the protocol.",
        without_controls(&request.method_name, 80)
    );
    RpcError::new(ErrorCode::MethodNotFound, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clients drop tools whose annotated arguments are optional, so that none has such arguments.
    #[test]
    fn no_tool_has_arguments_in_headers() {
        let toolbox = Toolbox::new();
        assert!(!toolbox.typed().is_empty());
        for tool in toolbox.typed() {
            assert_eq!(ParamHeader::of(&tool.input_schema), [], "{}", tool.name);
        }
    }
}
