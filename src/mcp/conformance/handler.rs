//! The handler with the fixtures, around the real one.

use std::borrow::Cow;
use std::sync::Arc;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult, CompletionInfo, DiscoverResult,
    GetPromptRequestParams, GetPromptResponse, JsonObject, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, PaginatedRequestParams, ProtocolVersion, ReadResourceRequestParams,
    ReadResourceResponse, Reference, ServerConfig, SetLevelRequestParams, SubscribeRequestParams, Tool,
    UnsubscribeRequestParams,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};

use super::rounds::Rounds;
use super::{decoded, notices, prompts, resources, tools};
use crate::mcp::McpServer;

/// Everything that the suite asks for.
#[derive(Clone)]
pub struct Everything {
    server: McpServer,
    rounds: Arc<Rounds>,
}

impl Everything {
    /// Adds the fixtures to this handler.
    #[must_use]
    pub fn around(server: McpServer) -> Self {
        Self { server, rounds: Arc::default() }
    }
}

impl ServerHandler for Everything {
    /// What older clients are told: there, the suite wants log messages and subscriptions too.
    fn get_info(&self) -> ServerConfig {
        let mut info = self.server.get_info();
        info.capabilities.logging = Some(JsonObject::default());
        if let Some(resources) = &mut info.capabilities.resources {
            resources.subscribe = Some(true);
        }
        info
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        self.server.supported_protocol_versions()
    }

    async fn discover(&self, context: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        self.server.discover(context).await
    }

    async fn list_tools(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut list = self.server.list_tools(page, context).await?;
        list.tools.extend(tools::all()?);
        list.tools.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(list)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let fixture = tools::all().ok().and_then(|tools| tools.into_iter().find(|tool| tool.name == name));
        fixture.or_else(|| self.server.get_tool(name))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if let Some(answer) = tools::answer(&request)? {
            return Ok(answer.into());
        }
        if let Some(answer) = notices::call(&request.name, &context).await {
            return Ok(answer?.into());
        }
        match self.rounds.call(&request, &context) {
            Some(answer) => answer,
            None => self.server.call_tool(request, context).await,
        }
    }

    async fn list_resources(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let mut list = self.server.list_resources(page, context).await?;
        list.resources.extend(resources::all()?);
        Ok(list)
    }

    async fn list_resource_templates(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let mut list = self.server.list_resource_templates(page, context).await?;
        list.resource_templates.push(resources::template()?);
        Ok(list)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        match resources::read(&request.uri) {
            Some(fixture) => Ok(ReadResourceResponse::Complete(decoded(fixture)?)),
            None => self.server.read_resource(request, context).await,
        }
    }

    async fn subscribe(&self, _: SubscribeRequestParams, _: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn unsubscribe(&self, _: UnsubscribeRequestParams, _: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn set_level(&self, _: SetLevelRequestParams, _: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn list_prompts(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let mut list = self.server.list_prompts(page, context).await?;
        list.prompts.extend(prompts::all()?);
        Ok(list)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        match prompts::get(&request) {
            Some(answer) => answer,
            None => self.server.get_prompt(request, context).await,
        }
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        match &request.r#ref {
            Reference::Prompt(prompt) if prompt.name.starts_with("test_") => {
                let words = ["testing", "tested"].into_iter().filter(|word| word.starts_with(&request.argument.value));
                let info = CompletionInfo::with_all_values(words.map(str::to_owned).collect());
                Ok(CompleteResult::new(info.map_err(|problem| ErrorData::internal_error(problem, None))?))
            }
            _ => self.server.complete(request, context).await,
        }
    }
}
