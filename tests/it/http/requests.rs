//! Malformed, unusual and foreign requests, and their responses.

use serde_json::json;

use crate::support::SECRET;
use crate::support::server::Server;
use crate::support::stage::Stage;

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

async fn server(flags: &[&str]) -> (Stage, Server) {
    let stage = Stage::embedded().await;
    let mut all = vec![format!("--jwt-secret={SECRET}")];
    all.extend(flags.iter().map(|flag| (*flag).to_owned()));
    let server = Server::start(&stage, None, &all).await;
    (stage, server)
}

#[tokio::test]
async fn bodies_that_are_no_request_get_json_rpc_errors() {
    let (_stage, server) = server(&["--max-body=1KiB"]).await;
    for (body, status, code) in [
        ("{", 400, -32700),
        ("", 400, -32700),
        ("[]", 400, -32600),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, 400, -32600),
        ("7", 400, -32600),
        (r#"{"jsonrpc":"2.0","id":1}"#, 400, -32600),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}"#,
            400,
            -32602,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#,
            400,
            -32602,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}"#,
            400,
            -32602,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[1]}"#,
            400,
            -32602,
        ),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, 400, -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, 400, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#, 400, -32600),
        (r#"{"id":1,"method":"ping"}"#, 400, -32600),
        (r#"{"jsonrpc":"2.0","id":"\ud800","method":"ping"}"#, 400, -32600),
    ] {
        let answer = server.post(body, &[]).await;
        assert_eq!(
            (answer.status, answer.body["error"]["code"].as_i64()),
            (status, Some(code)),
            "{body}"
        );
        assert_eq!(answer.body["jsonrpc"], "2.0");
        assert!(answer.body["error"]["message"].is_string());
    }
    let large = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"x":"{}"}}}}"#,
        "x".repeat(2000)
    );
    let answer = server.post(large, &[]).await;
    assert_eq!(
        (answer.status, &answer.body["error"]["data"]["error_code"]),
        (413, &json!("too_large"))
    );
    assert_eq!(answer.headers["connection"], "close", "the body is not read");
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"x":{}{}}}}}"#,
        "[".repeat(400),
        "]".repeat(400)
    );
    let answer = server.post(deep, &[]).await;
    assert_eq!(
        (answer.status, answer.body["error"]["code"].as_i64()),
        (400, Some(-32700))
    );
    assert_eq!(server.post(PING, &[]).await.status, 200, "and the server still serves");
}

/// Anybody may send these, so they must cost no more than they say.
#[tokio::test]
async fn a_discovery_method_has_little_to_say() {
    let (_stage, server) = server(&[]).await;
    for padding in [
        "x".repeat(70_000),
        format!("\",\"y\":[0{}],\"z\":\"", ",0".repeat(200_000)),
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"x":"{padding}"}}}}"#);
        let answer = server.post(body, &[]).await;
        assert!([400, 413].contains(&answer.status), "{}", answer.status);
    }
    let version = server.post(PING, &[("mcp-protocol-version", "1999-01-01")]).await;
    assert_eq!(
        (version.status, version.body["error"]["code"].as_i64()),
        (400, Some(-32022))
    );
}

#[tokio::test]
async fn a_bare_post_works_whatever_it_accepts() {
    let (_stage, server) = server(&[]).await;
    for accept in [
        None,
        Some("*/*"),
        Some("application/json"),
        Some("text/event-stream"),
        Some("text/html"),
    ] {
        let headers: Vec<(&str, &str)> = accept.map(|accept| ("accept", accept)).into_iter().collect();
        let answer = server.post(PING, &headers).await;
        assert_eq!((answer.status, &answer.body["result"]), (200, &json!({})), "{accept:?}");
        assert_eq!(answer.headers["content-type"], "application/json");
    }
    let odd = server.request("POST", "/mcp", &[("content-type", "text/plain")]).await;
    assert_eq!(odd.status, 415);
}

#[tokio::test]
async fn both_spellings_of_the_path_are_the_endpoint_and_other_methods_are_not() {
    let (_stage, server) = server(&[]).await;
    for path in ["/mcp", "/mcp/"] {
        let http = quilt_mcp::catalog::http_client(std::time::Duration::from_secs(5)).unwrap();
        let url = format!("{}{path}", server.url.trim_end_matches("/mcp"));
        let response = http
            .post(url)
            .header("content-type", "application/json")
            .body(PING)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200, "{path}: never a redirect");
        for method in ["GET", "DELETE", "PUT"] {
            let answer = server.request(method, path, &[]).await;
            assert_eq!(
                (answer.status, answer.headers["allow"].to_str().unwrap()),
                (405, "POST"),
                "{method} {path}"
            );
        }
    }
    assert_eq!(server.request("GET", "/", &[]).await.status, 404);
}

#[tokio::test]
async fn health_is_for_everybody_and_never_kept() {
    let (_stage, server) = server(&[]).await;
    for path in ["/health", "/healthz"] {
        let answer = server.request("GET", path, &[("host", "10.0.0.7:8000")]).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.body["status"], "ok");
        let expected =
            json!({ "name": "quilt-mcp", "version": env!("CARGO_PKG_VERSION"), "transport": "streamable-http" });
        assert_eq!(answer.body["server"], expected);
        assert!(
            answer.body["timestamp"]
                .as_str()
                .unwrap()
                .parse::<jiff::Timestamp>()
                .is_ok()
        );
    }
    assert_eq!(server.request("GET", "/ready", &[]).await.status, 200);
}

#[tokio::test]
async fn every_answer_has_a_request_id() {
    let (_stage, server) = server(&[]).await;
    let made = server.post(PING, &[]).await.headers["x-request-id"].clone();
    assert_eq!(made.len(), 36);
    let kept = server.post(PING, &[("x-request-id", "my-id.7")]).await;
    assert_eq!(kept.headers["x-request-id"], "my-id.7");
    let insane = server.post("{", &[("x-request-id", "a b;")]).await;
    assert_ne!(insane.headers["x-request-id"], "a b;");
    for path in ["/health", "/nowhere"] {
        assert!(
            server
                .request("GET", path, &[])
                .await
                .headers
                .contains_key("x-request-id")
        );
    }
}

#[tokio::test]
async fn foreign_hosts_and_origins_are_refused_and_preflights_answered_first() {
    let (_stage, server) = server(&["--allowed-origins=https://app.example.com,http://localhost:*"]).await;
    for (name, value, status) in [
        ("host", "evil.example.com", 403),
        ("host", "localhost:1", 200),
        ("origin", "https://evil.example.com", 403),
        ("origin", "null", 403),
        ("origin", "https://app.example.com", 200),
        ("origin", "http://localhost:6274", 200),
    ] {
        assert_eq!(
            server.post(PING, &[(name, value)]).await.status,
            status,
            "{name}: {value}"
        );
    }
    let preflight = [
        ("origin", "https://app.example.com"),
        ("access-control-request-method", "POST"),
        (
            "access-control-request-headers",
            "authorization,content-type,mcp-protocol-version,mcp-param-x",
        ),
    ];
    let answer = server.request("OPTIONS", "/mcp", &preflight).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["access-control-allow-origin"], "https://app.example.com");
    let allowed = answer.headers["access-control-allow-headers"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        allowed.contains("authorization") && allowed.contains("mcp-param-x"),
        "{allowed}"
    );
    assert!(!answer.headers.contains_key("access-control-allow-credentials"));
    let foreign = server
        .request(
            "OPTIONS",
            "/mcp",
            &[("origin", "https://evil.example.com"), preflight[1]],
        )
        .await;
    assert!(!foreign.headers.contains_key("access-control-allow-origin"));

    // A page that is let in must be able to read why a call was refused.
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"bucket_list"}}"#;
    let refused = server.post(call, &[("origin", "https://app.example.com")]).await;
    assert_eq!(refused.status, 401);
    assert_eq!(
        refused.headers["access-control-allow-origin"],
        "https://app.example.com"
    );
    let exposed = refused.headers["access-control-expose-headers"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        exposed.contains("www-authenticate") && exposed.contains("x-request-id"),
        "{exposed}"
    );
}

#[tokio::test]
async fn more_than_can_be_worked_on_is_refused_at_once() {
    let stage = Stage::embedded().await;
    let registry = crate::support::registry::FakeRegistry::start().await;
    let bearer = crate::support::token(json!({ "sub": "slow" }));
    registry.vends(&bearer, crate::support::registry::Vends::Hangs);
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--registry-url={}", registry.url),
        "--max-in-flight=1".to_owned(),
    ];
    let server = Server::start(&stage, None, &flags).await;
    let second = async {
        while registry.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        let other = format!("Bearer {}", crate::support::token(json!({ "sub": "other" })));
        (
            server.post(PING, &[("authorization", &other)]).await,
            server.post(PING, &[]).await,
        )
    };
    let both = async { tokio::join!(server.call(&bearer, "bucket_list", json!({})), second) };
    let (first, (second, stranger)) = tokio::time::timeout(std::time::Duration::from_secs(30), both)
        .await
        .unwrap();
    first.failure("timeout");
    assert_eq!(second.refused(), (429, "throttled"));
    assert_eq!(second.headers["retry-after"], "1");
    assert_eq!(
        stranger.status, 200,
        "requests without a proved caller have places of their own"
    );
    assert_eq!(server.post(PING, &[]).await.status, 200);
}
