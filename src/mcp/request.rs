//! Decoding of a JSON-RPC request, as far as that needs neither memory nor a caller.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::meta::{self, Meta};
use super::params::Params;
use super::protocol::{self, Method};
use super::resources::is_own;
use super::{RpcError, Version};
use crate::tools;

/// A request or notification. Without `Debug`: it holds what the caller sent.
pub struct Request {
    pub(super) id: Option<Arc<RawValue>>,
    /// The method, if this server implements it.
    pub(super) method: Option<Method>,
    pub(super) method_name: String,
    pub(super) params: Params,
    pub(super) meta: Meta,
    needs_no_caller: bool,
}

impl Request {
    /// Reads a request. `params` is a part of `body`.
    pub fn read(
        id: Option<Arc<RawValue>>,
        method_name: String,
        params: Option<&RawValue>,
        body: &Bytes,
    ) -> Result<Self, RpcError> {
        let method = Method::parse(&method_name);
        let params = Params::read(params, body)?;
        let meta = Meta::read(&params.meta)?;
        let mut request = Self {
            id,
            method,
            method_name,
            params,
            meta,
            needs_no_caller: false,
        };
        // `initialize` of a version without handshake is an unknown method, whatever its params.
        if let Some(method) = method.filter(|_| request.id.is_some())
            && (method != Method::Initialize || request.is_handshake())
        {
            request.params.check_required(method)?;
        }
        request.needs_no_caller = request.reads_no_data();
        Ok(request)
    }

    /// Whether the request is the handshake: an `initialize` that does not declare a version which has none.
    pub(super) fn is_handshake(&self) -> bool {
        let declared = self.meta.protocol_version.as_deref().and_then(Version::parse);
        self.id.is_some()
            && self.method == Some(Method::Initialize)
            && !declared.is_some_and(Version::is_self_describing)
    }

    /// Whether a value is one that a request may have for its id.
    #[must_use]
    pub fn is_id(value: &RawValue) -> bool {
        meta::is_id(value)
    }

    /// The id as it was written; notifications have none.
    #[must_use]
    pub fn id(&self) -> Option<&Arc<RawValue>> {
        self.id.as_ref()
    }

    /// The method's name as it may be logged.
    #[must_use]
    pub fn log_name(&self) -> &'static str {
        self.method
            .map_or_else(|| protocol::log_name(&self.method_name), Method::as_str)
    }

    /// The tool or prompt that the request names.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.params.name.as_deref()
    }

    /// W3C trace parent and trace state of the sender, from `_meta`.
    #[must_use]
    pub fn trace_context(&self) -> (Option<&str>, Option<&str>) {
        (self.meta.traceparent.as_deref(), self.meta.tracestate.as_deref())
    }

    /// Whether the client asks for progress notifications.
    #[must_use]
    pub fn wants_progress(&self) -> bool {
        self.meta.progress_token.is_some()
    }

    /// Whether the request reads no user's data, so that it needs no caller: discovery, notifications, the server's own
    /// pages, and a module that is called without an action.
    #[must_use]
    pub fn needs_no_caller(&self) -> bool {
        self.needs_no_caller
    }

    fn reads_no_data(&self) -> bool {
        match (self.method, &self.params.name) {
            (Some(Method::CallTool), Some(name)) if self.id.is_some() => {
                tools::is_help_request(name, self.params.arguments.object_text())
            }
            (Some(Method::ReadResource), _) => self.params.uri.as_deref().is_some_and(is_own),
            (Some(method), _) => method.is_discovery(),
            (None, _) => self.method_name.starts_with("notifications/"),
        }
    }
}

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
            state => state,
        };
        let arguments = params.arguments()?;
        Ok(Self {
            name: params.name.unwrap_or_default(),
            arguments,
            input_responses,
            request_state,
        })
    }
}
