//! The views for MCP hosts, in the official host bridge in a real Chromium, and how they are served.

use serde_json::{Map, Value, json};

use super::visits::{config, visit};
use crate::support::SECRET;
use crate::support::on_dev::OnDev;
use crate::support::server::Server;

const MARKUP: &str = "<img src=x onerror=window.ran=1>";
const HOSTILE: [(&str, &str); 3] = [
    ("a<b>&.txt", "<script>window.ran=1</script>"),
    ("javascript:window.ran=1.md", "[x](javascript:window.ran=1)"),
    (
        "<svg onload=window.ran=1>.csv",
        "a,<iframe src=javascript:window.ran=1>",
    ),
];

/// What a view does for a person is in `tests/peers/console/views.mjs`: all views, in both eras.
#[tokio::test]
async fn views_work_in_the_official_host() {
    let dev = OnDev::with(&[]).await;
    let (bucket, name) = (dev.bucket(), dev.dev.backend.info.package.name.clone());
    let items = json!([{ "key": "notes/added.txt", "text": "x" }]);
    dev.call("bucket_objects_put", json!({ "bucket": bucket, "items": items }))
        .await
        .success();
    let add = json!([{ "s3_uri": format!("s3://{bucket}/notes/added.txt"), "logical_key": "notes/added.txt" }]);
    dev.call("package_update", json!({ "bucket": bucket, "name": name, "add": add }))
        .await
        .success();
    for (key, content) in HOSTILE {
        let aws = &dev.dev.backend.aws;
        aws.put_object(&bucket, &format!("hostile/{key}"), content, None, &[])
            .unwrap();
    }
    let create = json!({
        "bucket": bucket, "name": "page/hostile", "source_prefix": "hostile/", "message": MARKUP, "metadata": { "x": MARKUP },
    });
    dev.call("package_create_from_s3", create).await.success();
    let mut config = config(&dev);
    config["catalog"] = json!(dev.dev.backend.info.catalog_url);
    config["files"] = json!(["data/measurements.csv", "README.md"].map(|key| format!("s3://{bucket}/plankton/{key}")));
    config["hostile"] = json!({
        "name": "page/hostile", "message": MARKUP, "metadata": { "x": MARKUP },
        "files": Map::from_iter(HOSTILE.map(|(key, content)| (key.to_owned(), json!(content)))),
    });
    visit("shows_views_in_a_host", config).await;
}

#[tokio::test]
async fn views_are_read_without_a_token_and_may_be_cached_by_all() {
    let server = Server::start_with(None, &[format!("--jwt-secret={SECRET}")]).await;
    let read = async |uri: &str, version: &str, headers: &[(&str, &str)]| -> Value {
        let meta = json!({ "io.modelcontextprotocol/protocolVersion": version, "io.modelcontextprotocol/clientCapabilities": {} });
        let params = if version < "2026" {
            json!({ "uri": uri })
        } else {
            json!({ "uri": uri, "_meta": meta })
        };
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": params }).to_string();
        let own = [
            ("mcp-protocol-version", version),
            ("mcp-method", "resources/read"),
            ("mcp-name", uri),
        ];
        let all: Vec<(&str, &str)> = own.iter().chain(headers).copied().collect();
        server.post(body, &all).await.body
    };
    for uri in [
        "ui://quilt/package.html",
        "ui://quilt/permissions.html",
        "ui://quilt/table.html",
    ] {
        let (old, new) = (
            read(uri, "2025-11-25", &[]).await,
            read(uri, "2026-07-28", &[]).await["result"].clone(),
        );
        let content = &new["contents"][0];
        assert_eq!(
            &old["result"]["contents"][0], content,
            "the eras differ in the envelope alone"
        );
        assert_eq!(
            (&content["uri"], &content["mimeType"], &content["_meta"]),
            (
                &json!(uri),
                &json!("text/html;profile=mcp-app"),
                &json!({ "ui": { "csp": {}, "prefersBorder": true } })
            )
        );
        assert!(content["text"].as_str().unwrap().starts_with("<!doctype html>"));
        assert_eq!((&new["cacheScope"], &new["ttlMs"]), (&json!("public"), &json!(300_000)));
    }
    let unknown = read("ui://quilt/other.html", "2025-11-25", &[]).await;
    assert_eq!(unknown["error"]["data"]["error_code"], "no_such_resource", "{unknown}");
    // A view whose tools are off has nothing to show; one of two toolsets is enough.
    let buckets = [("x-mcp-toolsets", "buckets")];
    let off = read("ui://quilt/package.html", "2025-11-25", &buckets).await;
    assert_eq!(off["error"]["data"]["error_code"], "toolset_off", "{off}");
    let on = read("ui://quilt/table.html", "2025-11-25", &buckets).await;
    assert!(on["result"]["contents"][0]["text"].is_string(), "{on}");
}
