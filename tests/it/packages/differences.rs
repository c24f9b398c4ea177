//! `package_diff`: what differs in the metadata, and when and why the two revisions were made.

use serde_json::{Value, json};

use crate::support::on_both::on_both;
use crate::support::scene::{Scene, uri};
use crate::support::server::MAX_ANSWER_CHARS;
use crate::support::stage::Stage;

/// A package with two revisions that differ in one entry and in metadata; their hashes.
async fn two_revisions(scene: &Scene, before: Value, after: Value) -> [Value; 2] {
    let put = json!([{ "key": "in/a", "text": "a" }, { "key": "in/b", "text": "b" }]);
    scene.write("bucket_objects_put", json!({ "items": put })).await;
    let create = json!({ "name": "t/p", "files": [uri("in/a")], "message": "first", "metadata": before });
    let first = scene.write("package_create", create).await;
    let update = json!({ "name": "t/p", "add": [uri("in/b")], "message": "second", "metadata": after,
        "metadata_mode": "replace" });
    let second = scene.write("package_update", update).await;
    [first, second].map(|written| written["package"]["hash"].clone())
}

on_both! {
    async fn it_says_what_changed_in_the_metadata_and_when(scene) {
        let before = json!({ "same": [1, { "x": null }], "gone": 1, "deep": { "a": 1, "b": 2 }, "big": 1 });
        let after = json!({ "same": [1, { "x": null }], "deep": { "a": 1, "b": 3 }, "new": "n", "big": null });
        let [first, second] = two_revisions(&scene, before, after).await;
        let diff = scene.read("package_diff", json!({ "name": "t/p" })).await;
        assert_eq!(diff["metadata"], json!({
            "added": { "new": "n" },
            "removed": { "gone": 1 },
            "changed": { "deep": { "from": { "a": 1, "b": 2 }, "to": { "a": 1, "b": 3 } }, "big": { "from": 1, "to": null } },
        }));
        assert_eq!((&diff["metadata_changed"], &diff["counts"]["added"]), (&json!(true), &json!(1)));
        let versions = scene.read("package_versions", json!({ "name": "t/p" })).await;
        for (side, hash, message, version) in [("from", &first, "first", 1), ("to", &second, "second", 0)] {
            let side = &diff[side];
            assert_eq!((&side["hash"], &side["message"]), (hash, &json!(message)));
            assert_eq!(side["modified"], versions["versions"][version]["modified"]);
            assert!(side["modified"].is_string(), "{side}");
        }
        let same = scene.read("package_diff", json!({ "name": "t/p", "hash": first, "other_hash": first })).await;
        assert_eq!((&same["metadata_changed"], same.get("metadata")), (&json!(false), None));
        // A hash of another package has no time in the history of this one.
        scene.write("package_create", json!({ "name": "t/q", "files": [uri("in/b")], "message": "other" })).await;
        let other = scene.read("package_diff", json!({ "name": "t/p", "other_name": "t/q" })).await;
        assert_eq!((&other["to"]["name"], &other["to"]["message"]), (&json!("t/q"), &json!("other")));
        assert!(other["to"]["modified"].is_string(), "{other}");
        assert_eq!(other["metadata"]["added"], json!({}));
    }

    async fn pages_keep_the_times_and_their_cursors_are_short(scene) {
        let [first, second] = two_revisions(&scene, json!({ "n": 1 }), json!({ "n": 2 })).await;
        scene.write("package_update", json!({ "name": "t/p", "add": [{ "s3_uri": uri("in/a"), "logical_key": "c" }] })).await;
        let page = scene.read("package_diff", json!({ "name": "t/p", "hash": first, "limit": 1 })).await;
        let cursor = page["next_cursor"].as_str().unwrap();
        assert!(cursor.len() <= 130, "{cursor}");
        scene.write("package_update", json!({ "name": "t/p", "message": "moves on" })).await;
        let next = scene.read("package_diff", json!({ "name": "t/p", "hash": first, "limit": 1, "cursor": cursor })).await;
        for member in ["from", "to", "metadata", "counts"] {
            assert_eq!(page[member], next[member], "{member}");
        }
        assert_eq!((page["added"].as_array().unwrap().len(), next["added"].as_array().unwrap().len()), (1, 1));
        assert_ne!(page["to"]["hash"], second);
    }

    async fn long_metadata_is_cut(scene) {
        let long = "x".repeat(3000);
        let before = json!({ "a": long, "b": long, "short": 1, "removed": "y".repeat(5000) });
        let after = json!({ "a": format!("{long}!"), "b": format!("{long}!"), "short": 2, "added": long });
        two_revisions(&scene, before, after).await;
        let diff = scene.read("package_diff", json!({ "name": "t/p" })).await;
        assert_eq!(diff["metadata_cut"], true);
        assert_eq!(diff["metadata"]["added"]["added"], json!(long));
        assert_eq!(diff["metadata"]["changed"], json!({ "short": { "from": 1, "to": 2 } }));
        assert_eq!(diff["metadata"]["removed"], json!({}));
        assert!(diff["metadata"].to_string().len() <= 4096 && diff.to_string().len() < MAX_ANSWER_CHARS);
    }
}
