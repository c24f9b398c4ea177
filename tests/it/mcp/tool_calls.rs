//! Tool calls: routing headers, and cancellation by disconnect.

use std::time::Duration;

use quilt_mcp::catalog::http_client;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::program::Program;
use crate::support::scene::Scene;
use crate::support::stage::Stage;
use crate::support::{SECRET, token};

/// Status, type and text of the answer to a call, in this version; with `changes` to headers and `_meta`.
async fn answer(
    scene: &Scene,
    version: Option<&str>,
    (tool, arguments): (&str, &Value),
    (headers, meta): (&[(&str, &str)], Value),
) -> (u16, String, String) {
    let is_2026 = version == Some("2026-07-28");
    let mut all_meta = json!({});
    if is_2026 {
        all_meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": { "elicitation": { "form": {} } } });
    }
    for (name, value) in meta.as_object().unwrap() {
        all_meta[name] = value.clone();
    }
    let mut params = json!({ "name": tool, "arguments": arguments });
    if all_meta != json!({}) {
        params["_meta"] = all_meta;
    }
    let body = json!({ "jsonrpc": "2.0", "id": "an \"id\"", "method": "tools/call", "params": params });
    let mut all = vec![("content-type", "application/json")];
    all.extend(version.map(|version| ("mcp-protocol-version", version)));
    if is_2026 {
        all.extend([("mcp-method", "tools/call"), ("mcp-name", tool)]);
    }
    all.retain(|(name, _)| !headers.iter().any(|(other, _)| name == other));
    all.extend(headers.iter().filter(|(_, value)| !value.is_empty()));
    let http = http_client(Duration::from_mins(1)).unwrap();
    let mut request = http
        .post(&scene.server.url)
        .bearer_auth(&scene.writer)
        .body(body.to_string());
    for (name, value) in all {
        request = request.header(name, value);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    (status, kind, response.text().await.unwrap())
}

#[tokio::test]
async fn headers_that_disagree_with_the_body_are_refused() {
    let scene = Scene::on(Stage::embedded().await).await;
    let version = "io.modelcontextprotocol/protocolVersion";
    let capabilities = "io.modelcontextprotocol/clientCapabilities";
    let call = ("package_templates", &json!({}));
    for (about, headers, meta, code) in [
        ("no method", [("mcp-method", "")], json!({}), -32020),
        ("another method", [("mcp-method", "tools/list")], json!({}), -32020),
        ("no name", [("mcp-name", "")], json!({}), -32020),
        ("another name", [("mcp-name", "package_create")], json!({}), -32020),
        (
            "another version",
            [("mcp-protocol-version", "2025-11-25")],
            json!({}),
            -32020,
        ),
        ("no version", [("mcp-protocol-version", "")], json!({}), -32020),
        (
            "an old one in the body",
            [("x-none", "")],
            json!({ version: "2025-11-25" }),
            -32020,
        ),
        ("none in the body", [("x-none", "")], json!({ version: 7 }), -32602),
        (
            "no capabilities",
            [("x-none", "")],
            json!({ capabilities: "all" }),
            -32602,
        ),
    ] {
        for progress in [json!({}), json!({ "progressToken": 1 })] {
            let mut meta = meta.clone();
            meta.as_object_mut()
                .unwrap()
                .extend(progress.as_object().unwrap().clone());
            let (status, _, text) = answer(&scene, Some("2026-07-28"), call, (&headers, meta)).await;
            let said: Value = serde_json::from_str(&text).unwrap();
            assert_eq!((status, &said["error"]["code"]), (400, &json!(code)), "{about}: {text}");
        }
    }
    let twice = [("mcp-name", "package_templates"), ("mcp-name", "package_create")];
    for headers in [twice, [twice[1], twice[0]]] {
        let (status, _, text) = answer(&scene, Some("2026-07-28"), call, (&headers, json!({}))).await;
        assert_eq!(status, 400, "two names: {text}");
    }
    let encoded = [("mcp-name", "=?base64?cGFja2FnZV90ZW1wbGF0ZXM=?=")];
    let (status, _, text) = answer(&scene, Some("2026-07-28"), call, (&encoded, json!({}))).await;
    assert_eq!(status, 200, "the same name, encoded: {text}");
}

/// It is not dropped where it stands: what it still has to tell, and to undo, is done.
#[tokio::test]
async fn a_call_whose_client_leaves_is_cancelled_and_ends() {
    let registry = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--registry-url=http://{}", registry.local_addr().unwrap()),
    ];
    let program = Program::serve(&flags, &[]).await;
    let address = program
        .server
        .url
        .trim_start_matches("http://")
        .trim_end_matches("/mcp")
        .to_owned();
    for (caller, meta) in [("plain", json!({})), ("with-progress", json!({ "progressToken": 1 }))] {
        let bearer = token(json!({ "sub": caller }));
        let params = json!({ "name": "bucket_list", "_meta": meta });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
        let mut client = TcpStream::connect(&address).await.unwrap();
        let request = format!(
            "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nx-request-id: {caller}\r\n\
             Authorization: Bearer {bearer}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        client.write_all(request.as_bytes()).await.unwrap();
        let (mut asked, _) = registry.accept().await.unwrap();
        assert!(asked.read(&mut [0; 4096]).await.unwrap() > 0);
        drop(client);
        let line = program
            .logged(|line| line["message"] == "tool called" && line["subject"] == caller)
            .await;
        assert_eq!(
            (&line["outcome"], &line["tool"]),
            (&json!("cancelled"), &json!("bucket_list")),
            "{caller}: {line}"
        );
        assert_eq!(line["request_id"], caller, "{line}");
    }
}
