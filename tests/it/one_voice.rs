//! Errors of requests: one shape, whichever step refuses.

use serde_json::{Value, json};

use crate::support::server::Server;
use crate::support::stage::Stage;
use crate::support::{SECRET, token};

const NEW: (&str, &str) = ("mcp-protocol-version", "2026-07-28");

async fn server(flags: &[&str]) -> (Stage, Server, String) {
    let stage = Stage::embedded().await;
    let mut all = vec![format!("--jwt-secret={SECRET}")];
    all.extend(flags.iter().map(|flag| (*flag).to_owned()));
    let server = Server::start(&stage, None, &all).await;
    (stage, server, format!("Bearer {}", token(json!({ "sub": "a" }))))
}

/// The names of an object's members, in the order in which they came.
fn members(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn every_error_has_the_same_shape() {
    let (_stage, server, bearer) = server(&["--max-body=100KiB"]).await;
    let auth = ("authorization", bearer.as_str());
    let rpc = |method: &str, params: Value| {
        json!({ "jsonrpc": "2.0", "id": "i", "method": method, "params": params }).to_string()
    };
    let meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {} });
    let uri = json!({ "uri": "s3://abc/x" });
    for (body, headers, status, code) in [
        ("{".to_owned(), vec![], 400, "parse_error"),
        ("[]".to_owned(), vec![], 400, "invalid_request"),
        (rpc("tools/list", json!({ "cursor": 1 })), vec![], 400, "invalid_params"),
        (
            rpc("tools/list", json!({ "cursor": "x" })),
            vec![],
            200,
            "invalid_params",
        ),
        (
            rpc("tools/call", json!({ "name": "nope" })),
            vec![auth],
            200,
            "unknown_tool",
        ),
        (
            rpc("tools/call", json!({ "name": "bucket_list" })),
            vec![auth, ("x-mcp-toolsets", "auth")],
            200,
            "toolset_off",
        ),
        (rpc("nope", json!({})), vec![auth], 200, "method_not_found"),
        (
            rpc("prompts/get", json!({ "name": "nope" })),
            vec![auth],
            200,
            "unknown_prompt",
        ),
        (
            rpc("prompts/get", json!({ "name": "explore_bucket" })),
            vec![auth],
            200,
            "invalid_params",
        ),
        (rpc("resources/read", uri), vec![auth], 200, "no_credentials"),
        (rpc("completion/complete", json!({})), vec![auth], 400, "invalid_params"),
        (
            rpc("tools/call", json!({ "name": "bucket_list" })),
            vec![],
            401,
            "missing_jwt",
        ),
        (
            rpc("tools/call", json!({ "name": "bucket_list" })),
            vec![("authorization", "Bearer a.b.c")],
            401,
            "invalid_jwt",
        ),
        (
            rpc("ping", json!({})),
            vec![("host", "evil.example.com")],
            403,
            "host_not_allowed",
        ),
        (
            rpc("ping", json!({})),
            vec![("origin", "https://evil.example.com")],
            403,
            "origin_not_allowed",
        ),
        (
            rpc("ping", json!({})),
            vec![("mcp-protocol-version", "1999-01-01")],
            400,
            "unsupported_version",
        ),
        (
            rpc("tools/call", json!({ "name": "bucket_list" })),
            vec![auth, ("x-mcp-readonly", "maybe")],
            400,
            "invalid_params",
        ),
        (
            rpc("tools/list", json!({ "_meta": meta })),
            vec![NEW],
            400,
            "header_mismatch",
        ),
        (
            rpc("nope", json!({ "_meta": meta })),
            vec![NEW, auth, ("mcp-method", "nope")],
            404,
            "method_not_found",
        ),
        (
            rpc("tools/list", json!({})),
            vec![NEW, ("mcp-method", "tools/list")],
            400,
            "invalid_params",
        ),
        (
            rpc("ping", json!({ "x": "x".repeat(200_000) })),
            vec![auth],
            413,
            "too_large",
        ),
    ] {
        let answer = server.post(body.as_str(), &headers).await;
        let shown = &body[..body.len().min(120)];
        assert_eq!(answer.refused(), (status, code), "{shown}: {}", answer.body);
        let has_id = answer.body.get("id").is_some();
        let expected = if has_id {
            vec!["jsonrpc", "id", "error"]
        } else {
            vec!["jsonrpc", "error"]
        };
        assert_eq!(members(&answer.body), expected, "{shown}");
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(answer.headers["cache-control"], "no-store", "{shown}");
        let error = &answer.body["error"];
        assert_eq!(members(error), ["code", "message", "data"], "{shown}");
        assert_eq!(
            members(&error["data"])[..2],
            ["error_code", "retryable"],
            "{shown}: {error}"
        );
        let message = error["message"].as_str().unwrap();
        assert!(message.ends_with('.') && message.contains(' '), "a sentence: {message}");
    }
    for (method, path, status, code) in [
        ("GET", "/mcp", 405, "invalid_request"),
        ("POST", "/nowhere", 404, "not_found"),
        ("POST", "/", 404, "not_found"),
    ] {
        let answer = server.request(method, path, &[]).await;
        assert_eq!(answer.refused(), (status, code), "{method} {path}: {}", answer.body);
        assert_eq!(members(&answer.body["error"]["data"])[..2], ["error_code", "retryable"]);
    }
}

/// Clients in languages whose empty map is an empty array, and those that do not tell null from empty.
#[tokio::test]
async fn empty_collections_and_cursors_of_other_languages_are_read() {
    let (_stage, server, bearer) = server(&[]).await;
    for method in [
        "tools/list",
        "resources/list",
        "resources/templates/list",
        "prompts/list",
        "ping",
    ] {
        for params in [
            "[]",
            "{}",
            "null",
            r#"{"cursor":""}"#,
            r#"{"cursor":null}"#,
            r#"{"_meta":[]}"#,
        ] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
            let answer = server.post(body, &[]).await;
            assert!(answer.body["result"].is_object(), "{method} {params}: {}", answer.body);
        }
    }
    for arguments in ["[]", "{}", "null"] {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"auth_status","arguments":{arguments}}}}}"#
        );
        server.post(body, &[("authorization", &bearer)]).await.success();
    }
    let full = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"auth_status","arguments":[1]}}"#;
    assert_eq!(
        server.post(full, &[("authorization", &bearer)]).await.refused(),
        (400, "invalid_params")
    );
}

#[tokio::test]
async fn initialize_negotiates_by_its_body_alone() {
    let (_stage, server, _) = server(&[]).await;
    let params = |version: &str| json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": { "name": "t", "version": "0" } });
    let initialize = |params: Value| json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
    for header in ["2027-03-01", "2026-07-28", "2025-06-18", "1999-01-01"] {
        let body = initialize(params("2027-03-01")).to_string();
        let answer = server.post(body, &[("mcp-protocol-version", header)]).await;
        assert_eq!(
            answer.body["result"]["protocolVersion"], "2025-11-25",
            "{header}: {}",
            answer.body
        );
        let body = initialize(params("2025-03-26")).to_string();
        let answer = server.post(body, &[("mcp-protocol-version", header)]).await;
        assert_eq!(
            answer.body["result"]["protocolVersion"], "2025-03-26",
            "{header}: {}",
            answer.body
        );
    }
    for missing in ["protocolVersion", "capabilities", "clientInfo"] {
        let mut params = params("2025-11-25");
        params.as_object_mut().unwrap().remove(missing);
        let answer = server.post(initialize(params).to_string(), &[]).await;
        assert_eq!(answer.refused(), (400, "invalid_params"));
        assert!(
            answer.body["error"]["message"].as_str().unwrap().contains(missing),
            "{}",
            answer.body
        );
    }
}

#[tokio::test]
async fn compressed_bodies_are_refused_and_byte_order_marks_skipped() {
    let (_stage, server, _) = server(&[]).await;
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    for encoding in ["gzip", "br", "deflate, gzip"] {
        let answer = server.post(ping, &[("content-encoding", encoding)]).await;
        assert_eq!(answer.refused(), (415, "unsupported_media_type"), "{encoding}");
        assert_eq!(answer.headers["accept-encoding"], "identity");
        assert!(
            answer.body["error"]["message"].as_str().unwrap().contains("ompressed"),
            "{}",
            answer.body
        );
    }
    assert_eq!(server.post(ping, &[("content-encoding", "identity")]).await.status, 200);
    assert_eq!(server.post(format!("\u{feff}{ping}"), &[]).await.status, 200);
}

/// JavaScript cuts strings between the halves of a character.
#[tokio::test]
async fn half_of_a_character_is_named_with_its_argument() {
    let (_stage, server, bearer) = server(&[]).await;
    let body = |arguments: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"bucket_objects_list","arguments":{arguments}}}}}"#
        )
    };
    for arguments in [
        r#"{"bucket":"abc","prefix":"plankton \ud83e"}"#,
        r#"{"bucket":"abc","prefix":"\uDDA0 plankton"}"#,
    ] {
        let answer = server.post(body(arguments), &[("authorization", &bearer)]).await;
        assert_eq!(answer.refused(), (400, "invalid_params"));
        let message = answer.body["error"]["message"].as_str().unwrap();
        assert!(
            message.contains("prefix") && message.contains("half of a character"),
            "{message}"
        );
    }
    let whole = body(r#"{"bucket":"abc","prefix":"plankton \ud83e\udda0"}"#);
    server
        .post(whole, &[("authorization", &bearer)])
        .await
        .failure("no_credentials");
}

#[tokio::test]
async fn discovery_says_what_is_wrong_with_the_token() {
    let (_stage, server, bearer) = server(&[]).await;
    let client = json!({ "name": "t", "version": "0" });
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
    let initialize = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params }).to_string();
    let meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {} });
    let discover = json!({ "jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": { "_meta": meta } });
    for (token, said, scope) in [
        (None, Some("has no bearer token"), "private"),
        (Some("Bearer a.b.c"), Some("was refused"), "private"),
        (Some(bearer.as_str()), None, "public"),
    ] {
        let headers: Vec<(&str, &str)> = token.map(|token| ("authorization", token)).into_iter().collect();
        let first = server.post(initialize.as_str(), &headers).await;
        let mut headers = headers;
        headers.extend([NEW, ("mcp-method", "server/discover")]);
        let second = server.post(discover.to_string(), &headers).await;
        for answer in [&first, &second] {
            let instructions = answer.body["result"]["instructions"].as_str().unwrap();
            assert!(instructions.contains("bucket_list"), "{instructions}");
            for sentence in ["has no bearer token", "was refused"] {
                assert_eq!(
                    instructions.contains(sentence),
                    said == Some(sentence),
                    "{token:?}: {instructions}"
                );
            }
        }
        assert_eq!(
            second.body["result"]["cacheScope"], scope,
            "what is said of a token is for its sender alone"
        );
    }
}
