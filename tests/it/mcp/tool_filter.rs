//! Filters of tools (read-only, toolsets, styles), as settings and as headers, for lists and for calls.

use serde_json::{Value, json};

use crate::support::server::{Answer, Server};
use crate::support::stage::{SHARED, Stage};
use crate::support::{SECRET, token};

async fn server(stage: &Stage, flags: &[&str]) -> Server {
    let mut all = vec![format!("--jwt-secret={SECRET}")];
    all.extend(flags.iter().map(|flag| (*flag).to_owned()));
    Server::start(stage, None, &all).await
}

/// A token that carries the writer's own keys.
fn writer(stage: &Stage) -> String {
    let keys = &stage.writer;
    token(
        json!({ "sub": "writer", "aws_credentials": { "access_key_id": keys.access_key_id,
        "secret_access_key": keys.secret_access_key, "session_token": keys.session_token } }),
    )
}

async fn list(server: &Server, headers: &[(&str, &str)]) -> Vec<String> {
    let answer = server
        .post(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, headers)
        .await;
    let tools = answer.body["result"]["tools"]
        .as_array()
        .unwrap_or_else(|| panic!("{}", answer.body));
    tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect()
}

async fn call(server: &Server, bearer: &str, tool: &str, arguments: Value, headers: &[(&str, &str)]) -> Answer {
    let params = json!({ "name": tool, "arguments": arguments });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
    let bearer = format!("Bearer {bearer}");
    let mut all = vec![("authorization", bearer.as_str())];
    all.extend_from_slice(headers);
    server.post(body, &all).await
}

fn put() -> Value {
    json!({ "bucket": SHARED, "items": [{ "key": "offer/x", "text": "x" }] })
}

const READ_ONLY: (&str, &str) = ("x-mcp-readonly", "true");

#[tokio::test]
async fn read_only_holds_for_lists_and_for_calls_in_both_styles() {
    let stage = Stage::embedded().await;
    let bearer = writer(&stage);
    let (open, closed) = (server(&stage, &[]).await, server(&stage, &["--read-only"]).await);
    for (server, headers) in [
        (&open, &[READ_ONLY][..]),
        (&closed, &[]),
        (&closed, &[("x-mcp-readonly", "false")]),
    ] {
        let names = list(server, headers).await;
        assert!(names.contains(&"bucket_list".to_owned()), "{names:?}");
        assert!(!names.contains(&"bucket_objects_put".to_owned()), "{names:?}");
        let refused = call(server, &bearer, "bucket_objects_put", put(), headers).await;
        refused.failure("read_only");
        let module = json!({ "action": "objects_put", "params": put() });
        call(server, &bearer, "buckets", module, headers)
            .await
            .failure("read_only");
        let actions = call(server, &bearer, "buckets", json!({}), headers).await;
        let actions = actions.success()["actions"].as_array().unwrap().clone();
        assert!(
            actions.contains(&json!("discover")) && !actions.contains(&json!("objects_put")),
            "{actions:?}"
        );
        let listed = call(
            server,
            &bearer,
            "bucket_objects_list",
            json!({ "bucket": SHARED }),
            headers,
        )
        .await;
        assert_eq!(
            listed.success()["returned"],
            0,
            "nothing was written, and reading goes on"
        );
    }
    assert!(
        list(&open, &[]).await.contains(&"bucket_objects_put".to_owned()),
        "only that request was tightened"
    );
    call(&open, &bearer, "bucket_objects_put", put(), &[]).await.success();
}

#[tokio::test]
async fn toolsets_hold_for_lists_and_for_calls_and_a_header_cannot_widen_them() {
    let stage = Stage::embedded().await;
    let bearer = writer(&stage);
    let (open, closed) = (server(&stage, &[]).await, server(&stage, &["--toolsets=auth"]).await);
    for (server, headers) in [
        (&open, &[("x-mcp-toolsets", "auth")][..]),
        (
            &open,
            &[("x-mcp-toolsets", "buckets, auth"), ("x-mcp-toolsets", "auth")],
        ),
        (&closed, &[]),
        (&closed, &[("x-mcp-toolsets", "buckets,auth")]),
    ] {
        assert_eq!(list(server, headers).await, ["auth_status"], "{headers:?}");
        for tool in ["bucket_list", "buckets"] {
            let refused = call(server, &bearer, tool, json!({}), headers).await;
            assert_eq!((refused.status, &refused.body["error"]["code"]), (200, &json!(-32602)));
            assert_eq!(refused.body["error"]["data"]["error_code"], "toolset_off");
            let sentence = refused.body["error"]["message"].as_str().unwrap();
            assert!(
                sentence.contains(tool) && sentence.contains("toolset buckets"),
                "{sentence}"
            );
        }
        call(server, &bearer, "auth_status", json!({}), headers).await.success();
    }
    assert_eq!(list(&closed, &[("x-mcp-toolsets", "buckets")]).await, [""; 0]);
}

#[tokio::test]
async fn a_header_that_cannot_be_read_is_refused_and_not_taken_for_nothing() {
    let stage = Stage::embedded().await;
    let server = server(&stage, &[]).await;
    for (header, part) in [
        (("x-mcp-toolsets", "serch"), "`serch` is not a toolset"),
        (
            ("x-mcp-toolsets", ""),
            "default, buckets, packaging, permissions, auth, search",
        ),
        (("x-mcp-readonly", "maybe"), "must be true or false"),
    ] {
        let answer = server
            .post(r#"{"jsonrpc":"2.0","id":7,"method":"tools/list"}"#, &[header])
            .await;
        assert_eq!(
            (answer.status, &answer.body["error"]["code"]),
            (400, &json!(-32602)),
            "{header:?}"
        );
        assert_eq!(answer.body["id"], 7);
        let sentence = answer.body["error"]["message"].as_str().unwrap();
        assert!(sentence.contains(part), "{sentence}");
    }
}

#[tokio::test]
async fn a_tightened_list_is_nobody_elses() {
    let stage = Stage::embedded().await;
    let server = server(&stage, &["--allowed-origins=https://app.example.com"]).await;
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": { "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {} } } });
    let wire = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/list")];
    for (header, scope) in [
        (None, "public"),
        (Some(READ_ONLY), "private"),
        (Some(("x-mcp-toolsets", "auth")), "private"),
    ] {
        let headers: Vec<_> = wire.into_iter().chain(header).collect();
        let answer = server.post(body.to_string(), &headers).await;
        assert_eq!(answer.body["result"]["cacheScope"], scope, "{header:?}");
    }
    let asked = "authorization, content-type, x-mcp-readonly, x-mcp-toolsets";
    let preflight = [
        ("origin", "https://app.example.com"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", asked),
    ];
    let answer = server.request("OPTIONS", "/mcp", &preflight).await;
    let allowed = answer.headers["access-control-allow-headers"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        allowed.contains("x-mcp-readonly") && allowed.contains("x-mcp-toolsets"),
        "{allowed}"
    );
}

#[tokio::test]
async fn the_style_decides_what_is_listed_and_nothing_else() {
    let stage = Stage::embedded().await;
    let bearer = writer(&stage);
    for (style, typed, modules) in [("typed", true, false), ("modules", false, true), ("both", true, true)] {
        let server = server(&stage, &[&format!("--tool-style={style}")]).await;
        let names = list(&server, &[]).await;
        assert_eq!(names.contains(&"auth_status".to_owned()), typed, "{names:?}");
        assert_eq!(names.contains(&"auth".to_owned()), modules, "{names:?}");
        assert!(names.is_sorted());
        call(&server, &bearer, "auth_status", json!({}), &[]).await.success();
        call(&server, &bearer, "auth", json!({ "action": "status" }), &[])
            .await
            .success();
    }
}
