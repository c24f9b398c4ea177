//! Packages of the same content share a manifest, whose hash does not say where the objects lie: what is called a success can
//! be read, and a revision whose objects are gone can be repaired.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::on_both::on_both;
use crate::support::quilt3::Quilt3;
use crate::support::scene::{Scene, uri};
use crate::support::stage::{SHARED, Stage};

const SOURCE: &str = "src/o.txt";

/// Uploads an object, makes `k/one` of it, and loses the object.
async fn with_a_lost_object(scene: &Scene) -> Value {
    scene.stage.seed(SHARED, SOURCE, b"abc").await;
    let create = json!({ "name": "k/one", "files": [uri(SOURCE)] });
    let created = scene.write("package_create", create).await;
    scene.stage.erase(SHARED, SOURCE).await;
    let verified = verified(scene, "k/one").await;
    assert_eq!(
        verified["objects"]["missing"].as_array().unwrap().len(),
        1,
        "{verified}"
    );
    created
}

async fn verified(scene: &Scene, name: &str) -> Value {
    let verify = json!({ "name": name, "check_objects": true });
    scene.read("package_verify", verify).await
}

/// Reads the only entry of a package, by the URI that it is browsed with.
async fn text(scene: &Scene, name: &str) -> String {
    let verified = verified(scene, name).await;
    assert_eq!(verified["manifest_ok"], true);
    assert_eq!(verified["objects"]["ok"], 1, "{name}: {verified}");
    let browsed = scene
        .read("package_browse", json!({ "name": name, "detail": "full" }))
        .await;
    let entry = browsed["entries"][0]["s3_uri"].clone();
    let read = json!({ "s3_uri": entry });
    let read = scene.server.call(&scene.reader, "bucket_object_text", read).await;
    read.success()["text"].as_str().unwrap().to_owned()
}

fn warns(output: &Value, part: &str) -> bool {
    let warnings = output["warnings"].as_array().unwrap();
    warnings.iter().any(|warning| warning.as_str().unwrap().contains(part))
}

on_both! {
    async fn a_new_package_of_live_objects_can_be_read_where_an_older_one_lost_its_objects(scene) {
        let one = with_a_lost_object(&scene).await;
        scene.stage.seed(SHARED, SOURCE, b"abc").await;
        let two = scene.write("package_create", json!({ "name": "k/two", "files": [uri(SOURCE)] })).await;
        assert_eq!(two["package"]["hash"], one["package"]["hash"]);
        assert!(warns(&two, "it was replaced"), "{two}");
        for name in ["k/two", "k/one"] {
            assert_eq!(text(&scene, name).await, "abc");
        }

        // quilt3 writes the manifest again with each push, and reads what was written here.
        let mut quilt3 = Quilt3::at(&scene.stage).await;
        let push = |name: &str| json!({ "name": name, "files": [{ "key": "o.txt", "uri": uri(SOURCE) }], "copy": false });
        quilt3.does("push", push("q/one")).await;
        scene.stage.erase(SHARED, SOURCE).await;
        scene.stage.seed(SHARED, SOURCE, b"abc").await;
        quilt3.does("push", push("q/two")).await;
        for name in ["q/one", "q/two"] {
            let installed = quilt3.does("install", json!({ "name": name })).await;
            assert!(installed["files"]["o.txt"].is_string(), "{installed}");
        }
        scene.stage.erase(SHARED, SOURCE).await;
        scene.stage.seed(SHARED, SOURCE, b"abc").await;
        scene.write("package_create", json!({ "name": "q/three", "files": [uri(SOURCE)] })).await;
        for name in ["k/two", "q/three"] {
            let installed = quilt3.does("install", json!({ "name": name })).await;
            assert!(installed["files"]["o.txt"].is_string(), "{installed}");
        }
    }

    async fn a_revision_whose_object_is_gone_is_repaired_by_writing_it_again(scene) {
        let one = with_a_lost_object(&scene).await;
        scene.stage.seed(SHARED, SOURCE, b"abc").await;
        let again = json!({ "name": "k/one", "files": [uri(SOURCE)], "overwrite": true });
        let repaired = scene.write("package_create", again.clone()).await;
        assert_eq!(repaired["package"]["hash"], one["package"]["hash"]);
        assert!(warns(&repaired, "it was replaced"), "{repaired}");
        assert_eq!(text(&scene, "k/one").await, "abc");
        // Now there is nothing left to repair, and nothing is written.
        let before = scene.stage.written(SHARED).await;
        let same = scene.write("package_create", again).await;
        assert!(!warns(&same, "it was replaced"), "{same}");
        assert_eq!(scene.stage.written(SHARED).await, before);

        scene.stage.erase(SHARED, SOURCE).await;
        scene.stage.seed(SHARED, SOURCE, b"abc").await;
        let update = json!({ "name": "k/one", "add": [uri(SOURCE)] });
        let repaired = scene.write("package_update", update).await;
        assert_eq!(repaired["package"]["hash"], one["package"]["hash"]);
        assert_eq!(text(&scene, "k/one").await, "abc");
    }

    async fn a_broken_revision_is_repaired_from_another_place(scene) {
        let one = with_a_lost_object(&scene).await;
        scene.stage.seed(SHARED, "elsewhere/copy.txt", b"abc").await;
        let files = json!([{ "s3_uri": uri("elsewhere/copy.txt"), "logical_key": "o.txt" }]);
        let again = json!({ "name": "k/one", "files": files, "overwrite": true });
        let repaired = scene.write("package_create", again).await;
        assert_eq!(repaired["package"]["hash"], one["package"]["hash"]);
        assert_eq!(text(&scene, "k/one").await, "abc");
    }

    async fn a_manifest_whose_objects_are_there_is_kept(scene) {
        scene.stage.seed(SHARED, SOURCE, b"abc").await;
        scene.stage.seed(SHARED, "elsewhere/o.txt", b"abc").await;
        scene.write("package_create", json!({ "name": "k/one", "files": [uri(SOURCE)] })).await;
        let before = scene.stage.written(SHARED).await;
        let two = scene.write("package_create", json!({ "name": "k/two", "files": [uri("elsewhere/o.txt")] })).await;
        assert!(warns(&two, "was kept"), "{two}");
        let written = scene.stage.written(SHARED).await;
        let new: Vec<_> = written.iter().filter(|written| !before.contains(written)).collect();
        assert!(new.iter().all(|(key, _)| key.contains("named_packages/k/two/")), "{new:?}");
        for name in ["k/one", "k/two"] {
            assert_eq!(text(&scene, name).await, "abc");
        }
    }

    async fn copies_are_what_the_package_uses(scene) {
        scene.stage.seed(SHARED, SOURCE, b"abc").await;
        scene.write("package_create", json!({ "name": "k/one", "files": [uri(SOURCE)] })).await;
        let copied = scene.write("package_create", json!({ "name": "k/two", "files": [uri(SOURCE)], "copy": true })).await;
        assert_eq!(copied["bytes_copied"], 3, "{copied}");
        let browsed = scene.read("package_browse", json!({ "name": "k/two", "detail": "full" })).await;
        let place = browsed["entries"][0]["s3_uri"].as_str().unwrap();
        assert!(place.starts_with(&uri("k/two/o.txt?versionId=")), "{place}");
        scene.stage.erase(SHARED, SOURCE).await;
        for name in ["k/one", "k/two"] {
            assert_eq!(text(&scene, name).await, "abc");
        }
    }

    async fn of_many_that_replace_the_manifest_at_once_each_leaves_one_that_can_be_read(scene) {
        with_a_lost_object(&scene).await;
        scene.stage.seed(SHARED, SOURCE, b"abc").await;
        let names: Vec<String> = (0..8).map(|number| format!("k/racer{number}")).collect();
        let creations = names.iter().map(|name| scene.write("package_create", json!({ "name": name, "files": [uri(SOURCE)] })));
        let created = join_all(creations).await;
        assert!(created.iter().any(|created| warns(created, "it was replaced")), "{created:?}");
        for name in &names {
            assert_eq!(text(&scene, name).await, "abc");
        }
    }
}
