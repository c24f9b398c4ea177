//! Tools that send notifications before their result: log messages and progress.

use std::time::Duration;

use rmcp::ErrorData;
use rmcp::model::CallToolResult;
use serde_json::json;

use crate::{Call, decoded};

/// Pause between two notifications, so that they arrive separately.
const PAUSE: Duration = Duration::from_millis(50);

/// Calls the tool with this name, or returns `None` if it is not one of these.
pub(super) async fn call(name: &str, call: &Call<'_>) -> Option<Result<CallToolResult, ErrorData>> {
    match name {
        // From 2026-07-28 on, each request says whether it accepts log messages; before, the session did.
        "test_tool_with_logging" | "test_logging_tool" if call.client.has_handshake || call.client.logs => {
            log(call).await;
        }
        "test_tool_with_logging" | "test_logging_tool" => {}
        "test_tool_with_progress" => progress(call).await,
        _ => return None,
    }
    Some(decoded(
        json!({ "resultType": "complete", "content": [{ "type": "text", "text": "Done." }], "isError": false }),
    ))
}

async fn log(call: &Call<'_>) {
    for message in [
        "Tool execution started",
        "Tool processing data",
        "Tool execution completed",
    ] {
        (call.notify)("notifications/message", json!({ "level": "info", "data": message })).await;
        tokio::time::sleep(PAUSE).await;
    }
}

async fn progress(call: &Call<'_>) {
    let Some(token) = call.params.get("_meta").and_then(|meta| meta.get("progressToken")) else {
        return;
    };
    for progress in [0, 50, 100] {
        let params = json!({ "progressToken": token, "progress": progress, "total": 100 });
        (call.notify)("notifications/progress", params).await;
        tokio::time::sleep(PAUSE).await;
    }
}
