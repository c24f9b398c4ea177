//! The suite's tools that say something before they answer: log messages and progress.

use std::time::Duration;

use rmcp::model::{
    CallToolResult, LoggingLevel, LoggingMessageNotification, LoggingMessageNotificationParam,
    ProgressNotificationParam, ServerNotification,
};
use rmcp::service::{RequestContext, ServiceError};
use rmcp::{ErrorData, RoleServer};
use serde_json::json;

use super::decoded;
use crate::mcp::context::Context;

/// Between two notices, so that they are seen to come one by one.
const PAUSE: Duration = Duration::from_millis(50);

/// Calls one of the tools, if it is one.
pub(super) async fn call(
    name: &str,
    context: &RequestContext<RoleServer>,
) -> Option<Result<CallToolResult, ErrorData>> {
    // From 2026 on a request says itself what it wants to hear of; before, a session said so.
    let may_log = !Context::from(context).speaks_2026() || context.meta.log_level().is_some();
    let sent = match name {
        "test_tool_with_logging" | "test_logging_tool" if may_log => log(context).await,
        "test_tool_with_logging" | "test_logging_tool" => Ok(()),
        "test_tool_with_progress" => progress(context).await,
        _ => return None,
    };
    // Whoever does not hear the notices has left.
    let answer = sent.map_err(|problem| ErrorData::internal_error(problem.to_string(), None));
    let done = json!({ "resultType": "complete", "content": [{ "type": "text", "text": "Done." }], "isError": false });
    Some(answer.and_then(|()| decoded(done)))
}

async fn log(context: &RequestContext<RoleServer>) -> Result<(), ServiceError> {
    for message in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
        let params = LoggingMessageNotificationParam::new(LoggingLevel::Info, message.into());
        let notification = LoggingMessageNotification::new(params);
        context.peer.send_notification(ServerNotification::LoggingMessageNotification(notification)).await?;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

async fn progress(context: &RequestContext<RoleServer>) -> Result<(), ServiceError> {
    let Some(token) = context.meta.get_progress_token() else { return Ok(()) };
    for done in [0.0, 50.0, 100.0] {
        let notification = ProgressNotificationParam::new(token.clone(), done).with_total(100.0);
        context.peer.notify_progress(notification).await?;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}
