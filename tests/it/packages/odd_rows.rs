//! Manifests with rows that quilt3 does not write: without metadata, or without a checksum and a size.

use quilt_format::Manifest;
use serde_json::{Value, json};

use crate::support::on_both::on_both;
use crate::support::scene::{Scene, keys, uri};
use crate::support::stage::{SHARED, Stage};

const HEADER: &str = r#"{"version": "v0", "user_meta": {"a": 1}, "message": "m"}"#;

/// Returns a row with these fields after the keys.
fn row(key: &str, fields: &str) -> String {
    format!(
        r#"{{"logical_key": "{key}", "physical_keys": ["{}"]{fields}}}"#,
        uri("in/a")
    )
}

/// Writes a manifest, and a package of it.
async fn write(scene: &Scene, name: &str, hash: &str, rows: &[String]) {
    let manifest = format!("{HEADER}\n{}\n", rows.join("\n"));
    scene
        .stage
        .seed(SHARED, &format!(".quilt/packages/{hash}"), manifest.as_bytes())
        .await;
    for pointer in ["1600000000", "latest"] {
        scene
            .stage
            .seed(
                SHARED,
                &format!(".quilt/named_packages/{name}/{pointer}"),
                hash.as_bytes(),
            )
            .await;
    }
}

const CHECKSUM: &str = r#", "size": 1, "hash": {"type": "SHA256", "value": "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"}"#;

on_both! {
    async fn a_row_without_metadata_has_none(scene) {
        scene.put(json!([{ "key": "in/a", "text": "a" }, { "key": "in/b", "text": "b" }])).await;
        let with = [row("a", &format!(r#"{CHECKSUM}, "meta": {{}}"#)), row("d/b", &format!(r#"{CHECKSUM}, "meta": null"#))];
        let text = format!("{HEADER}\n{}\n", with.join("\n"));
        let hash = Manifest::read(text.as_bytes()).unwrap().top_hash().unwrap().to_string();
        let without = [row("a", CHECKSUM), row("d/b", CHECKSUM), r#"{"logical_key": "d/"}"#.to_owned()];
        for rows in [&[without[2].clone(), without[0].clone(), without[1].clone()][..], &[without[1].clone(), without[0].clone()]] {
            write(&scene, "t/p", &hash, rows).await;
            let browsed = scene.read("package_browse", json!({ "name": "t/p", "recursive": true, "detail": "full" })).await;
            assert_eq!(keys(&browsed), ["a", "d/b"]);
            assert_eq!((browsed["entries"][0].get("meta"), browsed.get("warnings")), (None, None));
            let verified = scene.read("package_verify", json!({ "name": "t/p", "check_objects": true })).await;
            assert_eq!((&verified["manifest_ok"], &verified["objects"]["ok"]), (&json!(true), &json!(2)), "{verified}");
        }
        let updated = scene.write("package_update", json!({ "name": "t/p", "add": [uri("in/b")], "message": "m2" })).await;
        assert_eq!(updated["diff"], json!({ "added": 1, "changed": 0, "removed": 0 }));
        let again = crate::support::quilt3::Quilt3::at(&scene.stage).await.does("browse", json!({ "name": "t/p" })).await;
        assert_eq!(again["hash"], updated["package"]["hash"], "quilt3 reads what is written of it");
    }

    async fn a_row_without_checksum_or_size_is_named_and_the_package_is_browsed(scene) {
        scene.put(json!([{ "key": "in/a", "text": "a" }])).await;
        let whole = row("a", &format!(r#"{CHECKSUM}, "meta": {{"user_meta": {{"n": 1}}}}"#));
        for (number, (fields, lacks, size)) in [
            (r#", "size": 7, "hash": null, "meta": {}"#, "no hash", json!(7)),
            (r#", "size": 7, "meta": {}"#, "no hash", json!(7)),
            (r#", "size": null, "hash": null, "meta": {}"#, "no hash and no size", Value::Null),
            ("", "no hash and no size", Value::Null),
            (r#", "hash": {"type": "SHA256", "value": "00"}, "meta": {}"#, "no size", Value::Null),
        ].into_iter().enumerate() {
            let name = format!("t/p{number}");
            let hash = format!("{:064}", number + 1);
            write(&scene, &name, &hash, &[whole.clone(), row("d/b c.csv", fields)]).await;
            let sentence = format!("the entry `d/b c.csv` has {lacks}");
            for (tool, arguments) in [
                ("package_update", json!({ "name": name, "message": "x" })),
                ("package_diff", json!({ "name": name, "other_hash": format!("{:064}", (number + 1) % 5 + 1) })),
            ] {
                let failure = scene.refuses(tool, arguments, "invalid_manifest").await;
                assert!(failure["error"].as_str().unwrap().contains(&sentence), "{number} {failure}");
                assert!(failure["hint"].as_str().unwrap().contains("with quilt3"), "{number} {failure}");
            }
            let verified = scene.read("package_verify", json!({ "name": name, "check_objects": true })).await;
            assert_eq!((&verified["manifest_ok"], &verified["recomputed_hash"]), (&json!(false), &Value::Null));
            assert!(verified["manifest_error"].as_str().unwrap().contains(&sentence), "{verified}");

            let browsed = scene.read("package_browse", json!({ "name": name, "recursive": true, "detail": "full" })).await;
            assert_eq!(keys(&browsed), ["a", "d/b c.csv"]);
            let warning = browsed["warnings"][0].as_str().unwrap();
            assert!(warning.contains(&sentence) && warning.contains("cannot be verified"), "{warning}");
            let entries = browsed["entries"].as_array().unwrap();
            assert_eq!((&entries[0]["size"], &entries[0]["meta"]), (&json!(1), &json!({ "n": 1 })));
            assert_eq!(entries[1].get("size").unwrap_or(&Value::Null), &size, "{browsed}");
            assert_eq!(entries[1].get("hash"), None);
            assert_eq!(entries[1]["s3_uri"], uri("in/a"));
            assert_eq!(browsed["package"]["metadata"], json!({ "a": 1 }));
            // It is replaced like any other.
            let create = json!({ "name": name, "files": [uri("in/a")], "overwrite": true });
            let created = scene.write("package_create", create).await;
            assert!(created["warnings"][0].as_str().unwrap().contains(&sentence), "{created}");
        }
    }

    /// Only rows that lack something are shown unverified.
    async fn a_manifest_that_is_not_what_its_name_says_is_not_browsed(scene) {
        let hash = format!("{:064}", 9);
        write(&scene, "t/p", &hash, &[row("a", &format!(r#"{CHECKSUM}, "meta": {{}}"#))]).await;
        scene.refuses("package_browse", json!({ "name": "t/p" }), "invalid_manifest").await;
        let odd = format!("{:064}", 8);
        write(&scene, "t/p", &odd, &[row("x/y", r#", "size": -1, "hash": {}, "meta": {}"#)]).await;
        let failure = scene.refuses("package_browse", json!({ "name": "t/p" }), "invalid_manifest").await;
        assert!(failure["error"].as_str().unwrap().contains("`x/y`"), "{failure}");
    }
}
