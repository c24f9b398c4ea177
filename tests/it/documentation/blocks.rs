//! Blocks of code: each is parsed in its language, and shell scripts pass shellcheck.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{programs, tools};

use super::{Block, pages};

/// Languages without a parser here: diagrams, and what no program reads.
const TEXT: [&str; 2] = ["mermaid", "text"];
/// Languages that `tests/peers/code_blocks.py` parses.
const BY_PYTHON: [&str; 4] = ["hcl", "python", "toml", "yaml"];

fn blocks() -> BTreeMap<String, Vec<Block>> {
    let mut blocks: BTreeMap<String, Vec<Block>> = BTreeMap::new();
    for block in pages().iter().flat_map(super::Page::blocks) {
        blocks.entry(block.language.clone()).or_default().push(block);
    }
    blocks
}

fn of(language: &str) -> Vec<Block> {
    let found = blocks().remove(language).unwrap_or_default();
    assert!(!found.is_empty(), "there are blocks of {language}");
    found
}

#[test]
fn each_block_is_in_a_language_that_is_checked() {
    let known = [&TEXT[..], &BY_PYTHON[..], &["js", "json", "sh"]].concat();
    for (language, blocks) in blocks() {
        assert!(
            known.contains(&language.as_str()),
            "{}: `{language}` is none of {known:?}",
            blocks[0].place
        );
    }
}

#[test]
fn json_is_json() {
    for block in of("json") {
        let parsed: Result<Value, _> = serde_json::from_str(&block.code);
        assert!(parsed.is_ok(), "{}: {parsed:?}", block.place);
    }
}

#[test]
fn python_toml_yaml_and_hcl_can_be_read() {
    let mut all = blocks();
    let blocks: Vec<Value> = BY_PYTHON
        .iter()
        .flat_map(|language| all.remove(*language).unwrap_or_default())
        .map(|block| json!({ "language": block.language, "code": block.code, "place": block.place }))
        .collect();
    assert!(blocks.len() > 5);
    let mut command = tools::lint_script("code_blocks.py").unwrap();
    let mut script = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = script.stdin.take().unwrap();
    input.write_all(json!(blocks).to_string().as_bytes()).unwrap();
    drop(input);
    let output = script.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn javascript_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    for block in of("js") {
        let file = folder.path().join("block.mjs");
        fs::write(&file, &block.code).unwrap();
        let checked = tools::run(tools::isolated(Path::new("node")).arg("--check").arg(&file));
        assert!(checked.is_ok(), "{}: {checked:?}", block.place);
    }
}

/// Words in capitals stand for the reader's own names, so that variables which are not set are none of the faults.
#[test]
fn shell_scripts_pass_shellcheck() {
    if !programs::found(&["shellcheck"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for block in of("sh") {
        let file = folder.path().join("block.sh");
        fs::write(&file, &block.code).unwrap();
        let read = tools::run(tools::isolated(Path::new("bash")).arg("-n").arg(&file));
        assert!(read.is_ok(), "{}: {read:?}", block.place);
        // Variables that are used elsewhere or not set here, and words that a URL without blanks would not lose.
        let mut check = tools::isolated(Path::new("shellcheck"));
        check
            .args(["--shell=bash", "--exclude=SC2034,SC2086,SC2154"])
            .arg(&file);
        let checked = tools::run(&mut check);
        assert!(checked.is_ok(), "{}: {checked:?}", block.place);
    }
}
