//! The tool list as MCP shows it.

use std::sync::Arc;

use rmcp::model::{Tool, ToolAnnotations};

use crate::tools::AnyTool;

/// A tool as it stands in `tools/list`.
pub(super) fn listed(tool: &AnyTool) -> Tool {
    let hints = tool.hints;
    let annotations = ToolAnnotations::with_title(tool.title)
        .read_only(hints.read_only)
        .destructive(hints.destructive)
        .idempotent(hints.idempotent)
        .open_world(hints.open_world);
    let mut input_schema = tool.input_schema.clone();
    input_schema.remove("x-aliases");
    Tool::new(tool.name, tool.description, Arc::new(input_schema))
        .with_title(tool.title)
        .with_raw_output_schema(Arc::new(tool.output_schema.clone()))
        .with_annotations(annotations)
}
