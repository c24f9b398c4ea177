//! Packages that take several calls, on any copy of the server.

use std::time::Duration;

use serde_json::{Value, json};

use super::commits::{Writer, hash};
use super::large::seed_lake;
use crate::support::faults::slow::SlowProxy;
use crate::support::scene::uri;
use crate::support::server::Server;
use crate::support::stage::{SHARED, Stage};

/// Time of a call. A call stops because the proxy answers no more, so the time decides nothing as long as it suffices for
/// [`OBJECTS_PER_CALL`].
const TOOL_TIMEOUT: &str = "--tool-timeout=12s";

const OBJECTS_PER_CALL: usize = 220;

/// Repeats a call with the `resume` of each answer until it is complete. Before that, no package of the name is seen.
async fn until_complete(
    writer: &Writer,
    (servers, slow, folder): (&[Server], &SlowProxy, &str),
    tool: &str,
    mut call: Value,
) -> (Value, usize) {
    let name = call["name"].as_str().unwrap().to_owned();
    let before = writer.state(&servers[0], &name).await;
    for calls in 1.. {
        let server = &servers[calls % servers.len()];
        slow.set_quota(folder, OBJECTS_PER_CALL);
        let output = writer.call(server, tool, call.clone()).await.success().clone();
        if output["complete"].is_null() {
            return (output, calls);
        }
        assert_eq!(output["complete"], false);
        assert!(output["warnings"][0].as_str().unwrap().contains("resume="), "{output}");
        assert_eq!(
            writer.state(&servers[0], &name).await,
            before,
            "nothing half is visible"
        );
        call["resume"] = output["resume"].clone();
        if !output["expected_hash"].is_null() {
            call["expected_hash"] = output["expected_hash"].clone();
        }
    }
    unreachable!("the loop ends with a complete answer")
}

async fn unhurried(stage: &Stage, writer: &Writer) -> Server {
    let mut flags = writer.flags(&stage.endpoint);
    flags.push("--tool-timeout=10m".to_owned());
    Server::start_with(None, &flags).await
}

/// Updates a package by a folder that takes several calls, by turns on two copies of the server.
async fn resumes(stage: Stage) {
    let objects = 600;
    let writer = Writer::of(&stage).await;
    let new = (0..objects).map(|n| (format!("big/{}/{n:05}", n % 3), vec![0; n % 5]));
    // The folder has 30 of the keys already, with other content, and 10 that go.
    let old = (0..30).map(|n| (format!("old/big/{}/{n:05}", n % 3), vec![1; 9]));
    let gone = (0..10).map(|n| (format!("old/big/gone/{n}"), vec![1]));
    stage.seed_all(SHARED, new.chain(old).chain(gone)).await;
    stage.seed(SHARED, "first", b"first").await;
    let slow = SlowProxy::before(&stage.endpoint, Duration::from_millis(20)).await;
    let mut flags = writer.flags(&slow.url);
    flags.push(TOOL_TIMEOUT.to_owned());
    let copies = [
        Server::start_with(None, &flags).await,
        Server::start_with(None, &flags).await,
    ];
    let unhurried = unhurried(&stage, &writer).await;
    let first = json!({ "name": "res/updated", "source_prefix": "old/" });
    writer.call(&unhurried, "package_create_from_s3", first).await.success();
    let update = json!({ "name": "res/updated", "message": "big", "remove": ["big/"],
        "add_from_s3": [{ "source_prefix": "big/", "logical_prefix": "big" }] });

    // A part is no part of another call, nor of the next revision of another.
    let folder = format!("/{SHARED}/big/");
    slow.set_quota(&folder, OBJECTS_PER_CALL);
    let stopped = writer
        .call(&copies[0], "package_update", update.clone())
        .await
        .success()
        .clone();
    assert_eq!(stopped["complete"], false, "{stopped}");
    let mut part = update.clone();
    part["resume"] = stopped["resume"].clone();
    part["expected_hash"] = stopped["expected_hash"].clone();
    for (argument, value) in [
        ("message", json!("another")),
        ("copy", json!(true)),
        ("remove", json!([])),
        ("add", json!([uri("first")])),
        ("hash_type", json!("CRC64NVME")),
        (
            "add_from_s3",
            json!([{ "source_prefix": "big/", "logical_prefix": "big", "exclude": ["*1"] }]),
        ),
        ("resume", json!("0".repeat(64))),
        ("resume", stopped["expected_hash"].clone()),
    ] {
        let mut other = part.clone();
        other[argument] = value;
        let refused = writer.call(&unhurried, "package_update", other).await;
        let refusal = refused.failure("invalid_argument");
        assert!(
            refusal["error"].as_str().unwrap().starts_with("Argument resume: "),
            "{argument}: {refusal}"
        );
    }
    let between = json!({ "name": "res/updated", "add": [uri("first")], "message": "between" });
    let between = writer
        .call(&unhurried, "package_update", between)
        .await
        .success()
        .clone();
    let late = writer.call(&unhurried, "package_update", part.clone()).await;
    assert_eq!(
        late.failure("conflict")["details"]["current_hash"],
        between["package"]["hash"]
    );
    part["expected_hash"] = between["package"]["hash"].clone();
    let refused = writer.call(&unhurried, "package_update", part).await;
    refused.failure("invalid_argument");

    let mut dry = update.clone();
    dry["dry_run"] = true.into();
    let planned = writer.call(&unhurried, "package_update", dry).await.success().clone();
    let (updated, calls) =
        until_complete(&writer, (&copies[..], &slow, folder.as_str()), "package_update", update).await;
    assert!(calls > 1, "one call sufficed");
    assert_eq!(hash(&updated), hash(&planned), "as if no call had stopped");
    assert_eq!(
        updated["diff"],
        json!({ "added": objects - 30, "changed": 30, "removed": 10 })
    );
    assert!(slow.most_at_once() <= 64 + 8, "{}", slow.most_at_once());
}

#[tokio::test]
async fn what_a_call_cannot_finish_is_resumed_by_another() {
    resumes(Stage::embedded().await).await;
}

#[tokio::test]
async fn what_a_call_cannot_finish_is_resumed_by_another_on_seaweedfs() {
    resumes(Stage::seaweedfs().await).await;
}

/// A creation from a prefix stops and goes on too.
#[tokio::test]
async fn a_creation_from_a_prefix_is_resumed() {
    let stage = Stage::embedded().await;
    let writer = Writer::of(&stage).await;
    seed_lake(&stage).await;
    let slow = SlowProxy::before(&stage.endpoint, Duration::from_millis(20)).await;
    let mut flags = writer.flags(&slow.url);
    flags.push(TOOL_TIMEOUT.to_owned());
    let copies = [
        Server::start_with(None, &flags).await,
        Server::start_with(None, &flags).await,
    ];
    let unhurried = unhurried(&stage, &writer).await;
    let create = json!({ "name": "res/created", "source_prefix": "lake/", "message": "m", "readme": "# hi" });
    let mut dry = create.clone();
    dry["dry_run"] = true.into();
    let planned = writer
        .call(&unhurried, "package_create_from_s3", dry)
        .await
        .success()
        .clone();
    let folder = format!("/{SHARED}/lake/");
    let copies = (&copies[..], &slow, folder.as_str());
    let (created, calls) = until_complete(&writer, copies, "package_create_from_s3", create).await;
    assert!(calls > 1, "one call sufficed");
    assert_eq!(hash(&created), hash(&planned), "as if no call had stopped");
    assert_eq!(created["entries_added"], planned["entries_added"]);
}

/// An object that was listed and is gone when it is inspected costs no more than the call.
#[tokio::test]
async fn what_is_ready_is_kept_when_an_object_is_gone() {
    let stage = Stage::embedded().await;
    let writer = Writer::of(&stage).await;
    let objects = (0..300).map(|n| (format!("in/{n:03}"), vec![b'x']));
    stage.seed_all(SHARED, objects).await;
    stage.seed(SHARED, "first", b"first").await;
    let proxy = SlowProxy::before(&stage.endpoint, Duration::ZERO).await;
    let mut flags = writer.flags(&proxy.url);
    flags.push("--tool-timeout=10m".to_owned());
    let server = Server::start_with(None, &flags).await;
    let first = json!({ "name": "res/gone", "files": [uri("first")] });
    writer.call(&server, "package_create", first).await.success();
    let mut update = json!({ "name": "res/gone", "message": "m", "add_from_s3": [{ "source_prefix": "in/" }] });
    proxy.hide(Some("/in/200"));
    let stopped = writer
        .call(&server, "package_update", update.clone())
        .await
        .success()
        .clone();
    assert_eq!(stopped["complete"], false, "{stopped}");
    let warning = stopped["warnings"][0].as_str().unwrap();
    assert!(
        warning.contains("s3://it-shared/in/200") && warning.contains("resume="),
        "{warning}"
    );
    let mut dry = update.clone();
    dry["dry_run"] = true.into();
    writer.call(&server, "package_update", dry).await.failure("no_such_key");
    proxy.hide(None);
    update["resume"] = stopped["resume"].clone();
    update["expected_hash"] = stopped["expected_hash"].clone();
    let updated = writer.call(&server, "package_update", update).await.success().clone();
    assert_eq!(updated["diff"], json!({ "added": 300, "changed": 0, "removed": 0 }));
    writer.state(&server, "res/gone").await.unwrap();
}
