//! Visits in a real Chromium. What a visit does, and what must hold for it, is in `tests/peers/console`: in every visit the
//! Content Security Policy is not violated, no other origin is asked, and no token is in a URL or in storage that outlives
//! the tab.

use std::path::Path;

use secrecy::SecretString;
use serde_json::{Map, Value, json};

use quilt_mcp::dev::sign_hs256;

use crate::support::on_dev::OnDev;
use crate::support::server::Server;
use crate::support::tools;

/// Drives the browser. Fails with what the visit found.
pub(super) async fn visit(name: &str, config: Value) {
    let home = tempfile::tempdir().unwrap();
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("console");
    std::fs::create_dir_all(&pictures).unwrap();
    let mut config = config;
    config["folder"] = json!(home.path());
    let mut drive = tools::node_script("console/drive.mjs").unwrap();
    drive
        .arg(tools::chromium().unwrap())
        .arg(name)
        .arg(config.to_string())
        .env("HOME", home.path())
        .env("PICTURES", pictures);
    let visited = tokio::task::spawn_blocking(move || tools::run(&mut drive))
        .await
        .unwrap();
    if let Err(error) = visited {
        panic!("{name}: {error:#}");
    }
}

/// What a visit to `dev` needs to know.
pub(super) fn config(dev: &OnDev) -> Value {
    let info = &dev.dev.backend.info;
    let secret = SecretString::from(info.jwt_secret.clone());
    let expired = json!({ "sub": "reader", "exp": 1_700_000_000 });
    json!({
        "origin": info.mcp_url.trim_end_matches("/mcp"),
        "shared": info.buckets.shared,
        "hidden": info.buckets.private,
        "bucket": info.buckets.shared,
        "name": info.package.name,
        "expired": sign_hs256(&expired, &secret).unwrap(),
        "users": { "reader": info.users.reader.token, "writer": info.users.writer.token },
    })
}

async fn dev() -> OnDev {
    OnDev::with(&[]).await
}

#[tokio::test]
async fn the_page_says_how_to_connect() {
    let dev = dev().await;
    let mut flags = dev.dev.backend.flags();
    flags.push("--contact=the data desk".to_owned());
    let server = Server::start_with(None, &flags).await;
    let origin = server.url.trim_end_matches("/mcp");
    visit("connects", json!({ "origin": origin, "endpoint": server.url })).await;
}

#[tokio::test]
async fn the_console_shows_identity_and_rights_with_evidence() {
    let dev = dev().await;
    visit("shows_rights", config(&dev)).await;
}

#[tokio::test]
async fn the_console_says_what_is_wrong_with_a_token() {
    let dev = dev().await;
    visit("refuses_tokens", config(&dev)).await;
}

#[tokio::test]
async fn a_package_is_browsed_and_compared() {
    let dev = dev().await;
    let (bucket, name) = (dev.bucket(), dev.dev.backend.info.package.name.clone());
    let items = json!([{ "key": "notes/added.txt", "text": "x" }]);
    dev.call("bucket_objects_put", json!({ "bucket": bucket, "items": items }))
        .await
        .success();
    let add = json!([{ "s3_uri": format!("s3://{bucket}/notes/added.txt"), "logical_key": "notes/added.txt" }]);
    let update = json!({ "bucket": bucket, "name": name, "add": add });
    dev.call("package_update", update).await.success();
    visit("browses_packages", config(&dev)).await;
}

#[tokio::test]
async fn hostile_content_stays_text() {
    let dev = dev().await;
    let bucket = dev.bucket();
    let markup = "<img src=x onerror=window.ran=1>";
    let files = [
        ("a<b>&.txt", "<script>window.ran=1</script>"),
        ("javascript:window.ran=1.md", "[x](javascript:window.ran=1)"),
        (
            "<svg onload=window.ran=1>.csv",
            "a,<iframe src=javascript:window.ran=1>",
        ),
    ];
    let aws = &dev.dev.backend.aws;
    for (key, content) in files {
        aws.put_object(&bucket, &format!("hostile/{key}"), content, None, &[])
            .unwrap();
    }
    let create = json!({
        "bucket": bucket, "name": "page/hostile", "source_prefix": "hostile/", "message": markup, "metadata": { "x": markup },
    });
    dev.call("package_create_from_s3", create).await.success();
    let mut config = config(&dev);
    config["name"] = json!("page/hostile");
    config["texts"] = json!({
        "key": files[0].0, "message": markup, "metadata": { "x": markup }, "files": Map::from_iter(files.map(|(key, content)| (key.to_owned(), json!(content)))),
    });
    visit("shows_hostile_content_as_text", config).await;
}

#[tokio::test]
async fn each_tool_has_a_form() {
    let dev = dev().await;
    let listed = dev.server.rpc(None, "tools/list", json!({})).await;
    let tools = listed.body["result"]["tools"].as_array().unwrap().iter().map(|tool| {
        let properties = tool["inputSchema"]["properties"].as_object().unwrap();
        let names: Vec<&String> = properties.keys().collect();
        (tool["name"].as_str().unwrap().to_owned(), json!(names))
    });
    let mut config = config(&dev);
    config["tools"] = Value::Object(tools.collect());
    visit("has_a_form_for_each_tool", config).await;
}

#[tokio::test]
async fn tools_are_run_by_their_forms() {
    let dev = dev().await;
    visit("runs_tools", config(&dev)).await;
}

#[tokio::test]
async fn a_call_reports_progress_and_is_cancelled() {
    let dev = dev().await;
    let aws = &dev.dev.backend.aws;
    for number in 0..3000 {
        aws.put_object(&dev.bucket(), &format!("slow/{number}"), "x", None, &[])
            .unwrap();
    }
    visit("cancels_a_call", config(&dev)).await;
}

#[tokio::test]
async fn the_request_log_shows_the_requests_of_other_pages() {
    let dev = dev().await;
    visit("shows_requests_of_others", config(&dev)).await;
}

#[tokio::test]
async fn without_a_log_the_page_shows_its_own_requests() {
    let dev = dev().await;
    let mut flags = dev.dev.backend.flags();
    flags.push("--console=full".to_owned());
    let server = Server::start_with(None, &flags).await;
    let mut config = config(&dev);
    config["origin"] = json!(server.url.trim_end_matches("/mcp"));
    visit("shows_its_own_requests", config).await;
}

#[tokio::test]
async fn the_page_survives_an_outage_of_the_server() {
    let dev = dev().await;
    visit("survives_an_outage", config(&dev)).await;
}
