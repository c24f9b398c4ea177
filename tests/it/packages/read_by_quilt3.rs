//! Packages written by these tools and read by the real quilt3: listed, browsed, fetched, verified and installed.
//!
//! These tests run on the embedded S3 and on SeaweedFS. Where SeaweedFS lacks a feature, the test says which.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::on_both::on_both;
use crate::support::quilt3::Quilt3;
use crate::support::scene::{Scene, uri};
use crate::support::stage::{SHARED, Stage};

const MIB: u64 = 1024 * 1024;

/// The content that the peer writes for a size.
fn body(size: u64) -> Vec<u8> {
    (0..251).cycle().take(usize::try_from(size).unwrap()).collect()
}

fn sha256(body: &[u8]) -> String {
    Sha256::digest(body)
        .iter()
        .fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"))
}

/// Entries as quilt3 shows them, from a page of ours.
pub fn as_quilt3(browsed: &Value) -> Vec<Value> {
    let entries = browsed["entries"].as_array().unwrap();
    let shown = entries.iter().map(|entry| {
        let meta = entry
            .get("meta")
            .map_or_else(|| json!({}), |meta| json!({ "user_meta": meta }));
        json!({ "key": entry["logical_key"], "uri": entry["s3_uri"], "size": entry["size"], "hash": entry["hash"],
            "meta": meta })
    });
    shown.collect()
}

/// Returns our history in quilt3's form: hashes by their second, and the latest.
fn history(versions: &Value) -> BTreeMap<String, Value> {
    let mut history = BTreeMap::new();
    for version in versions["versions"].as_array().unwrap() {
        let modified: jiff::Timestamp = version["modified"].as_str().unwrap().parse().unwrap();
        history.insert(modified.as_second().to_string(), version["hash"].clone());
        if version["is_latest"] == true {
            history.insert("latest".to_owned(), version["hash"].clone());
        }
    }
    history
}

/// quilt3 sees in a revision what our tools show of it, gets its bytes, and finds them to be right.
async fn quilt3_agrees(scene: &Scene, quilt3: &mut Quilt3, name: &str, files: &Value) -> Value {
    let theirs = quilt3.does("browse", json!({ "name": name })).await;
    let ours = scene
        .read(
            "package_browse",
            json!({ "name": name, "recursive": true, "detail": "full" }),
        )
        .await;
    assert_eq!(
        theirs["hash"], ours["package"]["hash"],
        "quilt3 computes the hash by which the package is called"
    );
    assert_eq!(theirs["entries"], json!(as_quilt3(&ours)));
    assert_eq!(
        theirs["header"].get("user_meta"),
        ours["package"].get("metadata").filter(|metadata| !metadata.is_null())
    );
    assert_eq!(theirs["header"]["message"], ours["package"]["message"]);
    let verified = quilt3.does("verify", json!({ "name": name })).await;
    assert_eq!(
        verified,
        json!({ "verified": true, "notices_damage": true, "files": files })
    );
    let installed = quilt3
        .does("install", json!({ "name": name, "hash": theirs["hash"] }))
        .await;
    assert_eq!(installed, json!({ "files": files, "hash": theirs["hash"] }));
    theirs
}

on_both! {
    async fn what_is_created_here_is_whole_in_quilt3(scene) {
        let mut quilt3 = Quilt3::at(&scene.stage).await;
        let bodies = [("in/a.csv", "a,b\n1,2\n"), ("in/été/日本 1+2.md", "# ünï"), ("in/deep/empty", ""), ("in/deep/😀",
            "smile")];
        scene.put(bodies.iter().map(|(key, text)| json!({ "key": key, "text": text })).collect()).await;
        let metadata = json!({ "größe": 1.0, "n": -0.5e-7, "big": 1e300, "none": null, "list": [1, "ü", {}],
            // A hasty reader takes it for its neighbour.
            "exact": 31.245_270_191_439_438, "": "\u{7f}😀" });
        let created = scene.write("package_create", json!({
            "name": "team/all_of-it", "message": "première 😀", "metadata": metadata, "flatten": false,
            "files": [
                uri("in/a.csv"),
                { "s3_uri": uri("in/%C3%A9t%C3%A9/%E6%97%A5%E6%9C%AC%201%2B2.md"), "meta": { "author": "é", "n": 2.50 } },
                { "s3_uri": uri("in/deep/empty"), "logical_key": "b/empty" },
                { "s3_uri": uri("in/deep/%F0%9F%98%80"), "logical_key": "b-😀/é.txt" },
            ],
        })).await;
        let files = json!({
            "a.csv": sha256(b"a,b\n1,2\n"), "été/日本 1+2.md": sha256("# ünï".as_bytes()),
            "b/empty": sha256(b""), "b-😀/é.txt": sha256(b"smile"),
        });
        let theirs = quilt3_agrees(&scene, &mut quilt3, "team/all_of-it", &files).await;
        assert_eq!(theirs["hash"], created["package"]["hash"]);
        assert_eq!(theirs["header"], json!({ "version": "v0", "user_meta": metadata, "message": "première 😀" }));
        assert_eq!(theirs["directories"], json!({}));

        scene.write("package_create", json!({ "name": "other/plain", "files": [uri("in/a.csv")] })).await;
        let files = json!({ "a.csv": sha256(b"a,b\n1,2\n") });
        let theirs = quilt3_agrees(&scene, &mut quilt3, "other/plain", &files).await;
        assert_eq!(theirs["header"], json!({ "version": "v0", "message": null }), "no message is quilt3's null");
        scene.write("package_create", json!({ "name": "other/empty", "files": [uri("in/a.csv")], "metadata": {} })).await;
        let theirs = quilt3.does("browse", json!({ "name": "other/empty" })).await;
        let header = json!({ "version": "v0", "user_meta": {}, "message": null });
        assert_eq!(theirs["header"], header, "{{}} is not nothing");

        let listed = scene.read("package_list", json!({})).await;
        let names: Vec<&Value> = listed["packages"].as_array().unwrap().iter().map(|package| &package["name"]).collect();
        assert_eq!(json!(names), quilt3.does("list_packages", json!({})).await);
        assert_eq!(names, ["other/empty", "other/plain", "team/all_of-it"]);
    }

    async fn checksums_that_catalogs_prefer_are_checked_by_quilt3(scene) {
        let mut quilt3 = Quilt3::at(&scene.stage).await;
        for (key, size) in [("src/small", 1000), ("src/large", 9 * MIB)] {
            quilt3.does("put", json!({ "key": key, "size": size, "checksum": "CRC64NVME" })).await;
        }
        let create = json!({ "name": "team/crc", "files": [uri("src/small"), uri("src/large")], "hash_type": "CRC64NVME" });
        assert_eq!(scene.write("package_create", create).await["bytes_hashed"], 0);
        let files = json!({ "large": sha256(&body(9 * MIB)), "small": sha256(&body(1000)) });
        let theirs = quilt3_agrees(&scene, &mut quilt3, "team/crc", &files).await;
        assert_eq!(theirs["entries"][0]["hash"]["type"], "CRC64NVME");
        let verified = scene.read("package_verify", json!({ "name": "team/crc", "check_objects": true })).await;
        assert_eq!(verified["objects"]["ok"], 2, "{verified}");
    }

    async fn copies_and_readme_lie_where_quilt3_puts_them_and_verify(scene) {
        let mut quilt3 = Quilt3::at(&scene.stage).await;
        let sizes = [("small", 1000), ("below", 8 * MIB - 1), ("at", 8 * MIB), ("above", 8 * MIB + 1)];
        for (name, size) in sizes {
            quilt3.does("put", json!({ "key": format!("src/{name}.bin"), "size": size })).await;
        }
        let total: u64 = sizes.iter().map(|(_, size)| size).sum();
        let files: Vec<String> = sizes.iter().map(|(name, _)| uri(&format!("src/{name}.bin"))).collect();
        let create = json!({ "name": "team/copied", "files": files, "copy": true, "readme": "# Lies mich ü\n" });
        let created = scene.write("package_create", create).await;
        assert_eq!(created["bytes_copied"], total);
        assert_eq!((&created["entries_added"], &created["total_bytes"]), (&json!(5), &json!(total + 15)));
        // The embedded S3 tells the checksums of what it copies, as AWS does. SeaweedFS tells none of parts that it copies,
        // so that what has several parts, and what it has no SHA-256 of, is read.
        if scene.is_embedded() {
            assert_eq!(created["bytes_hashed"], 0);
        }

        let mut fetched = json!({ "README.md": sha256("# Lies mich ü\n".as_bytes()) });
        for (name, size) in sizes {
            fetched[format!("{name}.bin")] = sha256(&body(size)).into();
        }
        let theirs = quilt3_agrees(&scene, &mut quilt3, "team/copied", &fetched).await;
        for entry in theirs["entries"].as_array().unwrap() {
            let key = entry["key"].as_str().unwrap();
            let place = format!("{}?versionId=", uri(&format!("team/copied/{key}")));
            assert!(entry["uri"].as_str().unwrap().starts_with(&place), "{entry}");
            assert_eq!(entry["hash"]["type"], "sha2-256-chunked");
        }
        if scene.is_embedded() {
            for (name, parts) in [("at", 1), ("above", 2)] {
                let head = quilt3.does("head", json!({ "key": format!("team/copied/{name}.bin") })).await;
                let mut entries = theirs["entries"].as_array().unwrap().iter();
                let entry = entries.find(|entry| entry["key"] == format!("{name}.bin"));
                let composite = format!("{}-{parts}", entry.unwrap()["hash"]["value"].as_str().unwrap());
                assert_eq!(head["sha256"], composite, "S3's checksum of the parts is the entry's");
            }
        }
        // What quilt3 pushes of the same objects, copying them too, is the same revision.
        let mut entries: Vec<Value> = sizes.iter().map(|(name, _)| json!({ "key": format!("{name}.bin"),
            "uri": uri(&format!("src/{name}.bin")) })).collect();
        entries.push(json!({ "key": "README.md", "data": BASE64_STANDARD.encode("# Lies mich ü\n") }));
        let pushed = quilt3.does("push", json!({ "name": "theirs/copied", "files": entries })).await;
        assert_eq!(pushed["hash"], created["package"]["hash"]);
    }

    async fn revisions_follow_each_other_as_quilt3_reads_history(scene) {
        let mut quilt3 = Quilt3::at(&scene.stage).await;
        scene.put(json!([
            { "key": "in/a.txt", "text": "one" }, { "key": "in/b.txt", "text": "two" }, { "key": "in/d/c.txt",
                "text": "three" },
        ])).await;
        let name = "team/moves";
        let mut hashes = Vec::new();
        let files = json!([uri("in/a.txt"), { "s3_uri": uri("in/d/c.txt"), "logical_key": "d/c.txt" }]);
        let created = scene.write("package_create", json!({ "name": name, "files": files, "metadata": { "a": 1,
            "b": 1 } })).await;
        hashes.push(created["package"]["hash"].clone());
        let updates = [
            json!({ "add": [uri("in/b.txt")], "remove": ["d/"], "metadata": { "b": 2 }, "message": "second" }),
            json!({ "add": [{ "s3_uri": uri("in/b.txt"), "logical_key": "a.txt", "meta": { "x": "y" } }],
                "remove": ["b.txt"],
                "metadata": { "c": [] }, "metadata_mode": "replace" }),
        ];
        for mut update in updates {
            update["name"] = name.into();
            hashes.push(scene.write("package_update", update).await["package"]["hash"].clone());
        }
        let overwrite = json!({ "name": name, "files": [uri("in/d/c.txt")], "overwrite": true, "message": "anew" });
        hashes.push(scene.write("package_create", overwrite).await["package"]["hash"].clone());

        let versions = scene.read("package_versions", json!({ "name": name })).await;
        let ours = history(&versions);
        assert_eq!(json!(ours), quilt3.does("versions", json!({ "name": name })).await);
        let in_order: Vec<&Value> = ours.iter().filter(|(second, _)| *second != "latest").map(|(_, hash)| hash).collect();
        assert_eq!(in_order, hashes.iter().collect::<Vec<_>>());
        assert_eq!(&ours["latest"], hashes.last().unwrap());

        let theirs = quilt3.does("browse", json!({ "name": name, "hash": hashes[1] })).await;
        assert_eq!(theirs["header"], json!({ "version": "v0", "user_meta": { "a": 1, "b": 2 }, "message": "second" }));
        let theirs = quilt3.does("browse", json!({ "name": name, "hash": hashes[2] })).await;
        assert_eq!(theirs["header"], json!({ "version": "v0", "user_meta": { "c": [] }, "message": null }));
        assert_eq!(theirs["entries"][0]["meta"], json!({ "user_meta": { "x": "y" } }));
        quilt3_agrees(&scene, &mut quilt3, name, &json!({ "c.txt": sha256(b"three") })).await;

        for (from, to) in [(0, 1), (1, 2), (2, 3), (3, 0)] {
            let theirs = quilt3.does("diff", json!({ "name": name, "from": hashes[from], "to": hashes[to] })).await;
            let diff = scene.read("package_diff", json!({ "name": name, "hash": hashes[from],
                "other_hash": hashes[to] })).await;
            let named = |list: &str| {
                let entries = diff[list].as_array().unwrap().iter();
                entries.map(|entry| entry["logical_key"].clone()).collect::<Vec<_>>()
            };
            assert_eq!(json!({ "added": named("added"), "changed": named("changed"), "removed": named("removed") }),
                theirs);
        }
    }

    async fn deletion_leaves_the_pointers_that_quilt3_leaves(scene) {
        let mut quilt3 = Quilt3::at(&scene.stage).await;
        for name in ["ours/pkg", "theirs/pkg"] {
            // The third is pushed twice, and the first is made the latest again.
            for text in ["1", "2", "3", "3"] {
                let file = json!({ "key": "f", "data": BASE64_STANDARD.encode(text) });
                quilt3.does("push", json!({ "name": name, "files": [file], "force": true })).await;
            }
        }
        let hashes: Vec<Value> = history(&scene.read("package_versions",
            json!({ "name": "ours/pkg" })).await).into_values().collect();
        // quilt3 wants a checksum of every copy. SeaweedFS tells none, so that quilt3 cannot turn `latest` there.
        let quilt3_can = scene.is_embedded();
        for name in ["ours/pkg", "theirs/pkg"] {
            if quilt3_can {
                quilt3.does("rollback", json!({ "name": name, "hash": hashes[0] })).await;
            } else {
                let key = format!(".quilt/named_packages/{name}/latest");
                scene.stage.seed(SHARED, &key, hashes[0].as_str().unwrap().as_bytes()).await;
            }
        }
        let recorded: Value = serde_json::from_str(include_str!("../../fixtures/quilt3/index.json")).unwrap();
        let recorded = &recorded["behaviours"];
        let mut steps = vec![pattern(&quilt3.does("pointers", json!({ "name": "ours/pkg" })).await, &hashes)];
        assert_eq!(steps[0], "0 1 2 2 latest=0");
        for hash in [&hashes[1], &hashes[0], &hashes[2]] {
            let gone = scene.write("package_delete", json!({ "name": "ours/pkg", "hash": hash,
                "confirm": "ours/pkg" })).await;
            let ours = pattern(&quilt3.does("pointers", json!({ "name": "ours/pkg" })).await, &hashes);
            if quilt3_can {
                quilt3.does("delete", json!({ "name": "theirs/pkg", "hash": hash })).await;
                assert_eq!(ours, pattern(&quilt3.does("pointers", json!({ "name": "theirs/pkg" })).await, &hashes));
            }
            let latest = gone.get("latest_after").map_or_else(String::new, |after| {
                format!("latest={}", hashes.iter().position(|hash| hash == after).unwrap())
            });
            assert!(ours.ends_with(&latest), "{ours} is not {latest}");
            steps.push(ours);
        }
        assert_eq!(steps, ["0 1 2 2 latest=0", "0 2 2 latest=0", "2 2 latest=2", ""]);
        // The same steps were recorded once, where the third was pushed only once.
        let was = ["fa8109a416742b6c390d2f86036d1aad331391040bb128c18649a5857e354c91",
            "f3b4f6f81d7282dcfe2cb2e2aa7c4a0cea88b2bf437daa4a4640e19a53da11b0",
            "e411c8e5059788ac8483f415946aab2e60d19648451af66ad93056f3eb6fd562"].map(Value::from);
        for (step, behaviour) in steps.iter().zip(["after_rollback_pointers", "after_delete_th2", "after_delete_th1"]) {
            assert_eq!(step.replace("2 2", "2"), pattern(&recorded[behaviour], &was), "{behaviour}");
        }

        let written = scene.stage.written(SHARED).await;
        assert!(hashes[..3].iter().all(|hash| written.iter().any(|(key, _)| key.ends_with(hash.as_str().unwrap()))),
            "manifests stay");
        let absent = json!({ "name": "ours/pkg", "hash": hashes[0], "confirm": "ours/pkg" });
        scene.refuses("package_delete", absent, "no_such_package").await;

        // A package of our own goes as a whole, for quilt3 too.
        scene.write("package_create", json!({ "name": "ours/other", "files": [], "readme": "x" })).await;
        let update = json!({ "name": "ours/other", "message": "again" });
        let second = scene.write("package_update", update).await["package"]["hash"].clone();
        let update = json!({ "name": "ours/other", "message": "and again" });
        let third = scene.write("package_update", update).await["package"]["hash"].clone();
        let last = json!({ "name": "ours/other", "hash": third, "confirm": "ours/other" });
        let gone = scene.write("package_delete", last).await;
        assert_eq!(gone["latest_after"], second, "the newest of those that stay");
        assert_eq!(quilt3.does("browse", json!({ "name": "ours/other" })).await["hash"], second);
        let unknown = json!({ "name": "ours/other", "hash": hashes[0], "confirm": "ours/other" });
        scene.refuses("package_delete", unknown, "invalid_argument").await;
        assert!(quilt3.refuses("delete", json!({ "name": "ours/other",
            "hash": hashes[0] })).await.starts_with("QuiltException"));
        let gone = scene.write("package_delete", json!({ "name": "ours/other", "confirm": "ours/other" })).await;
        assert_eq!(gone["deleted_pointers"].as_array().unwrap().len(), 3);
        assert_eq!(quilt3.does("pointers", json!({ "name": "ours/other" })).await, json!({}));
        let left = if quilt3_can { json!([]) } else { json!(["theirs/pkg"]) };
        assert_eq!(quilt3.does("list_packages", json!({})).await, left);
    }
}

/// Pointers in the order of their seconds, each as the number of its revision.
fn pattern(pointers: &Value, hashes: &[Value]) -> String {
    let number = |hash: &Value| hashes.iter().position(|known| known == hash).unwrap();
    let mut said = Vec::new();
    for (place, hash) in pointers.as_object().unwrap() {
        match place.rsplit('/').next() {
            Some("latest") => said.push(format!("latest={}", number(hash))),
            Some(second) if second.len() == 10 => said.push(number(hash).to_string()),
            _ => {}
        }
    }
    said.join(" ")
}
