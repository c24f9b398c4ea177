//! The forward proxy: for hosts that the operator names, and never for hosts that a token names.

use std::path::Path;

use jsonwebtoken::Algorithm;
use serde_json::json;
use tokio::process::Command;

use super::NotingProxy;
use crate::support::issuer::SigningKey;
use crate::support::program::Program;
use crate::support::{SECRET, token, tools};

#[tokio::test]
async fn hosts_that_the_operator_names_are_reached_by_the_proxy() {
    let proxy = NotingProxy::start().await;
    let variables = [
        ("HTTPS_PROXY", proxy.url.clone()),
        ("QUILT_REGISTRY_URL", "https://registry.invalid".to_owned()),
        ("MCP_JWT_JWKS_URL", "https://idp.invalid/keys".to_owned()),
        ("MCP_JWT_ISSUER", "https://idp.invalid".to_owned()),
        ("MCP_JWT_AUDIENCE", "quilt".to_owned()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector.invalid".to_owned()),
    ];
    let mut program = Program::serve(&[], &variables).await;
    let ready = program.server.request("GET", "/ready", &[]).await;
    assert_eq!(ready.status, 503, "{}", ready.body);
    program.server.call("qk_opaque", "auth_status", json!({})).await;
    program.terminate();
    assert!(program.ended().await.success());
    assert_eq!(proxy.hosts(), ["collector.invalid", "idp.invalid", "registry.invalid"]);
}

#[tokio::test]
async fn inspection_of_a_token_fetches_the_keys_by_the_proxy() {
    let proxy = NotingProxy::start().await;
    let token = SigningKey::new("key", Algorithm::ES256).sign(&json!({ "sub": "alice" }));
    let mut command = Command::from(tools::isolated(Path::new(env!("CARGO_BIN_EXE_quilt-mcp"))));
    command
        .args(["token", "inspect", &token])
        .env("HTTPS_PROXY", &proxy.url)
        .env("MCP_JWT_JWKS_URL", "https://idp.invalid/keys")
        .env("MCP_JWT_ISSUER", "https://idp.invalid")
        .env("MCP_JWT_AUDIENCE", "quilt");
    assert!(command.output().await.unwrap().status.success());
    assert_eq!(proxy.hosts(), ["idp.invalid"]);
}

#[tokio::test]
async fn hosts_in_no_proxy_and_hosts_that_a_token_names_are_not() {
    let proxy = NotingProxy::start().await;
    let variables = [
        ("HTTPS_PROXY", proxy.url.clone()),
        ("NO_PROXY", "registry.invalid".to_owned()),
        ("QUILT_REGISTRY_URL", "https://registry.invalid".to_owned()),
        ("QUILT_MCP_ALLOWED_REGISTRIES", "other.invalid".to_owned()),
        ("MCP_JWT_SECRET", SECRET.to_owned()),
    ];
    let program = Program::serve(&[], &variables).await;
    for claims in [
        json!({ "sub": "alice" }),
        json!({ "sub": "alice", "registry_url": "https://other.invalid" }),
    ] {
        let answer = program
            .server
            .call(
                &token(claims),
                "bucket_objects_list",
                json!({ "bucket": "some-bucket" }),
            )
            .await;
        let error = answer.failure("request_failed")["error"].as_str().unwrap().to_owned();
        assert!(error.contains("its name could not be resolved"), "{error}");
    }
    assert!(proxy.hosts().is_empty(), "{:?}", proxy.hosts());
}
