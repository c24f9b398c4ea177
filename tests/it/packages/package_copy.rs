//! Copies of packages in another bucket or under another name: what stays, where the objects lie, and who decides.

use std::ops::Deref;

use quilt_format::Manifest;
use serde_json::{Value, json};

use crate::support::on_both::on_both;
use crate::support::quilt3::Quilt3;
use crate::support::registry::{FakeRegistry, Vends};
use crate::support::rights::{on_objects, policy};
use crate::support::scene::{self, uri};
use crate::support::server::Server;
use crate::support::stage::{PRIVATE as SOURCE, SHARED, Stage};
use crate::support::token;

const CONFIG: &str = ".quilt/workflows/config.yml";
/// Larger than what is copied in one request.
const LARGE: usize = 8 * 1024 * 1024 + 5;

/// A scene whose writer may use both buckets. Packages are copied from `SOURCE` to the shared bucket.
struct Scene {
    scene: scene::Scene,
    /// The token of a caller who may read both buckets, and write neither.
    visitor: String,
}

impl Scene {
    async fn on(stage: Stage) -> Self {
        let registry = FakeRegistry::start().await;
        let promoter = stage.session("promoter", None).await;
        let reading = json!({ "Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetObject", "s3:GetObjectVersion"],
            "Resource": "*" });
        let writing = on_objects("Deny", &["s3:PutObject"], "*");
        let visitor = stage.session("promoter", Some(&policy(&[reading, writing]))).await;
        let tokens = ["reader", "promoter", "visitor"].map(|sub| token(json!({ "sub": sub })));
        for (token, keys) in tokens.iter().zip([stage.reader.clone(), promoter, visitor]) {
            registry.vends(token, Vends::Keys(keys, 3600));
        }
        let server = Server::with_registry(&stage, &registry, None).await;
        let [reader, writer, visitor] = tokens;
        let scene = scene::Scene {
            stage,
            server,
            reader,
            writer,
        };
        Self { scene, visitor }
    }

    /// Makes `t/p` in the source bucket: a small and a large object with metadata, and an empty one.
    async fn package(&self) -> Value {
        let large = (0..251).cycle().take(LARGE).collect();
        let objects = [("in/a.txt", b"aaa".to_vec()), ("in/b.bin", large), ("in/c", Vec::new())];
        let objects = objects.map(|(key, body)| (key.to_owned(), body));
        self.stage.seed_all(SOURCE, objects).await;
        let files = json!([
            { "s3_uri": in_source("in/a.txt"), "meta": { "n": 1 } },
            { "s3_uri": in_source("in/b.bin"), "logical_key": "deep/b.bin", "meta": { "größe": 1.0 } },
            in_source("in/c"),
        ]);
        let create =
            json!({ "bucket": SOURCE, "name": "t/p", "files": files, "message": "m", "metadata": { "x": [1] } });
        self.write("package_create", create).await
    }

    /// Writes `t/p` in the source bucket with this manifest, and returns its hash.
    async fn write_manifest(&self, text: &str) -> String {
        let hash = Manifest::read(text.as_bytes()).unwrap().top_hash().unwrap().to_string();
        let manifest = format!(".quilt/packages/{hash}");
        self.stage.seed(SOURCE, &manifest, text.as_bytes()).await;
        let latest = ".quilt/named_packages/t/p/latest";
        self.stage.seed(SOURCE, latest, hash.as_bytes()).await;
        hash
    }

    /// Keys of the shared bucket that are no part of `.quilt`, with every version.
    async fn objects(&self) -> Vec<(String, String)> {
        let written = self.stage.written(SHARED).await.into_iter();
        written.filter(|(key, _)| !key.starts_with(".quilt/")).collect()
    }

    async fn entries(&self, bucket: &str, name: &str) -> Value {
        let browse = json!({ "bucket": bucket, "name": name, "recursive": true, "detail": "full" });
        let mut browsed = self.write("package_browse", browse).await;
        browsed["entries"].take()
    }
}

impl Deref for Scene {
    type Target = scene::Scene;

    fn deref(&self) -> &scene::Scene {
        &self.scene
    }
}

fn in_source(key: &str) -> String {
    format!("s3://{SOURCE}/{key}")
}

/// A copy of `t/p` from the source bucket to the shared one.
fn copy(more: &Value) -> Value {
    let mut arguments = json!({ "bucket": SOURCE, "name": "t/p", "dest_bucket": SHARED });
    arguments
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    arguments
}

/// Entries without the places of their objects, which they must have, below this URI and with versions.
fn without_places(entries: &Value, below: &str) -> Vec<Value> {
    let mut entries = entries.as_array().unwrap().clone();
    for entry in &mut entries {
        let place = entry.as_object_mut().unwrap().remove("s3_uri").unwrap();
        let place = place.as_str().unwrap();
        assert!(place.starts_with(below) && place.contains("?versionId="), "{place}");
    }
    entries
}

fn warns(output: &Value, part: &str) -> bool {
    let warnings = output["warnings"].as_array().unwrap();
    warnings.iter().any(|warning| warning.as_str().unwrap().contains(part))
}

on_both! {
    async fn a_copy_in_another_bucket_has_objects_of_its_own(scene) {
        let source = scene.package().await;
        let before = scene.stage.written(SHARED).await;
        let planned = scene.write("package_copy", copy(&json!({ "dry_run": true }))).await;
        assert_eq!(planned["package"]["hash"], source["package"]["hash"]);
        assert_eq!((scene.stage.written(SHARED).await, &planned["dry_run"]), (before, &json!(true)));
        let copied = scene.write("package_copy", copy(&json!({}))).await;
        assert_eq!(copied["package"], json!({ "bucket": SHARED, "name": "t/p", "hash": source["package"]["hash"] }));
        assert_eq!((&copied["entries_added"], &copied["bytes_hashed"], &copied["bytes_copied"], &copied["metadata"]),
            (&json!(3), &json!(0), &json!(LARGE + 3), &json!({ "x": [1] })), "{copied}");
        let entries = scene.entries(SHARED, "t/p").await;
        assert_eq!(without_places(&entries, &uri("t/p/")),
            without_places(&scene.entries(SOURCE, "t/p").await, &in_source("in/")));
        // The copies that are there are used again.
        let objects = scene.objects().await;
        let again = scene.write("package_copy", copy(&json!({ "overwrite": true, "message": "again" }))).await;
        assert_eq!((scene.objects().await, &again["bytes_copied"]), (objects, &json!(0)));
        assert_eq!(again["diff"]["changed"], 0);
        assert_ne!(again["package"]["hash"], source["package"]["hash"], "the message is hashed");
        for key in ["in/a.txt", "in/b.bin", "in/c"] {
            scene.stage.erase(SOURCE, key).await;
        }
        let verified = scene.read("package_verify", json!({ "name": "t/p", "check_objects": true })).await;
        assert_eq!((&verified["manifest_ok"], &verified["objects"]["ok"]), (&json!(true), &json!(3)), "{verified}");
        let mut quilt3 = Quilt3::at(&scene.stage).await;
        let theirs = quilt3.does("browse", json!({ "name": "t/p", "hash": source["package"]["hash"] })).await;
        assert_eq!((&theirs["hash"], &theirs["entries"][0]["meta"]),
            (&source["package"]["hash"], &json!({ "user_meta": { "n": 1 } })), "{theirs}");
        let verified = quilt3.does("verify", json!({ "name": "t/p" })).await;
        assert_eq!(verified["verified"], true, "{verified}");
    }

    async fn a_copy_by_reference_points_to_the_objects_of_the_source(scene) {
        let source = scene.package().await;
        let copied = scene.write("package_copy", copy(&json!({ "dest_name": "t/ref", "copy": false }))).await;
        assert_eq!((&copied["package"]["hash"], &copied["bytes_copied"], &copied["bytes_hashed"]),
            (&source["package"]["hash"], &json!(0), &json!(0)));
        assert_eq!(scene.entries(SHARED, "t/ref").await, scene.entries(SOURCE, "t/p").await);
        assert_eq!(scene.objects().await, []);
        let changed = copy(&json!({ "dest_name": "t/ref", "copy": false, "metadata": {}, "overwrite": true }));
        let changed = scene.write("package_copy", changed).await;
        assert_ne!(changed["package"]["hash"], source["package"]["hash"]);
        assert_eq!((changed.get("metadata"), &changed["diff"]["changed"]), (None, &json!(0)));
    }

    async fn another_name_in_the_same_bucket_has_the_same_hash(scene) {
        let mut quilt3 = Quilt3::at(&scene.stage).await;
        let files = json!([{ "key": "d/a", "size": 3, "meta": { "n": 1 } }, { "key": "d/e/b", "size": 5 }]);
        let pushed = quilt3.does("push", json!({ "name": "q/p", "files": files, "message": "m", "meta": { "x": 1.0 },
            "header": { "lab": "A" }, "directories": { "d": { "who": "me" } } })).await;
        let objects = scene.objects().await;
        let copied = scene.write("package_copy", json!({ "name": "q/p", "dest_name": "q/other" })).await;
        assert_eq!((&copied["package"]["hash"], &copied["warnings"]), (&pushed["hash"], &json!([])), "{copied}");
        assert_eq!((scene.objects().await, &copied["bytes_copied"]), (objects, &json!(0)));
        let [theirs, ours] = [quilt3.does("browse", json!({ "name": "q/p" })).await,
            quilt3.does("browse", json!({ "name": "q/other" })).await];
        assert_eq!(theirs, ours);
        // Under another hash, so that the manifest is one of ours.
        let changed = json!({ "name": "q/p", "dest_name": "q/new", "message": "new", "copy": true });
        scene.write("package_copy", changed).await;
        let changed = quilt3.does("browse", json!({ "name": "q/new" })).await;
        assert_eq!((&changed["directories"], &changed["header"]["lab"], &changed["header"]["message"]),
            (&theirs["directories"], &json!("A"), &json!("new")), "{changed}");
        assert!(changed["entries"][0]["uri"].as_str().unwrap().starts_with(&uri("q/new/d/a?versionId=")), "{changed}");
    }

    async fn checksums_of_any_type_stay_and_places_are_pinned(scene) {
        scene.stage.seed(SOURCE, "in/a", b"a").await;
        let row = |key: &str, hash: Value| json!({ "logical_key": key, "physical_keys": [in_source("in/a")], "size": 1,
            "hash": hash, "meta": { "user_meta": { "k": key } } });
        let hashes = [json!({ "type": "SHA256", "value": "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb" }),
            json!({ "type": "md5", "value": "?" })];
        let text = format!("{{\"version\": \"v0\", \"lab\": \"A\"}}\n{}\n{}\n", row("a", hashes[0].clone()),
            row("b", hashes[1].clone()));
        let hash = scene.write_manifest(&text).await;
        for (name, copies) in [("t/ref", false), ("t/own", true)] {
            let copied = scene.write("package_copy", copy(&json!({ "dest_name": name, "copy": copies }))).await;
            assert_eq!((&copied["package"]["hash"], &copied["bytes_hashed"]), (&json!(hash), &json!(0)));
            let below = if copies { uri("t/own/") } else { in_source("in/a") };
            let entries = without_places(&scene.entries(SHARED, name).await, &below);
            assert_eq!((&entries[0]["hash"], &entries[1]["hash"]), (&hashes[0], &hashes[1]), "{entries:?}");
        }
        scene.stage.seed(SOURCE, "in/a", b"longer").await;
        let refused = scene.refuses("package_copy", copy(&json!({ "dest_name": "t/new" })), "invalid_argument").await;
        assert!(refused["error"].as_str().unwrap().contains("Entry `a` has 1 bytes"), "{refused}");
    }

    async fn an_existing_name_is_a_conflict_unless_overwritten(scene) {
        let source = scene.package().await;
        scene.write("package_create", json!({ "name": "t/p", "files": [], "readme": "# r" })).await;
        let refused = scene.refuses("package_copy", copy(&json!({})), "conflict").await;
        assert_eq!(refused["details"]["diff"], json!({ "added": 3, "changed": 0, "removed": 1 }), "{refused}");
        scene.refuses("package_copy", copy(&json!({ "dry_run": true })), "conflict").await;
        let planned = scene.write("package_copy", copy(&json!({ "overwrite": true, "dry_run": true }))).await;
        let changes = &planned["changes"];
        assert_eq!((&changes["removed"], changes["added"].as_array().unwrap().len()), (&json!(["README.md"]), 3), "{planned}");
        let replaced = scene.write("package_copy", copy(&json!({ "overwrite": true }))).await;
        assert_eq!((&replaced["package"]["hash"], &replaced["diff"]["removed"]), (&source["package"]["hash"], &json!(1)));
        let versions = scene.read("package_versions", json!({ "name": "t/p" })).await;
        assert_eq!(versions["returned"], 2);
        let onto_itself = json!({ "name": "t/p", "dest_bucket": SHARED, "overwrite": true });
        scene.refuses("package_copy", onto_itself, "invalid_argument").await;
        scene.refuses("package_copy", json!({ "name": "t/p" }), "invalid_argument").await;
        scene.refuses("package_copy", json!({ "name": "t/none", "dest_name": "t/x" }), "no_such_package").await;
        scene.refuses("package_copy", json!({ "name": "t/p", "dest_name": "t/x", "hash": "latest~2" }),
            "invalid_argument").await;
        let older = json!({ "name": "t/p", "dest_name": "t/x", "hash": "latest~1" });
        assert_eq!(scene.write("package_copy", older).await["entries_added"], 1);
    }

    async fn the_workflow_of_the_destination_decides(scene) {
        let source = scene.package().await;
        let config = "version: '1'\nworkflows:\n  strict: {name: Strict, handle_pattern: '^team/', is_message_required: true}\n";
        scene.stage.seed(SHARED, CONFIG, config.as_bytes()).await;
        let strict = |name: &str| copy(&json!({ "dest_name": name, "workflow": "strict" }));
        scene.refuses("package_copy", copy(&json!({ "dest_name": "team/p" })), "workflow_violation").await;
        scene.refuses("package_copy", strict("t/q"), "workflow_violation").await;
        let copied = scene.write("package_copy", strict("team/p")).await;
        assert_ne!(copied["package"]["hash"], source["package"]["hash"], "the workflow is hashed");
        let browsed = scene.read("package_browse", json!({ "name": "team/p" })).await;
        assert_eq!((&browsed["package"]["workflow"]["id"], &browsed["package"]["message"]), (&json!("strict"), &json!("m")));
        // The source bucket has no workflows, so the copy back has none.
        let back = json!({ "name": "team/p", "dest_bucket": SOURCE, "copy": false });
        assert_eq!(scene.write("package_copy", back).await["package"]["hash"], source["package"]["hash"]);
    }

    async fn an_entry_whose_object_is_gone_is_named(scene) {
        scene.package().await;
        scene.stage.erase(SOURCE, "in/b.bin").await;
        for copies in [true, false] {
            let refused = scene.refuses("package_copy", copy(&json!({ "copy": copies })), "no_such_key").await;
            let error = refused["error"].as_str().unwrap();
            assert!(error.contains("`deep/b.bin`") && error.contains(&in_source("in/b.bin")), "{refused}");
        }
    }

    async fn a_reader_of_the_destination_is_refused(scene) {
        scene.package().await;
        let before = scene.stage.written(SHARED).await;
        for copies in [true, false] {
            let refused = scene.server.call(&scene.visitor, "package_copy", copy(&json!({ "copy": copies }))).await;
            let error = refused.failure("access_denied")["error"].as_str().unwrap();
            assert!(error.contains(&format!("s3://{SHARED}/")), "{error}");
        }
        let refused = scene.server.call(&scene.reader, "package_copy", copy(&json!({}))).await;
        refused.failure("access_denied");
        assert_eq!(scene.stage.written(SHARED).await, before);
    }

    async fn a_destination_that_is_no_successor_gets_a_warning(scene) {
        scene.package().await;
        let dry = copy(&json!({ "dry_run": true }));
        assert_eq!(scene.write("package_copy", dry.clone()).await["warnings"], json!([]));
        let config = "version: '1'\nis_workflow_required: false\nworkflows:\n  a: {name: A}\n";
        for (successors, is_warned) in [
            (String::new(), true),
            ("successors:\n  s3://elsewhere: {title: E}\n".to_owned(), true),
            (format!("successors:\n  s3://{SHARED}: {{title: S}}\n"), false),
            ("successors: 1\n".to_owned(), true),
        ] {
            scene.stage.seed(SOURCE, CONFIG, format!("{config}{successors}").as_bytes()).await;
            let copied = scene.write("package_copy", dry.clone()).await;
            assert_eq!(warns(&copied, &format!("s3://{SHARED} among its successors")), is_warned, "{copied}");
        }
    }
}

/// More entries than are held in memory, taken over as they are read.
#[tokio::test]
async fn a_package_of_many_entries_is_copied_as_it_is_read() {
    let scene = Scene::on(Stage::embedded().await).await;
    let keys = (0..5_100).map(|n| format!("in/{}/{n:05}", n % 3));
    let objects = keys.map(|key| (key.clone(), key.into_bytes()));
    scene.stage.seed_all(SOURCE, objects).await;
    let create = json!({ "bucket": SOURCE, "name": "t/p", "source_prefix": "in/", "message": "m" });
    let source = scene.write("package_create_from_s3", create).await;
    let planned = scene.write("package_copy", copy(&json!({ "dry_run": true }))).await;
    assert_eq!(planned["package"]["hash"], source["package"]["hash"]);
    let copied = scene.write("package_copy", copy(&json!({ "copy": false }))).await;
    assert_eq!(
        (&copied["package"]["hash"], &copied["entries_added"]),
        (&source["package"]["hash"], &json!(5_100))
    );
    scene.refuses("package_copy", copy(&json!({})), "conflict").await;
    scene.stage.erase(SOURCE, "in/1/05098").await;
    let gone = copy(&json!({ "dest_name": "t/gone", "copy": false }));
    let refused = scene.refuses("package_copy", gone, "no_such_key").await;
    assert!(refused["error"].as_str().unwrap().contains("`1/05098`"), "{refused}");
}

/// Few entries with so much metadata that they are not held in memory together.
#[tokio::test]
async fn a_large_manifest_is_copied_as_it_is_read() {
    let scene = Scene::on(Stage::embedded().await).await;
    scene.stage.seed(SOURCE, "in/a", b"a").await;
    let row = |n: u32| {
        let meta = json!({ "user_meta": { "pad": "x".repeat(250_000), "n": n } });
        json!({ "logical_key": format!("{n:02}"), "physical_keys": [in_source("in/a")], "size": 1, "meta": meta,
            "hash": { "type": "md5", "value": "?" } })
    };
    let rows: String = (0..40).map(|n| row(n).to_string() + "\n").collect();
    let directory = json!({ "logical_key": "none/", "meta": { "user_meta": { "kept": true } } });
    let text = format!("{{\"version\": \"v0\", \"lab\": \"A\", \"message\": null}}\n{directory}\n{rows}");
    let hash = scene.write_manifest(&text).await;
    let copied = scene.write("package_copy", copy(&json!({}))).await;
    assert_eq!(
        (&copied["package"]["hash"], &copied["bytes_copied"]),
        (&json!(hash), &json!(40)),
        "{copied}"
    );
    let mut quilt3 = Quilt3::at(&scene.stage).await;
    let theirs = quilt3.does("browse", json!({ "name": "t/p" })).await;
    assert_eq!((&theirs["hash"], &theirs["header"]["lab"]), (&json!(hash), &json!("A")));
    assert_eq!(theirs["entries"][39]["meta"]["user_meta"]["n"], 39);
    let written = scene.stage.written(SHARED).await;
    assert_eq!(written.iter().filter(|(key, _)| key.starts_with("t/p/")).count(), 40);
    assert!(
        theirs["entries"][39]["uri"]
            .as_str()
            .unwrap()
            .starts_with(&uri("t/p/39?versionId="))
    );
}
