//! The decoded params of `tools/call`.

use serde_json::{Map, Value};

use super::{Request, RpcError};

/// A decoded tool call. Without `Debug`: it holds what the caller sent.
pub(super) struct ToolCall {
    pub name: String,
    pub arguments: Map<String, Value>,
    /// Answers to the questions of an earlier `input_required` result.
    pub input_responses: Map<String, Value>,
    pub request_state: Option<String>,
}

impl ToolCall {
    pub(super) fn decode(request: Request) -> Result<Self, RpcError> {
        let params = request.params;
        let input_responses = params
            .input_responses
            .object()
            .map_err(|_| RpcError::undecodable("`inputResponses` in `params` cannot be decoded."))?;
        let request_state = match params.request_state.string() {
            None if !params.request_state.is_absent() => {
                return Err(RpcError::undecodable("`requestState` in `params` cannot be decoded."));
            }
            state => state.map(std::borrow::Cow::into_owned),
        };
        let arguments = params.arguments()?;
        Ok(Self { name: params.name.unwrap_or_default(), arguments, input_responses, request_state })
    }
}
