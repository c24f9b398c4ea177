//! Agents with a scripted model: what reaches the model of Claude Code, Codex, Gemini CLI and openai-agents.
//!
//! The scripts in `tests/peers/models` assert what the model gets; these tests assert that the calls reached S3. The
//! agents are large (about a gigabyte from npm and `PyPI`), so these tests are ignored unless they are asked for:
//!
//! ```sh
//! QUILT_MCP_TEST_MODEL_CLIENTS=1 cargo test --test it model_clients:: -- --ignored
//! ```
//!
//! Without the variable they fail, so that `--ignored` alone does not install the agents.

use quilt_mcp::clock::Clock;
use quilt_mcp::dev::Dev;
use serde_json::Value;

use crate::support::tools;

const SWITCH: &str = "QUILT_MCP_TEST_MODEL_CLIENTS";
const PICTURES: [&str; 2] = ["plankton/images/gradient.png", "peers/large.png"];

/// Lets the agent make the calls. The script fails if its model did not get what it should.
async fn model_gets_the_results(client: &'static str) -> anyhow::Result<()> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the switch of a test is no setting of the server"
    )]
    let switch = std::env::var(SWITCH).unwrap_or_default();
    anyhow::ensure!(
        switch == "1",
        "{client} was not run: set {SWITCH}=1 to install and run it"
    );
    let data = tempfile::tempdir()?;
    let dev = Dev::start(0, data.path(), Clock::system()).await?;
    let dev_json = data.path().join("dev.json");
    let printed =
        tokio::task::spawn_blocking(move || tools::run(&mut tools::model_client(client, &dev_json)?)).await??;
    let report: Value = serde_json::from_str(&printed)?;
    assert_eq!(report["client"], client);

    let entries = dev.backend.aws.journal().entries();
    for picture in PICTURES {
        let is_read = entries
            .iter()
            .any(|entry| entry.operation == "GetObject" && entry.key.as_deref() == Some(picture) && entry.status < 300);
        assert!(is_read, "{client} read {picture} from S3");
    }
    let private = &dev.backend.info.buckets.private;
    let denied = entries.iter().filter(|entry| {
        entry.operation == "ListObjectsV2" && entry.bucket.as_ref() == Some(private) && entry.status == 403
    });
    // One for the agent, and one for the script, which asks for the sentence itself.
    assert!(
        denied.count() >= 2,
        "S3, and not the server, denied {client} the listing"
    );
    dev.stop().await;
    Ok(())
}

#[tokio::test]
#[ignore = "installs Claude Code; set QUILT_MCP_TEST_MODEL_CLIENTS=1"]
async fn the_model_of_claude_code_sees_pictures_and_sentences() -> anyhow::Result<()> {
    model_gets_the_results("claude-code").await
}

#[tokio::test]
#[ignore = "installs Codex; set QUILT_MCP_TEST_MODEL_CLIENTS=1"]
async fn the_model_of_codex_sees_pictures_and_sentences() -> anyhow::Result<()> {
    model_gets_the_results("codex").await
}

#[tokio::test]
#[ignore = "installs Gemini CLI; set QUILT_MCP_TEST_MODEL_CLIENTS=1"]
async fn the_model_of_gemini_cli_sees_pictures_and_sentences() -> anyhow::Result<()> {
    model_gets_the_results("gemini-cli").await
}

#[tokio::test]
#[ignore = "installs openai-agents; set QUILT_MCP_TEST_MODEL_CLIENTS=1"]
async fn the_model_of_openai_agents_sees_pictures_and_sentences() -> anyhow::Result<()> {
    model_gets_the_results("openai-agents").await
}
