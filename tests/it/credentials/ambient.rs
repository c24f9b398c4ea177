//! Use of the server's own credentials for calls without a token, and its limits.

use quilt_mcp::config::ServeConfig;
use serde_json::json;

use crate::support::SECRET;
use crate::support::registry::{FakeRegistry, Vends};
use crate::support::server::Server;
use crate::support::stage::{SHARED, Stage};

/// The Python server wrote with its task role for calls that brought no token at all.
#[tokio::test]
async fn a_call_without_a_token_never_acts_as_the_server() {
    let stage = Stage::embedded().await;
    for flags in [
        vec!["--ambient=full".to_owned()],
        vec!["--ambient=full".to_owned(), format!("--jwt-secret={SECRET}")],
    ] {
        let server = Server::start(&stage, Some(&stage.admin), &flags).await;
        let items = json!([{ "key": "anonymous", "text": "x" }]);
        let arguments = json!({ "bucket": SHARED, "items": items });
        let answer = server
            .rpc(
                None,
                "tools/call",
                json!({ "name": "bucket_objects_put", "arguments": arguments }),
            )
            .await;
        assert_eq!(answer.refused(), (401, "missing_jwt"));
    }
    assert!(stage.aws().journal().is_empty());
}

#[tokio::test]
async fn anonymous_calls_use_ambient_credentials_when_the_operator_says_so() {
    let stage = Stage::embedded().await;
    for (ambient, writes) in [
        ("read-only", "write_needs_user_credentials"),
        ("never", "no_credentials"),
        ("full", ""),
    ] {
        let flags = ["--anonymous".to_owned(), format!("--ambient={ambient}")];
        let server = Server::start(&stage, Some(&stage.admin), &flags).await;
        let arguments = json!({ "bucket": SHARED, "items": [{ "key": "anonymous", "text": "x" }] });
        let params = json!({ "name": "bucket_objects_put", "arguments": arguments });
        let answer = server.rpc(None, "tools/call", params).await;
        if writes.is_empty() {
            assert_eq!(answer.success()["credential_source"], "ambient");
        } else {
            answer.failure(writes);
        }
        let status = server.rpc(None, "tools/call", json!({ "name": "auth_status" })).await;
        assert_eq!(status.success()["authenticated"], false);
        // A token that comes all the same is proved like any other.
        assert_eq!(server.call("whatever", "auth_status", json!({})).await.status, 503);
    }
}

/// One person's own server: calls without a token are that person's.
#[tokio::test]
async fn the_servers_own_token_serves_calls_that_bring_none() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let jwt = crate::support::token(json!({ "sub": "me" }));
    for own in ["qk_mine", jwt.as_str()] {
        registry.vends(own, Vends::Keys(stage.writer.clone(), 3600));
        let flags = [format!("--registry-url={}", registry.url), format!("--api-token={own}")];
        let server = Server::start(&stage, None, &flags).await;
        let params = json!({ "name": "bucket_objects_list", "arguments": { "bucket": SHARED } });
        assert_eq!(
            server.rpc(None, "tools/call", params).await.success()["credential_source"],
            "catalog"
        );
    }

    // quilt3's refresh token is exchanged, once for as long as the access token is good.
    let exchange = wiremock::MockServer::start().await;
    let answer =
        json!({ "refresh_token": "next", "access_token": "access", "expires_at": crate::support::now() + 3600 });
    wiremock::Mock::given(wiremock::matchers::path("/api/token"))
        .and(wiremock::matchers::body_string("refresh_token=first"))
        .respond_with(wiremock::ResponseTemplate::new(200).set_body_json(answer))
        .expect(1)
        .mount(&exchange)
        .await;
    let keys = &stage.writer;
    let end = quilt_mcp::clock::Clock::system().now() + jiff::SignedDuration::from_hours(1);
    wiremock::Mock::given(wiremock::matchers::path("/api/auth/get_credentials"))
        .and(wiremock::matchers::header("authorization", "Bearer access"))
        .respond_with(wiremock::ResponseTemplate::new(200).set_body_json(json!({
            "AccessKeyId": keys.access_key_id, "SecretAccessKey": keys.secret_access_key,
            "SessionToken": keys.session_token, "Expiration": end })))
        .mount(&exchange)
        .await;
    let flags = [
        format!("--registry-url={}", exchange.uri()),
        "--api-token=first".to_owned(),
    ];
    let server = Server::start(&stage, None, &flags).await;
    for _ in 0..2 {
        let params = json!({ "name": "bucket_objects_list", "arguments": { "bucket": SHARED } });
        server.rpc(None, "tools/call", params).await.success();
    }
}

/// Every client that reaches the listener would have these rights.
#[test]
fn both_are_refused_where_others_can_reach_the_listener() {
    for flag in ["--anonymous", "--api-token=qk_x"] {
        let config = ServeConfig::from_flags(["--host=0.0.0.0", flag]).unwrap();
        let error = config.check().unwrap_err().to_string();
        assert!(error.contains("0.0.0.0") && error.contains("loopback"), "{error}");
        ServeConfig::from_flags(["--host=127.0.0.1", flag])
            .unwrap()
            .check()
            .unwrap();
    }
}
