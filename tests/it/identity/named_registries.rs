//! Claims that name another registry, or another bearer for it.

use serde_json::{Value, json};

use crate::support::registry::{FakeRegistry, Vends};
use crate::support::server::Server;
use crate::support::stage::{SHARED, Stage};
use crate::support::{SECRET, token};

async fn attempt(server: &Server, claims: &Value) -> (String, String, String) {
    let answer = server.call(&token(claims.clone()), "auth_status", json!({})).await;
    let attempts = answer.success()["attempts"].clone();
    let catalog = attempts
        .as_array()
        .unwrap()
        .iter()
        .find(|attempt| attempt["source"] == "catalog")
        .unwrap()
        .clone();
    let text = |name: &str| catalog[name].as_str().unwrap_or("-").to_owned();
    (text("outcome"), text("code"), text("message"))
}

#[tokio::test]
async fn a_token_may_name_a_registry_that_the_operator_allows() {
    let stage = Stage::embedded().await;
    let (own, other) = (FakeRegistry::start().await, FakeRegistry::start().await);
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--registry-url={}", own.url),
        format!("--allowed-registries={}", other.url.trim_start_matches("http://")),
    ];
    let server = Server::start(&stage, Some(&stage.admin), &flags).await;
    let claims = json!({ "sub": "w", "registry_url": other.url });
    other.vends(&token(claims.clone()), Vends::Keys(stage.writer.clone(), 3600));
    let answer = server
        .call(&token(claims), "bucket_objects_list", json!({ "bucket": SHARED }))
        .await;
    assert_eq!(answer.success()["credential_source"], "catalog");
    assert!(own.requests().is_empty());

    // The operator's own registry may always be named.
    let claims = json!({ "sub": "w", "registry_url": own.url });
    own.vends(&token(claims.clone()), Vends::Keys(stage.writer.clone(), 3600));
    assert_eq!(attempt(&server, &claims).await.0, "ok");
}

/// The registry may be configured beside the catalog, as in the deployment template.
#[tokio::test]
async fn a_token_may_name_the_configured_catalog() {
    let stage = Stage::embedded().await;
    let (registry, catalog) = (FakeRegistry::start().await, FakeRegistry::start().await);
    catalog.configures(&json!({ "registryUrl": registry.url }));
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--registry-url={}", registry.url),
        format!("--catalog-url={}", catalog.url),
    ];
    let server = Server::start(&stage, None, &flags).await;
    let claims = json!({ "sub": "w", "catalog_url": catalog.url });
    registry.vends(&token(claims.clone()), Vends::Keys(stage.writer.clone(), 3600));
    let (outcome, _, message) = attempt(&server, &claims).await;
    assert_eq!(outcome, "ok", "{message}");
    let other = json!({ "sub": "w", "catalog_url": "https://other.example.com" });
    assert_eq!(attempt(&server, &other).await.0, "denied");
}

/// `QUILT_CATALOG_DOMAIN` is another spelling of the catalog's URL.
#[tokio::test]
async fn a_catalog_that_is_named_by_its_domain_has_the_tools_of_a_registry() {
    for flag in [
        "--catalog-url=https://catalog.example.com",
        "--catalog-domain=catalog.example.com",
    ] {
        let flags = [format!("--jwt-secret={SECRET}"), flag.to_owned()];
        let server = Server::start_with(None, &flags).await;
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }).to_string();
        let listed = server.post(body, &[]).await;
        for name in ["search_catalog", "tabulator_tables_list"] {
            assert!(listed.body.to_string().contains(name), "{flag}: {name}");
        }
    }
}

#[tokio::test]
async fn the_catalog_token_is_sent_instead_of_the_token_itself() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let server = Server::with_registry(&stage, &registry, None).await;
    registry.vends("the-catalogs-own", Vends::Keys(stage.writer.clone(), 3600));
    let (outcome, _, message) = attempt(&server, &json!({ "sub": "w", "catalog_token": "the-catalogs-own" })).await;
    assert_eq!(
        (outcome.as_str(), message.contains("for the token's catalog_token")),
        ("ok", true),
        "{message}"
    );

    // Without one the token itself is sent; that works, and the attempt says so.
    let plain = json!({ "sub": "p" });
    registry.vends(&token(plain.clone()), Vends::Keys(stage.reader.clone(), 3600));
    let (outcome, _, message) = attempt(&server, &plain).await;
    assert_eq!(
        (outcome.as_str(), message.contains("carries no catalog_token")),
        ("ok", true),
        "{message}"
    );
}

/// Server-side request forgery: a token must not send the server where its author could not go.
#[tokio::test]
async fn nobody_is_asked_at_addresses_that_a_token_may_not_name() {
    let stage = Stage::embedded().await;
    let (own, inside) = (FakeRegistry::start().await, FakeRegistry::start().await);
    // The operator's list is careless on purpose: names on it may still resolve to the wrong place.
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--registry-url={}", own.url),
        "--allowed-registries=169.254.169.254,10.0.0.1,[fd00:ec2::254],localtest.example,127.0.0.1.nip.example"
            .to_owned(),
    ];
    let server = Server::start(&stage, Some(&stage.admin), &flags).await;
    for url in [
        inside.url.clone(),
        inside.url.replace("127.0.0.1", "localhost"),
        "https://evil.example.com".to_owned(),
        "http://169.254.169.254".to_owned(),
        "https://169.254.169.254".to_owned(),
        "https://10.0.0.1".to_owned(),
        "https://[fd00:ec2::254]".to_owned(),
        "https://user:pw@evil.example.com".to_owned(),
        "file:///etc/passwd".to_owned(),
        "//evil.example.com".to_owned(),
    ] {
        for claim in ["registry_url", "catalog_url"] {
            let claims = json!({ "sub": "x", claim: url });
            let (outcome, code, message) = attempt(&server, &claims).await;
            // A URL with a user name, or of another scheme, is none that can be read.
            let is_read = url.starts_with("http") && !url.contains('@');
            assert_eq!(
                (outcome.as_str(), code.as_str()),
                if is_read {
                    ("denied", "forbidden")
                } else {
                    ("failed", "invalid_response")
                },
                "{claim} {url}: {message}"
            );
            assert!(
                message.starts_with("the token names ") || !is_read,
                "no registry was called: {message}"
            );
            let answer = server
                .call(&token(claims), "bucket_objects_list", json!({ "bucket": SHARED }))
                .await;
            answer.failure(code.as_str());
        }
    }
    assert!(own.requests().is_empty() && inside.requests().is_empty());
    assert!(
        stage.aws().journal().is_empty(),
        "and nothing is done with the server's own rights"
    );
}

/// A name that is allowed and resolves to this machine: the check is on the address, when connecting.
#[tokio::test]
async fn a_name_that_resolves_to_a_private_address_is_refused_when_connecting() {
    let http = quilt_mcp::catalog::public_only_http_client(std::time::Duration::from_secs(5)).unwrap();
    let registry = FakeRegistry::start().await;
    let port = registry.url.rsplit(':').next().unwrap();
    let error = http.get(format!("http://localhost:{port}/")).send().await.unwrap_err();
    let mut causes = vec![error.to_string()];
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(&error);
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    assert!(
        causes.iter().any(|text| text.contains("no public address")),
        "{causes:?}"
    );
    assert!(registry.requests().is_empty());
}
