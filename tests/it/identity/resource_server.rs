//! The server as an OAuth resource server: metadata, challenges, and the methods that require a login.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::support::SECRET;
use crate::support::issuer::{Issuer, SigningKey};
use crate::support::server::Server;
use crate::support::stage::Stage;

const PATHS: [&str; 2] = [
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/mcp",
];
const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"auth_status"}}"#;

async fn server(stage: &Stage, flags: &[&str]) -> (Server, SigningKey) {
    let key = SigningKey::new("ec", Algorithm::ES256);
    let issuer = Issuer::publishing(&[key.published()]).await;
    let mut all = issuer.flags();
    all.extend(flags.iter().map(|flag| (*flag).to_owned()));
    let server = Server::start(stage, None, &all).await;
    // The keys are fetched while the issuer is there.
    assert_eq!(server.request("GET", "/ready", &[]).await.status, 200);
    (server, key)
}

#[tokio::test]
async fn an_oauth_client_finds_its_way_to_the_login() {
    let stage = Stage::embedded().await;
    let flags = [
        "--authorization-servers=https://login.example.com/tenant/,https://other.example.com",
        "--scopes=openid,quilt.read",
        "--public-url=https://mcp.example.com",
    ];
    let (server, key) = server(&stage, &flags).await;
    for path in PATHS {
        let answer = server
            .request("GET", path, &[("origin", "https://any.example.com")])
            .await;
        let expected = json!({
            "resource": "https://mcp.example.com/mcp",
            "resource_name": "quilt-mcp",
            "authorization_servers": ["https://login.example.com/tenant/", "https://other.example.com"],
            "bearer_methods_supported": ["header"],
            "scopes_supported": ["openid", "quilt.read"],
        });
        assert_eq!(
            (answer.status, &answer.body),
            (200, &expected),
            "an issuer is compared as text"
        );
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
        let preflight = [
            ("origin", "https://any.example.com"),
            ("access-control-request-method", "GET"),
            ("access-control-request-headers", "mcp-protocol-version"),
        ];
        let answer = server.request("OPTIONS", path, &preflight).await;
        assert_eq!(answer.headers["access-control-allow-headers"], "mcp-protocol-version");
    }
    let way = r#"resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp""#;
    let scopes = r#"scope="openid quilt.read""#;
    for (bearer, error) in [
        (None, None),
        (Some("Bearer nonsense"), Some(r#"error="invalid_token""#)),
    ] {
        for body in [LIST, CALL, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#] {
            let headers: Vec<_> = bearer.map(|bearer| ("authorization", bearer)).into_iter().collect();
            let refused = server.post(body, &headers).await;
            assert_eq!(refused.status, 401, "{body}");
            let challenge = refused.headers["www-authenticate"].to_str().unwrap();
            assert!(challenge.starts_with("Bearer "), "{challenge}");
            for part in [Some(way), Some(scopes), error].into_iter().flatten() {
                assert!(challenge.contains(part), "{challenge}");
            }
            assert_eq!(challenge.contains("error="), error.is_some(), "{challenge}");
        }
    }
    let bearer = format!("Bearer {}", key.sign(&json!({})));
    assert_eq!(server.post(LIST, &[("authorization", &bearer)]).await.status, 200);
    let get = server.request("GET", "/mcp", &[]).await;
    assert_eq!(get.status, 405, "a request without a method needs no login");
}

#[tokio::test]
async fn discovery_is_open_where_the_operator_says_so() {
    let stage = Stage::embedded().await;
    let flags = [
        "--authorization-servers=https://login.example.com",
        "--require-auth=calls",
    ];
    let (server, _) = server(&stage, &flags).await;
    assert_eq!(server.post(LIST, &[]).await.status, 200);
    let refused = server.post(CALL, &[]).await;
    // Without an external URL the request's own Host is named, as far as it is allowed.
    let host = server.url.trim_end_matches("/mcp");
    let challenge = refused.headers["www-authenticate"].to_str().unwrap();
    assert!(
        challenge.contains(&format!(r#"resource_metadata="{host}{}""#, PATHS[1])),
        "{challenge}"
    );
    assert!(!challenge.contains("scope="), "{challenge}");
    let document = server.request("GET", PATHS[0], &[]).await;
    assert_eq!(document.body["resource"], Value::from(server.url.as_str()));
    let foreign = server.request("GET", PATHS[0], &[("host", "evil.example.com")]).await;
    assert_eq!(foreign.refused(), (403, "host_not_allowed"));
}

#[tokio::test]
async fn without_authorization_servers_there_is_no_metadata() {
    let stage = Stage::embedded().await;
    let plain = Server::start(&stage, None, &[format!("--jwt-secret={SECRET}")]).await;
    for path in PATHS {
        assert_eq!(plain.request("GET", path, &[]).await.status, 404);
    }
    let refused = plain.post(CALL, &[]).await;
    assert!(
        !refused.headers["www-authenticate"]
            .to_str()
            .unwrap()
            .contains("resource_metadata")
    );

    let strict = [format!("--jwt-secret={SECRET}"), "--require-auth=all".to_owned()];
    let strict = Server::start(&stage, None, &strict).await;
    for body in [
        LIST,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"buckets"}}"#,
    ] {
        assert_eq!(strict.post(body, &[]).await.refused(), (401, "missing_jwt"), "{body}");
    }
}
