//! Status codes and JSON-RPC codes of 2026-07-28 and of older versions, request by request.

use serde_json::{Value, json};

use crate::support::server::{Answer, Server};
use crate::support::stage::{SHARED, Stage};
use crate::support::{SECRET, token};

const VERSIONS: [&str; 4] = ["2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"];
const NEW: (&str, &str) = ("mcp-protocol-version", "2026-07-28");

async fn server() -> (Stage, Server, String) {
    let stage = Stage::embedded().await;
    let server = Server::start(&stage, None, &[format!("--jwt-secret={SECRET}")]).await;
    let keys = &stage.reader;
    let bearer = token(
        json!({ "sub": "r", "aws_credentials": { "access_key_id": keys.access_key_id,
        "secret_access_key": keys.secret_access_key, "session_token": keys.session_token } }),
    );
    (stage, server, format!("Bearer {bearer}"))
}

fn meta(version: &str) -> Value {
    json!({ "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientInfo": { "name": "t", "version": "0" },
        "io.modelcontextprotocol/clientCapabilities": {} })
}

/// A request of 2026-07-28.
fn body(method: &str, mut params: Value) -> String {
    params["_meta"] = meta("2026-07-28");
    json!({ "jsonrpc": "2.0", "id": "x", "method": method, "params": params }).to_string()
}

fn outcome(answer: &Answer) -> (u16, Option<i64>) {
    (answer.status, answer.body["error"]["code"].as_i64())
}

#[tokio::test]
async fn every_result_says_whose_it_is_and_for_how_long_it_is_good() {
    let (stage, server, bearer) = server().await;
    stage.seed(SHARED, "a.txt", b"x").await;
    let uri = format!("s3://{SHARED}/a.txt");
    let prompt = json!({ "name": "explain_denial" });
    let complete = json!({ "ref": { "type": "ref/prompt", "name": "explain_denial" },
        "argument": { "name": "error", "value": "" } });
    let cached = Some("public");
    for (method, name, params, scope) in [
        ("server/discover", None, json!({}), cached),
        ("tools/list", None, json!({}), cached),
        ("resources/list", None, json!({}), cached),
        ("resources/templates/list", None, json!({}), cached),
        ("prompts/list", None, json!({}), cached),
        (
            "resources/read",
            Some(uri.as_str()),
            json!({ "uri": uri }),
            Some("private"),
        ),
        ("prompts/get", Some("explain_denial"), prompt, None),
        ("completion/complete", None, complete, None),
        (
            "tools/call",
            Some("auth_status"),
            json!({ "name": "auth_status" }),
            None,
        ),
        ("tools/call", Some("buckets"), json!({ "name": "buckets" }), None),
    ] {
        let mut headers = vec![NEW, ("mcp-method", method), ("authorization", bearer.as_str())];
        headers.extend(name.map(|name| ("mcp-name", name)));
        let answer = server.post(body(method, params), &headers).await;
        let result = &answer.body["result"];
        assert_eq!(
            (answer.status, &result["resultType"]),
            (200, &json!("complete")),
            "{method} {}",
            answer.body
        );
        let named = &result["_meta"]["io.modelcontextprotocol/serverInfo"];
        assert_eq!(
            (&named["name"], &named["version"]),
            (&json!("quilt-mcp"), &json!(env!("CARGO_PKG_VERSION"))),
            "{method}"
        );
        assert_eq!(result["cacheScope"].as_str(), scope, "{method}");
        assert_eq!(result["ttlMs"].is_u64(), scope.is_some(), "{method}");
        assert_eq!(
            result["ttlMs"].as_u64().unwrap_or(0) > 0,
            scope == cached,
            "{method}: data is never kept"
        );
    }
    // Older peers are not told what they do not know.
    let old = server.rpc(None, "tools/list", json!({})).await;
    for field in ["resultType", "_meta", "ttlMs", "cacheScope"] {
        assert!(old.body["result"].get(field).is_none(), "{field}");
    }
}

#[tokio::test]
async fn headers_and_body_of_2026_must_agree() {
    let (_stage, server, bearer) = server().await;
    let bearer = ("authorization", bearer.as_str());
    let call = body("tools/call", json!({ "name": "auth_status" }));
    let (method, name) = (("mcp-method", "tools/call"), ("mcp-name", "auth_status"));
    assert_eq!(
        outcome(&server.post(call.as_str(), &[NEW, bearer, method, name]).await),
        (200, None)
    );
    for headers in [
        vec![NEW, bearer, name],
        vec![NEW, bearer, ("mcp-method", "tools/list"), name],
        vec![NEW, bearer, method],
        vec![NEW, bearer, method, ("mcp-name", "bucket_list")],
        vec![NEW, bearer, method, method, name],
        vec![bearer, method, name],
        vec![("mcp-protocol-version", "2025-11-25"), bearer, method, name],
    ] {
        assert_eq!(
            outcome(&server.post(call.as_str(), &headers).await),
            (400, Some(-32020)),
            "{headers:?}"
        );
    }
    let encoded = ("mcp-name", "=?base64?YXV0aF9zdGF0dXM=?=");
    assert_eq!(
        outcome(&server.post(call.as_str(), &[NEW, bearer, method, encoded]).await),
        (200, None)
    );
    for missing in [
        "io.modelcontextprotocol/protocolVersion",
        "io.modelcontextprotocol/clientCapabilities",
    ] {
        let mut params = json!({ "_meta": meta("2026-07-28") });
        params["_meta"].as_object_mut().unwrap().remove(missing);
        let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": params }).to_string();
        let answer = server.post(list, &[NEW, ("mcp-method", "tools/list")]).await;
        assert_eq!(outcome(&answer), (400, Some(-32602)), "{missing}");
        assert!(
            answer.body["error"]["message"].as_str().unwrap().contains(missing),
            "{}",
            answer.body
        );
    }
    let notification = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    let named = [NEW, ("mcp-method", "notifications/initialized")];
    assert_eq!(server.post(notification, &named).await.status, 202);
    assert_eq!(server.post(notification, &[NEW]).await.status, 400);
}

#[tokio::test]
async fn a_version_that_is_not_served_is_told_which_are() {
    let (_stage, server, _) = server().await;
    for version in ["2024-11-05", "1999-01-01", "2027-01-01", "nonsense"] {
        let header = ("mcp-protocol-version", version);
        let plain = r#"{"jsonrpc":"2.0","id":7,"method":"tools/list"}"#.to_owned();
        let with_meta =
            json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": { "_meta": meta(version) } });
        for body in [plain, with_meta.to_string()] {
            let answer = server
                .post(body.as_str(), &[header, ("mcp-method", "tools/list")])
                .await;
            assert_eq!(outcome(&answer), (400, Some(-32022)), "{body}: {}", answer.body);
            let data = &answer.body["error"]["data"];
            assert_eq!(
                (&data["requested"], &data["supported"]),
                (&json!(version), &json!(VERSIONS)),
                "{body}"
            );
            assert_eq!(answer.body["id"], 7);
        }
    }
    for version in &VERSIONS[..3] {
        let answer = server
            .post(
                r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
                &[("mcp-protocol-version", version)],
            )
            .await;
        assert_eq!(outcome(&answer), (200, None), "{version}");
    }
    let client = json!({ "name": "t", "version": "0" });
    let params = json!({ "protocolVersion": "2026-07-28", "capabilities": {}, "clientInfo": client });
    let answer = server.rpc(None, "initialize", params).await;
    assert_eq!(
        answer.body["result"]["protocolVersion"], "2025-11-25",
        "2026 has no initialize"
    );
    let capabilities = answer.body["result"]["capabilities"].as_object().unwrap();
    let names: Vec<&str> = capabilities.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["extensions", "completions", "prompts", "resources", "tools"],
        "nothing that is not served is promised"
    );
}

#[tokio::test]
async fn methods_that_are_not_served_are_not_there() {
    let (_stage, server, bearer) = server().await;
    let bearer = ("authorization", bearer.as_str());
    let gone = [
        "initialize",
        "ping",
        "logging/setLevel",
        "resources/subscribe",
        "resources/unsubscribe",
    ];
    for method in gone.into_iter().chain(["no/such", "subscriptions/listen"]) {
        let params = match method {
            "logging/setLevel" => json!({ "level": "info" }),
            "resources/subscribe" | "resources/unsubscribe" => json!({ "uri": "s3://abc/x" }),
            "subscriptions/listen" => json!({ "notifications": {} }),
            _ => json!({}),
        };
        let headers = [NEW, bearer, ("mcp-method", method), ("mcp-name", "s3://abc/x")];
        let named = if method.ends_with("subscribe") { 4 } else { 3 };
        let answer = server.post(body(method, params), &headers[..named]).await;
        assert_eq!(outcome(&answer), (404, Some(-32601)), "{method} {}", answer.body);
    }
    for method in ["no/such", "logging/setLevel", "resources/subscribe"] {
        let params = json!({ "level": "info", "uri": "s3://abc/x" });
        let old = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        assert_eq!(
            outcome(&server.post(old, &[bearer]).await),
            (200, Some(-32601)),
            "{method}"
        );
    }
    let old = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    assert_eq!(outcome(&server.post(old, &[]).await), (200, None));
}

#[tokio::test]
async fn params_that_cannot_be_decoded_are_invalid_in_both_eras() {
    let (_stage, server, bearer) = server().await;
    let bearer = ("authorization", bearer.as_str());
    for (method, params) in [
        ("completion/complete", json!({})),
        (
            "completion/complete",
            json!({ "ref": { "type": "ref/other" }, "argument": { "name": "a", "value": "" } }),
        ),
        (
            "completion/complete",
            json!({ "ref": { "type": "ref/prompt", "name": "x" }, "argument": "y" }),
        ),
        ("prompts/get", json!({ "arguments": {} })),
        ("prompts/get", json!({ "name": "explore_bucket", "arguments": [] })),
        ("resources/read", json!({ "uri": 7 })),
        ("resources/list", json!({ "cursor": 7 })),
        ("tools/list", json!({ "cursor": {} })),
        ("tools/list", json!({ "cursor": "made-up" })),
        ("prompts/list", json!({ "cursor": "made-up" })),
        ("resources/templates/list", json!({ "cursor": "made-up" })),
    ] {
        let old = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let answer = server.post(old, &[bearer]).await;
        assert_eq!(outcome(&answer).1, Some(-32602), "{method} {params}: {}", answer.body);
        let answer = server
            .post(body(method, params.clone()), &[NEW, bearer, ("mcp-method", method)])
            .await;
        assert!(
            [Some(-32602), Some(-32020)].contains(&outcome(&answer).1),
            "{method} {params}: {}",
            answer.body
        );
    }
}

#[tokio::test]
async fn what_is_not_there_has_the_number_of_the_peers_version() {
    let (_stage, server, bearer) = server().await;
    let uri = format!("s3://{SHARED}/nowhere");
    let headers = [
        NEW,
        ("mcp-method", "resources/read"),
        ("mcp-name", uri.as_str()),
        ("authorization", bearer.as_str()),
    ];
    let answer = server
        .post(body("resources/read", json!({ "uri": uri })), &headers)
        .await;
    assert_eq!(outcome(&answer), (200, Some(-32602)));
    assert_eq!(answer.body["error"]["data"]["uri"], uri.as_str());
    let headers = [NEW, ("mcp-method", "tools/call"), ("mcp-name", "nothing"), headers[3]];
    let answer = server
        .post(body("tools/call", json!({ "name": "nothing" })), &headers)
        .await;
    assert_eq!(outcome(&answer), (200, Some(-32602)));
}

#[tokio::test]
async fn sessions_of_older_transports_are_ignored() {
    let (_stage, server, _) = server().await;
    let headers = [("mcp-session-id", "abc"), ("last-event-id", "7")];
    let answer = server
        .post(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, &headers)
        .await;
    assert_eq!(outcome(&answer), (200, None));
    assert!(!answer.headers.contains_key("mcp-session-id"));
}
