//! The toolset `account`, on the development registry and on a registry whose documents graphql-core validates and executes.

mod role_switch;
mod schemas;
mod toolset;
mod usage;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::mcp::elicitation;
use crate::support::graphql::search::{SearchRegistry, Sent};
pub(crate) use crate::support::on_dev::OnDev;
use crate::support::registry::{FakeRegistry, Speaks, Vends};
use crate::support::server::{Answer, Server, overrides};
use crate::support::stage::Stage;
use crate::support::{SECRET, token};

impl OnDev {
    /// Calls a tool as the writer, with a client that can ask.
    pub async fn call_asking(&self, tool: &str, arguments: &Value, round: Value) -> Answer {
        let bearer = &self.dev.backend.info.users.writer.token;
        elicitation::call(&self.server, bearer, tool, arguments, round).await
    }
}

/// A server and a registry with the schema of a date.
pub(crate) struct OnSchema {
    pub registry: Arc<SearchRegistry>,
    pub http: FakeRegistry,
    pub server: Server,
    pub bearer: String,
    _stage: Stage,
}

impl OnSchema {
    pub async fn new(date: &'static str, accounts: &Value) -> Self {
        let (stage, http) = (Stage::embedded().await, FakeRegistry::start().await);
        let flags = [
            format!("--s3-endpoint={}", stage.endpoint),
            format!("--jwt-secret={SECRET}"),
            format!("--registry-url={}", http.url),
            "--toolsets=default,account".to_owned(),
        ];
        let overrides = quilt_mcp::app::Overrides {
            registry_timeout: Duration::from_secs(20),
            ..overrides(None)
        };
        let server = Server::start_in(&flags, overrides).await;
        let registry = SearchRegistry::of_accounts(date, accounts);
        let bearer = token(json!({ "sub": "alice" }));
        http.vends(&bearer, Vends::Keys(stage.reader.clone(), 3600));
        http.speaks(&bearer, Speaks::Searches(registry.clone()));
        Self {
            registry,
            http,
            server,
            bearer,
            _stage: stage,
        }
    }

    pub async fn call(&self, tool: &str, arguments: Value) -> Answer {
        self.server.call(&self.bearer, tool, arguments).await
    }

    /// Calls a tool with a client that can ask, and whose user agrees.
    pub async fn call_agreeing(&self, tool: &str, arguments: &Value) -> Answer {
        let first = elicitation::call(&self.server, &self.bearer, tool, arguments, json!({})).await;
        let (_, state) = elicitation::asked(&first);
        elicitation::call(&self.server, &self.bearer, tool, arguments, elicitation::yes(state)).await
    }
}

/// Returns the names of the operations that were sent and fit the schema, or did not.
pub(crate) fn operations(sent: &[Sent], is_accepted: bool) -> Vec<&str> {
    let fitting = sent.iter().filter(|sent| sent.is_accepted == is_accepted);
    fitting
        .map(|sent| sent.query.split(['(', ' ']).nth(1).unwrap())
        .collect()
}
