//! The development server, and calls of its users.

use quilt_mcp::clock::Clock;
use quilt_mcp::config::ServeConfig;
use quilt_mcp::dev::{Dev, DevOptions};
use serde_json::{Value, json};

use super::server::{Answer, Server};

/// `dev` with the toolset switched on.
pub struct OnDev {
    pub dev: Dev,
    pub server: Server,
    _data: tempfile::TempDir,
}

impl OnDev {
    pub async fn new() -> Self {
        Self::with(&["--toolsets=default,account"]).await
    }

    pub async fn with(flags: &[&str]) -> Self {
        Self::with_options(flags, DevOptions::default()).await
    }

    pub async fn with_options(flags: &[&str], options: DevOptions) -> Self {
        let data = tempfile::tempdir().unwrap();
        let flags = ["--port=0", "--rate-limit=off"].iter().chain(flags);
        let config = ServeConfig::from_flags(flags.map(|flag| (*flag).to_owned())).unwrap();
        let options = DevOptions {
            data: Some(data.path().to_owned()),
            ..options
        };
        let dev = Dev::start_as(config, options, Clock::system()).await.unwrap();
        let server = Server::at(dev.backend.info.mcp_url.clone());
        Self {
            dev,
            server,
            _data: data,
        }
    }

    pub fn bucket(&self) -> String {
        self.dev.backend.info.buckets.shared.clone()
    }

    /// Calls a tool as the writer, with a client that cannot ask.
    pub async fn call(&self, tool: &str, arguments: Value) -> Answer {
        self.server
            .call(&self.dev.backend.info.users.writer.token, tool, arguments)
            .await
    }

    pub async fn call_as_reader(&self, tool: &str, arguments: Value) -> Answer {
        self.server
            .call(&self.dev.backend.info.users.reader.token, tool, arguments)
            .await
    }

    /// Sends a document to the registry as the writer, and returns the data.
    pub async fn graphql(&self, document: &str, variables: Value) -> Value {
        let body = json!({ "query": document, "variables": variables }).to_string();
        let bearer = format!("Bearer {}", self.dev.backend.info.users.writer.token);
        let registry = Server::at(format!("{}/graphql", self.dev.backend.info.registry_url));
        let answer = registry.post(body, &[("authorization", &bearer)]).await;
        assert!(answer.body.get("errors").is_none(), "{}", answer.body);
        answer.body["data"].clone()
    }

    /// Returns the writer's role.
    pub async fn role(&self) -> Value {
        self.graphql("{ me { role { name } } }", json!({})).await["me"]["role"]["name"].clone()
    }
}
