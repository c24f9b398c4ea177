//! The result of a method, and how it is written.

use std::io;

use bytes::Bytes;
use serde::Serialize;

use super::tool_result::ToolResult;
use super::{ChunkedJson, RpcError, Version};
use crate::error_code::ErrorCode;

/// What a method answers.
pub enum Answer {
    /// A result object, as JSON text.
    Json(Bytes),
    /// The result of a tool.
    Tool(ToolResult),
}

impl Answer {
    /// A result, whose type writes itself in the form of its version.
    pub(super) fn of(result: &impl Serialize) -> Result<Self, RpcError> {
        let text = serde_json::to_vec(result)
            .map_err(|error| RpcError::new(ErrorCode::Internal, format!("The result cannot be written: {error}.")))?;
        Ok(Self::Json(text.into()))
    }

    /// Writes the result object.
    pub fn write(self, version: Version, out: &mut ChunkedJson) -> io::Result<()> {
        match self {
            Self::Json(text) => {
                out.share(text);
                Ok(())
            }
            Self::Tool(result) => result.write(version, out),
        }
    }
}
