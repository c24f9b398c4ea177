//! Headers of tokens (RFC 7515): what this server cannot honour is refused, with a message that names it.

use base64::Engine as _;
use jsonwebtoken::{Algorithm, EncodingKey};
use quilt_mcp::clock::Clock;
use serde_json::{Value, json};

use crate::support::issuer::{Issuer, SigningKey, complete, overridden};
use crate::support::server::Server;
use crate::support::{SECRET, now};

/// Returns an HS256 token with these members in its header.
fn hs256(members: &Value) -> String {
    let part = |value: &Value| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let header = overridden(json!({ "alg": "HS256", "typ": "JWT" }), members);
    let message = format!(
        "{}.{}",
        part(&header),
        part(&json!({ "sub": "alice", "exp": now() + 600 }))
    );
    let key = EncodingKey::from_secret(SECRET.as_bytes()).unwrap();
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

async fn refusal(server: &Server, bearer: &str) -> String {
    let answer = server.call(bearer, "auth_status", json!({})).await;
    assert_eq!(answer.refused(), (401, "invalid_jwt"), "{}", answer.body);
    answer.body["error"]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_a_header_demands_is_refused_in_both_modes() {
    let key = SigningKey::new("k", Algorithm::RS256);
    let issuer = Issuer::publishing(&[key.published()]).await;
    let jwks = Server::start_at(None, &issuer.flags(), Clock::system()).await;
    let secret = Server::start_with(None, &[format!("--jwt-secret={SECRET}")]).await;
    for (members, part) in [
        (json!({ "crit": ["http://example.com/unknown"] }), "crit"),
        (json!({ "crit": ["b64"], "b64": true }), "crit"),
        (json!({ "crit": ["exp"], "exp": 7 }), "crit"),
        (json!({ "crit": [] }), "crit"),
        (json!({ "crit": "exp" }), "crit"),
        (json!({ "crit": {} }), "crit"),
        (json!({ "crit": false }), "crit"),
        (json!({ "b64": false }), "b64"),
        (json!({ "b64": "false" }), "b64"),
        (json!({ "b64": 0 }), "b64"),
        (json!({ "kid": 7 }), "the kid in its header is a number"),
        (json!({ "kid": ["k"] }), "the kid in its header is an array"),
        (json!({ "alg": 256 }), "the alg in its header is a number"),
        (json!({ "alg": null }), "its header has no alg"),
        (json!({ "alg": "none" }), "it is not signed (alg none)"),
        (json!({ "alg": "RS1\u{7}\u{1b}[31m" }), "its algorithm is RS1[31m"),
    ] {
        for (mode, server, bearer) in [
            ("hs256", &secret, hs256(&members)),
            ("jwks", &jwks, key.sign_with_header(&members, &json!({}))),
        ] {
            let message = refusal(server, &bearer).await;
            assert!(message.contains(part), "{mode} {members}: {part}: {message}");
            assert!(!message.contains(char::is_control), "{message}");
        }
    }
    for members in [
        json!({}),
        json!({ "b64": true }),
        json!({ "typ": "at+jwt", "cty": 7, "x5c": "x", "jku": [], "nonce": {} }),
    ] {
        for (server, bearer) in [
            (&secret, hs256(&members)),
            (&jwks, key.sign_with_header(&members, &json!({}))),
        ] {
            let answer = server.call(&bearer, "auth_status", json!({})).await;
            assert_eq!(answer.status, 200, "{members}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn what_is_not_a_signed_token_is_named() {
    let key = SigningKey::new("k", Algorithm::EdDSA);
    let issuer = Issuer::publishing(&[key.published()]).await;
    let jwks = Server::start_at(None, &issuer.flags(), Clock::system()).await;
    let secret = Server::start_with(None, &[format!("--jwt-secret={SECRET}")]).await;
    let part = |text: &str| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(text);
    let good = key.sign(&json!({}));
    let (head, _) = good.rsplit_once('.').unwrap();
    let jwe = part(&json!({ "alg": "dir", "enc": "A256GCM" }).to_string());
    let claims = complete(&json!({})).to_string();
    for (bearer, expected) in [
        (format!("{jwe}..iv.text.tag"), "it is an encrypted token (JWE)"),
        (format!("{jwe}.key.iv.text.tag"), "it is an encrypted token (JWE)"),
        ("opaque-access-token".to_owned(), "it is not a JWT: it has 1 part"),
        (head.to_owned(), "it is not a JWT: it has 2 parts"),
        (format!("{good}.x"), "it is not a JWT: it has 4 parts"),
        ("a.b.c".to_owned(), "its header is not"),
        (format!("{}.{}.x", part("[]"), part(&claims)), "its header is not"),
        (
            format!("{}.{}.x", part("{\"alg\":\"HS256\",\"alg\":\"HS256\"}"), part(&claims)),
            "its header is not",
        ),
    ] {
        for server in [&jwks, &secret] {
            let message = refusal(server, &bearer).await;
            assert!(message.contains(expected), "{bearer}: {expected}: {message}");
        }
    }
    // Claims that are not an object, however well they are signed.
    let message = refusal(&jwks, &key.sign_parts(&json!({ "alg": "EdDSA" }), &json!(["claims"]))).await;
    assert!(message.contains("its claims are not a JSON object"), "{message}");
}
