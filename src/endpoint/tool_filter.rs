//! `X-MCP-Readonly` and `X-MCP-Toolsets`, which narrow the tools of one request.
//!
//! Both only narrow, so a header that cannot be read is refused: its sender wanted less than everything. Of a header that
//! occurs several times, each one narrows.

use std::sync::Arc;

use axum::http::HeaderMap;
use serde_json::value::RawValue;

use super::response::{Refusal, refuse};
use crate::error_code::ErrorCode;
use crate::tools::{ToolFilter, Toolsets};

const READ_ONLY: &str = "x-mcp-readonly";
const TOOLSETS: &str = "x-mcp-toolsets";

/// The tools that this request may list and call.
pub(super) fn narrowed(
    filter: ToolFilter,
    headers: &HeaderMap,
    id: Option<&Arc<RawValue>>,
) -> Result<ToolFilter, Refusal> {
    read(filter, headers).map_err(|message| refuse(ErrorCode::InvalidParams, message, id.map(AsRef::as_ref)))
}

fn read(mut filter: ToolFilter, headers: &HeaderMap) -> Result<ToolFilter, String> {
    for value in headers.get_all(READ_ONLY) {
        let value = value.to_str().unwrap_or_default().trim().to_ascii_lowercase();
        match value.as_str() {
            "true" | "1" => filter = filter.read_only(),
            "false" | "0" => {}
            _ => return Err("The header X-MCP-Readonly must be true or false.".to_owned()),
        }
    }
    for value in headers.get_all(TOOLSETS) {
        let toolsets: Result<Toolsets, String> = value.to_str().unwrap_or_default().parse();
        filter = filter.restricted_to(toolsets.map_err(|problem| format!("The header X-MCP-Toolsets: {problem}."))?);
    }
    Ok(filter)
}
