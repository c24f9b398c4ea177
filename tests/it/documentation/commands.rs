//! The commands of the README and of docs/dev.md, run as they are written but for the port.

use std::path::Path;

use quilt_mcp::clock::Clock;
use quilt_mcp::dev::Dev;
use serde_json::Value;

use crate::support::{programs, tools};

use super::{Page, pages};

/// The endpoint that the pages name.
const ENDPOINT: &str = "http://127.0.0.1:8000/mcp";

fn page(name: &str) -> Page {
    pages().into_iter().find(|page| page.name == name).unwrap()
}

/// Returns the shell scripts of a page that a person would paste one after the other.
fn scripts(name: &str) -> String {
    let blocks = page(name).blocks();
    let pasted = blocks.into_iter().filter(|block| {
        block.language == "sh" && (block.code.contains("curl ") || block.code.contains("quilt3"))
        // The endpoint of a deployed server stands in lines about clients.
        && !block.code.contains("https://mcp.example.com")
    });
    let scripts: Vec<String> = pasted.map(|block| block.code).collect();
    assert!(!scripts.is_empty(), "{name}");
    scripts.concat()
}

/// Runs a script beside a new `dev`, and returns what it printed.
async fn run(script: String) -> String {
    let folder = tempfile::tempdir().unwrap();
    let dev = Dev::start(0, &folder.path().join("dev-data"), Clock::system())
        .await
        .unwrap();
    assert!(script.contains(ENDPOINT), "{script}");
    let script = script.replace(ENDPOINT, &dev.backend.info.mcp_url);
    // Python with quilt3 comes first.
    let python = tools::python().unwrap();
    let mut shell = tools::isolated(Path::new("bash"));
    let prefix = python.parent().unwrap().display();
    shell
        .current_dir(folder.path())
        .env("HOME", folder.path())
        .args(["-euo", "pipefail", "-c"])
        .arg(format!("PATH={prefix}:$PATH\n{script}"));
    let printed = tokio::task::spawn_blocking(move || tools::run(&mut shell))
        .await
        .unwrap();
    dev.stop().await;
    printed.unwrap()
}

/// Returns the JSON documents at the beginning of a text, and what follows them.
fn documents(text: &str) -> (Vec<Value>, &str) {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let mut found = Vec::new();
    let mut end = 0;
    while let Some(Ok(document)) = stream.next() {
        end = stream.byte_offset();
        found.push(document);
    }
    (found, &text[end..])
}

/// Returns whether every member of `part` is in `whole`.
fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part
            .iter()
            .all(|(name, value)| whole.get(name).is_some_and(|whole| contains(whole, value))),
        (whole, part) => whole == part,
    }
}

#[tokio::test]
async fn the_readmes_calls_answer_what_it_shows() {
    if !programs::found(&["curl"]) {
        return;
    }
    let printed = run(scripts("README.md")).await;
    let (answers, rest) = documents(&printed);
    assert_eq!((answers.len(), rest.trim()), (2, ""), "{printed}");
    let buckets = &answers[0]["result"]["structuredContent"]["buckets"];
    assert_eq!(buckets[0]["name"], "quilt-dev-shared");
    let shown = page("README.md").blocks();
    let shown = shown.iter().find(|block| block.language == "json").unwrap();
    let shown: Value = serde_json::from_str(&shown.code).unwrap();
    let denial = &answers[1]["result"]["structuredContent"];
    assert!(contains(denial, &shown), "{denial:#}");
}

#[tokio::test]
async fn the_walk_through_dev_can_be_pasted() {
    if !programs::found(&["curl"]) {
        return;
    }
    let printed = run(scripts("docs/dev.md")).await;
    let (answers, rest) = documents(&printed);
    let results: Vec<&Value> = answers
        .iter()
        .map(|answer| &answer["result"]["structuredContent"])
        .collect();
    assert_eq!(answers.len(), 6, "{printed}");
    assert!(answers[0]["result"]["tools"].as_array().unwrap().len() > 20);
    let outcomes: Vec<&Value> = results[1..].iter().map(|result| &result["success"]).collect();
    assert_eq!(outcomes, [true, true, false, true, true], "{printed}");
    assert_eq!(results[2]["text"], "Hello");
    assert_eq!(results[3]["error_code"], "access_denied");
    assert!(
        rest.contains("samples") || rest.contains("remote Package"),
        "quilt3 shows the package: {rest}"
    );
}

#[test]
fn the_two_commands_of_the_readme_are_there() {
    let readme = page("README.md").text;
    for command in ["cargo run -- dev", "scripts/test"] {
        assert!(readme.contains(&format!("\n{command} ")), "{command}");
    }
    let script = Path::new(super::ROOT).join("scripts/test");
    let help = tools::run(tools::isolated(&script).arg("--help")).unwrap();
    assert!(help.contains("usage: scripts/test"), "{help}");
}
