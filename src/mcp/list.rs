//! The tool list as MCP shows it.

use std::sync::Arc;

use rmcp::model::{Tool, ToolAnnotations};
use serde_json::{Map, Value};

use crate::tools::{AnyTool, Hints, ListedModule};

/// A tool as it stands in `tools/list`.
pub(super) fn listed(tool: &AnyTool) -> Tool {
    let mut input_schema = tool.input_schema.clone();
    input_schema.remove("x-aliases");
    described(tool.name, tool.description, tool.title, tool.hints, input_schema, tool.output_schema.clone())
}

/// A module as it stands there.
pub(super) fn listed_module(listed: ListedModule) -> Tool {
    let ListedModule { module, hints, input_schema, output_schema } = listed;
    described(module.name, module.description, module.title, hints, input_schema, output_schema)
}

fn described(
    name: &'static str,
    description: &'static str,
    title: &'static str,
    hints: Hints,
    input_schema: Map<String, Value>,
    output_schema: Map<String, Value>,
) -> Tool {
    let annotations = ToolAnnotations::with_title(title)
        .read_only(hints.read_only)
        .destructive(hints.destructive)
        .idempotent(hints.idempotent)
        .open_world(hints.open_world);
    Tool::new(name, description, Arc::new(input_schema))
        .with_title(title)
        .with_raw_output_schema(Arc::new(output_schema))
        .with_annotations(annotations)
}
