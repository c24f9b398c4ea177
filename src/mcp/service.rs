//! The MCP endpoint as a tower service: streamable HTTP without sessions, JSON answers.

use std::sync::Arc;

use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio_util::sync::CancellationToken;

use super::McpServer;

/// The handler, or with the fixtures of the conformance suite around it.
#[cfg(not(feature = "conformance"))]
type Handler = McpServer;
#[cfg(feature = "conformance")]
type Handler = super::conformance::Everything;

/// The endpoint.
pub type McpService = StreamableHttpService<Handler, NeverSessionManager>;

/// Builds the endpoint. `max_body` bounds it a second time, behind the edge; `ends` closes what is still streaming at the
/// end of a shutdown.
#[must_use]
pub fn service(server: McpServer, max_body: usize, ends: CancellationToken) -> McpService {
    // Host and Origin were checked by the http room, from the one list that also feeds CORS.
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(max_body)
        .with_cancellation_token(ends)
        .disable_allowed_hosts();
    #[cfg(feature = "conformance")]
    let server = Handler::around(server);
    StreamableHttpService::new(move || Ok(server.clone()), Arc::new(NeverSessionManager::default()), config)
}
