//! The MCP Inspector's command line in both eras of the protocol: its output and exit codes.

use quilt_mcp::clock::Clock;
use quilt_mcp::dev::Dev;
use serde_json::{Value, json};

use crate::support::tools;

/// Its exit codes.
const AUTH_REQUIRED: i32 = 3;
const TOOL_FAILED: i32 = 5;

/// How it ended, what it printed, and what it complained of.
struct Visit {
    code: i32,
    result: Value,
    complaint: String,
}

async fn inspect(url: &str, era: &str, token: Option<&str>, arguments: &[&str]) -> anyhow::Result<Visit> {
    let mut command = tools::inspector()?;
    command
        .args([
            "--cli",
            url,
            "--transport",
            "http",
            "--protocol-era",
            era,
            "--format",
            "json",
        ])
        .args(arguments);
    if let Some(token) = token {
        command.args(["--header", &format!("Authorization: Bearer {token}")]);
    }
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    Ok(Visit {
        code: output.status.code().unwrap_or(-1),
        result: serde_json::from_slice::<Value>(&output.stdout).unwrap_or_default()["result"].take(),
        complaint: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

#[tokio::test]
async fn the_inspector_is_served_in_both_eras_of_the_protocol() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let dev = Dev::start(0, data.path(), Clock::system()).await?;
    let (url, shared) = (
        dev.backend.info.mcp_url.as_str(),
        dev.backend.info.buckets.shared.as_str(),
    );
    let (reader, writer) = (
        &dev.backend.info.users.reader.token,
        &dev.backend.info.users.writer.token,
    );
    for era in ["legacy", "auto", "modern"] {
        // An error that its lints find in a schema would be exit code 6.
        let list = inspect(url, era, None, &["--method", "tools/list", "--strict"]).await?;
        assert_eq!(list.code, 0, "{era}: {}", list.complaint);
        assert_eq!(list.result["tools"].as_array().map(Vec::len), Some(42), "{era}");

        let call = async |token: Option<&str>, tool: &str, arguments: Value| {
            let arguments = arguments.to_string();
            inspect(
                url,
                era,
                token,
                &[
                    "--method",
                    "tools/call",
                    "--tool-name",
                    tool,
                    "--tool-args-json",
                    &arguments,
                ],
            )
            .await
        };
        let key = format!("inspected/{era}.txt");
        let put = json!({ "bucket": shared, "items": [{ "key": key, "text": era }] });
        let written = call(Some(writer), "bucket_objects_put", put.clone()).await?;
        assert_eq!(
            (written.code, &written.result["structuredContent"]["uploaded"]),
            (0, &json!(1)),
            "{era}"
        );
        let is_new = written.result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "quilt-mcp";
        assert_eq!(
            is_new,
            era != "legacy",
            "only the newer era names the server in every result"
        );
        let read = call(
            Some(reader),
            "bucket_object_text",
            json!({ "s3_uri": format!("s3://{shared}/{key}") }),
        )
        .await?;
        assert_eq!((read.code, &read.result["structuredContent"]["text"]), (0, &json!(era)));

        let refused = call(Some(reader), "bucket_objects_put", put).await?;
        assert_eq!(
            (refused.code, &refused.result["isError"]),
            (TOOL_FAILED, &json!(true)),
            "{era}"
        );
        let reason = refused.result["structuredContent"]["error"]
            .as_str()
            .unwrap_or_default();
        assert!(
            reason.starts_with(&format!("S3 denied s3:PutObject on s3://{shared}/{key} to arn:")),
            "{era}: {reason}"
        );

        let stranger = call(None, "auth_status", json!({})).await?;
        assert_eq!(stranger.code, AUTH_REQUIRED, "{era}: {}", stranger.complaint);
        assert!(
            stranger.complaint.contains("auth_required"),
            "{era}: {}",
            stranger.complaint
        );
    }
    dev.stop().await;
    Ok(())
}
