//! Copies below a package's own folder: those that are there are used again, and are not copied themselves.

use serde_json::json;

use crate::support::on_both::on_both;
use crate::support::scene::{Scene, keys, uri};
use crate::support::stage::{SHARED, Stage};

on_both! {
    async fn copies_that_are_there_already_are_used_again(scene) {
        let sources = [("in/a.txt", &b"aaa"[..]), ("in/b/c.txt", b"cc"), ("in/empty", b"")];
        scene.stage.seed_all(SHARED, sources.map(|(key, body)| (key.to_owned(), body.to_vec()))).await;
        let copies = async || {
            let written = scene.stage.written(SHARED).await.into_iter();
            written.filter(|(key, _)| key.starts_with("copied/pkg/")).collect::<Vec<_>>()
        };
        let create = |message: &str| json!({ "name": "copied/pkg", "source_prefix": "in/", "copy": true, "overwrite": true,
            "message": message });
        let first = scene.write("package_create_from_s3", create("one")).await;
        assert_eq!(first["bytes_copied"], 5, "{first}");
        let before = copies().await;
        let second = scene.write("package_create_from_s3", create("two")).await;
        assert_eq!(second["bytes_copied"], 0, "{second}");
        assert_eq!(copies().await, before);
        let verified = scene.read("package_verify", json!({ "name": "copied/pkg", "check_objects": true })).await;
        assert_eq!(verified["objects"]["ok"], 3, "{verified}");
        // Of the same size, and other bytes.
        scene.stage.seed_all(SHARED, [("in/a.txt".to_owned(), b"bbb".to_vec())]).await;
        let add = json!([{ "source_prefix": "in/" }]);
        let third = json!({ "name": "copied/pkg", "add_from_s3": add, "copy": true, "message": "three" });
        let third = scene.write("package_update", third).await;
        assert_eq!((&third["bytes_copied"], &third["diff"]["changed"]), (&json!(3), &json!(1)), "{third}");
        let verified = scene.read("package_verify", json!({ "name": "copied/pkg", "check_objects": true })).await;
        assert_eq!(verified["objects"]["ok"], 3, "{verified}");
    }

    async fn the_packages_own_copies_are_not_copied_again(scene) {
        let sources = [("a.txt", b"a"), ("own/pkg0/b.txt", b"b"), ("z/c.txt", b"c")];
        scene.stage.seed_all(SHARED, sources.map(|(key, body)| (key.to_owned(), body.to_vec()))).await;
        scene.write("package_create", json!({ "name": "own/pkg", "files": [uri("a.txt")], "copy": true })).await;
        for prefix in ["", "own/"] {
            let add = json!([{ "source_prefix": prefix }]);
            let update = json!({ "name": "own/pkg", "add_from_s3": add, "copy": true, "message": prefix });
            let updated = scene.write("package_update", update.clone()).await;
            let warning = updated["warnings"][0].as_str().unwrap();
            assert!(warning.contains("objects below `own/pkg/` were left out"), "{updated}");
            let again = scene.write("package_update", update).await;
            assert_eq!(again["package"]["hash"], updated["package"]["hash"]);
        }
        let all = scene.read("package_browse", json!({ "name": "own/pkg", "recursive": true, "detail": "full" })).await;
        assert_eq!(keys(&all), ["a.txt", "own/pkg0/b.txt", "pkg0/b.txt", "z/c.txt"]);
        let create = json!({ "name": "own/pkg", "source_prefix": "", "copy": true, "overwrite": true });
        let created = scene.write("package_create_from_s3", create).await;
        assert_eq!(created["entries_added"], 3, "{created}");
    }
}
