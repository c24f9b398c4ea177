//! The MCP endpoint: streamable HTTP without sessions, JSON answers.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio_util::sync::CancellationToken;

use super::McpServer;
use super::context::{Arguments, Standing};
use super::short_road::{ToolCall, Usual};

/// The handler, or with the fixtures of the conformance suite around it.
#[cfg(not(feature = "conformance"))]
type Handler = McpServer;
#[cfg(feature = "conformance")]
type Handler = super::conformance::Everything;

/// The endpoint.
pub struct McpService {
    server: McpServer,
    long_road: StreamableHttpService<Handler, NeverSessionManager>,
    ends: CancellationToken,
}

/// How a request is answered.
pub enum Answered {
    /// By a handler of ours.
    Here(Response),
    /// By rmcp, or by a handler through it.
    ByRmcp(Response),
    /// Not: the server ends.
    Ended,
}

impl McpService {
    /// Builds the endpoint. `max_body` bounds it a second time, behind the edge; `ends` closes what is still streaming at
    /// the end of a shutdown.
    #[must_use]
    pub fn new(server: McpServer, max_body: usize, ends: CancellationToken) -> Self {
        // Host and Origin were checked by the http room, from the one list that also feeds CORS.
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_max_request_body_bytes(max_body)
            .with_cancellation_token(ends.clone())
            .disable_allowed_hosts();
        let handler = server.clone();
        #[cfg(feature = "conformance")]
        let handler = Handler::around(handler);
        let long_road =
            StreamableHttpService::new(move || Ok(handler.clone()), Arc::new(NeverSessionManager::default()), config);
        Self { server, long_road, ends }
    }

    /// Answers a request. `call`: the call of a tool, if it is one; the `body` is then without its arguments, because rmcp
    /// would parse them without bounds.
    pub async fn answer(
        &self,
        mut parts: Parts,
        body: Bytes,
        mut call: Option<ToolCall>,
        mut standing: Standing,
    ) -> Answered {
        let usual = call.as_mut().and_then(|call| Usual::read(&self.server, &parts.headers, call));
        let (id, arguments) = call.map_or((None, None), |call| (Some(call.id), call.arguments));
        if let (Some(usual), Some(id)) = (usual, id) {
            // From here on the arguments are what is held of it.
            drop(body);
            let answer = usual.call(self.server.clone(), standing, id, &self.ends).await;
            return answer.map_or(Answered::Ended, Answered::Here);
        }
        standing.arguments = Arguments::new(arguments);
        parts.extensions.insert(standing);
        let answer = self.long_road.handle(Request::from_parts(parts, Body::from(body))).await;
        Answered::ByRmcp(answer.into_response())
    }
}
