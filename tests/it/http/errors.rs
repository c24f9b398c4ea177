//! JSON-RPC errors: one shape, whichever step refuses.

use serde_json::{Value, json};

use crate::support::server::{Answer, Server};
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

/// A request that is refused, and the refusal.
struct Refusal<'a> {
    body: String,
    headers: Vec<(&'a str, &'a str)>,
    status: u16,
    code: &'static str,
}

fn refusal<'a>(body: String, headers: &[(&'a str, &'a str)], status: u16, code: &'static str) -> Refusal<'a> {
    let headers = headers.to_vec();
    Refusal {
        body,
        headers,
        status,
        code,
    }
}

/// Returns a JSON-RPC request.
fn rpc(method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": "i", "method": method, "params": params }).to_string()
}

/// Returns requests that are refused for their body.
fn refused_for_the_body<'a>(auth: (&'a str, &'a str)) -> Vec<Refusal<'a>> {
    let uri = json!({ "uri": "s3://abc/x" });
    vec![
        refusal("{".to_owned(), &[], 400, "parse_error"),
        refusal("[]".to_owned(), &[], 400, "invalid_request"),
        refusal(rpc("tools/list", &json!({ "cursor": 1 })), &[], 400, "invalid_params"),
        refusal(rpc("tools/list", &json!({ "cursor": "x" })), &[], 200, "invalid_params"),
        refusal(
            rpc("tools/call", &json!({ "name": "nope" })),
            &[auth],
            200,
            "unknown_tool",
        ),
        refusal(
            rpc("tools/call", &json!({ "name": "bucket_list" })),
            &[auth, ("x-mcp-toolsets", "auth")],
            200,
            "toolset_off",
        ),
        refusal(rpc("nope", &json!({})), &[auth], 200, "method_not_found"),
        refusal(
            rpc("prompts/get", &json!({ "name": "nope" })),
            &[auth],
            200,
            "unknown_prompt",
        ),
        refusal(
            rpc("prompts/get", &json!({ "name": "explore_bucket" })),
            &[auth],
            200,
            "invalid_params",
        ),
        refusal(rpc("resources/read", &uri), &[auth], 200, "no_credentials"),
        refusal(rpc("completion/complete", &json!({})), &[auth], 400, "invalid_params"),
    ]
}

/// Returns requests that are refused for their headers or their size.
fn refused_for_the_headers<'a>(auth: (&'a str, &'a str)) -> Vec<Refusal<'a>> {
    let meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {} });
    vec![
        refusal(
            rpc("tools/call", &json!({ "name": "bucket_list" })),
            &[],
            401,
            "missing_jwt",
        ),
        refusal(
            rpc("tools/call", &json!({ "name": "bucket_list" })),
            &[("authorization", "Bearer a.b.c")],
            401,
            "invalid_jwt",
        ),
        refusal(
            rpc("ping", &json!({})),
            &[("host", "evil.example.com")],
            403,
            "host_not_allowed",
        ),
        refusal(
            rpc("ping", &json!({})),
            &[("origin", "https://evil.example.com")],
            403,
            "origin_not_allowed",
        ),
        refusal(
            rpc("ping", &json!({})),
            &[("mcp-protocol-version", "1999-01-01")],
            400,
            "unsupported_version",
        ),
        refusal(
            rpc("tools/call", &json!({ "name": "bucket_list" })),
            &[auth, ("x-mcp-readonly", "maybe")],
            400,
            "invalid_params",
        ),
        refusal(
            rpc("tools/list", &json!({ "_meta": meta })),
            &[NEW],
            400,
            "header_mismatch",
        ),
        refusal(
            rpc("nope", &json!({ "_meta": meta })),
            &[NEW, auth, ("mcp-method", "nope")],
            404,
            "method_not_found",
        ),
        refusal(
            rpc("tools/list", &json!({})),
            &[NEW, ("mcp-method", "tools/list")],
            400,
            "invalid_params",
        ),
        refusal(
            rpc("ping", &json!({ "x": "x".repeat(200_000) })),
            &[auth],
            413,
            "too_large",
        ),
    ]
}

/// Checks the status, the code, the members and the headers of a refusal.
fn check_shape(answer: &Answer, refusal: &Refusal<'_>) {
    let shown = &refusal.body[..refusal.body.len().min(120)];
    assert_eq!(
        answer.refused(),
        (refusal.status, refusal.code),
        "{shown}: {}",
        answer.body
    );
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

#[tokio::test]
async fn every_error_has_the_same_shape() {
    let (_stage, server, bearer) = server(&["--max-body=100KiB"]).await;
    let auth = ("authorization", bearer.as_str());
    for refusal in refused_for_the_body(auth).iter().chain(&refused_for_the_headers(auth)) {
        let answer = server.post(refusal.body.as_str(), &refusal.headers).await;
        check_shape(&answer, refusal);
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
            "answers about a token are private"
        );
    }
}
