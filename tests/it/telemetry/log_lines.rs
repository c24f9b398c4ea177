//! Bounds of log lines: at most 4 KiB for any input, without names that the server does not know.

use serde_json::{Value, json};

use crate::support::program::Program;
use crate::support::stage::{SHARED, Stage};
use crate::support::{SECRET, token};

const MAX_LINE_BYTES: usize = 4096;

/// The lines about a request that was answered, as they were written.
async fn lines_about(program: &Program, id: &str) -> Vec<String> {
    program
        .logged(|line| line["message"] == "request answered" && line["request_id"] == id)
        .await;
    program.texts().into_iter().filter(|text| text.contains(id)).collect()
}

#[tokio::test]
async fn no_line_is_longer_than_four_kib_whatever_comes() {
    let stage = Stage::embedded().await;
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--s3-endpoint={}", stage.endpoint),
    ];
    let program = Program::serve(&flags, &[("QUILT_MCP_LOG", "debug".into())]).await;

    let method = "m".repeat(3_000_000);
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method }).to_string();
    let answer = program.server.post(body, &[("x-request-id", "long-method")]).await;
    assert!((400..500).contains(&answer.status), "{}", answer.status);

    // As long as a head may be. Paths below /mcp are logged at `info`, all others at `debug`.
    for (id, path) in [
        ("long-path", format!("/{}", "p".repeat(60_000))),
        ("long-mcp", format!("/mcp{}", "p".repeat(60_000))),
    ] {
        let answer = program.server.request("POST", &path, &[("x-request-id", id)]).await;
        assert!((400..500).contains(&answer.status), "{}", answer.status);
    }

    let (keys, subject) = (&stage.reader, "s".repeat(10_000));
    let bearer = token(
        json!({ "sub": subject, "aws_credentials": { "access_key_id": keys.access_key_id,
        "secret_access_key": keys.secret_access_key, "session_token": keys.session_token } }),
    );
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "bucket_objects_list", "arguments": { "bucket": SHARED } } });
    let authorization = format!("Bearer {bearer}");
    let headers = [
        ("authorization", authorization.as_str()),
        ("x-request-id", "long-subject"),
    ];
    // Whether a token of that length is taken at all is not this test's matter.
    program.server.post(body.to_string(), &headers).await;

    for id in ["long-method", "long-path", "long-mcp", "long-subject"] {
        let lines = lines_about(&program, id).await;
        assert!(!lines.is_empty(), "{id}");
        for line in lines {
            assert!(
                line.len() < MAX_LINE_BYTES,
                "{id}: {} bytes: {}",
                line.len(),
                &line[..300]
            );
            let event: Value = serde_json::from_str(&line).unwrap();
            assert_eq!((&event["request_id"], event.get("spans")), (&json!(id), None), "{line}");
            assert_eq!(line.matches(id).count(), 1, "the span stands once in {line}");
            for repeated in ["mmmm", "pppp"] {
                assert!(!line.contains(repeated), "{line}");
            }
        }
    }
    let line = program
        .logged(|line| line["request_id"] == "long-method" && line["status"].is_u64())
        .await;
    assert_eq!(
        (&line["method"], &line["path"]),
        (&json!("POST"), &json!("/mcp")),
        "{line}"
    );
    let line = program
        .logged(|line| line["request_id"] == "long-path" && line["status"].is_u64())
        .await;
    assert_eq!(line["path"], "(unknown)", "{line}");
    assert!(program.texts().iter().all(|line| line.len() < MAX_LINE_BYTES));
}
