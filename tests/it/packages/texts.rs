//! The readme and the summary of a package: files that the call writes, on creations and updates.

use serde_json::{Value, json};

use crate::support::on_both::on_both;
use crate::support::quilt3::Quilt3;
use crate::support::scene::{Scene, keys, uri};
use crate::support::stage::Stage;

async fn put(scene: &Scene) {
    scene
        .put(json!([{ "key": "in/a.csv", "text": "a" }, { "key": "in/b.csv", "text": "b" }]))
        .await;
}

/// The text of an entry.
async fn text(scene: &Scene, name: &str, key: &str) -> String {
    let browsed = scene
        .read("package_browse", json!({ "name": name, "path": key, "detail": "full" }))
        .await;
    let object = browsed["entries"][0]["s3_uri"].clone();
    let read = scene
        .server
        .call(&scene.reader, "bucket_object_text", json!({ "s3_uri": object }))
        .await;
    read.success()["text"].as_str().unwrap().to_owned()
}

on_both! {
    async fn an_update_writes_a_readme_and_a_summary(scene) {
        put(&scene).await;
        scene.write("package_create", json!({ "name": "t/p", "files": [uri("in/a.csv")], "readme": "# one" })).await;
        let summary = json!([{ "path": "a.csv", "title": "A", "expand": true }, "README.md"]);
        let update = json!({ "name": "t/p", "readme": "# two", "summary": summary, "add": [uri("in/b.csv")] });
        let mut dry = update.clone();
        dry["dry_run"] = true.into();
        let planned = scene.write("package_update", dry).await;
        let written = scene.write("package_update", update).await;
        assert_eq!(planned["package"]["hash"], written["package"]["hash"]);
        assert_eq!((&written["diff"], &written["warnings"]), (&json!({ "added": 2, "changed": 1, "removed": 0 }), &json!([])), "{written}");
        assert_eq!(keys(&written), ["README.md", "b.csv", "quilt_summarize.json"]);
        assert_eq!(text(&scene, "t/p", "README.md").await, "# two");
        let rows: Value = serde_json::from_str(&text(&scene, "t/p", "quilt_summarize.json").await).unwrap();
        assert_eq!(rows, summary);
        assert_eq!(keys(&scene.read("package_browse", json!({ "name": "t/p" })).await),
            ["README.md", "a.csv", "b.csv", "quilt_summarize.json"]);
        let theirs = Quilt3::at(&scene.stage).await.does("browse", json!({ "name": "t/p" })).await;
        assert_eq!(theirs["hash"], written["package"]["hash"], "quilt3 reads it");
        // Alone, and with nothing else.
        let readme = scene.write("package_update", json!({ "name": "t/p", "readme": "# three" })).await;
        assert_eq!(readme["diff"], json!({ "added": 0, "changed": 1, "removed": 0 }));
    }

    async fn what_the_catalog_will_not_find_is_a_warning(scene) {
        put(&scene).await;
        let create = json!({ "name": "t/p", "files": [uri("in/a.csv")], "summary": ["a.csv", "none.png"],
            "readme": "![plot](plots/p.png) [a](a.csv)" });
        let created = scene.write("package_create", create).await;
        let warnings = created["warnings"].to_string();
        assert!(warnings.contains("`none.png`") && !warnings.contains("`a.csv`; write"), "{warnings}");
        assert!(warnings.contains("`plots/p.png`"), "{warnings}");
        let update = json!({ "name": "t/p", "add": [uri("in/b.csv")], "copy": true, "readme": "[a](a.csv) [b](b.csv)",
            "summary": ["a.csv", "b.csv", "c.csv"] });
        let updated = scene.write("package_update", update).await;
        let warnings = updated["warnings"].as_array().unwrap();
        let about = |part: &str| warnings.iter().find(|warning| warning.as_str().unwrap().contains(part)).unwrap().to_string();
        let (links, paths) = (about("relative links"), about("The summary"));
        assert!(links.contains("`a.csv`") && !links.contains("`b.csv`"), "{links}");
        assert!(paths.contains("`c.csv`") && !paths.contains("`a.csv`") && !paths.contains("`b.csv`"), "{paths}");
    }

    async fn a_summary_is_what_the_catalog_reads(scene) {
        put(&scene).await;
        for (summary, part) in [
            (json!([{ "title": "A" }]), "path"),
            (json!([{ "path": "a.csv", "titel": "A" }]), "titel"),
            (json!(["/a.csv"]), "row 1"),
            (json!(["a.csv", "../b"]), "row 2"),
            (json!([{ "path": "a.csv", "expand": "perhaps" }]), "expand"),
        ] {
            let create = json!({ "name": "t/p", "files": [uri("in/a.csv")], "summary": summary });
            let refusal = scene.refuses("package_create", create, "invalid_argument").await;
            assert!(refusal["error"].as_str().unwrap().contains(part), "{refusal}");
        }
        let file = json!([{ "s3_uri": uri("in/a.csv"), "logical_key": "quilt_summarize.json" }]);
        for (tool, argument) in [("package_create", "files"), ("package_update", "add")] {
            if tool == "package_update" {
                scene.write("package_create", json!({ "name": "t/p", "files": [uri("in/a.csv")] })).await;
            }
            let call = json!({ "name": "t/p", argument: file, "summary": ["a.csv"] });
            let refusal = scene.refuses(tool, call, "invalid_argument").await;
            assert!(refusal["error"].as_str().unwrap().contains("the argument summary"), "{refusal}");
        }
    }
}
