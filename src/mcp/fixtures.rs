//! Fixtures of MCP's conformance suite in front of the server's own methods (feature `conformance`).

use futures::FutureExt as _;
use rmcp::ErrorData;
use rmcp::model::ErrorCode as Number;
use serde_json::Value;

use super::headers::ParamHeader;
use super::{Answer, CallContext, McpServer, Method, Request, RpcError};
use crate::error_code::ErrorCode;

impl McpServer {
    /// Answers a request for a fixture; `None` if it is for the server.
    pub(super) async fn fixture(&self, request: &Request, context: &CallContext) -> Option<Result<Answer, RpcError>> {
        if let Err(error) = check_param_headers(request, context) {
            return Some(Err(error));
        }
        let capabilities = request.meta.capabilities.as_ref();
        let client = conformance_server::Client {
            elicitation: capabilities.is_some_and(|capabilities| capabilities.elicitation.is_some()),
            sampling: capabilities.is_some_and(|capabilities| capabilities.sampling.is_some()),
            roots: capabilities.is_some_and(|capabilities| capabilities.roots.is_some()),
            logs: request.meta.wants_log,
            has_handshake: context.version.has_handshake(),
        };
        let notify = |method: &'static str, params: Value| {
            let notifications = context.notifications.clone();
            async move {
                if let Some(notifications) = notifications {
                    // The client may have left, which ends the call.
                    let _closed = notifications.send(method, &params).await;
                }
            }
            .boxed()
        };
        let params = request.params.whole.object().ok()?;
        let call = conformance_server::Call {
            method: &request.method_name,
            params,
            client,
            notify: &notify,
        };
        let answer = self.0.fixtures.answer(call).await?;
        Some(answer.map_err(error).and_then(|answer| Answer::of(&answer)))
    }
}

fn check_param_headers(request: &Request, context: &CallContext) -> Result<(), RpcError> {
    if request.method != Some(Method::CallTool) || context.version.has_handshake() {
        return Ok(());
    }
    let tool = conformance_server::tools()
        .into_iter()
        .find(|tool| Some(tool.name.as_ref()) == request.params.name.as_deref());
    let annotated = tool.map(|tool| ParamHeader::of(&tool.input_schema)).unwrap_or_default();
    let arguments = request.params.arguments()?;
    annotated
        .iter()
        .try_for_each(|header| header.check(&context.headers, &arguments))
}

fn error(error: ErrorData) -> RpcError {
    let code = match error.code {
        Number::INVALID_PARAMS => ErrorCode::InvalidParams,
        Number::INVALID_REQUEST => ErrorCode::InvalidRequest,
        Number::MISSING_REQUIRED_CLIENT_CAPABILITY => ErrorCode::MissingCapability,
        _ => ErrorCode::Internal,
    };
    let data = error
        .data
        .as_ref()
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    data.into_iter()
        .fold(RpcError::new(code, error.message), |error, (name, value)| {
            error.with(&name, value)
        })
}
