//! The catalog's web page as a client: its requests, in its order, from another origin.

use quilt_mcp::clock::Clock;
use quilt_mcp::dev::{Backend, Dev};
use serde_json::{Value, json};

use crate::support::server::{Answer, Server};

const PAGE: (&str, &str) = ("origin", "https://catalog.example.com");

/// The page's server: everything of `dev`, for a page of another origin.
async fn server(dev: &Backend) -> Server {
    let mut flags = dev.flags();
    flags.push(format!("--allowed-origins={}", PAGE.1));
    Server::start_with(None, &flags).await
}

/// Returns the part of an answer that the page reads, after checks of its status, its CORS headers and its id.
fn readable(answer: &Answer, id: &str) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.headers["access-control-allow-origin"], PAGE.1);
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.body["id"], id, "an id is a text here, and must come back as one");
    answer.body["result"].clone()
}

#[tokio::test]
async fn the_catalogs_page_is_served() {
    let data = tempfile::tempdir().unwrap();
    let dev = Dev::start(0, data.path(), Clock::system()).await.unwrap();
    let server = server(&dev.backend).await;
    let bearer = format!("Bearer {}", dev.backend.info.users.reader.token);
    let headers = [
        PAGE,
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", "2025-06-18"),
        ("authorization", bearer.as_str()),
    ];
    let ask = async |id: &str, method: &str, params: Value| {
        let body = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string();
        readable(&server.post(body, &headers).await, id)
    };
    let asked = "authorization,content-type,accept,mcp-protocol-version";
    let preflight = [
        PAGE,
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", asked),
    ];
    let allowed = server.request("OPTIONS", "/mcp", &preflight).await;
    assert_eq!(
        (
            allowed.status,
            allowed.headers["access-control-allow-headers"].to_str().unwrap()
        ),
        (200, asked)
    );

    let client = json!({ "name": "quilt-catalog", "version": "1" });
    let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client });
    let hello = ask("0b6f-1", "initialize", params).await;
    assert_eq!(hello["protocolVersion"], "2025-06-18");
    let begun = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    let begun = server.post(begun, &headers).await;
    assert_eq!((begun.status, &begun.body), (202, &json!("")));
    let tools = ask("0b6f-2", "tools/list", json!({})).await;
    for tool in tools["tools"].as_array().unwrap() {
        assert!(
            tool["annotations"]["readOnlyHint"].is_boolean(),
            "the page repeats only what reads"
        );
    }
    let listed = ask("0b6f-3", "resources/list", json!({})).await;
    assert_eq!(listed["resources"][0]["uri"], "quilt://search-syntax");
    let uri = format!("s3://{}/plankton/README.md", dev.backend.info.buckets.shared);
    let read = ask("0b6f-4", "resources/read", json!({ "uri": uri })).await;
    assert!(read["contents"][0]["text"].as_str().unwrap().len() < 16 * 1024);
    assert_eq!(ask("0b6f-5", "ping", json!({})).await, json!({}));
    let uri = format!("s3://{}/plankton/images/gradient.png", dev.backend.info.buckets.shared);
    let arguments = json!({ "action": "object_fetch", "params": { "s3_uri": uri } });
    let image = ask(
        "0b6f-6",
        "tools/call",
        json!({ "name": "buckets", "arguments": arguments }),
    )
    .await;
    assert_eq!(
        (&image["isError"], &image["content"][1]["mimeType"]),
        (&json!(false), &json!("image/png"))
    );

    // A login that is over is an error that the page can read, and tell from a broken server.
    let expired = [PAGE, headers[1], headers[2], ("authorization", "Bearer x.y.z")];
    let call = r#"{"jsonrpc":"2.0","id":"0b6f-7","method":"tools/call","params":{"name":"bucket_list"}}"#;
    let refused = server.post(call, &expired).await;
    assert_eq!(refused.refused(), (401, "invalid_jwt"));
    assert_eq!(refused.headers["access-control-allow-origin"], PAGE.1);
    dev.stop().await;
}
