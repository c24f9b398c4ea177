//! The search of the catalog, against a registry whose documents graphql-core validates and executes.

mod generations;
mod many_buckets;
mod names;
mod on_dev;
mod pages;
mod refusals;
mod results;

use std::sync::Arc;
use std::time::Duration;

use quilt_mcp::clock::Clock;
use serde_json::{Value, json};

use crate::support::graphql::search::SearchRegistry;
use crate::support::registry::{FakeRegistry, Speaks, Vends};
use crate::support::server::{Answer, Server, overrides};
use crate::support::stage::Stage;
use crate::support::{SECRET, token};

/// The schema of today.
const TODAY: &str = "2026-08-21";

/// A server, a registry that searches, and a caller.
struct Scene {
    stage: Stage,
    registry: FakeRegistry,
    search: Arc<SearchRegistry>,
    server: Server,
    bearer: String,
}

impl Scene {
    async fn new(date: &'static str, indexed: &Value) -> Self {
        Self::at(date, indexed, Clock::system()).await
    }

    async fn at(date: &'static str, indexed: &Value, clock: Clock) -> Self {
        let stage = Stage::embedded().await;
        let registry = FakeRegistry::start().await;
        registry.configures(&json!({ "registryUrl": registry.url }));
        let flags = [
            format!("--s3-endpoint={}", stage.endpoint),
            format!("--jwt-secret={SECRET}"),
            format!("--catalog-url={}", registry.url),
            format!("--registry-url={}", registry.url),
        ];
        let server = Server::start_in(
            &flags,
            quilt_mcp::app::Overrides {
                clock,
                registry_timeout: Duration::from_secs(20),
                ..overrides(None)
            },
        )
        .await;
        let search = SearchRegistry::start(date, indexed);
        let bearer = token(json!({ "sub": "alice" }));
        registry.vends(&bearer, Vends::Keys(stage.reader.clone(), 3600));
        registry.speaks(&bearer, Speaks::Searches(search.clone()));
        Self {
            stage,
            registry,
            search,
            server,
            bearer,
        }
    }

    async fn search(&self, arguments: Value) -> Answer {
        self.server.call(&self.bearer, "search_catalog", arguments).await
    }

    async fn facets(&self, arguments: Value) -> Answer {
        self.server.call(&self.bearer, "search_facets", arguments).await
    }

    /// Returns the variables of the last document.
    async fn variables_of(&self, arguments: Value) -> Value {
        self.search(arguments).await.success();
        self.search.take_sent().last().unwrap().variables.clone()
    }
}

/// A top hash of package number `number`.
fn hash(number: usize) -> String {
    format!("{number:064x}")
}

/// A package that a search finds.
fn package(number: usize, name: &str, metadata: &Value) -> Value {
    json!({
        "id": format!("p{number}"), "score": 1.23456, "bucket": "lab-data", "name": name, "pointer": "latest",
        "hash": hash(number), "size": 1_000_000_000_000_u64 + number as u64, "modified": "2026-08-21T12:00:00.000000+00:00",
        "totalEntriesCount": 3, "comment": "first commit", "meta": metadata.to_string(), "workflow": { "id": "alpha" },
        "matchLocations": { "name": true, "comment": false, "meta": true, "workflow": false },
        "matchingEntries": [{ "logicalKey": "data/a b.csv", "physicalKey": "s3://lab-data/raw/a%20b.csv?versionId=v1",
            "size": 12, "meta": null,
            "matchLocations": { "logicalKey": true, "physicalKey": false, "meta": false, "contents": true } }],
    })
}

/// An object that a search finds.
fn object(number: usize, key: &str, text: Option<&str>) -> Value {
    json!({
        "id": format!("o{number}"), "score": 0.5, "bucket": "lab-data", "key": key, "version": "v 1", "size": 1024,
        "modified": "2026-01-02T03:04:05Z", "deleted": false, "indexedContent": text,
    })
}

fn data(packages: &[Value], objects: &[Value]) -> Value {
    json!({ "packages": packages, "objects": objects })
}

fn names(output: &Value) -> Vec<&str> {
    let rows = output["results"].as_array().unwrap();
    rows.iter()
        .map(|row| row["name"].as_str().or(row["key"].as_str()).unwrap())
        .collect()
}
