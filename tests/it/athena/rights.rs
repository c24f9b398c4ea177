//! Whose rights a query has, and how many queries a caller has in flight.

use serde_json::{Value, json};

use super::Scene;
use crate::support::athena::proxy::{AthenaProxy, error};
use crate::support::athena::{AthenaEndpoint, account};
use crate::support::registry::{FakeRegistry, Vends};
use crate::support::server::Server;
use crate::support::{SECRET, token};

#[tokio::test]
async fn the_servers_own_credentials_query_only_where_the_operator_said_so() {
    let endpoint = AthenaEndpoint::ministack().await;
    let proxy = AthenaProxy::before(&endpoint.url).await;
    let flags = |ambient: &str| {
        vec![
            format!("--s3-endpoint={}", endpoint.url),
            format!("--sts-endpoint={}", endpoint.url),
            format!("--athena-endpoint={}", proxy.url),
            format!("--jwt-secret={SECRET}"),
            format!("--ambient={ambient}"),
        ]
    };
    let bearer = token(json!({ "sub": "alice" }));
    let server = Server::start_with(Some(&endpoint.keys), &flags("read-only")).await;
    for (tool, arguments) in [
        ("athena_workgroups_list", json!({})),
        ("athena_query_execute", json!({ "sql": "SELECT 1" })),
        ("athena_query_history", json!({})),
        ("athena_databases_list", json!({})),
    ] {
        let answer = server.call(&bearer, tool, arguments).await;
        let failure = answer.failure("write_needs_user_credentials");
        assert!(
            failure["error"]
                .as_str()
                .unwrap()
                .starts_with("Queries of Athena need the caller's own")
        );
        assert!(failure["details"]["attempts"].is_array());
    }
    assert_eq!(proxy.count(), 0);
    let server = Server::start_with(Some(&endpoint.keys), &flags("full")).await;
    let answer = server
        .call(&bearer, "athena_query_execute", json!({ "sql": "SELECT 1" }))
        .await;
    assert_eq!(answer.success()["credential_source"], "ambient");
    assert_eq!(answer.success()["account"], endpoint.account());
}

#[tokio::test]
async fn a_caller_has_four_queries_in_flight_and_another_has_its_own() {
    let scene = Scene::new().await;
    scene.proxy.keeps_running("busy");
    let start = json!({ "sql": "SELECT 1 AS busy", "wait_seconds": 0 });
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(scene.execute(start.clone()).await["query_id"].clone());
    }
    let failure = scene.fails("athena_query_execute", start.clone(), "throttled").await;
    assert_eq!(failure["details"]["query_ids"], json!(ids));
    assert_eq!(failure["retryable"], true);
    let bob = token(json!({ "sub": "bob" }));
    scene
        .peer
        .registry
        .vends(&bob, Vends::Keys(scene.peer.endpoint.keys.clone(), 3600));
    scene
        .server
        .call(&bob, "athena_query_execute", start.clone())
        .await
        .success();
    // One ends without this server being told.
    scene.proxy.release(ids[2].as_str().unwrap());
    // The peer takes a moment to end it.
    let mut turns = 0;
    loop {
        let answer = scene.call("athena_query_execute", start.clone()).await;
        if answer.output()["success"] == true || turns == 100 {
            answer.success();
            break;
        }
        turns += 1;
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    scene
        .call("athena_query_stop", json!({ "query_id": ids[0] }))
        .await
        .success();
    scene.execute(start.clone()).await;
    scene.fails("athena_query_execute", start, "throttled").await;
}

#[tokio::test]
async fn an_expired_session_is_renewed_once() {
    let scene = Scene::new().await;
    let stale = account(999_999);
    let fresh = scene.peer.endpoint.keys.clone();
    scene
        .peer
        .registry
        .vends(&scene.bearer, Vends::Keys(stale.clone(), 3600));
    // A call of its own, so that the stale keys are cached.
    scene.call("athena_query_history", json!({ "workgroup": "w" })).await;
    scene
        .peer
        .registry
        .vends(&scene.bearer, Vends::Keys(fresh.clone(), 3600));
    let expired = std::sync::atomic::AtomicBool::new(true);
    scene.proxy.answers("ListWorkGroups", move |_| {
        expired.swap(false, std::sync::atomic::Ordering::Relaxed).then(|| {
            (
                400,
                error(
                    "ExpiredTokenException",
                    "The security token included in the request is expired",
                ),
            )
        })
    });
    let listed = scene.call("athena_workgroups_list", json!({})).await;
    assert_eq!(listed.success()["default"], "QuiltUserAthena-tests");
    let keys: Vec<String> = scene
        .proxy
        .received("ListWorkGroups")
        .into_iter()
        .map(|seen| seen.access_key_id)
        .collect();
    assert_eq!(keys, [stale.access_key_id, fresh.access_key_id]);
}

/// The proxy stands for Athena in every region, and a signature names its region.
#[tokio::test]
async fn queries_are_sent_to_the_region_of_the_callers_own_catalog() {
    let (configured, other) = (FakeRegistry::start().await, FakeRegistry::start().await);
    for (catalog, region) in [(&configured, "eu-west-1"), (&other, "ap-south-1")] {
        catalog.configures(&json!({ "registryUrl": catalog.url, "region": region }));
    }
    let endpoint = AthenaEndpoint::ministack().await;
    let proxy = AthenaProxy::before(&endpoint.url).await;
    // Accounts have workgroups in each region.
    proxy.answers("ListWorkGroups", |_| {
        Some((200, json!({ "WorkGroups": [{ "Name": "w" }] })))
    });
    let configuration = json!({ "ResultConfiguration": { "OutputLocation": "s3://results/" } });
    proxy.answers("GetWorkGroup", move |_| {
        Some((
            200,
            json!({ "WorkGroup": { "Name": "w", "State": "ENABLED", "Configuration": configuration } }),
        ))
    });
    let flags = [
        format!("--s3-endpoint={}", endpoint.url),
        format!("--sts-endpoint={}", endpoint.url),
        format!("--athena-endpoint={}", proxy.url),
        format!("--jwt-secret={SECRET}"),
        format!("--catalog-url={}", configured.url),
        format!("--allowed-registries={}", other.url.trim_start_matches("http://")),
    ];
    let server = Server::start_with(None, &flags).await;
    let own = json!({ "sub": "alice" });
    let named = json!({ "sub": "alice", "catalog_url": other.url });
    let both = json!({ "sub": "alice", "registry_url": other.url, "catalog_url": other.url });
    // Its catalog, and so its region, is not known.
    let registry = json!({ "sub": "alice", "registry_url": other.url });
    for (claims, registry, region) in [
        (own, &configured, "eu-west-1"),
        (named, &other, "ap-south-1"),
        (both, &other, "ap-south-1"),
        (registry, &other, "us-east-1"),
    ] {
        let bearer = token(claims.clone());
        registry.vends(&bearer, Vends::Keys(endpoint.keys.clone(), 3600));
        let answer = server.call(&bearer, "athena_workgroups_list", json!({})).await;
        assert_eq!(answer.success()["default"], "w", "{claims}");
        let listed = proxy.received("ListWorkGroups").pop().unwrap();
        assert_eq!(listed.region, region, "{claims}");
        let status = server.call(&bearer, "auth_status", json!({})).await;
        let catalog = if region == "us-east-1" {
            Value::Null
        } else {
            json!(registry.url)
        };
        assert_eq!(status.success()["catalog_url"], catalog, "{claims}");
    }
    // The config of a catalog that tokens name is fetched once.
    assert_eq!(other.count("/config.json"), 1);
}
