//! The suite's tools that say something before they answer: log messages and progress.

use std::time::Duration;

use rmcp::ErrorData;
use rmcp::model::CallToolResult;
use serde_json::json;

use crate::{Call, decoded};

/// Between two notices, so that they are seen to come one by one.
const PAUSE: Duration = Duration::from_millis(50);

/// Calls one of the tools, if it is one.
pub(super) async fn call(name: &str, call: &Call<'_>) -> Option<Result<CallToolResult, ErrorData>> {
    match name {
        // From 2026-07-28 on a request says itself whether it wants log messages; before, a session said so.
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
    for done in [0, 50, 100] {
        let params = json!({ "progressToken": token, "progress": done, "total": 100 });
        (call.notify)("notifications/progress", params).await;
        tokio::time::sleep(PAUSE).await;
    }
}
