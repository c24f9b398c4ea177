//! Packages pushed by the real quilt3, read and updated by these tools; and equal hashes for equal content.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::read_by_quilt3::as_quilt3;
use crate::support::on_both::on_both;
use crate::support::quilt3::Quilt3;
use crate::support::scene::{Scene, keys, uri};
use crate::support::stage::Stage;

const MIB: u64 = 1024 * 1024;

fn data(text: &str) -> String {
    BASE64_STANDARD.encode(text)
}

/// A package with everything that quilt3 can put into one.
fn rich(name: &str) -> Value {
    json!({
        "name": name, "message": "von quilt3 😀", "meta": { "ü": [1.0, null, { "x": -0.0 }],
            "big": 12_345_678_901_234_567_890_u64 },
        "files": [
            { "key": "README.md", "data": data("# hi"), "meta": { "tags": ["é"] } },
            { "key": "data/été/日本 1+2.csv", "data": data("a,b\n"), "meta": { "n": 1e-7 } },
            { "key": "data/b", "data": data("b") },
            { "key": "data-raw/😀.txt", "data": data("") },
            { "key": "data.txt", "data": data("t") },
            { "key": "large/nine.bin", "size": 9 * MIB },
        ],
        "directories": { "data": { "of": "directory" }, "data/été": { "deep": true }, "large": { "size": "L" } },
        "header": { "x_unknown": { "kept": [1, 2.0] } },
    })
}

on_both! {
    async fn what_quilt3_pushes_is_browsed_compared_updated_and_verified(scene) {
        let mut quilt3 = Quilt3::at(&scene.stage).await;
        let pushed = quilt3.does("push", rich("team/theirs")).await;
        let theirs = quilt3.does("browse", json!({ "name": "team/theirs" })).await;

        let ours = scene.read("package_browse", json!({ "name": "team/theirs", "recursive": true, "detail": "full" })).await;
        let package = &ours["package"];
        assert_eq!(package["hash"], pushed["hash"]);
        assert_eq!((&package["message"], &package["metadata"]), (&json!("von quilt3 😀"), &rich("")["meta"]));
        assert_eq!((&package["total_entries"], &package["total_bytes"]), (&json!(6), &json!(9 * MIB + 10)));
        assert_eq!(json!(as_quilt3(&ours)), theirs["entries"], "the same entries in the same order");
        let level = scene.read("package_browse", json!({ "name": "team/theirs", "detail": "full" })).await;
        assert_eq!(keys(&level), ["README.md", "data/", "data-raw/", "data.txt", "large/"]);
        assert_eq!(level["entries"][1]["meta"], json!({ "of": "directory" }));
        let level = scene.read("package_browse", json!({ "name": "team/theirs", "path": "data/", "detail": "full" })).await;
        assert_eq!(keys(&level), ["data/b", "data/été/"]);
        assert_eq!(level["entries"][1]["meta"], json!({ "deep": true }));

        let verified = scene.read("package_verify", json!({ "name": "team/theirs", "check_objects": true })).await;
        assert_eq!((&verified["manifest_ok"], &verified["recomputed_hash"]), (&json!(true), &pushed["hash"]));
        assert_eq!((&verified["objects"]["checked"], &verified["objects"]["ok"]), (&json!(6), &json!(6)), "{verified}");
        assert_eq!(verified["objects"]["bytes_hashed"], 0, "quilt3 has left S3 the checksums of all that it pushed");

        scene.put(json!([{ "key": "in/new.txt", "text": "new" }])).await;
        let update = json!({ "name": "team/theirs", "add": [{ "s3_uri": uri("in/new.txt"), "logical_key": "data/new.txt" }],
            "remove": ["large/", "data.txt"], "metadata": { "more": 1 }, "message": "von uns" });
        let updated = scene.write("package_update", update).await;
        assert_eq!(updated["diff"], json!({ "added": 1, "changed": 0, "removed": 2 }));
        let next = quilt3.does("browse", json!({ "name": "team/theirs" })).await;
        assert_eq!(next["hash"], updated["package"]["hash"]);
        let mut header = theirs["header"].clone();
        header["user_meta"]["more"] = 1.into();
        header["message"] = "von uns".into();
        assert_eq!(next["header"], header, "unknown fields stay");
        assert_eq!(next["directories"], json!({ "data/": { "of": "directory" }, "data/été/": { "deep": true } }));
        let kept = |entries: &Value, gone: &[&str]| {
            let entries = entries.as_array().unwrap().iter();
            entries.filter(|entry| !gone.contains(&entry["key"].as_str().unwrap())).cloned().collect::<Vec<_>>()
        };
        let before = kept(&theirs["entries"], &["large/nine.bin", "data.txt"]);
        assert_eq!(kept(&next["entries"], &["data/new.txt"]), before);
        assert_eq!(quilt3.does("verify", json!({ "name": "team/theirs" })).await["verified"], true);

        // And quilt3 carries on: it knows the revision that we made as the one to come after.
        let again = json!({ "name": "team/theirs", "onto": { "name": "team/theirs" }, "meta": { "third": 3 },
            "message": "wieder",
            "remove": ["README.md"] });
        let pushed = quilt3.does("push", again).await;
        let versions = scene.read("package_versions", json!({ "name": "team/theirs" })).await;
        let hashes: Vec<&Value> = versions["versions"].as_array().unwrap().iter().map(|version| &version["hash"]).collect();
        assert_eq!(hashes, [&pushed["hash"], &next["hash"], &theirs["hash"]]);
        let diff = scene.read("package_diff", json!({ "name": "team/theirs" })).await;
        assert_eq!((&diff["from"]["hash"], &diff["to"]["hash"]), (&next["hash"], &pushed["hash"]));
        assert_eq!(diff["counts"], json!({ "added": 0, "changed": 0, "removed": 1 }));
        assert_eq!(diff["metadata_changed"], true);
        let stale = json!({ "name": "team/theirs", "add": [uri("in/new.txt")], "expected_hash": next["hash"] });
        let conflict = scene.refuses("package_update", stale, "conflict").await;
        assert_eq!(conflict["details"]["current_hash"], pushed["hash"]);
        let fresh = quilt3.refuses("push", json!({ "name": "team/theirs", "files": [] })).await;
        assert!(fresh.starts_with("QuiltConflictException"), "{fresh}");
    }

    async fn the_same_content_has_the_same_hash_whoever_writes_it(scene) {
        let mut quilt3 = Quilt3::at(&scene.stage).await;
        scene.put(json!([{ "key": "src/été.md", "text": "ü" }, { "key": "src/empty", "text": "" }])).await;
        // Without a SHA-256: both have to read it.
        scene.stage.seed(crate::support::stage::SHARED, "src/plain.txt", b"plain").await;
        for (name, size) in [("8m.bin", 8 * MIB), ("9m.bin", 9 * MIB)] {
            quilt3.does("put", json!({ "key": format!("src/{name}"), "size": size })).await;
        }
        quilt3.does("put", json!({ "key": "src/8m-sha.bin", "size": 8 * MIB, "checksum": "SHA256" })).await;
        let file = |name: &str, key: &str, meta: Value| json!({ "uri": uri(&format!("src/{name}")), "key": key,
            "meta": meta });
        let all = ["%C3%A9t%C3%A9.md", "empty", "plain.txt", "8m.bin", "9m.bin", "8m-sha.bin"];
        let all: Vec<Value> = all.iter().map(|name| file(name, &format!("x/{name}"), Value::Null)).collect();
        let odd = json!({ "ü😀": [0.1, -0.0, 1e22, 1e-5, 123_456_789_012_345_680_000.0, true, null, {}], "b": { "z": 1,
            "null": null, "a": "\u{7f}\"\\/\n" } });
        let cases = [
            json!({ "files": all }),
            json!({ "files": [file("empty", "a/b", json!({})), file("empty", "a.b", odd.clone()), file("empty", "a-b",
                json!({ "": 0 }))] }),
            json!({ "files": [file("plain.txt", "p", Value::Null)], "message": "m ü" }),
            json!({ "files": [file("plain.txt", "p", Value::Null)], "meta": {} }),
            json!({ "files": [file("plain.txt", "p", Value::Null)], "meta": odd, "message": "both" }),
        ];
        let mut hashes = Vec::new();
        for (number, case) in cases.iter().enumerate() {
            let mut push = case.clone();
            push["name"] = format!("theirs/n{number}").into();
            let theirs = quilt3.does("push", push).await;
            let files = case["files"].as_array().unwrap().iter().map(|file| {
                let mut file = json!({ "s3_uri": file["uri"], "logical_key": file["key"], "meta": file["meta"] });
                file.as_object_mut().unwrap().retain(|_, value| !value.is_null());
                file
            });
            let mut create = json!({ "name": format!("ours/n{number}"), "files": files.collect::<Vec<_>>() });
            for (ours, field) in [("metadata", "meta"), ("message", "message")] {
                if let Some(value) = case.get(field) {
                    create[ours] = value.clone();
                }
            }
            create["dry_run"] = true.into();
            let dry = scene.write("package_create", create.clone()).await;
            assert_eq!(dry["package"]["hash"], theirs["hash"], "{create}");
            create["dry_run"] = false.into();
            let created = scene.write("package_create", create).await;
            assert_eq!(created["package"]["hash"], theirs["hash"]);
            let (one, other) = (format!("ours/n{number}"), format!("theirs/n{number}"));
            let diff = scene.read("package_diff", json!({ "name": one, "other_name": other })).await;
            assert_eq!(diff["counts"], json!({ "added": 0, "changed": 0, "removed": 0 }));
            let (one, other) = (
                quilt3.does("browse", json!({ "name": one })).await,
                quilt3.does("browse", json!({ "name": other })).await,
            );
            assert_eq!(one, other, "also the physical keys, pinned to the same versions");
            hashes.push(created["package"]["hash"].to_string());
        }
        hashes.sort();
        hashes.dedup();
        assert_eq!(hashes.len(), cases.len());
    }
}
