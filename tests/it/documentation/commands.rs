//! The commands of the pages, run as they are written but for the port, and for what the reader has to put in: secrets, files.
//! Those that deploy are compared with the template.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use jsonwebtoken::Algorithm;
use quilt_mcp::clock::Clock;
use quilt_mcp::dev::Dev;
use serde_json::Value;

use crate::support::issuer::{Issuer, SigningKey};
use crate::support::{SECRET, programs, tools};

use super::{Block, Page, ROOT, pages};

/// The endpoint that the pages name.
const ENDPOINT: &str = "http://127.0.0.1:8000/mcp";

fn page(name: &str) -> Page {
    pages().into_iter().find(|page| page.name == name).unwrap()
}

/// Returns the shell scripts of a page that a person would paste one after the other.
fn scripts(name: &str) -> String {
    let blocks = page(name).blocks();
    let pasted = blocks.into_iter().filter(|block| {
        block.language == "sh" && ["curl ", "quilt3", "quilt-mcp call "].iter().any(|command| block.code.contains(command))
        // The endpoint of a deployed server stands in lines about clients.
        && !block.code.contains("https://mcp.example.com")
    });
    let scripts: Vec<String> = pasted.map(|block| block.code).collect();
    assert!(!scripts.is_empty(), "{name}");
    scripts.concat()
}

/// Returns the block of a page that has this text.
fn block(name: &str, text: &str) -> Block {
    let mut found: Vec<Block> = page(name).blocks();
    found.retain(|block| block.language == "sh" && block.code.contains(text));
    assert_eq!(found.len(), 1, "{name}: {text}");
    found.remove(0)
}

/// Returns a shell in this folder that runs a script and ends at the first failure. The tested program is on its `PATH`.
fn shell(folder: &Path, script: &str) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_quilt-mcp")).parent().unwrap();
    let mut shell = tools::isolated(Path::new("bash"));
    shell
        .current_dir(folder)
        .env("HOME", folder)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .args(["-euo", "pipefail", "-c"])
        .arg(format!("PATH={}:$PATH\n{script}", program.display()));
    shell
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
    let prefix = python.parent().unwrap().display();
    let mut shell = shell(folder.path(), &format!("PATH={prefix}:$PATH\n{script}"));
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
    assert_eq!(answers.len(), 8, "{printed}");
    let (called, answers) = answers.split_at(2);
    assert_eq!(called[0]["buckets"][0]["name"], "quilt-dev-shared");
    assert_eq!(
        (&called[1]["success"], &called[1]["package"]["name"]),
        (&true.into(), &"examples/plankton".into())
    );
    let results: Vec<&Value> = answers
        .iter()
        .map(|answer| &answer["result"]["structuredContent"])
        .collect();
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
    let blocks = page("README.md").blocks();
    // Each has a block of its own, because the first does not return.
    for command in ["cargo run -- dev\n", "scripts/test\n"] {
        assert!(blocks.iter().any(|block| block.code == command), "{command}");
    }
    let script = Path::new(ROOT).join("scripts/test");
    let help = tools::run(tools::isolated(&script).arg("--help")).unwrap();
    assert!(help.contains("usage: scripts/test"), "{help}");
}

/// A login of quilt3 is what `cli::quilt3_login` has; here there is none.
#[test]
fn the_commands_for_tokens_can_be_pasted() {
    let folder = tempfile::tempdir().unwrap();
    let code = block("docs/tokens.md", "token mint").code;
    let (script, from_quilt3) = code.split_once("quilt-mcp token mint --from-quilt3\n").unwrap();
    assert_eq!((script.matches('…').count(), from_quilt3), (1, ""), "{code}");
    let inspected = tools::run(&mut shell(folder.path(), &script.replace('…', SECRET))).unwrap();
    for part in [
        "signature  verifies (hs256",
        "\"sub\": \"alice\"",
        "arn:aws:iam::123456789012:role/quilt/reader",
        "in 1h 59m",
    ] {
        assert!(inspected.contains(part), "{part}: {inspected}");
    }
    let refused = tools::run(&mut shell(folder.path(), "quilt-mcp token mint --from-quilt3")).unwrap_err();
    assert!(refused.to_string().contains("quilt3 login"), "{refused}");
}

#[test]
fn the_commands_for_manifests_can_be_pasted() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Path::new(ROOT).join("tests/fixtures/quilt3/tree_order");
    let top_hash = fs::read_to_string(fixture.join("top_hash.txt")).unwrap();
    fs::copy(fixture.join("manifest.jsonl"), folder.path().join("FILE")).unwrap();
    let code = block("docs/packages.md", "manifest hash").code;
    assert!(code.contains("manifest hash FILE") && code.contains(" verify FILE --top-hash HASH"));
    let printed = tools::run(&mut shell(folder.path(), &code.replace("HASH", &top_hash)));
    let matches = format!("{top_hash}\n{top_hash} matches: 11 entries, 36 bytes\n");
    assert_eq!(printed.unwrap(), matches);
    let refused = tools::run(&mut shell(folder.path(), &code.replace("HASH", &"0".repeat(64)))).unwrap_err();
    assert!(refused.to_string().contains(&top_hash), "{refused}");
}

/// The settings of a plain OAuth resource server, with a provider that is reached. The server itself has no credentials of AWS
/// here, which is all that is left to complain of.
#[tokio::test]
async fn the_settings_of_a_resource_server_are_taken() {
    let code = block("docs/identity.md", "MCP_JWT_JWKS_URL=").code;
    let issuer = Issuer::publishing(&[SigningKey::new("k", Algorithm::EdDSA).published()]).await;
    let flags = issuer.flags();
    let keys = flags
        .iter()
        .find_map(|flag| flag.strip_prefix("--jwt-jwks-url="))
        .unwrap();
    let settings = code.replace("https://login.example.com/keys", keys);
    let folder = tempfile::tempdir().unwrap();
    let mut shell = shell(
        folder.path(),
        &format!("set -a\n{settings}\nexec quilt-mcp serve --check"),
    );
    let output = tokio::task::spawn_blocking(move || shell.output())
        .await
        .unwrap()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let shown: Vec<String> = said
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    for setting in settings.lines() {
        let (name, value) = setting.split('#').next().unwrap().trim().split_once('=').unwrap();
        assert!(shown.contains(&format!("set {name} {value}")), "{name}: {said}");
    }
    assert!(
        settings.lines().count() > 5 && shown.iter().any(|line| line.starts_with("ok verification ")),
        "{said}"
    );
    let failed: Vec<&String> = shown.iter().filter(|line| line.starts_with("FAIL ")).collect();
    assert!(
        failed.iter().all(|line| line.starts_with("FAIL own identity ")),
        "{failed:?}"
    );
}

/// Returns the names that are given values in the lines of a text: `Name=value` or `name = value`.
fn assigned(words: impl Iterator<Item = String>) -> BTreeSet<String> {
    words
        .filter_map(|word| Some(word.split_once('=')?.0.trim().to_owned()))
        .collect()
}

/// No name is unknown, and none is missing that has no default.
fn are_those(place: &str, given: &BTreeSet<String>, known: &Value, default: &str) {
    let known = known.as_object().unwrap();
    let unknown: Vec<&String> = given.iter().filter(|name| !known.contains_key(*name)).collect();
    let missing: Vec<&String> = known
        .iter()
        .filter(|(name, parameter)| parameter.get(default).is_none() && !given.contains(*name))
        .map(|(name, _)| name)
        .collect();
    assert!(
        unknown.is_empty() && missing.is_empty(),
        "{place}: unknown {unknown:?}, missing {missing:?}"
    );
}

#[test]
fn deployments_name_the_parameters_of_the_template_and_the_variables_of_the_module() {
    let mut script = tools::lint_script("deployment.py").unwrap();
    let deploy = Path::new(ROOT).join("deploy");
    let parsed = tools::run(
        script
            .arg(deploy.join("cloudformation.yaml"))
            .arg(deploy.join("terraform")),
    )
    .unwrap();
    let parsed: Value = serde_json::from_str(&parsed).unwrap();
    let (mut deployments, mut modules) = (0, 0);
    for block in pages().iter().flat_map(Page::blocks) {
        let code = block.code.replace("\\\n", " ");
        if let Some((command, parameters)) = code.split_once(" --parameter-overrides ") {
            assert!(
                command.contains("--template-file deploy/cloudformation.yaml "),
                "{}",
                block.place
            );
            let given = assigned(parameters.split_whitespace().map(str::to_owned));
            are_those(&block.place, &given, &parsed["template"]["Parameters"], "Default");
            deployments += 1;
        }
        if block.language == "hcl" {
            let mut given = assigned(code.lines().map(str::to_owned));
            assert!(given.remove("source"), "{}", block.place);
            are_those(&block.place, &given, &parsed["module"]["variables"], "default");
            modules += 1;
        }
    }
    assert_eq!((deployments, modules), (2, 1));
}
