//! Whose rights a query has, and how many queries a caller has in flight.

use serde_json::json;

use super::Scene;
use crate::support::athena::proxy::{AthenaProxy, error};
use crate::support::athena::{AthenaEndpoint, account};
use crate::support::registry::Vends;
use crate::support::server::Server;
use crate::support::{SECRET, token};

#[tokio::test]
async fn the_servers_own_credentials_query_only_where_the_operator_said_so() {
    let endpoint = AthenaEndpoint::ministack().await;
    let proxy = AthenaProxy::before(&endpoint).await;
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
        .registry
        .vends(&bob, Vends::Keys(scene.endpoint.keys.clone(), 3600));
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
    let fresh = scene.endpoint.keys.clone();
    scene.registry.vends(&scene.bearer, Vends::Keys(stale.clone(), 3600));
    // A call of its own, so that the stale keys are cached.
    scene.call("athena_query_history", json!({ "workgroup": "w" })).await;
    scene.registry.vends(&scene.bearer, Vends::Keys(fresh.clone(), 3600));
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
