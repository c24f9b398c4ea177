//! SQL of Athena with the caller's rights, against `MiniStack`, and on the wire also against `dev`, each behind a proxy that
//! counts and fails.

mod guard;
mod on_dev;
mod peer;
mod queries;
mod rights;
mod tables;
mod wire;
mod workgroups;

use serde_json::Value;

use self::peer::{MiniStack, Peer};
use crate::support::athena::proxy::AthenaProxy;
use crate::support::server::{Answer, Server};

/// An Athena behind a proxy, a server, and a caller.
struct Scene<P = MiniStack> {
    peer: P,
    proxy: AthenaProxy,
    server: Server,
    bearer: String,
}

impl Scene {
    async fn new() -> Self {
        Self::with(&[]).await
    }
}

impl<P: Peer> Scene<P> {
    /// Starts a server of this Athena, with these flags.
    async fn with(flags: &[&str]) -> Self {
        let (peer, bearer) = P::start().await;
        let proxy = AthenaProxy::before(peer.url()).await;
        let mut all = peer.flags();
        all.push(format!("--athena-endpoint={}", proxy.url));
        all.extend(flags.iter().map(ToString::to_string));
        let server = Server::start_with(None, &all).await;
        Self {
            peer,
            proxy,
            server,
            bearer,
        }
    }
}

impl<P> Scene<P> {
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
