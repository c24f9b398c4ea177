//! Issuer, audience and times of tokens: what is accepted, and what a refusal says.

use jsonwebtoken::Algorithm;
use quilt_mcp::clock::Clock;
use serde_json::{Value, json};

use crate::support::issuer::{Issuer, SigningKey};
use crate::support::server::Server;
use crate::support::{SECRET, now, token};

const CLIENT: &str = "1example23456789";

async fn server(issuers: &str, audiences: &str) -> (SigningKey, Issuer, Server) {
    let key = SigningKey::new("k", Algorithm::EdDSA);
    let issuer = Issuer::publishing(&[key.published()]).await;
    let server = Server::start_at(None, &issuer.flags_for(issuers, audiences), Clock::system()).await;
    (key, issuer, server)
}

/// Asserts that the token is refused with a message that has all these parts.
async fn assert_refused(server: &Server, bearer: &str, what: &Value, parts: &[&str]) {
    let answer = server.call(bearer, "auth_status", json!({})).await;
    assert_eq!(answer.refused(), (401, "invalid_jwt"), "{what}: {}", answer.body);
    let message = answer.body["error"]["message"].as_str().unwrap();
    for part in parts {
        assert!(message.contains(part), "{what}: {part}: {message}");
    }
    assert!(
        !message.contains(char::is_control) && message.len() < 2000,
        "{what}: {message}"
    );
}

#[tokio::test]
async fn issuers_and_audiences_are_lists_that_are_matched_exactly() {
    let (key, _issuer, server) = server("https://a.example.com/, https://b.example.com", " api://3f1e ,\t3f1e,").await;
    for issuer in ["https://a.example.com/", "https://b.example.com"] {
        for audience in [json!("api://3f1e"), json!("3f1e"), json!(["other", "3f1e"])] {
            let bearer = key.sign(&json!({ "iss": issuer, "aud": audience }));
            let answer = server.call(&bearer, "auth_status", json!({})).await;
            assert_eq!(answer.status, 200, "{issuer} {audience}: {}", answer.body);
        }
    }
    let good = "https://b.example.com";
    for issuer in [
        json!("https://a.example.com"),
        json!("https://B.example.com"),
        json!("https://a.example.com/, https://b.example.com"),
        json!(" https://b.example.com"),
        json!(""),
    ] {
        let claims = json!({ "iss": issuer, "aud": "3f1e" });
        assert_refused(
            &server,
            &key.sign(&claims),
            &claims,
            &["https://a.example.com/", "https://b.example.com", "MCP_JWT_ISSUER"],
        )
        .await;
    }
    for audience in [
        json!("3F1E"),
        json!("api://3f1e,3f1e"),
        json!("3f1"),
        json!(""),
        json!(" 3f1e"),
        json!([]),
        json!({ "3f1e": true }),
    ] {
        let claims = json!({ "iss": good, "aud": audience });
        assert_refused(
            &server,
            &key.sign(&claims),
            &claims,
            &["api://3f1e", "MCP_JWT_AUDIENCE"],
        )
        .await;
    }
}

#[tokio::test]
async fn a_refusal_says_what_came_and_what_was_expected() {
    let (key, _issuer, server) = server("https://login.example.com", "quilt-mcp").await;
    let long = "x".repeat(5000);
    for (claims, parts) in [
        (
            json!({ "iss": null }),
            &["it has no iss claim", "`https://login.example.com`"][..],
        ),
        (
            json!({ "iss": 7 }),
            &["its iss claim is a number", "`https://login.example.com`"],
        ),
        (
            json!({ "iss": "https://evil.example.com" }),
            &[
                "its issuer is `https://evil.example.com`",
                "`https://login.example.com`",
            ],
        ),
        (json!({ "iss": "https://login.example.com/" }), &["slash"]),
        (json!({ "iss": "a\u{1b}[31m\nb`c" }), &["`a[31mbc`"]),
        (json!({ "iss": long }), &["…"]),
        (json!({ "aud": null }), &["it has no aud claim", "`quilt-mcp`"]),
        (
            json!({ "aud": "account" }),
            &["for the audience `account`", "`quilt-mcp`"],
        ),
        (json!({ "aud": ["account", "b"] }), &["`account`, `b`", "`quilt-mcp`"]),
        (json!({ "aud": vec!["x"; 300] }), &["…", "`quilt-mcp`"]),
        (json!({ "aud": [] }), &["its aud claim is an empty list"]),
        (json!({ "aud": 7 }), &["its aud claim is a number"]),
        (json!({ "aud": "client", "nonce": "n" }), &["ID token", "access token"]),
        (
            json!({ "aud": "client", "at_hash": "h" }),
            &["ID token", "access token"],
        ),
        (json!({ "exp": null }), &["it has no exp claim"]),
        (
            json!({ "exp": "soon" }),
            &["its exp claim is a string", "seconds since 1970"],
        ),
        (json!({ "exp": "4102444800" }), &["its exp claim is a string"]),
        (json!({ "nbf": now() + 600 }), &["not valid before ", "nbf"]),
        (json!({ "nbf": [] }), &["its nbf claim is an array"]),
    ] {
        assert_refused(&server, &key.sign(&claims), &claims, parts).await;
    }
    let expired = server
        .call(&key.sign(&json!({ "exp": 1_700_000_000 })), "auth_status", json!({}))
        .await;
    assert_eq!(expired.refused(), (401, "token_expired"));
    assert!(
        expired.body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("2023-11-14T22:13:20Z"),
        "{}",
        expired.body
    );
}

/// Amazon Cognito's access tokens name the client, and no audience.
#[tokio::test]
async fn the_client_of_an_access_token_without_an_audience_counts_as_its_audience() {
    let (key, _issuer, server) = server("https://login.example.com", &format!("other,{CLIENT}")).await;
    let accepted = json!({ "aud": null, "token_use": "access", "client_id": CLIENT });
    assert_eq!(
        server.call(&key.sign(&accepted), "auth_status", json!({})).await.status,
        200
    );
    for (claims, parts) in [
        (
            json!({ "aud": null, "token_use": "access", "client_id": "neighbour" }),
            &["it has no aud claim", "client_id is `neighbour`", CLIENT][..],
        ),
        (json!({ "aud": null, "token_use": "access" }), &["it has no aud claim"]),
        (
            json!({ "aud": null, "token_use": "access", "client_id": [CLIENT] }),
            &["it has no aud claim"],
        ),
        (
            json!({ "aud": null, "token_use": "id", "client_id": CLIENT }),
            &["it has no aud claim"],
        ),
        (json!({ "aud": null, "client_id": CLIENT }), &["it has no aud claim"]),
        (
            json!({ "aud": "neighbour", "token_use": "access", "client_id": CLIENT }),
            &["for the audience `neighbour`"],
        ),
        (
            json!({ "aud": [], "token_use": "access", "client_id": CLIENT }),
            &["its aud claim is an empty list"],
        ),
        (json!({ "aud": "neighbour", "token_use": "id" }), &["ID token"]),
    ] {
        assert_refused(&server, &key.sign(&claims), &claims, parts).await;
    }
}

#[tokio::test]
async fn in_hs256_mode_lists_are_matched_too_and_a_client_is_no_audience() {
    let flags = [
        format!("--jwt-secret={SECRET}"),
        "--jwt-issuer=i1, i2".to_owned(),
        format!("--jwt-audience=a1,{CLIENT}"),
    ];
    let server = Server::start_with(None, &flags).await;
    for (issuer, audience) in [("i1", "a1"), ("i2", CLIENT)] {
        let bearer = token(json!({ "sub": "alice", "iss": issuer, "aud": audience }));
        assert_eq!(server.call(&bearer, "auth_status", json!({})).await.status, 200);
    }
    for claims in [
        json!({ "sub": "alice", "iss": "i1, i2", "aud": "a1" }),
        json!({ "sub": "alice", "iss": "i1", "token_use": "access", "client_id": CLIENT }),
    ] {
        assert_refused(&server, &token(claims.clone()), &claims, &[]).await;
    }
}
