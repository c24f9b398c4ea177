//! Packages of more objects than are held in memory: made from a prefix, updated from one, and resumed where a call stopped.

use std::collections::BTreeSet;

use quilt_format::manifest::ManifestWriter;
use quilt_format::{Entry, Header, PhysicalKey};
use serde_json::{Value, json};

use super::commits::hash;
use crate::support::SECRET;
use crate::support::on_both::on_both;
use crate::support::quilt3::Quilt3;
use crate::support::registry::{FakeRegistry, Vends};
use crate::support::scene::{Scene, keys, uri};
use crate::support::server::Server;
use crate::support::stage::{SHARED, Stage};

/// More than are made in memory.
const OBJECTS: usize = 5_200;

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

pub(super) async fn seed_lake(stage: &Stage) -> Vec<String> {
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

on_both! {
    async fn a_package_of_more_objects_than_fit_in_memory_is_made_from_a_prefix(scene) {
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
        let update = json!({
            "name": "lake/all", "message": "more", "add": [uri("one.txt")], "remove": ["6/"],
            "add_from_s3": [{ "source_prefix": "more/", "logical_prefix": "added", "exclude": ["m19.txt"] }],
        });
        let mut dry = update.clone();
        dry["dry_run"] = true.into();
        let planned = scene.write("package_update", dry).await;
        let sixth = expected.iter().filter(|key| key.starts_with("6/")).count();
        let lengths = ["added", "changed", "removed"].map(|kind| planned["changes"][kind].as_array().unwrap().len());
        assert_eq!(lengths, [20, 0, sixth.min(50)]);
        let updated = scene.write("package_update", update).await;
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

/// A level of large folders is known from the index of the manifest.
#[tokio::test]
async fn a_level_of_a_hundred_large_folders_costs_few_requests() {
    let scene = Scene::on(Stage::embedded().await).await;
    let mut writer = ManifestWriter::new(&Header::new(None, None, None)).unwrap();
    let meta = json!({ "user_meta": { "text": "x".repeat(8_000) } });
    let meta = quilt_format::json::parse(&meta.to_string()).unwrap();
    for number in 0..1_000 {
        let entry = Entry {
            logical_key: format!("data/{:03}/{number}", number / 10).parse().unwrap(),
            physical_key: PhysicalKey::S3 {
                bucket: SHARED.to_owned(),
                key: "in/a".to_owned(),
                version_id: None,
            },
            size: 2,
            hash: quilt_format::json::parse(r#"{"type":"SHA256","value":"00"}"#).unwrap(),
            meta: meta.clone(),
        };
        writer.entry(&entry).unwrap();
    }
    let mut bytes = writer.take();
    let (tail, hash) = writer.finish();
    bytes.extend(tail);
    let key = |key: &str| format!(".quilt/{key}");
    scene
        .stage
        .seed(SHARED, &key(&format!("packages/{hash}")), &bytes)
        .await;
    scene
        .stage
        .seed(
            SHARED,
            &key("named_packages/large/folders/latest"),
            hash.as_str().as_bytes(),
        )
        .await;
    let browse = json!({ "name": "large/folders", "path": "data/" });
    scene.read("package_browse", json!({ "name": "large/folders" })).await;
    let mut half = browse.clone();
    half["limit"] = 60.into();
    for (browse, folders) in [(browse, 100), (half, 60)] {
        scene.stage.aws().journal().clear();
        let level = scene.read("package_browse", browse).await;
        let requests = scene.stage.aws().journal().take();
        assert_eq!(level["entries"].as_array().unwrap().len(), folders);
        for (number, folder) in level["entries"].as_array().unwrap().iter().enumerate() {
            assert_eq!(folder["logical_key"], format!("data/{number:03}/"));
            assert_eq!((&folder["entries"], &folder["size"]), (&json!(10), &json!(20)));
        }
        assert_eq!(
            level["next_cursor"].is_null(),
            folders == 100,
            "{}",
            level["next_cursor"]
        );
        assert!(requests.len() <= 5, "{requests:?}");
    }
}
