//! Real clients talk to everything in one process: both TypeScript SDKs, the Python SDK and `FastMCP` to the server, quilt3
//! to its S3.
//!
//! What a client saw is asserted in its script in `tests/peers`; what came of it in S3 is asserted here.

use std::process::Command;

use quilt_mcp::clock::Clock;
use quilt_mcp::dev::Dev;
use serde_json::Value;

use crate::support::tools;

/// The object that the reader tries to write.
const REFUSED: &str = "peers/not-mine.txt";

/// Everything, running, after `script` was there, and the lines in which the script told what it saw.
async fn visited(mut script: Command) -> anyhow::Result<(Dev, Vec<Value>)> {
    let data = tempfile::tempdir()?;
    let dev = Dev::start(0, data.path(), Clock::system()).await?;
    script.arg(data.path().join("dev.json"));
    let said = tokio::task::spawn_blocking(move || tools::run(&mut script)).await??;
    let seen = said.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    Ok((dev, seen))
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
    let (dev, seen) = visited(tools::node_script("client.mjs")?).await?;
    assert_eq!(told(&seen, "mode"), ["1.x", "legacy", "auto", "2026-07-28"]);
    assert_eq!(
        told(&seen, "protocol"),
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
    let (dev, seen) = visited(tools::python_script("client.py")?).await?;
    assert_eq!(told(&seen, "mode"), ["auto", "2026-07-28", "legacy"]);
    assert_eq!(told(&seen, "protocol"), ["2026-07-28", "2026-07-28", "2025-11-25"]);
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
    let (dev, seen) = visited(tools::python_script("fastmcp_client.py")?).await?;
    assert_eq!(told(&seen, "mode"), ["auto", "legacy"]);
    assert_eq!(told(&seen, "protocol"), ["2026-07-28", "2025-11-25"]);
    assert_eq!(written(&dev), ["peers/fastmcp auto.txt", "peers/fastmcp legacy.txt"]);
    assert_eq!(packaged(&dev), ["fastmcp-auto", "fastmcp-legacy"]);
    assert_eq!(tried_and_refused(&dev), 2);
    dev.stop().await;
    Ok(())
}

#[tokio::test]
async fn quilt3_browses_the_sample_package() -> anyhow::Result<()> {
    let (dev, seen) = visited(tools::python_script("quilt3_browse.py")?).await?;
    assert_eq!(told(&seen, "top_hash"), [dev.backend.info.package.hash.as_str()]);
    assert_eq!(written(&dev), [""; 0]);
    dev.stop().await;
    Ok(())
}

/// What each line says of `field`.
fn told<'a>(seen: &'a [Value], field: &str) -> Vec<&'a str> {
    seen.iter().filter_map(|line| line.get(field)?.as_str()).collect()
}

/// How often it was S3 that refused the reader, and not the server by itself.
fn tried_and_refused(dev: &Dev) -> usize {
    let entries = dev.backend.aws.journal().entries();
    entries
        .iter()
        .filter(|entry| entry.key.as_deref() == Some(REFUSED) && entry.status == 403)
        .count()
}
