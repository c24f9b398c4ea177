//! Commits of manifests that are written in parts: races, a fault at each request, and a killed process; the package is the old
//! or the new revision, and never half.

use std::collections::BTreeSet;

use futures::future::join_all;
use quilt_format::manifest::ManifestWriter;
use quilt_format::{Entry, Header, PhysicalKey};
use serde_json::{Value, json};

use super::commits::{Expectation, Writer, hash};
use crate::support::faults::nth_request::{Fault, NthRequestProxy, Plan};
use crate::support::program::Program;
use crate::support::server::{Answer, Server};
use crate::support::stage::{SHARED, Stage};

/// Entries of the package, each with so much metadata that its manifest has three parts.
const ENTRIES: usize = 60;
const METADATA_BYTES: usize = 300_000;

/// Makes packages whose manifest has 18 MB, written directly.
struct LargeManifest {
    bytes: Vec<u8>,
    hash: String,
}

impl LargeManifest {
    async fn of(stage: &Stage) -> Self {
        stage.seed(SHARED, "in/a", b"a").await;
        stage.seed(SHARED, "more/b", b"b").await;
        let header = Header::new(None, None, Some("old"));
        let mut writer = ManifestWriter::new(&header).unwrap();
        for number in 0..ENTRIES {
            let meta = json!({ "user_meta": { "text": "x".repeat(METADATA_BYTES) } });
            let entry = Entry {
                logical_key: format!("e{number:04}").parse().unwrap(),
                physical_key: PhysicalKey::S3 {
                    bucket: SHARED.to_owned(),
                    key: "in/a".to_owned(),
                    version_id: None,
                },
                size: 1,
                hash: quilt_format::json::parse(
                    r#"{"type":"SHA256","value":"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"}"#,
                )
                .unwrap(),
                meta: quilt_format::json::parse(&meta.to_string()).unwrap(),
            };
            writer.entry(&entry).unwrap();
        }
        let mut bytes = writer.take();
        let (tail, hash) = writer.finish();
        bytes.extend(tail);
        stage.seed(SHARED, &format!(".quilt/packages/{hash}"), &bytes).await;
        Self {
            bytes,
            hash: hash.to_string(),
        }
    }

    /// Makes a package of it.
    async fn package(&self, stage: &Stage, name: &str) {
        assert!(self.bytes.len() > 16 * 1024 * 1024);
        for pointer in ["1700000000", "latest"] {
            let key = format!(".quilt/named_packages/{name}/{pointer}");
            stage.seed(SHARED, &key, self.hash.as_bytes()).await;
        }
    }
}

fn update(name: &str) -> Value {
    json!({ "name": name, "message": name, "add_from_s3": [{ "source_prefix": "more/" }] })
}

/// Returns the keys of staged manifests and the open uploads.
async fn left_behind(stage: &Stage) -> (Vec<String>, Vec<String>) {
    let mut staged = Vec::new();
    for (key, _) in stage.written(SHARED).await {
        if key.starts_with(".quilt/packages/staged-") && stage.exists(SHARED, &key).await {
            staged.push(key);
        }
    }
    (staged, stage.inventory(SHARED).await.1)
}

async fn expected(writer: &Writer, healthy: &Server, manifest: &LargeManifest, name: &str) -> Expectation {
    let mut dry = update(name);
    dry["dry_run"] = true.into();
    let planned = writer.call(healthy, "package_update", dry).await;
    Expectation {
        name: name.to_owned(),
        old: Some(manifest.hash.clone()),
        new: hash(planned.success()),
    }
}

async fn races(stage: Stage) {
    let writer = Writer::of(&stage).await;
    let manifest = LargeManifest::of(&stage).await;
    manifest.package(&stage, "large/race").await;
    let server = Server::start_with(None, &writer.flags(&stage.endpoint)).await;
    let calls = (0..3).map(|racer| {
        let mut call = update("large/race");
        call["message"] = format!("racer {racer}").into();
        call["expected_hash"] = manifest.hash.clone().into();
        writer.call(&server, "package_update", call)
    });
    let answers = join_all(calls).await;
    let (won, lost): (Vec<&Answer>, Vec<&Answer>) = answers
        .iter()
        .partition(|answer| answer.body["result"]["isError"] == false);
    assert_eq!(won.len(), 1, "exactly one wins: {answers:?}");
    let winner = hash(won[0].success());
    for answer in lost {
        assert_eq!(answer.failure("conflict")["details"]["current_hash"], winner);
    }
    let (latest, history) = writer.state(&server, "large/race").await.unwrap();
    assert_eq!((&latest, history), (&winner, vec![winner.clone(), manifest.hash]));
    let deleted = async {
        while left_behind(&stage).await != Default::default() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let deleted = tokio::time::timeout(std::time::Duration::from_secs(20), deleted).await;
    assert!(deleted.is_ok(), "staged manifests are deleted");
}

#[tokio::test]
async fn of_several_large_updates_at_once_one_wins() {
    races(Stage::embedded().await).await;
}

#[tokio::test]
async fn of_several_large_updates_at_once_one_wins_on_seaweedfs() {
    races(Stage::seaweedfs().await).await;
}

/// A fault, and whether S3 is down behind it.
async fn faults(stage: Stage, all: &[(Fault, bool)]) {
    let writer = Writer::of(&stage).await;
    let manifest = LargeManifest::of(&stage).await;
    let proxy = NthRequestProxy::before(&stage.endpoint).await;
    let healthy = Server::start_with(None, &writer.flags(&stage.endpoint)).await;
    let faulty = Server::start_with(None, &writer.flags(&proxy.url)).await;
    let (mut broken, mut committed) = (0, 0);
    for &(fault, then_down) in all {
        for at in 0.. {
            let name = format!("large/fault-{fault:?}-{then_down}-{at}");
            manifest.package(&stage, &name).await;
            let expectation = expected(&writer, &healthy, &manifest, &name).await;
            proxy.plan(Some(Plan { at, fault, then_down }));
            let answer = writer.call(&faulty, "package_update", update(&name)).await;
            let requests = proxy.requests();
            proxy.plan(None);
            if requests.len() <= at {
                answer.success();
                assert!(
                    requests.iter().any(|request| request.contains("staged-")),
                    "{requests:?}"
                );
                break;
            }
            broken += 1;
            let is_new = expectation.is_new(&writer, &healthy).await;
            if answer.body["result"]["isError"] == false {
                assert!(is_new, "{name}: a success that is none");
            } else {
                assert_eq!(answer.output()["retryable"], true, "{name}: {}", answer.output());
                committed += usize::from(is_new);
            }
            let retry = writer.call(&faulty, "package_update", update(&name)).await;
            if !is_new {
                assert_eq!(hash(retry.success()), expectation.new, "{name}");
            }
            assert!(expectation.is_new(&writer, &healthy).await, "{name}: {}", retry.body);
        }
    }
    assert!(broken > 13 * all.len() && committed > 0, "{broken} {committed}");
}

#[tokio::test]
async fn a_fault_at_any_request_of_a_large_commit_leaves_the_old_or_the_new() {
    let all = [
        (Fault::Refuse, true),
        (Fault::LoseAnswer, true),
        (Fault::LoseAnswer, false),
    ];
    faults(Stage::embedded().await, &all).await;
}

#[tokio::test]
async fn a_fault_at_any_request_of_a_large_commit_leaves_the_old_or_the_new_on_seaweedfs() {
    faults(Stage::seaweedfs().await, &[(Fault::LoseAnswer, true)]).await;
}

async fn kills(stage: Stage) {
    let writer = Writer::of(&stage).await;
    let manifest = LargeManifest::of(&stage).await;
    let proxy = NthRequestProxy::before(&stage.endpoint).await;
    let healthy = Server::start_with(None, &writer.flags(&stage.endpoint)).await;
    let mut states = BTreeSet::new();
    for at in 0.. {
        let name = format!("large/kill-{at}");
        manifest.package(&stage, &name).await;
        let expectation = expected(&writer, &healthy, &manifest, &name).await;
        let mut program = Program::serve(&writer.flags(&proxy.url), &[]).await;
        proxy.plan(Some(Plan {
            at,
            fault: Fault::HangBehind,
            then_down: false,
        }));
        let answered = {
            let answer = std::pin::pin!(writer.call(&program.server, "package_update", update(&name)));
            tokio::select! { answer = answer => Some(answer), () = proxy.reached() => None }
        };
        if let Some(answer) = answered {
            answer.success();
            break;
        }
        program.kill().await;
        proxy.plan(None);
        let is_new = expectation.is_new(&writer, &healthy).await;
        states.insert(is_new);
        let retry = writer.call(&healthy, "package_update", update(&name)).await;
        if !is_new {
            assert_eq!(hash(retry.success()), expectation.new, "{name}");
        }
        assert!(expectation.is_new(&writer, &healthy).await, "{name}: {}", retry.body);
    }
    assert_eq!(states.len(), 2, "some kills came before the commit and some behind it");
}

#[tokio::test]
async fn a_kill_at_any_request_of_a_large_commit_leaves_the_old_or_the_new() {
    kills(Stage::embedded().await).await;
}

#[tokio::test]
async fn a_kill_at_any_request_of_a_large_commit_leaves_the_old_or_the_new_on_seaweedfs() {
    kills(Stage::seaweedfs().await).await;
}
