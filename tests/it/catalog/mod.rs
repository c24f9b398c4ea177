//! Links to the catalog's pages: `catalog_link`, and the links in results.

mod link;
mod older_names;
mod results;

use quilt_mcp::clock::Clock;
use quilt_mcp::dev::Dev;
use serde_json::Value;

use crate::support::server::{Answer, Server};

/// The development server.
struct Scene {
    dev: Dev,
    server: Server,
    _data: tempfile::TempDir,
}

impl Scene {
    async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let dev = Dev::start(0, data.path(), Clock::system()).await.unwrap();
        let server = Server::at(dev.backend.info.mcp_url.clone());
        Self {
            dev,
            server,
            _data: data,
        }
    }

    async fn call(&self, tool: &str, arguments: Value) -> Answer {
        let token = &self.dev.backend.info.users.writer.token;
        self.server.call(token, tool, arguments).await
    }

    async fn link(&self, arguments: Value) -> Value {
        self.call("catalog_link", arguments).await.success().clone()
    }

    async fn refusal(&self, arguments: Value) -> String {
        let answer = self.call("catalog_link", arguments).await;
        answer.failure("invalid_argument")["error"].as_str().unwrap().to_owned()
    }
}
