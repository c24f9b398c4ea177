//! Real clients: both TypeScript SDKs, the Python SDK and `FastMCP` with the server, and quilt3 with its S3.
//!
//! The scripts in `tests/peers` assert what a client receives; these tests assert the effects in S3.

use std::process::Command;

use quilt_mcp::clock::Clock;
use quilt_mcp::dev::Dev;
use serde_json::Value;

use crate::support::tools;

/// The object that the reader tries to write.
const REFUSED: &str = "peers/not-mine.txt";

/// Starts everything, runs `script` against it, and returns the JSON lines that the script printed.
async fn visited(mut script: Command) -> anyhow::Result<(Dev, Vec<Value>)> {
    let data = tempfile::tempdir()?;
    let dev = Dev::start(0, data.path(), Clock::system()).await?;
    script.arg(data.path().join("dev.json"));
    let said = tokio::task::spawn_blocking(move || tools::run(&mut script)).await??;
    let reports = said.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    Ok((dev, reports))
}

/// The keys that clients wrote.
fn written(dev: &Dev) -> Vec<String> {
    let keys = dev.backend.aws.keys(&dev.backend.info.buckets.shared);
    keys.into_iter().filter(|key| key.starts_with("peers/")).collect()
}

/// The latest revisions that clients made.
fn packaged(dev: &Dev) -> Vec<String> {
    let keys = dev.backend.aws.keys(&dev.backend.info.buckets.shared).into_iter();
    let names = keys.filter_map(|key| Some(key.strip_prefix(".quilt/named_packages/peers/")?.to_owned()));
    names
        .filter_map(|key| Some(key.strip_suffix("/latest")?.to_owned()))
        .collect()
}

#[tokio::test]
async fn both_typescript_clients_are_served_in_both_eras_of_the_protocol() -> anyhow::Result<()> {
    let (dev, reports) = visited(tools::node_script("client.mjs")?).await?;
    assert_eq!(values(&reports, "mode"), ["1.x", "legacy", "auto", "2026-07-28"]);
    assert_eq!(
        values(&reports, "protocol"),
        ["2025-11-25", "2025-11-25", "2026-07-28", "2026-07-28"]
    );
    let modes = ["1.x", "2026-07-28", "auto", "legacy"];
    assert_eq!(
        written(&dev),
        modes.map(|mode| format!("peers/typescript {mode} – été.txt"))
    );
    assert_eq!(
        packaged(&dev),
        modes.map(|mode| format!("typescript-{}", mode.replace('.', "-")))
    );
    assert_eq!(tried_and_refused(&dev), modes.len());
    dev.stop().await;
    Ok(())
}

#[tokio::test]
async fn the_python_client_is_served_in_both_eras_of_the_protocol() -> anyhow::Result<()> {
    let (dev, reports) = visited(tools::python_script("client.py")?).await?;
    assert_eq!(values(&reports, "mode"), ["auto", "2026-07-28", "legacy"]);
    assert_eq!(values(&reports, "protocol"), ["2026-07-28", "2026-07-28", "2025-11-25"]);
    let modes = ["2026-07-28", "auto", "legacy"];
    assert_eq!(
        written(&dev),
        modes.map(|mode| format!("peers/python {mode} – été.txt"))
    );
    assert_eq!(packaged(&dev), modes.map(|mode| format!("python-{mode}")));
    assert_eq!(tried_and_refused(&dev), modes.len());
    dev.stop().await;
    Ok(())
}

#[tokio::test]
async fn fastmcp_is_served_in_both_eras_of_the_protocol() -> anyhow::Result<()> {
    let (dev, reports) = visited(tools::python_script("fastmcp_client.py")?).await?;
    assert_eq!(values(&reports, "mode"), ["auto", "legacy"]);
    assert_eq!(values(&reports, "protocol"), ["2026-07-28", "2025-11-25"]);
    assert_eq!(written(&dev), ["peers/fastmcp auto.txt", "peers/fastmcp legacy.txt"]);
    assert_eq!(packaged(&dev), ["fastmcp-auto", "fastmcp-legacy"]);
    assert_eq!(tried_and_refused(&dev), 2);
    dev.stop().await;
    Ok(())
}

#[tokio::test]
async fn quilt3_browses_the_sample_package() -> anyhow::Result<()> {
    let (dev, reports) = visited(tools::python_script("quilt3_browse.py")?).await?;
    assert_eq!(values(&reports, "top_hash"), [dev.backend.info.package.hash.as_str()]);
    assert_eq!(written(&dev), [""; 0]);
    dev.stop().await;
    Ok(())
}

/// Returns the values of `field`, in the order of the lines.
fn values<'a>(reports: &'a [Value], field: &str) -> Vec<&'a str> {
    reports.iter().filter_map(|line| line.get(field)?.as_str()).collect()
}

/// Returns how often S3, and not the server by itself, refused the reader.
fn tried_and_refused(dev: &Dev) -> usize {
    let entries = dev.backend.aws.journal().entries();
    entries
        .iter()
        .filter(|entry| entry.key.as_deref() == Some(REFUSED) && entry.status == 403)
        .count()
}
