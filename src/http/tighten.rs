//! What a request takes away from what it is offered: `X-MCP-Readonly` and `X-MCP-Toolsets`.
//!
//! Both only tighten, so a header that cannot be read is refused: whoever sent it wanted less than everything. Of a header
//! that came several times, each one tightens.

use axum::http::HeaderMap;

use super::envelope::Envelope;
use super::reply::{Problem, Refusal, problem};
use crate::config::Toolsets;
use crate::error_code::ErrorCode;
use crate::tools::Offer;

const READ_ONLY: &str = "x-mcp-readonly";
const TOOLSETS: &str = "x-mcp-toolsets";

/// What is offered to this request.
pub(super) fn read(offer: Offer, headers: &HeaderMap, envelope: &Envelope) -> Result<Offer, Refusal> {
    tightened(offer, headers).map_err(|message| {
        let what = Problem::new(ErrorCode::InvalidParams, &message);
        problem(&what, envelope.id.as_deref()).into()
    })
}

fn tightened(mut offer: Offer, headers: &HeaderMap) -> Result<Offer, String> {
    for value in headers.get_all(READ_ONLY) {
        let value = value.to_str().unwrap_or_default().trim().to_ascii_lowercase();
        match value.as_str() {
            "true" | "1" => offer = offer.without_writes(),
            "false" | "0" => {}
            _ => return Err("The header X-MCP-Readonly is neither true nor false.".to_owned()),
        }
    }
    for value in headers.get_all(TOOLSETS) {
        let toolsets: Result<Toolsets, String> = value.to_str().unwrap_or_default().parse();
        offer = offer.within(toolsets.map_err(|problem| format!("The header X-MCP-Toolsets: {problem}."))?);
    }
    Ok(offer)
}
