//! Recorded transcripts: what older clients send, and what they get.
//!
//! `tests/fixtures/transcripts` holds one file for each older client, a list of requests (`send`) and answers (`get`). This
//! test sends the requests again. An answer may change only together with a line in `CHANGELOG.md` that quotes the digest of
//! the changed file: `UPDATE_TRANSCRIPTS=1 cargo test --test it transcripts::` records the answers, and the test says which
//! digest the line needs.

use std::path::PathBuf;

use fancy_regex::Regex;
use quilt_mcp::clock::Clock;
use quilt_mcp::dev::Dev;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::server::{Answer, Server};

/// What differs between two runs, and what is written in its place.
const VARIABLE: [(&str, &str); 12] = [
    (r#"(\\?"(?:queued|running)\\?": ?)[0-9.]+"#, "${1}0"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[time]"),
    (r#""request_id": ?"[^"]+""#, r#""request_id":"[request]""#),
    (r"/1[0-9]{9}(?=\x22)", "/[seconds]"),
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "[uuid]"),
    (
        r#""(next_cursor|next_continuation_token)": ?"[^"]+""#,
        r#""$1":"[cursor]""#,
    ),
    (r"127\.0\.0\.1:\d+", "[host]"),
    (
        r"\?X-Amz[^\s\x22\\]*|\?x-id=[^\s\x22\\]*|\?versionId=[^\s\x22\\]*&X-Amz[^\s\x22\\]*",
        "?[signature]",
    ),
    (r"\b(versionId|version)=[0-9A-Za-z._-]+", "$1=[version]"),
    (r#""version_id": ?"[^"]+""#, r#""version_id":"[version]""#),
    (r"\b(AKIA|ASIA)[0-9A-Z]{12,}", "[access key]"),
    (
        r"quilt-mcp/\d+\.\d+\.\d+|(?<=\x22version\x22:\x22)\d+\.\d+\.\d+(?=\x22)",
        "[version of the server]",
    ),
];

#[tokio::test]
async fn an_older_page_gets_what_it_was_promised() {
    replay("older_page").await;
}

#[tokio::test]
async fn clients_of_version_0_22_get_what_they_were_promised() {
    replay("version_0_22").await;
}

async fn replay(client: &str) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let path = root.join(format!("tests/fixtures/transcripts/{client}.json"));
    let mut recorded: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let data = tempfile::tempdir().unwrap();
    let dev = Dev::start(0, data.path(), Clock::system()).await.unwrap();
    let server = Server::at(dev.backend.info.mcp_url.clone());
    #[expect(clippy::disallowed_methods, reason = "not a setting of the server")]
    let update = std::env::var_os("UPDATE_TRANSCRIPTS").is_some();
    assert!(recorded.len() > 10, "{client} has requests");
    for exchange in &mut recorded {
        let send = exchange["send"].clone();
        let get = exchange_once(&dev, &server, &send).await;
        if update {
            exchange["get"] = get;
        } else {
            assert_eq!(
                pretty(&exchange["get"]),
                pretty(&get),
                "{client} sent {send}: record the new answer and describe it in CHANGELOG.md"
            );
        }
    }
    dev.stop().await;
    let text = pretty(&recorded.into()) + "\n";
    if update {
        std::fs::write(&path, &text).unwrap();
    }
    let digest = Sha256::digest(&text);
    let digest = digest
        .iter()
        .take(6)
        .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    let changes = std::fs::read_to_string(root.join("CHANGELOG.md")).unwrap();
    let line = format!("`{client}` {digest}");
    assert!(
        changes.contains(&line),
        "CHANGELOG.md needs a line that says what changed for these clients and ends with: transcript {line}"
    );
}

/// Sends a request and returns its answer without what differs between two runs.
async fn exchange_once(dev: &Dev, server: &Server, send: &Value) -> Value {
    let mut body = send.clone();
    let object = body.as_object_mut().unwrap();
    let caller = object.remove("as");
    object.insert("jsonrpc".to_owned(), "2.0".into());
    if send["method"]
        .as_str()
        .is_some_and(|method| !method.starts_with("notifications/"))
    {
        object.insert("id".to_owned(), "1".into());
    }
    let bearer = format!("Bearer {}", dev.backend.info.users.writer.token);
    let headers: &[(&str, &str)] = match caller {
        None => &[],
        Some(_) => &[("authorization", &bearer)],
    };
    let answer = server.post(body.to_string(), headers).await;
    without_variables(&received(answer))
}

/// Returns a value without what differs between two calls.
pub fn without_variables(value: &Value) -> Value {
    let mut text = value.to_string();
    for (pattern, replacement) in VARIABLE {
        text = Regex::new(pattern)
            .unwrap()
            .replace_all(&text, replacement)
            .into_owned();
    }
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Returns the members of an answer that clients read. A text block that repeats the structured result is named, not copied.
fn received(answer: Answer) -> Value {
    let mut body = answer.body;
    if let Some(object) = body.as_object_mut() {
        object.remove("jsonrpc");
        object.remove("id");
    }
    let structured = body.pointer("/result/structuredContent").cloned();
    if let Some(Value::Array(blocks)) = body.pointer_mut("/result/content") {
        for block in blocks {
            let same = block["text"]
                .as_str()
                .and_then(|text| serde_json::from_str::<Value>(text).ok());
            if same.is_some() && same == structured {
                block["text"] = "[the structured result as JSON]".into();
            }
        }
    }
    json!({ "status": answer.status, "body": body })
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}
