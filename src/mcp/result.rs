//! Tool outcomes as MCP results: one structured object, and the same as one compact text block.

use rmcp::model::{CallToolResult, ContentBlock, Resource};
use serde_json::{Map, Value};

use crate::tools::{Link, Reply, ToolError};

/// A tool's outcome as MCP shows it. A failure is always marked as one. Older clients do not know what a link is.
pub(super) fn result(outcome: Result<Reply<Map<String, Value>>, ToolError>, knows_links: bool) -> CallToolResult {
    match outcome {
        Ok(Reply { output, images, link: whole }) => {
            let mut content = vec![text(&output)];
            content.extend(images.into_iter().map(|image| ContentBlock::image(image.data, image.mime_type)));
            content.extend(whole.filter(|_| knows_links).map(link));
            let mut result = CallToolResult::success(content);
            result.structured_content = Some(Value::Object(output));
            result
        }
        Err(error) => {
            let output = error.into_json();
            let mut result = CallToolResult::error(vec![text(&output)]);
            result.structured_content = Some(Value::Object(output));
            result
        }
    }
}

fn text(output: &Map<String, Value>) -> ContentBlock {
    ContentBlock::text(serde_json::to_string(output).unwrap_or_default())
}

fn link(whole: Link) -> ContentBlock {
    let mut resource = Resource::new(whole.uri, whole.name);
    (resource.mime_type, resource.size) = (whole.mime_type, whole.size);
    ContentBlock::resource_link(resource)
}
