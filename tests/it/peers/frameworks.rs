//! Agent frameworks: each lists the tools with its own MCP client, and converts all of them to its provider's form.
//!
//! `tests/peers/frameworks.py` has the rules. A stand-in takes the place of the provider, so that what is judged is what
//! would be sent.

use quilt_mcp::clock::Clock;
use quilt_mcp::dev::Dev;
use serde_json::Value;

use crate::support::server::Server;
use crate::support::tools::{self, McpSdk};

/// Runs these frameworks against a server that lists the tools of both styles, and returns their reports.
async fn converted(sdk: McpSdk, frameworks: &[&str]) -> anyhow::Result<Vec<Value>> {
    let data = tempfile::tempdir()?;
    let dev = Dev::start(0, data.path(), Clock::system()).await?;
    let info = &dev.backend.info;
    let flags = [
        format!("--jwt-secret={}", info.jwt_secret),
        format!("--s3-endpoint={}", info.s3_endpoint),
        "--tool-style=both".to_owned(),
    ];
    let server = Server::start_with(None, &flags).await;
    let mut script = tools::framework_script(sdk, "frameworks.py")?;
    script
        .env("HOME", data.path())
        .arg(data.path().join("dev.json"))
        .arg(&server.url)
        .args(frameworks);
    let said = tokio::task::spawn_blocking(move || tools::run(&mut script)).await??;
    dev.stop().await;
    Ok(said.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

fn names(reports: &[Value]) -> Vec<&str> {
    reports.iter().filter_map(|line| line["framework"].as_str()).collect()
}

#[tokio::test]
async fn frameworks_on_the_second_sdk_keep_every_tool() -> anyhow::Result<()> {
    let frameworks = [
        "openai-agents",
        "openai-agents, strict",
        "pydantic-ai, openai",
        "pydantic-ai, anthropic",
        "pydantic-ai, google",
        "google-adk",
    ];
    let reports = converted(McpSdk::Two, &frameworks).await?;
    assert_eq!(names(&reports), frameworks);
    assert_ne!(
        reports[1]["strict"], 0,
        "the strict form is possible for most tools: {reports:?}"
    );
    Ok(())
}

#[tokio::test]
async fn frameworks_on_the_first_sdk_keep_every_tool() -> anyhow::Result<()> {
    let frameworks = ["google-genai", "langchain-google-genai"];
    assert_eq!(names(&converted(McpSdk::One, &frameworks).await?), frameworks);
    Ok(())
}
