//! Local catalogs (`mode: LOCAL`, as quilt3-local 2.0.0): their registry vends the owner's credentials with any token, so they
//! serve a server on loopback, and no other.

use serde_json::json;

use crate::support::registry::{FakeRegistry, Vends};
use crate::support::server::Server;
use crate::support::stage::{SHARED, Stage};
use crate::support::{SECRET, token};

/// Starts a server at a catalog with this mode, which vends the writer's keys.
async fn server(stage: &Stage, mode: &str, bearer: &str, flags: &[String]) -> (Server, FakeRegistry) {
    let registry = FakeRegistry::start().await;
    registry.configures(&json!({ "registryUrl": "/", "mode": mode }));
    registry.vends(bearer, Vends::Endless(stage.writer.clone()));
    let mut all = vec![format!("--catalog-url={}", registry.url)];
    all.extend_from_slice(flags);
    (Server::start(stage, Some(&stage.admin), &all).await, registry)
}

#[tokio::test]
async fn a_local_catalog_serves_a_server_on_loopback_which_says_that_nothing_was_proved() {
    let stage = Stage::embedded().await;
    let (server, _registry) = server(&stage, "LOCAL", "whatever", &[]).await;
    let status = server.call("whatever", "auth_status", json!({})).await;
    assert_eq!(status.success()["verified_by"], "local_catalog");
    assert_eq!(status.success()["credential_source"], "catalog");
    assert_eq!(server.request("GET", "/ready", &[]).await.status, 200);
}

#[tokio::test]
async fn a_local_catalog_proves_no_token_to_other_machines() {
    let stage = Stage::embedded().await;
    let public = "--host=0.0.0.0".to_owned();
    let signed = token(json!({ "sub": "alice" }));
    let by_url = |registry: &FakeRegistry| format!("--registry-url={}", registry.url);
    for has_registry_url in [false, true] {
        let (_, first) = server(&stage, "LOCAL", "whatever", &[]).await;
        let mut flags = vec![public.clone()];
        flags.extend(has_registry_url.then(|| by_url(&first)));
        let (opaque, registry) = server(&stage, "LOCAL", "whatever", &flags).await;
        let answer = opaque.call("whatever", "auth_status", json!({})).await;
        assert_eq!(answer.refused(), (503, "verifier_unavailable"));
        let message = answer.body["error"]["message"].as_str().unwrap();
        assert!(
            message.contains("mode LOCAL") && message.contains("loopback"),
            "{message}"
        );
        let ready = opaque.request("GET", "/ready", &[]).await;
        assert_eq!(ready.status, 503);
        assert!(
            ready.body["reason"].as_str().unwrap().contains("mode LOCAL"),
            "{}",
            ready.body
        );

        // A signed token proves its caller, whose rights are not those of the catalog's owner either.
        flags.extend([format!("--jwt-secret={SECRET}"), "--ambient=full".to_owned()]);
        let (by_secret, other) = server(&stage, "LOCAL", &signed, &flags).await;
        let answer = by_secret
            .call(&signed, "bucket_objects_list", json!({ "bucket": SHARED }))
            .await;
        answer.failure("invalid_response");
        let asked = [&first, &registry, &other].map(FakeRegistry::asked_for_credentials);
        assert_eq!(asked, [0; 3]);
    }
    let (product, _registry) = server(&stage, "PRODUCT", "whatever", &[public]).await;
    let status = product.call("whatever", "auth_status", json!({})).await;
    assert_eq!(status.success()["verified_by"], "registry");
    assert_eq!(product.request("GET", "/ready", &[]).await.status, 200);
}

/// What a catalog does not say, or says in other letters, opens no way around.
#[tokio::test]
async fn a_catalog_that_does_not_say_what_it_is_proves_no_token_to_other_machines() {
    let stage = Stage::embedded().await;
    let public = "--host=0.0.0.0".to_owned();
    let (small, _registry) = server(&stage, "local", "whatever", std::slice::from_ref(&public)).await;
    let answer = small.call("whatever", "auth_status", json!({})).await;
    assert_eq!(answer.refused(), (503, "verifier_unavailable"));

    // The catalog does not answer, and the registry does.
    let registry = FakeRegistry::start().await;
    registry.vends("whatever", Vends::Keys(stage.writer.clone(), 3600));
    let silent = FakeRegistry::start().await;
    let flags = [
        format!("--catalog-url={}", silent.url),
        format!("--registry-url={}", registry.url),
        public.clone(),
    ];
    let server = Server::start(&stage, None, &flags).await;
    let answer = server.call("whatever", "auth_status", json!({})).await;
    assert_eq!(answer.refused(), (503, "verifier_unavailable"));

    // No catalog is configured, and the registry's host says that it is a local one.
    registry.configures(&json!({ "registryUrl": "/", "mode": "LOCAL" }));
    let server = Server::start(&stage, None, &flags[1..]).await;
    let answer = server.call("whatever", "auth_status", json!({})).await;
    assert_eq!(answer.refused(), (503, "verifier_unavailable"));
    let signed = token(json!({ "sub": "alice", "registry_url": registry.url }));
    registry.vends(&signed, Vends::Keys(stage.writer.clone(), 3600));
    let host = registry.url.trim_start_matches("http://");
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--allowed-registries={host}"),
        public,
    ];
    let server = Server::start(&stage, Some(&stage.admin), &flags).await;
    let list = json!({ "bucket": SHARED });
    server
        .call(&signed, "bucket_objects_list", list)
        .await
        .failure("invalid_response");
    assert_eq!(registry.asked_for_credentials(), 0);
}
