//! Packages of more objects than are held in memory: made from a prefix, updated from one, and resumed where a call stopped.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::commits::Writer;
use crate::support::SECRET;
use crate::support::faults::slow::SlowProxy;
use crate::support::on_both::on_both;
use crate::support::quilt3::Quilt3;
use crate::support::registry::{FakeRegistry, Vends};
use crate::support::scene::{Scene, keys, uri};
use crate::support::server::Server;
use crate::support::stage::{SHARED, Stage};

/// More than are made in memory.
const OBJECTS: usize = 10_400;

/// Keys in every order that S3 and a manifest see differently.
fn awkward_keys() -> Vec<String> {
    let odd = [
        "a.csv", "a/x", "a/y/z", "a-b/c", "a!", "a/é", "ab", "b#1/c", "b", "日/本", "日本", "z/", "%/%2F", "c/+ +",
    ];
    let odd = odd.iter().map(|key| format!("lake/odd/{key}"));
    let folders = (0..OBJECTS - 100).map(|n| format!("lake/{}/file-{n:06}.csv", n % 7));
    let files = (0..100).map(|n| format!("lake/file-{n:06}.csv"));
    odd.chain(folders).chain(files).collect()
}

async fn seed_lake(stage: &Stage) -> Vec<String> {
    let keys = awkward_keys();
    let objects = keys.iter().map(|key| {
        let body = if key.ends_with('/') {
            Vec::new()
        } else {
            key.as_bytes().to_vec()
        };
        (key.clone(), body)
    });
    stage.seed_all(SHARED, objects).await;
    keys
}

/// Browses a package page by page and returns all logical keys.
async fn all_keys(scene: &Scene, name: &str) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let mut browse = json!({ "name": name, "recursive": true, "limit": 1000 });
        if !cursor.is_null() {
            browse["cursor"] = cursor;
        }
        let page = scene.read("package_browse", browse).await;
        found.extend(keys(&page).iter().map(|key| (*key).to_owned()));
        cursor = page["next_cursor"].clone();
        if cursor.is_null() {
            return found;
        }
    }
}

/// Lets calls take as long as they need on a slow machine.
async fn patient(mut scene: Scene) -> Scene {
    let registry = FakeRegistry::start().await;
    registry.vends(&scene.writer, Vends::Keys(scene.stage.writer.clone(), 3600));
    registry.vends(&scene.reader, Vends::Keys(scene.stage.reader.clone(), 3600));
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--registry-url={}", registry.url),
        "--tool-timeout=10m".to_owned(),
    ];
    scene.server = Server::start(&scene.stage, None, &flags).await;
    scene
}

fn hash(output: &Value) -> &str {
    output["package"]["hash"].as_str().unwrap()
}

on_both! {
    async fn a_package_of_more_than_ten_thousand_objects_is_made_from_a_prefix(scene) {
        let scene = patient(scene).await;
        let sources = seed_lake(&scene.stage).await;
        let create = json!({ "name": "lake/all", "source_prefix": "lake/", "exclude": ["file-00001?.csv"], "message": "all" });
        let mut dry = create.clone();
        dry["dry_run"] = true.into();
        let planned = scene.write("package_create_from_s3", dry).await;
        let created = scene.write("package_create_from_s3", create).await;
        assert_eq!(hash(&planned), hash(&created));
        assert_eq!(created["complete"], Value::Null);
        assert_eq!(created["bytes_hashed"], 0, "{}", created["warnings"]);
        let expected: BTreeSet<String> = sources
            .iter()
            .filter(|key| !key.ends_with('/') && !key.contains("/file-00001"))
            .map(|key| key.trim_start_matches("lake/").to_owned())
            .collect();
        assert_eq!(created["entries_added"], expected.len());
        let found = all_keys(&scene, "lake/all").await;
        assert_eq!(found.len(), expected.len());
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
        let verified = scene.read("package_verify", json!({ "name": "lake/all" })).await;
        assert_eq!((&verified["manifest_ok"], &verified["recomputed_hash"]), (&json!(true), &created["package"]["hash"]));

        // quilt3 computes the hash over the entries in its own order.
        let mut quilt3 = Quilt3::at(&scene.stage).await;
        let theirs = quilt3.does("browse", json!({ "name": "lake/all" })).await;
        assert_eq!(theirs["hash"], created["package"]["hash"]);

        // The next revision, by a folder and a file, and the difference.
        scene.stage.seed_all(SHARED, (0..20).map(|n| (format!("more/sub/m{n}.txt"), vec![b'm'; n]))).await;
        scene.stage.seed(SHARED, "one.txt", b"one").await;
        let updated = scene.write("package_update", json!({
            "name": "lake/all", "message": "more", "add": [uri("one.txt")], "remove": ["6/"],
            "add_from_s3": [{ "source_prefix": "more/", "logical_prefix": "added", "exclude": ["m19.txt"] }],
        })).await;
        let sixth = expected.iter().filter(|key| key.starts_with("6/")).count();
        assert_eq!(updated["diff"], json!({ "added": 20, "changed": 0, "removed": sixth }));
        assert_eq!(updated["entries_added"], 20);
        let browsed = scene.read("package_browse", json!({ "name": "lake/all", "path": "added/" })).await;
        assert_eq!(keys(&browsed), ["added/sub/"]);
        let theirs = quilt3.does("browse", json!({ "name": "lake/all" })).await;
        assert_eq!(theirs["hash"], updated["package"]["hash"]);
        let diff = scene.read("package_diff", json!({ "name": "lake/all", "limit": 1 })).await;
        assert_eq!(diff["counts"], json!({ "added": 20, "changed": 0, "removed": sixth }));
    }

    async fn a_prefix_is_added_to_a_small_package(scene) {
        scene.stage.seed(SHARED, "in/a.txt", b"a").await;
        scene.stage.seed(SHARED, "in/b/c.txt", b"c").await;
        scene.stage.seed(SHARED, "in/b/d.csv", b"d").await;
        scene.write("package_create", json!({ "name": "small/pkg", "files": [uri("in/a.txt")], "metadata": { "k": 1 } })).await;
        let add = json!([{ "source_prefix": "in/b/", "include": ["*.txt"] }, { "source_prefix": "in/b/d", "logical_prefix": "x/" }]);
        let update = json!({ "name": "small/pkg", "add_from_s3": add });
        let mut dry = update.clone();
        dry["dry_run"] = true.into();
        let planned = scene.write("package_update", dry).await;
        assert_eq!(keys(&planned), ["c.txt", "x/d.csv"]);
        let updated = scene.write("package_update", update).await;
        assert_eq!(hash(&planned), hash(&updated));
        let browsed = scene.read("package_browse", json!({ "name": "small/pkg", "recursive": true })).await;
        assert_eq!(keys(&browsed), ["a.txt", "c.txt", "x/d.csv"]);
        assert_eq!(browsed["package"]["metadata"], json!({ "k": 1 }));
        let nothing = json!({ "name": "small/pkg", "add_from_s3": [{ "source_prefix": "in/none/" }] });
        scene.refuses("package_update", nothing, "invalid_argument").await;
    }
}

/// Repeats a call with the `resume` of each answer until it is complete. Before that, no package of the name is seen.
async fn until_complete(writer: &Writer, servers: &[Server], tool: &str, mut call: Value) -> (Value, usize) {
    let name = call["name"].as_str().unwrap().to_owned();
    let before = writer.state(&servers[0], &name).await;
    for calls in 1.. {
        let server = &servers[calls % servers.len()];
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

async fn resumes(stage: Stage, objects: usize, latency: u64, timeout: &str) {
    let writer = Writer::of(&stage).await;
    stage
        .seed_all(
            SHARED,
            (0..objects).map(|n| (format!("big/{}/{n:05}", n % 3), vec![0; n % 5])),
        )
        .await;
    stage.seed(SHARED, "first", b"first").await;
    let slow = SlowProxy::before(&stage.endpoint, Duration::from_millis(latency)).await;
    let mut flags = writer.flags(&slow.url);
    flags.push(format!("--tool-timeout={timeout}"));
    // The calls go to two copies of the server by turns.
    let copies = [
        Server::start_with(None, &flags).await,
        Server::start_with(None, &flags).await,
    ];
    let unhurried = unhurried(&stage, &writer).await;
    let first = json!({ "name": "res/updated", "files": [uri("first")] });
    writer.call(&unhurried, "package_create", first.clone()).await.success();
    let update = json!({ "name": "res/updated", "message": "big", "add_from_s3": [{ "source_prefix": "big/" }] });
    let mut dry = update.clone();
    dry["dry_run"] = true.into();
    let planned = writer.call(&unhurried, "package_update", dry).await.success().clone();
    let (updated, calls) = until_complete(&writer, &copies, "package_update", update.clone()).await;
    assert!(calls > 1, "one call sufficed");
    assert_eq!(hash(&updated), hash(&planned), "as if no call had stopped");
    assert_eq!(updated["diff"], json!({ "added": objects, "changed": 0, "removed": 0 }));
    assert!(slow.most_at_once() <= 64 + 8, "{}", slow.most_at_once());

    // What is not the same call is refused.
    let mut other = update;
    other["message"] = "another".into();
    other["resume"] = planned["package"]["hash"].clone();
    other["expected_hash"] = updated["package"]["hash"].clone();
    let refused = writer.call(&unhurried, "package_update", other.clone()).await;
    let refusal = refused.failure("invalid_argument");
    assert!(refusal["error"].as_str().unwrap().contains("resume"), "{refusal}");
    other["resume"] = "0".repeat(64).into();
    writer
        .call(&unhurried, "package_update", other)
        .await
        .failure("invalid_argument");
}

#[tokio::test]
async fn what_a_call_cannot_finish_is_resumed_by_another() {
    resumes(Stage::embedded().await, 600, 200, "5s").await;
}

#[tokio::test]
async fn what_a_call_cannot_finish_is_resumed_by_another_on_seaweedfs() {
    resumes(Stage::seaweedfs().await, 600, 200, "5s").await;
}

/// A creation from a prefix stops and goes on too.
#[tokio::test]
async fn a_creation_from_a_prefix_is_resumed() {
    let stage = Stage::embedded().await;
    let writer = Writer::of(&stage).await;
    seed_lake(&stage).await;
    let slow = SlowProxy::before(&stage.endpoint, Duration::from_millis(40)).await;
    let mut flags = writer.flags(&slow.url);
    flags.push("--tool-timeout=6s".to_owned());
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
    let (created, calls) = until_complete(&writer, &copies, "package_create_from_s3", create).await;
    assert!(calls > 1, "one call sufficed");
    assert_eq!(hash(&created), hash(&planned), "as if no call had stopped");
    assert_eq!(created["entries_added"], planned["entries_added"]);
}
