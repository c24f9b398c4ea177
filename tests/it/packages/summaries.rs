//! Messages, metadata and totals in the lists of revisions and of packages.

use quilt_format::manifest::ManifestWriter;
use quilt_format::{Entry, Header, PhysicalKey};
use serde_json::{Value, json};

use crate::support::on_both::on_both;
use crate::support::scene::{Scene, uri};
use crate::support::stage::{SHARED, Stage};

async fn put(scene: &Scene) {
    scene
        .put(json!([{ "key": "in/a", "text": "aaa" }, { "key": "in/b", "text": "bb" }]))
        .await;
}

/// The manifest of entries of one byte each, whose keys are in tree order, and its hash.
pub(super) fn manifest(keys: impl Iterator<Item = String>, message: &str) -> (String, Vec<u8>) {
    let mut writer = ManifestWriter::new(&Header::new(None, None, Some(message))).unwrap();
    for (number, key) in keys.enumerate() {
        let entry = Entry {
            logical_key: key.parse().unwrap(),
            physical_key: PhysicalKey::S3 {
                bucket: SHARED.to_owned(),
                key: format!("gone/{}/{number}", "k".repeat(150)),
                version_id: None,
            },
            size: 1,
            hash: quilt_format::json::parse(r#"{"type":"SHA256","value":"00"}"#).unwrap(),
            meta: quilt_format::json::parse("{}").unwrap(),
        };
        writer.entry(&entry).unwrap();
    }
    let mut bytes = writer.take();
    let (tail, hash) = writer.finish();
    bytes.extend(tail);
    (hash.to_string(), bytes)
}

/// Writes a package with this revision, whose objects do not exist.
pub(super) async fn seed(scene: &Scene, name: &str, (hash, bytes): &(String, Vec<u8>)) {
    scene
        .stage
        .seed(SHARED, &format!(".quilt/packages/{hash}"), bytes)
        .await;
    for pointer in ["1600000000", "latest"] {
        let key = format!(".quilt/named_packages/{name}/{pointer}");
        scene.stage.seed(SHARED, &key, hash.as_bytes()).await;
    }
}

on_both! {
    async fn revisions_have_their_messages_and_totals(scene) {
        put(&scene).await;
        scene.write("package_create", json!({ "name": "t/p", "files": [uri("in/a")], "message": "one" })).await;
        scene.write("package_update", json!({ "name": "t/p", "add": [uri("in/b")], "message": "two" })).await;
        scene.write("package_update", json!({ "name": "t/p", "remove": ["a"] })).await;
        let listed = scene.read("package_versions", json!({ "name": "t/p" })).await;
        let rows: Vec<Value> = listed["versions"].as_array().unwrap().iter()
            .map(|row| json!([row["message"], row["total_entries"], row["total_bytes"]])).collect();
        assert_eq!(json!(rows), json!([[null, 1, 2], ["two", 2, 5], ["one", 1, 3]]));
        assert_eq!(listed.get("warnings"), None);
        let brief = scene.read("package_versions", json!({ "name": "t/p", "detail": "brief" })).await;
        for row in brief["versions"].as_array().unwrap() {
            for member in ["message", "total_entries", "total_bytes"] {
                assert_eq!(row.get(member), None, "{row}");
            }
        }
        let page = scene.read("package_versions", json!({ "name": "t/p", "limit": 1 })).await;
        assert!(page["next_cursor"].as_str().unwrap().len() <= 24, "{page}");
    }

    async fn packages_have_their_messages_metadata_and_totals(scene) {
        put(&scene).await;
        let metadata = json!({ "n": 1, "long": "x".repeat(2000) });
        let create = json!({ "name": "t/a", "files": [uri("in/a")], "message": "one", "metadata": metadata });
        scene.write("package_create", create).await;
        scene.write("package_create", json!({ "name": "t/b", "files": [uri("in/a"), uri("in/b")] })).await;
        scene.stage.seed(SHARED, ".quilt/named_packages/t/gone/latest", "0".repeat(64).as_bytes()).await;
        let brief = scene.read("package_list", json!({})).await;
        assert_eq!((&brief["returned"], brief["packages"][0].get("message")), (&json!(3), None));
        let full = scene.read("package_list", json!({ "detail": "full" })).await;
        let rows = &full["packages"];
        assert_eq!((&rows[0]["message"], &rows[0]["metadata"], &rows[0]["metadata_cut"]),
            (&json!("one"), &json!({ "n": 1 }), &json!(true)));
        assert_eq!((&rows[0]["total_entries"], &rows[0]["total_bytes"]), (&json!(1), &json!(3)));
        assert_eq!((&rows[1]["message"], &rows[1]["total_entries"], &rows[1]["total_bytes"]), (&Value::Null, &json!(2), &json!(5)));
        assert_eq!((&rows[2]["name"], &rows[2]["total_entries"]), (&json!("t/gone"), &Value::Null));
        assert!(rows[2]["problem"].as_str().unwrap().contains("does not exist"), "{rows}");
        assert_eq!(full.get("warnings"), None);
    }
}

/// Of a large manifest only the beginning is read, and a list says what it does not know.
#[tokio::test]
async fn a_manifest_that_is_too_large_to_count_is_named() {
    let scene = Scene::on(Stage::embedded().await).await;
    let keys = |entries: usize| (0..entries).map(|number| format!("data/{number:07}"));
    seed(&scene, "t/large", &manifest(keys(130_000), "large")).await;
    seed(&scene, "t/small", &manifest(keys(3), "small")).await;
    let listed = scene.read("package_list", json!({ "detail": "full" })).await;
    let rows = &listed["packages"];
    assert_eq!(
        (&rows[0]["message"], &rows[0]["total_entries"]),
        (&json!("large"), &Value::Null)
    );
    assert_eq!(
        (&rows[1]["message"], &rows[1]["total_entries"]),
        (&json!("small"), &json!(3))
    );
    assert!(
        listed["warnings"][0].as_str().unwrap().starts_with("1 revisions"),
        "{listed}"
    );
    let versions = scene.read("package_versions", json!({ "name": "t/large" })).await;
    assert_eq!(versions["versions"][0]["total_bytes"], Value::Null);
    assert!(
        versions["warnings"][0].as_str().unwrap().contains("package_browse"),
        "{versions}"
    );
    // What is in memory is known.
    scene.read("package_browse", json!({ "name": "t/large" })).await;
    let listed = scene.read("package_list", json!({ "detail": "full" })).await;
    assert_eq!(
        (&listed["packages"][0]["total_entries"], listed.get("warnings")),
        (&json!(130_000), None)
    );
}
