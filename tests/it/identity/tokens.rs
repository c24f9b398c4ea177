//! Tokens that must be refused, without an upstream call on their behalf.

use serde_json::json;

use crate::support::registry::{FakeRegistry, Vends};
use crate::support::server::Server;
use crate::support::stage::{SHARED, Stage};
use crate::support::{SECRET, now, token, token_signed_with};

fn unsigned(header: &serde_json::Value, claims: &serde_json::Value, signature: &str) -> String {
    use base64::Engine as _;
    let part = |value: &serde_json::Value| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

/// The Python server decoded such tokens unverified and wrote with its own role.
#[tokio::test]
async fn a_token_that_is_not_proved_reaches_neither_registry_nor_s3() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let server = Server::with_registry(&stage, &registry, Some(&stage.admin)).await;
    let good = token(json!({ "sub": "writer" }));
    registry.vends(&good, Vends::Keys(stage.writer.clone(), 3600));
    let (head, signature) = good.rsplit_once('.').unwrap();
    let keys = json!({ "access_key_id": stage.writer.access_key_id, "secret_access_key": stage.writer.secret_access_key,
        "session_token": stage.writer.session_token });
    let foreign = json!({ "sub": "writer", "aws_credentials": keys });
    let claims = json!({ "sub": "writer", "exp": now() + 600, "aws_credentials": keys });

    let cases = [
        (
            "another secret",
            token_signed_with(foreign, "another-secret-that-has-40-characters-xx"),
            "invalid_jwt",
        ),
        (
            "alg none",
            unsigned(&json!({ "alg": "none" }), &claims, ""),
            "invalid_jwt",
        ),
        (
            "alg none, with a signature",
            unsigned(&json!({ "alg": "none" }), &claims, signature),
            "invalid_jwt",
        ),
        (
            "alg RS256",
            unsigned(&json!({ "alg": "RS256" }), &claims, signature),
            "invalid_jwt",
        ),
        (
            "tampered claims",
            unsigned(&json!({ "alg": "HS256", "typ": "JWT" }), &claims, signature),
            "invalid_jwt",
        ),
        (
            "tampered signature",
            format!("{head}.{}", signature.chars().rev().collect::<String>()),
            "invalid_jwt",
        ),
        ("no signature", head.to_owned(), "invalid_jwt"),
        (
            "no exp",
            quilt_mcp::dev::sign_hs256(&json!({ "sub": "writer" }), &SECRET.into()).unwrap(),
            "invalid_jwt",
        ),
        (
            "expired",
            token(json!({ "sub": "writer", "exp": now() - 60 })),
            "token_expired",
        ),
        (
            "not yet",
            token(json!({ "sub": "writer", "nbf": now() + 600 })),
            "invalid_jwt",
        ),
        ("no JWT", "abc".to_owned(), "invalid_jwt"),
        (
            "an API key the registry does not know",
            "qk_unknown".to_owned(),
            "invalid_jwt",
        ),
    ];
    for (what, bearer, code) in cases {
        let asked = registry.requests().len();
        let items = json!([{ "key": "forged.txt", "text": "x" }]);
        let answer = server
            .call(
                &bearer,
                "bucket_objects_put",
                json!({ "bucket": SHARED, "items": items }),
            )
            .await;
        assert_eq!(answer.refused(), (401, code), "{what}: {}", answer.body);
        let challenge = answer.headers["www-authenticate"].to_str().unwrap();
        assert!(
            challenge.starts_with("Bearer ") && challenge.contains(r#"error="invalid_token""#),
            "{what}: {challenge}"
        );
        assert_eq!(answer.body["id"], 1, "{what}");
        // The registry is the only one who can prove an API key; for every other token it must not be asked.
        let may_ask = usize::from(bearer.starts_with("qk_"));
        assert_eq!(registry.requests().len() - asked, may_ask, "{what}");
    }
    assert!(
        stage.aws().journal().is_empty(),
        "{:?}",
        stage.aws().journal().entries()
    );
    assert!(!stage.exists(SHARED, "forged.txt").await);

    server
        .call(&good, "bucket_objects_list", json!({ "bucket": SHARED }))
        .await
        .success();
}

#[tokio::test]
async fn no_token_is_told_which_header_to_send() {
    let stage = Stage::embedded().await;
    let server = Server::start(&stage, None, &[format!("--jwt-secret={SECRET}")]).await;
    for (headers, status, code) in [
        (vec![], 401, "missing_jwt"),
        (vec![("authorization", "Basic dXNlcjpwdw==")], 401, "missing_jwt"),
        (vec![("authorization", "Bearer ")], 401, "missing_jwt"),
        (
            vec![("authorization", "Bearer a"), ("authorization", "Bearer b")],
            400,
            "invalid_request",
        ),
        (
            vec![("authorization", "Bearer a"), ("authorization", "Basic b")],
            400,
            "invalid_request",
        ),
    ] {
        let body =
            json!({ "jsonrpc": "2.0", "id": "s-1", "method": "tools/call", "params": { "name": "auth_status" } });
        let answer = server.post(body.to_string(), &headers).await;
        assert_eq!(answer.refused(), (status, code), "{headers:?}");
        assert_eq!(answer.body["id"], "s-1");
        assert_eq!(
            answer.headers.contains_key("www-authenticate"),
            status == 401,
            "{headers:?}"
        );
    }
    let missing = server.rpc(None, "tools/call", json!({ "name": "auth_status" })).await;
    assert!(
        missing.body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("Authorization: Bearer"),
        "{}",
        missing.body
    );
    assert_eq!(
        missing.headers["www-authenticate"], r#"Bearer realm="quilt-mcp""#,
        "no error where no token came"
    );
}

#[tokio::test]
async fn a_token_in_the_url_is_refused_however_good() {
    let stage = Stage::embedded().await;
    let server = Server::start(&stage, None, &[format!("--jwt-secret={SECRET}")]).await;
    let http = quilt_mcp::catalog::http_client(std::time::Duration::from_secs(5)).unwrap();
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"auth_status"}}"#;
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let bearer = token(json!({ "sub": "a" }));
    for (body, query, status) in [
        (call, format!("access_token={bearer}"), 400),
        (ping, "token=x".to_owned(), 400),
        (call, "other=x".to_owned(), 401),
        (ping, "other=x".to_owned(), 200),
    ] {
        let url = format!("{}?{query}", server.url);
        let response = http
            .post(url)
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), status, "{query}");
    }
}

#[tokio::test]
async fn discovery_is_for_everybody_even_with_a_stale_token() {
    let stage = Stage::embedded().await;
    let server = Server::start(&stage, None, &[format!("--jwt-secret={SECRET}")]).await;
    let ended = token(json!({ "exp": now() - 3600 }));
    let hello =
        json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "0" } });
    for (method, params) in [("initialize", hello), ("ping", json!({})), ("tools/list", json!({}))] {
        for bearer in [None, Some("garbage"), Some(ended.as_str())] {
            let answer = server.rpc(bearer, method, params.clone()).await;
            assert_eq!(answer.status, 200, "{method} {bearer:?} {}", answer.body);
            assert!(answer.body["result"].is_object(), "{method}: {}", answer.body);
        }
    }
    for method in ["tools/call", "resources/read", "prompts/get", "no/such/method"] {
        let params = json!({ "name": "bucket_list", "uri": "s3://a/b" });
        assert_eq!(server.rpc(None, method, params).await.status, 401, "{method}");
    }
}

#[tokio::test]
async fn issuer_and_audience_are_checked_when_configured() {
    let stage = Stage::embedded().await;
    let flags = [
        format!("--jwt-secret={SECRET}"),
        "--jwt-issuer=https://issuer".into(),
        "--jwt-audience=us".into(),
    ];
    let server = Server::start(&stage, None, &flags).await;
    for (claims, status) in [
        (json!({ "sub": "a", "iss": "https://issuer", "aud": "us" }), 200),
        (
            json!({ "sub": "a", "iss": "https://issuer", "aud": ["them", "us"] }),
            200,
        ),
        (json!({ "sub": "a", "iss": "https://issuer" }), 401),
        (json!({ "sub": "a", "aud": "us" }), 401),
        (json!({ "sub": "a", "iss": "https://issuer.evil", "aud": "us" }), 401),
        (json!({ "sub": "a", "iss": "https://issuer", "aud": "them" }), 401),
    ] {
        assert_eq!(
            server
                .call(&token(claims.clone()), "auth_status", json!({}))
                .await
                .status,
            status,
            "{claims}"
        );
    }
}

/// In `registry` mode a bearer is opaque, and what the registry vends is the proof.
#[tokio::test]
async fn the_registry_proves_opaque_bearers() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let server = Server::start(
        &stage,
        Some(&stage.admin),
        &[format!("--registry-url={}", registry.url)],
    )
    .await;
    for (bearer, vends, expected) in [
        ("good", Vends::Keys(stage.writer.clone(), 3600), (200, "")),
        ("qk_key", Vends::Keys(stage.writer.clone(), 3600), (200, "")),
        ("unknown", Vends::Status(401), (401, "invalid_jwt")),
        ("not-allowed", Vends::Status(403), (403, "forbidden")),
        ("page", Vends::Html, (503, "verifier_unavailable")),
        ("nonsense", Vends::Nonsense, (503, "verifier_unavailable")),
        ("broken", Vends::Status(500), (503, "verifier_unavailable")),
        ("slow", Vends::Hangs, (503, "verifier_unavailable")),
    ] {
        registry.vends(bearer, vends);
        let items = json!([{ "key": format!("by-{bearer}"), "text": "x" }]);
        let answer = server
            .call(
                bearer,
                "bucket_objects_put",
                json!({ "bucket": SHARED, "items": items }),
            )
            .await;
        assert_eq!(answer.refused(), expected, "{bearer}: {}", answer.body);
        assert_eq!(
            stage.exists(SHARED, &format!("by-{bearer}")).await,
            expected.0 == 200,
            "{bearer}"
        );
        assert_eq!(
            answer.headers.contains_key("retry-after"),
            expected.0 == 503,
            "{bearer}"
        );
        if expected.0 == 200 {
            assert_eq!(answer.success()["credential_source"], "catalog");
        }
    }
    let asked = || {
        registry
            .requests()
            .iter()
            .filter(|path| path.ends_with("/get_credentials"))
            .count()
    };
    let before = asked();
    server.call("good", "auth_status", json!({})).await.success();
    assert_eq!(asked(), before, "the proof's credentials serve the calls that follow");
}

#[tokio::test]
async fn a_server_that_can_prove_nothing_says_so() {
    let stage = Stage::embedded().await;
    let server = Server::start(&stage, Some(&stage.admin), &[]).await;
    let answer = server.call("anything", "bucket_list", json!({})).await;
    assert_eq!(answer.refused(), (503, "verifier_unavailable"));
    assert!(stage.aws().journal().is_empty());
}
