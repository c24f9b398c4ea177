//! Calls of tools take a short road past rmcp's transport, unless something about them is unusual. Who asks to hear of
//! progress takes the long one, and gets the same answer where there is no progress to tell of.

use std::time::Duration;

use fancy_regex::Regex;
use quilt_mcp::catalog::http_client;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::program::Program;
use crate::support::scene::{Scene, uri};
use crate::support::stage::{SHARED, Stage};
use crate::support::{SECRET, token};

const VERSIONS: [Option<&str>; 5] =
    [None, Some("2025-03-26"), Some("2025-06-18"), Some("2025-11-25"), Some("2026-07-28")];

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
    let mut request = http.post(&scene.server.url).bearer_auth(&scene.writer).body(body.to_string());
    for (name, value) in all {
        request = request.header(name, value);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    // The id of S3's answer is another one each time.
    let ids = Regex::new(r#"request_id\\?":\\?"[0-9A-F]+"#).unwrap();
    let text = response.text().await.unwrap();
    (status, kind, ids.replace_all(&text, "request_id").into_owned())
}

#[tokio::test]
async fn both_roads_lead_to_the_same_answer() {
    let scene = Scene::on(Stage::embedded().await).await;
    scene
        .put(json!([{ "key": "a \"b\".txt", "text": "q\"\\\u{1}é\n".repeat(100) }, { "key": "n.csv", "text": "1" }]))
        .await;
    let quoted = format!("s3://{SHARED}/a%20%22b%22.txt");
    let calls = [
        ("package_templates", json!({})),
        ("auth_status", json!({ "refresh": null })),
        ("bucket_object_info", json!({ "s3_uri": quoted })),
        ("bucket_object_info", json!({ "s3_uri": uri("none") })),
        ("bucket_object_text", json!({ "s3_uri": quoted, "max_bytes": 100 })),
        ("bucket_object_fetch", json!({ "s3_uri": quoted })),
        ("bucket_objects_list", json!({ "bucket": SHARED, "max_keys": 2 })),
        ("bucket_objects_list", json!({ "bucket": "no such bucket" })),
        ("bucket_objects_list", json!({ "buckets": SHARED })),
        ("buckets", json!({})),
        ("buckets", json!({ "action": "nothing" })),
        ("packaging", json!({ "action": "metadata_templates" })),
        ("no_such_tool", json!({})),
    ];
    let (mut whole, mut questions) = (0, 0);
    for version in VERSIONS {
        for (tool, arguments) in &calls {
            let short = answer(&scene, version, (tool, arguments), (&[], json!({}))).await;
            let long = answer(&scene, version, (tool, arguments), (&[], json!({ "progressToken": 1 }))).await;
            assert_eq!(short, long, "{tool} {arguments} {version:?}");
            whole += usize::from(short.0 == 200 && short.2.contains(r#""isError":false"#));
        }
        // What is sealed differs, so that questions are compared without it.
        let (tool, arguments) = ("package_delete", json!({ "bucket": SHARED, "package_name": "a/b" }));
        let mut asked = Vec::new();
        for meta in [json!({}), json!({ "progressToken": 1 })] {
            let (status, kind, text) = answer(&scene, version, (tool, &arguments), (&[], meta)).await;
            let mut said: Value = serde_json::from_str(&text).unwrap();
            if let Some(state) = said["result"].get_mut("requestState") {
                questions += 1;
                *state = json!("sealed");
            }
            asked.push((status, kind, said.to_string()));
        }
        assert_eq!(asked[0], asked[1], "{version:?}");
    }
    assert_eq!(whole, VERSIONS.len() * 8, "so many of the calls succeed");
    assert_eq!(questions, 0, "there is no such package to ask about");
}

#[tokio::test]
async fn what_rmcp_refuses_is_refused_on_every_road() {
    let scene = Scene::on(Stage::embedded().await).await;
    let version = "io.modelcontextprotocol/protocolVersion";
    let capabilities = "io.modelcontextprotocol/clientCapabilities";
    let call = ("package_templates", &json!({}));
    for (about, headers, meta, code) in [
        ("no method", [("mcp-method", "")], json!({}), -32020),
        ("another method", [("mcp-method", "tools/list")], json!({}), -32020),
        ("no name", [("mcp-name", "")], json!({}), -32020),
        ("another name", [("mcp-name", "package_create")], json!({}), -32020),
        ("another version", [("mcp-protocol-version", "2025-11-25")], json!({}), -32020),
        ("no version", [("mcp-protocol-version", "")], json!({}), -32020),
        ("an old one in the body", [("x-none", "")], json!({ version: "2025-11-25" }), -32020),
        ("none in the body", [("x-none", "")], json!({ version: 7 }), -32602),
        ("no capabilities", [("x-none", "")], json!({ capabilities: "all" }), -32602),
    ] {
        for progress in [json!({}), json!({ "progressToken": 1 })] {
            let mut meta = meta.clone();
            meta.as_object_mut().unwrap().extend(progress.as_object().unwrap().clone());
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
    let flags = [format!("--jwt-secret={SECRET}"), format!("--registry-url=http://{}", registry.local_addr().unwrap())];
    let program = Program::serve(&flags, &[]).await;
    let address = program.server.url.trim_start_matches("http://").trim_end_matches("/mcp").to_owned();
    for (road, meta) in [("short", json!({})), ("long", json!({ "progressToken": 1 }))] {
        let bearer = token(json!({ "sub": road }));
        let params = json!({ "name": "bucket_list", "_meta": meta });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
        let mut client = TcpStream::connect(&address).await.unwrap();
        let request = format!(
            "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nx-request-id: {road}\r\n\
             Authorization: Bearer {bearer}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        client.write_all(request.as_bytes()).await.unwrap();
        let (mut asked, _) = registry.accept().await.unwrap();
        assert!(asked.read(&mut [0; 4096]).await.unwrap() > 0);
        drop(client);
        let line = program.logged(|line| line["message"] == "tool called" && line["subject"] == road).await;
        assert_eq!((&line["outcome"], &line["tool"]), (&json!("cancelled"), &json!("bucket_list")), "{road}: {line}");
        assert_eq!(line["span"]["request_id"], road, "{line}");
    }
}
