//! Revisions by their place behind the latest, older revisions that become the latest again, and metadata that is taken away.

use std::collections::BTreeSet;

use futures::future::join_all;
use serde_json::{Value, json};

use super::commits::{Writer, hash};
use crate::support::faults::nth_request::{Fault, NthRequestProxy, Plan};
use crate::support::on_both::on_both;
use crate::support::quilt3::Quilt3;
use crate::support::scene::Scene;
use crate::support::server::{Answer, Server};
use crate::support::stage::{SHARED, Stage};

/// Makes revisions of a package, and returns their hashes, the oldest first.
async fn revisions(scene: &Scene, name: &str, count: usize) -> Vec<String> {
    let mut hashes = Vec::new();
    for number in 0..count {
        let (tool, arguments) = if number == 0 {
            ("package_create", json!({ "name": name, "files": [], "readme": "# 0" }))
        } else {
            ("package_update", json!({ "name": name, "message": number.to_string() }))
        };
        let written = scene.write(tool, arguments).await;
        hashes.push(written["package"]["hash"].as_str().unwrap().to_owned());
    }
    hashes
}

async fn latest(scene: &Scene, name: &str) -> Value {
    scene.read("package_browse", json!({ "name": name })).await["package"]["hash"].clone()
}

async fn pointers(scene: &Scene, name: &str) -> Vec<String> {
    let prefix = format!(".quilt/named_packages/{name}/");
    let written = scene.stage.written(SHARED).await.into_iter();
    let keys: BTreeSet<String> = written
        .map(|(key, _)| key)
        .filter(|key| key.starts_with(&prefix))
        .collect();
    keys.into_iter().collect()
}

on_both! {
    async fn an_older_revision_becomes_the_latest_again(scene) {
        let hashes = revisions(&scene, "t/p", 3).await;
        let before = pointers(&scene, "t/p").await;
        let dry = json!({ "name": "t/p", "hash": hashes[0], "dry_run": true });
        let planned = scene.write("package_rollback", dry).await;
        assert_eq!((&planned["latest_before"], &planned["latest_after"]), (&json!(hashes[2]), &json!(hashes[0])));
        assert_eq!(latest(&scene, "t/p").await, hashes[2], "a dry run changes nothing");
        let done = scene.write("package_rollback", json!({ "name": "t/p", "hash": hashes[0][..10] })).await;
        assert_eq!((&done["latest_before"], &done["latest_after"]), (&json!(hashes[2]), &json!(hashes[0])));
        assert_eq!((latest(&scene, "t/p").await, pointers(&scene, "t/p").await), (json!(hashes[0]), before));
        let again = scene.write("package_rollback", json!({ "name": "t/p", "hash": hashes[0] })).await;
        assert_eq!(again["warnings"], json!(["This revision is the latest already; nothing was changed."]));
        // Forward again, and a revision on top of it.
        scene.write("package_rollback", json!({ "name": "t/p", "hash": hashes[2], "expected_hash": hashes[0] })).await;
        assert_eq!(latest(&scene, "t/p").await, hashes[2]);
        let updated = scene.write("package_update", json!({ "name": "t/p", "message": "on top" })).await;
        let listed = scene.read("package_versions", json!({ "name": "t/p" })).await;
        assert_eq!((listed["returned"].clone(), &listed["versions"][0]["hash"]), (json!(4), &updated["package"]["hash"]));
    }

    async fn rolling_back_refuses_what_is_no_revision_of_the_package(scene) {
        let hashes = revisions(&scene, "t/p", 2).await;
        let other = revisions(&scene, "t/other", 3).await;
        let roll = |hash: &str| json!({ "name": "t/p", "hash": hash });
        scene.refuses("package_rollback", roll(&other[2]), "invalid_argument").await;
        scene.refuses("package_rollback", roll(&"0".repeat(64)), "no_such_package").await;
        scene.refuses("package_rollback", json!({ "name": "t/none", "hash": hashes[0] }), "no_such_package").await;
        let stale = json!({ "name": "t/p", "hash": hashes[0], "expected_hash": hashes[0] });
        scene.refuses("package_rollback", stale, "conflict").await;
        let answer = scene.server.call(&scene.reader, "package_rollback",
            json!({ "bucket": SHARED, "name": "t/p", "hash": hashes[0] })).await;
        answer.failure("access_denied");
        assert_eq!(latest(&scene, "t/p").await, hashes[1]);
        let stale = json!({ "name": "t/p", "confirm": "t/p", "expected_hash": hashes[0] });
        scene.refuses("package_delete", stale, "conflict").await;
    }

    async fn of_two_who_roll_back_at_once_each_is_right_or_refused(scene) {
        let hashes = revisions(&scene, "t/p", 4).await;
        let calls = hashes[..3].iter().map(|hash| {
            let arguments = json!({ "bucket": SHARED, "name": "t/p", "hash": hash, "expected_hash": hashes[3] });
            scene.server.call(&scene.writer, "package_rollback", arguments)
        });
        let answers = join_all(calls).await;
        let done: Vec<&Value> = answers.iter().map(Answer::output).filter(|output| output["success"] == true).collect();
        assert!(done.len() == 1, "{answers:?}");
        assert_eq!(latest(&scene, "t/p").await, done[0]["latest_after"]);
        assert!(answers.iter().all(|answer| answer.output()["success"] == true || answer.output()["error_code"] == "conflict"));
    }

    async fn a_latest_that_the_history_lacks_is_not_lost(scene) {
        let hashes = revisions(&scene, "t/p", 3).await;
        let newest = pointers(&scene, "t/p").await.into_iter().filter(|key| !key.ends_with("latest")).max().unwrap();
        scene.stage.erase(SHARED, &newest).await;
        let behind = scene.read("package_browse", json!({ "name": "t/p", "hash": "latest~1" })).await;
        assert_eq!(behind["package"]["hash"], hashes[1]);
        scene.write("package_rollback", json!({ "name": "t/p", "hash": "latest~2" })).await;
        assert_eq!(latest(&scene, "t/p").await, hashes[0]);
        scene.write("package_rollback", json!({ "name": "t/p", "hash": hashes[2] })).await;
        assert_eq!(latest(&scene, "t/p").await, hashes[2], "its entry was added before the package was rolled back");
    }

    async fn revisions_are_named_by_their_place_behind_the_latest(scene) {
        let hashes = revisions(&scene, "t/p", 4).await;
        for (places, hash) in hashes.iter().rev().enumerate() {
            let read = scene.read("package_browse", json!({ "name": "t/p", "hash": format!("latest~{places}") })).await;
            assert_eq!(read["package"]["hash"], *hash, "{places}");
        }
        let beyond = scene.fails("package_browse", json!({ "name": "t/p", "hash": "latest~4" }), "invalid_argument").await;
        assert!(beyond["error"].as_str().unwrap().contains("has 3 revisions behind the latest"), "{beyond}");
        for bad in ["latest~", "latest~x", "latest~-1"] {
            scene.fails("package_browse", json!({ "name": "t/p", "hash": bad }), "invalid_argument").await;
        }
        // Places are counted from the newest pointer of the latest revision.
        scene.write("package_rollback", json!({ "name": "t/p", "hash": hashes[1] })).await;
        let behind = scene.read("package_browse", json!({ "name": "t/p", "hash": "latest~1" })).await;
        assert_eq!(behind["package"]["hash"], hashes[0]);
        let diff = json!({ "name": "t/p", "hash": "latest~1", "other_hash": "latest" });
        let diff = scene.read("package_diff", diff).await;
        assert_eq!((&diff["from"]["hash"], &diff["to"]["hash"]), (&json!(hashes[0]), &json!(hashes[1])));
    }

    async fn a_cursor_stays_with_the_place_that_it_was_made_for(scene) {
        for n in 0..3 {
            scene.put(json!([{ "key": format!("in/{n}"), "text": "x" }])).await;
        }
        scene.write("package_create_from_s3", json!({ "name": "t/p", "source_prefix": "in/" })).await;
        scene.write("package_update", json!({ "name": "t/p", "message": "2" })).await;
        let page = json!({ "name": "t/p", "hash": "latest~1", "limit": 2 });
        let first = scene.read("package_browse", page.clone()).await;
        let mut next = page;
        next["cursor"] = first["next_cursor"].clone();
        // The place has moved, and the page is still of the same revision.
        scene.write("package_update", json!({ "name": "t/p", "message": "3" })).await;
        let second = scene.read("package_browse", next.clone()).await;
        assert_eq!((&second["package"]["hash"], &second["returned"]), (&first["package"]["hash"], &json!(1)));
        for hash in ["latest", "latest~2"] {
            next["hash"] = hash.into();
            scene.fails("package_browse", next.clone(), "invalid_argument").await;
        }
    }

    async fn metadata_is_taken_away_as_if_it_had_never_been(scene) {
        let plain = scene.write("package_create", json!({ "name": "t/plain", "files": [], "readme": "# r" })).await;
        scene.write("package_create", json!({ "name": "t/p", "files": [], "readme": "# r", "metadata": { "x": 1 } })).await;
        let both = json!({ "name": "t/p", "metadata": { "y": 1 }, "metadata_mode": "remove" });
        scene.refuses("package_update", both, "invalid_argument").await;
        let removed = scene.write("package_update", json!({ "name": "t/p", "metadata_mode": "remove" })).await;
        assert_eq!((removed.get("metadata"), &removed["diff"]["changed"]), (None, &json!(0)));
        let page = scene.read("package_browse", json!({ "name": "t/p" })).await;
        assert_eq!(page["package"]["metadata"], Value::Null);
        // The entries lie at other keys, which the hash does not cover.
        assert_eq!(removed["package"]["hash"], plain["package"]["hash"]);
    }
}

/// quilt3 rolls back to the same pointers, and reads what was rolled back here.
#[tokio::test]
async fn quilt3_rolls_back_to_the_same() {
    let scene = Scene::on(Stage::embedded().await).await;
    let mut quilt3 = Quilt3::at(&scene.stage).await;
    let mut all = Vec::new();
    for name in ["ours/p", "theirs/p"] {
        all.push(revisions(&scene, name, 3).await);
    }
    let names = |keys: Vec<String>| keys.len();
    quilt3
        .does("rollback", json!({ "name": "theirs/p", "hash": all[1][0] }))
        .await;
    scene
        .write("package_rollback", json!({ "name": "ours/p", "hash": all[0][0] }))
        .await;
    let counts = (
        names(pointers(&scene, "ours/p").await),
        names(pointers(&scene, "theirs/p").await),
    );
    assert_eq!(counts, (4, 4), "no pointer was added");
    for name in ["ours/p", "theirs/p"] {
        let theirs = quilt3.does("browse", json!({ "name": name })).await;
        assert_eq!(theirs["hash"], latest(&scene, name).await, "{name}");
    }
    assert_eq!(latest(&scene, "ours/p").await, all[0][0]);
}

/// At every request in turn: a fault, alone or with everything behind it dead; one of both revisions is the latest, no pointer is
/// lost, and a retry works.
#[tokio::test]
async fn a_fault_at_any_request_of_a_rollback_leaves_one_of_both_revisions() {
    let stage = Stage::embedded().await;
    let writer = Writer::of(&stage).await;
    let proxy = NthRequestProxy::before(&stage.endpoint).await;
    let healthy = Server::start_with(None, &writer.flags(&stage.endpoint)).await;
    let faulty = Server::start_with(None, &writer.flags(&proxy.url)).await;
    let mut broken = 0;
    for (fault, then_down) in [
        (Fault::Refuse, false),
        (Fault::LoseAnswer, false),
        (Fault::Refuse, true),
        (Fault::LoseAnswer, true),
    ] {
        for at in 0.. {
            let name = format!("fault/{fault:?}-{then_down}-{at}").to_lowercase();
            let create = json!({ "name": name, "files": [], "readme": "# 0" });
            let old = hash(writer.call(&healthy, "package_create", create).await.success());
            let update = json!({ "name": name, "message": "1" });
            let new = hash(writer.call(&healthy, "package_update", update).await.success());
            let roll_back = json!({ "name": name, "hash": old });
            proxy.plan(Some(Plan { at, fault, then_down }));
            let answer = writer.call(&faulty, "package_rollback", roll_back.clone()).await;
            let is_over = proxy.requests().len() <= at;
            proxy.plan(None);
            let (latest, mut history) = writer.state(&healthy, &name).await.unwrap();
            history.sort();
            let mut both = vec![old.clone(), new.clone()];
            both.sort();
            assert_eq!(history, both, "{name}");
            assert!(latest == old || latest == new, "{name}");
            if answer.body["result"]["isError"] == false {
                assert_eq!(latest, old, "{name}");
            } else {
                broken += 1;
            }
            writer.call(&faulty, "package_rollback", roll_back).await.success();
            assert_eq!(writer.state(&healthy, &name).await.unwrap().0, old, "{name}");
            if is_over {
                break;
            }
        }
    }
    assert!(broken > 4, "{broken}");
}
