//! The registry of `quilt-mcp dev`: its GraphQL and its search, over the socket.

mod athena;
mod documents;
mod follows_writes;
mod paging;
mod queries;
mod size;
mod validation;

use quilt_mcp::clock::Clock;
use quilt_mcp::dev::Backend;
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::support::server::{Answer, Server};

/// A registry with its S3, and its users.
struct Registry {
    backend: Backend,
    _stop: DropGuard,
}

impl Registry {
    async fn start() -> Self {
        let stop = CancellationToken::new();
        let backend = Backend::start(Clock::system(), &TaskTracker::new(), &stop)
            .await
            .unwrap();
        Self {
            backend,
            _stop: stop.drop_guard(),
        }
    }

    /// Sends a document as the reader.
    async fn ask(&self, document: &str, variables: Value) -> Answer {
        ask(&self.backend, document, variables).await
    }

    /// Returns a field of the data; the answer has no errors.
    async fn data(&self, document: &str, variables: Value) -> Value {
        let answer = self.ask(document, variables).await;
        assert!(
            answer.status == 200 && answer.body.get("errors").is_none(),
            "{}",
            answer.body
        );
        let mut fields = answer.body["data"].as_object().unwrap().clone();
        let name = fields.keys().next().unwrap().clone();
        fields.remove(&name).unwrap()
    }

    /// Returns the keys that a query string finds, or the error.
    async fn keys(&self, query: &str) -> Result<Vec<String>, Value> {
        let found = self
            .data(&documents::o3(), json!({ "q": query, "n": 1000, "o": "LEX_ASC" }))
            .await;
        match found["__typename"].as_str().unwrap() {
            "EmptySearchResultSet" => Ok(Vec::new()),
            "ObjectsSearchResultSet" => {
                let hits = found["firstPage"]["hits"].as_array().unwrap();
                Ok(hits.iter().map(|hit| hit["key"].as_str().unwrap().to_owned()).collect())
            }
            _ => Err(found["errors"][0].clone()),
        }
    }
}

async fn ask(backend: &Backend, document: &str, variables: Value) -> Answer {
    let body = json!({ "query": document, "variables": variables }).to_string();
    let bearer = format!("Bearer {}", backend.info.users.reader.token);
    let client = Server::at(format!("{}/graphql", backend.info.registry_url));
    client.post(body, &[("authorization", &bearer)]).await
}
