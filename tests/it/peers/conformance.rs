//! MCP's official conformance suite: the normal build in the scenarios that need no fixtures and, in a build with the
//! feature `conformance`, the same endpoint in all of them.

use std::path::Path;

use crate::support::conformance_suite::{Verdict, judge};
use crate::support::server::Server;

/// Where nothing listens; nothing that the suite does needs AWS or a registry.
const NOWHERE: &str = "http://127.0.0.1:9";
/// What only a server with sessions can do.
const SESSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/conformance/sessions.yml");

/// Returns the suite's verdict. The suite sends no token, so its calls are anonymous.
async fn verdict(version: &'static str, expected_failures: Option<&'static str>) -> Verdict {
    let flags = [
        "--anonymous".to_owned(),
        "--ambient=never".to_owned(),
        format!("--registry-url={NOWHERE}"),
    ];
    let server = Server::start_with(None, &flags).await;
    let url = server.url.clone();
    let judged = tokio::task::spawn_blocking(move || judge(&url, version, expected_failures.map(Path::new)));
    judged.await.unwrap().unwrap()
}

/// The names in a list of expected failures.
fn listed(path: &str) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut names: Vec<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("  - "))
        .map(str::to_owned)
        .collect();
    names.sort();
    names
}

#[cfg(feature = "conformance")]
#[tokio::test]
async fn with_fixtures_everything_of_2026_passes() {
    let verdict = verdict("2026-07-28", None).await;
    assert!(verdict.is_success, "{}", verdict.text);
    assert_eq!(verdict.score(), (37, 37), "{}", verdict.text);
    assert_eq!(verdict.ended("FAILURE"), []);
    assert_eq!(verdict.ended("WARNING"), []);
    let mut skipped = verdict.ended("SKIPPED");
    skipped.sort_unstable();
    let of_subscriptions = [
        "sep-2575-server-honors-notification-filter",
        "sep-2575-server-sends-prompts-list-changed-on-subscription",
        "sep-2575-server-sends-subscription-ack",
        "sep-2575-server-sends-tools-list-changed-on-subscription",
        "sep-2575-server-tags-subscription-id",
    ];
    assert_eq!(
        skipped,
        of_subscriptions.map(|check| ("server-stateless", check)),
        "nothing here ever changes"
    );
    for unscored in [
        "http-header-validation",
        "http-custom-header-server-validation",
        "json-schema-2020-12",
    ] {
        assert!(verdict.passed.contains(unscored), "{unscored}: {}", verdict.text);
    }
}

#[cfg(feature = "conformance")]
#[tokio::test]
async fn with_fixtures_all_of_2025_passes_but_what_takes_a_session() {
    let verdict = verdict("2025-11-25", Some(SESSIONS)).await;
    assert_eq!(verdict.score(), (26, 30), "{}", verdict.text);
    assert_eq!(verdict.missed(), listed(SESSIONS));
    assert_eq!(
        verdict.ended("WARNING"),
        [("server-sse-multiple-streams", "server-sse-multiple-streams-session")]
    );
    // To the suite's own list a warning is a failure too, and without a session it warns once.
    let (_, unexpected) = verdict
        .text
        .split_once("Unexpected failures (not in baseline)")
        .unwrap();
    let named: Vec<&str> = unexpected
        .lines()
        .filter_map(|line| line.trim().strip_prefix("✗ "))
        .collect();
    assert_eq!(named, ["server-sse-multiple-streams"], "{}", verdict.text);
    assert!(
        !verdict.text.contains("Stale"),
        "each listed failure is one: {}",
        verdict.text
    );
}

/// Scenarios that name no fixture.
#[cfg(not(feature = "conformance"))]
#[tokio::test]
async fn without_fixtures_all_of_2026_passes_that_needs_none() {
    let verdict = verdict("2026-07-28", None).await;
    let passed: Vec<&str> = verdict
        .scored
        .intersection(&verdict.passed)
        .map(String::as_str)
        .collect();
    let needs_none = [
        "caching",
        "dns-rebinding-protection",
        // These four say little without the tool that they are about; they are tried in earnest with fixtures.
        "input-required-result-ignore-extra-params",
        "input-required-result-missing-input-response",
        "input-required-result-unsupported-methods",
        "input-required-result-validate-input",
        "prompts-list",
        "resources-list",
        "sep-2164-resource-not-found",
        "server-sse-multiple-streams",
        "tools-list",
    ];
    assert_eq!(passed, needs_none, "{}", verdict.text);
    assert!(!verdict.is_success, "the suite wants its fixtures: {}", verdict.text);
    let warned: Vec<&str> = verdict
        .ended("WARNING")
        .into_iter()
        .map(|(scenario, _)| scenario)
        .collect();
    assert_eq!(warned.len(), 2, "{warned:?}");
    assert!(
        warned.iter().all(|scenario| needs_none[2..4].contains(scenario)),
        "{warned:?}"
    );
    assert!(verdict.passed.contains("http-header-validation"), "{}", verdict.text);
    // The one that is about the server as a whole fails in what it could not try without its tools, and in nothing else.
    let stateless: Vec<_> = verdict
        .checks
        .iter()
        .filter(|(scenario, _)| scenario == "server-stateless")
        .collect();
    let (failed, other): (Vec<_>, Vec<_>) = stateless
        .into_iter()
        .partition(|(_, check)| check["status"] == "FAILURE");
    for (_, check) in &failed {
        assert_eq!(check["details"]["untestable"], true, "{check}");
    }
    let passed = other.iter().filter(|(_, check)| check["status"] == "SUCCESS").count();
    assert_eq!((failed.len(), passed), (4, 21), "{}", verdict.text);
}

#[cfg(not(feature = "conformance"))]
#[tokio::test]
async fn without_fixtures_all_of_2025_passes_that_needs_none() {
    let verdict = verdict("2025-11-25", None).await;
    let passed: Vec<&str> = verdict
        .scored
        .intersection(&verdict.passed)
        .map(String::as_str)
        .collect();
    assert_eq!(verdict.score(), (7, 30), "{}", verdict.text);
    let needs_none = [
        "dns-rebinding-protection",
        "ping",
        "prompts-list",
        "resources-list",
        "server-initialize",
        "server-sse-multiple-streams",
        "tools-list",
    ];
    assert_eq!(passed, needs_none, "{}", verdict.text);
    for name in listed(SESSIONS) {
        assert!(verdict.missed().contains(&name.as_str()), "{name}: {}", verdict.text);
    }
}
