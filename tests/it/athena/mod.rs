//! SQL of Athena with the caller's rights, against a `MiniStack` behind a proxy that counts and fails.

mod guard;
mod leaving;
mod on_dev;
mod queries;
mod rights;
mod tables;
mod workgroups;

use serde_json::{Value, json};

use crate::support::athena::AthenaEndpoint;
use crate::support::athena::proxy::AthenaProxy;
use crate::support::registry::{FakeRegistry, Vends};
use crate::support::server::{Answer, Server};
use crate::support::{SECRET, token};

/// An Athena, a server, and a caller.
struct Scene {
    endpoint: AthenaEndpoint,
    proxy: AthenaProxy,
    registry: FakeRegistry,
    server: Server,
    bearer: String,
}

impl Scene {
    async fn new() -> Self {
        Self::with(AthenaEndpoint::ministack().await, &[]).await
    }

    /// Starts a server of this Athena, with these flags.
    async fn with(endpoint: AthenaEndpoint, flags: &[&str]) -> Self {
        let proxy = AthenaProxy::before(&endpoint).await;
        let registry = FakeRegistry::start().await;
        let mut all = vec![
            format!("--s3-endpoint={}", endpoint.url),
            format!("--sts-endpoint={}", endpoint.url),
            format!("--athena-endpoint={}", proxy.url),
            format!("--jwt-secret={SECRET}"),
            format!("--registry-url={}", registry.url),
        ];
        all.extend(flags.iter().map(ToString::to_string));
        let server = Server::start_with(None, &all).await;
        let bearer = token(json!({ "sub": "alice" }));
        registry.vends(&bearer, Vends::Keys(endpoint.keys.clone(), 3600));
        Self {
            endpoint,
            proxy,
            registry,
            server,
            bearer,
        }
    }

    async fn call(&self, tool: &str, arguments: Value) -> Answer {
        self.server.call(&self.bearer, tool, arguments).await
    }

    async fn execute(&self, arguments: Value) -> Value {
        self.call("athena_query_execute", arguments).await.success().clone()
    }

    async fn fails(&self, tool: &str, arguments: Value, code: &str) -> Value {
        self.call(tool, arguments).await.failure(code).clone()
    }
}
