//! The length of answers: on a large catalog no tool's answer is longer than clients show, and the pages add up to the whole.

use quilt_format::manifest::ManifestWriter;
use quilt_format::{Entry, Header, PhysicalKey};
use serde_json::{Value, json};

use crate::support::SECRET;
use crate::support::on_both::on_both;
use crate::support::registry::{FakeRegistry, Speaks, Vends};
use crate::support::scene::{Scene, uri};
use crate::support::server::{Answer, MAX_ANSWER_CHARS, Server};
use crate::support::stage::{SHARED, Stage};
use crate::support::token;

/// A part of keys that makes rows long: with characters that JSON escapes.
fn long(number: usize) -> String {
    format!("{number:05}-{}", "ä\"b ".repeat(60))
}

/// A manifest of entries with long keys and metadata, and its hash.
fn manifest(entries: usize, version: &str) -> (String, Vec<u8>) {
    let user_meta = json!({ "version": version, "long": "m".repeat(3000), "longer": "n".repeat(30_000) });
    let user_meta = quilt_format::json::parse(&user_meta.to_string()).unwrap();
    let header = Header::new(Some(user_meta), None, Some(&"message ".repeat(2000)));
    let mut writer = ManifestWriter::new(&header).unwrap();
    let meta = json!({ "user_meta": { "version": version, "text": "x".repeat(9_000), "short": 1 } });
    let meta = quilt_format::json::parse(&meta.to_string()).unwrap();
    for number in 0..entries {
        let entry = Entry {
            logical_key: format!("data/{}", long(number)).parse().unwrap(),
            physical_key: PhysicalKey::S3 {
                bucket: SHARED.to_owned(),
                key: format!("gone/{}", long(number)),
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
    (hash.to_string(), bytes)
}

/// The package with many revisions.
fn old_package() -> String {
    format!("old/revisions-{}", "r".repeat(80))
}

/// Packages with long names, revisions and entries.
async fn packages(scene: &Scene) -> [String; 2] {
    let (first, first_bytes) = manifest(300, "1");
    let (second, second_bytes) = manifest(300, "2");
    let pointer = |path: String, hash: &str| (format!(".quilt/named_packages/{path}"), hash.as_bytes().to_vec());
    let mut objects = vec![
        (format!(".quilt/packages/{first}"), first_bytes),
        (format!(".quilt/packages/{second}"), second_bytes),
        pointer("large/entries/latest".to_owned(), &second),
        pointer("large/entries/1600000000".to_owned(), &first),
        pointer("large/entries/1600000001".to_owned(), &second),
    ];
    objects.extend((0..400).map(|n| pointer(format!("many/{n:03}{}/latest", "p".repeat(200)), &first)));
    objects.extend((0..450).map(|n| pointer(format!("{}/{}", old_package(), 1_600_000_000 + n), &first)));
    objects.extend((0..60).map(|n| pointer(format!("{}/tag-{n:03}-{}", old_package(), "t".repeat(100)), &first)));
    objects.push(pointer(format!("{}/latest", old_package()), &first));
    scene.stage.seed_all(SHARED, objects).await;
    [first, second]
}

/// Reads all pages of a list, each of which is asserted to be shown by clients.
async fn whole(scene: &Scene, tool: &str, mut arguments: Value, lists: &[&str]) -> (Vec<Value>, usize) {
    let (argument, member) = match tool {
        "bucket_objects_list" => ("continuation_token", "next_continuation_token"),
        _ => ("cursor", "next_cursor"),
    };
    let mut found = Vec::new();
    for page in 1..200 {
        let answer = scene.read(tool, arguments.clone()).await;
        let rows: Vec<&Value> = lists
            .iter()
            .flat_map(|list| answer[*list].as_array().unwrap())
            .collect();
        if let Some(returned) = answer.get("returned") {
            assert_eq!(returned, rows.len(), "{tool}");
        }
        found.extend(rows.into_iter().cloned());
        match answer.get(member).filter(|next| !next.is_null()) {
            None => return (found, page),
            Some(next) => arguments[argument] = next.clone(),
        }
    }
    panic!("{tool} {arguments}: no last page");
}

/// Asserts that each of the items is there once.
fn assert_distinct(tool: &str, rows: &[Value], key: &str, expected: usize) {
    let names: std::collections::BTreeSet<String> =
        rows.iter().map(|row| row.get(key).unwrap_or(row).to_string()).collect();
    assert_eq!((rows.len(), names.len()), (expected, expected), "{tool}");
}

on_both! {
    async fn pages_of_long_rows_end_early_and_are_the_whole(scene) {
        let keys = (0..700).map(|n| (format!("wide/{}/x", long(n)), Vec::new()));
        let files = (0..700).map(|n| (format!("wide/file-{}", long(n)), Vec::new()));
        scene.stage.seed_all(SHARED, keys.chain(files)).await;
        let [first, _] = packages(&scene).await;
        for (tool, arguments, lists, key, expected) in [
            ("bucket_objects_list", json!({ "prefix": "wide/", "max_keys": 1000 }), &["objects"][..], "key", 1400),
            (
                "bucket_objects_list",
                json!({ "prefix": "wide/", "delimiter": "/", "max_keys": 1000 }),
                &["objects", "common_prefixes"],
                "key",
                1400,
            ),
            ("package_list", json!({ "prefix": "many/", "limit": 1000 }), &["packages"], "name", 400),
            ("package_browse", json!({ "name": "large/entries", "path": "data", "limit": 1000 }), &["entries"], "logical_key", 300),
            ("package_browse", json!({ "name": "large/entries", "recursive": true }), &["entries"], "logical_key", 300),
            ("package_browse", json!({ "name": "large/entries", "recursive": true, "detail": "full" }), &["entries"], "logical_key", 300),
            ("package_browse", json!({ "name": "large/entries", "match": "*b *", "limit": 1000 }), &["entries"], "logical_key", 300),
            ("package_list", json!({ "prefix": "many/", "limit": 1000, "detail": "full" }), &["packages"], "name", 400),
            ("package_diff", json!({ "name": "large/entries", "hash": first, "limit": 1000 }), &["changed"], "logical_key", 300),
        ] {
            let (rows, pages) = whole(&scene, tool, arguments, lists).await;
            assert_distinct(tool, &rows, key, expected);
            assert!(pages > 1, "{tool}: one page of {}", rows.len());
        }
        let (rows, pages) = whole(&scene, "package_versions", json!({ "name": old_package(), "limit": 500 }), &["versions"]).await;
        assert!((450..=510).contains(&rows.len()) && pages > 1, "{} rows", rows.len());
        let dated = rows.iter().filter(|row| !row["modified"].is_null());
        assert_distinct("package_versions", &dated.cloned().collect::<Vec<_>>(), "modified", 450);
    }

    async fn long_metadata_is_cut_by_whole_members(scene) {
        packages(&scene).await;
        let page = scene.read("package_browse", json!({ "name": "large/entries", "path": "data", "limit": 1, "detail": "full" })).await;
        let package = &page["package"];
        assert_eq!((&package["metadata"]["version"], &package["metadata_cut"]), (&json!("2"), &json!(true)));
        assert_eq!((package["metadata"]["long"].as_str().unwrap().len(), package["metadata"].get("longer")), (3000, None));
        assert_eq!(package["message"].as_str().unwrap().chars().count(), 2001);
        let entry = &page["entries"][0];
        assert_eq!((&entry["metadata_cut"], &entry["meta"]["text"]), (&json!(true), &Value::Null));
    }

    async fn problems_and_pointers_that_do_not_fit_are_counted(scene) {
        packages(&scene).await;
        let verified = scene.read("package_verify", json!({ "name": "large/entries", "check_objects": true })).await;
        let objects = &verified["objects"];
        assert_eq!((&objects["checked"], &objects["ok"], &objects["complete"]), (&json!(300), &json!(0), &json!(true)));
        assert_eq!(objects["problems_cut"], true);
        assert!(objects["missing"].as_array().is_some_and(|missing| !missing.is_empty()), "{objects}");
        let arguments = json!({ "name": old_package(), "confirm": old_package(), "dry_run": true });
        let deleted = scene.write("package_delete", arguments).await;
        assert_eq!((&deleted["revisions"], &deleted["deleted_pointers_cut"]), (&json!(450), &json!(true)));
    }

    async fn writes_report_what_fits_and_failures_first(scene) {
        let items = |overwrite: bool| -> Value {
            let keys = (0..100).map(|n| format!("put/{}/{}/{}", long(n), "y".repeat(200), "z".repeat(200)));
            let items = keys.enumerate().filter(|(n, _)| overwrite || *n != 50);
            items.map(|(_, key)| json!({ "key": key, "text": "x" })).collect()
        };
        let one = items(true)[50].clone();
        scene.put(json!([one])).await;
        let arguments = json!({ "bucket": SHARED, "items": items(true), "overwrite": false });
        let answer = scene.server.call(&scene.writer, "bucket_objects_put", arguments).await;
        let failure = answer.failure("conflict");
        assert_eq!((&failure["requested"], &failure["uploaded"], &failure["failed"]), (&json!(100), &json!(99), &json!(1)));
        assert_eq!(failure["results_cut"], true);
        let results = failure["results"].as_array().unwrap();
        assert!(results.len() > 10 && results.iter().any(|result| result["success"] == false), "{failure}");
    }

    async fn text_that_json_makes_longer_ends_early(scene) {
        for (key, body) in [("escapes", "\u{1}\"\n".repeat(20_000)), ("utf-8", "añ€😀\u{2}".repeat(9_000))] {
            scene.stage.seed(SHARED, key, body.as_bytes()).await;
            let (mut text, mut offset) = (String::new(), 0);
            loop {
                let arguments = json!({ "s3_uri": uri(key), "offset": offset, "max_bytes": 48_000 });
                let answer = scene.server.call(&scene.reader, "bucket_object_text", arguments).await;
                let piece = answer.success();
                text.push_str(piece["text"].as_str().unwrap());
                offset += piece["bytes_read"].as_u64().unwrap();
                if piece["truncated"] == false {
                    break;
                }
            }
            assert!(text == body, "{key}: the pieces are the whole");
        }
        let arguments = json!({ "s3_uri": uri("escapes"), "max_bytes": 60_000 });
        let answer = scene.server.call(&scene.reader, "bucket_object_text", arguments).await;
        assert_eq!(answer.success()["bytes_read"], 60_000, "more is sent only if it is asked for");
    }

    async fn a_result_of_many_files_shows_the_first_keys(scene) {
        let objects = (0..400).map(|n| (format!("in/{n:03}"), b"x".to_vec()));
        scene.stage.seed_all(SHARED, objects).await;
        for dry_run in [true, false] {
            let metadata = json!({ "short": 1, "long": "x".repeat(10_000) });
            let arguments = json!({ "name": "t/dry", "source_prefix": "in/", "dry_run": dry_run, "metadata": metadata });
            let written = scene.write("package_create_from_s3", arguments).await;
            let first: Vec<String> = (0..20).map(|n| format!("{n:03}")).collect();
            assert_eq!((&written["entries_added"], &written["entries"]), (&json!(400), &json!(first)));
            assert_eq!((&written["metadata"], &written["metadata_cut"]), (&json!({ "short": 1 }), &json!(true)));
        }
    }
}

/// A catalog of many buckets, each with a long description.
#[tokio::test]
async fn permissions_in_many_buckets_fit() {
    let stage = Stage::embedded().await;
    let buckets: Vec<Value> = (0..300)
        .map(|n| {
            json!({ "name": format!("bucket-{n:03}-{}", "b".repeat(50)), "title": "t".repeat(300),
                "description": "d\"".repeat(300), "relevanceScore": 1, "collaborators": [] })
        })
        .collect();
    let catalog = json!({ "data": { "me": { "name": "reader", "email": "r@example.com", "isAdmin": false,
        "role": { "name": "R" }, "roles": [] }, "bucketConfigs": buckets } });
    let registry = FakeRegistry::start().await;
    let reader = token(json!({ "sub": "reader" }));
    registry.vends(&reader, Vends::Keys(stage.reader.clone(), 3600));
    registry.speaks(&reader, Speaks::Says(catalog));
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--registry-url={}", registry.url),
    ];
    let server = Server::start(&stage, None, &flags).await;
    let listed = server.call(&reader, "bucket_list", json!({})).await;
    let shown = listed.success()["buckets"].as_array().unwrap().len();
    assert_eq!(
        (shown, &listed.output()["truncated"]),
        (100, &json!(true)),
        "the first hundred"
    );
    let discovered = server.call(&reader, "permissions_discover", json!({})).await;
    let output = discovered.success();
    assert_eq!(output["total_buckets_checked"], 300);
    let rows = output["bucket_permissions"].as_array().unwrap();
    assert!(rows.len() > 50, "{} rows", rows.len());
    assert!(
        rows.iter().any(|row| row["evidence_cut"] == true) || output["truncated"] == true,
        "{output}"
    );
    server
        .call(&reader, "permissions_recommendations", json!({}))
        .await
        .success();
}

/// The bound is measured where clients measure it.
#[tokio::test]
async fn the_longest_answers_are_near_the_bound() {
    let scene = Scene::on(Stage::embedded().await).await;
    let keys = (0..1000).map(|n| (format!("wide/{}", long(n)), Vec::new()));
    scene.stage.seed_all(SHARED, keys).await;
    let arguments = json!({ "bucket": SHARED, "prefix": "wide/", "max_keys": 1000 });
    let answer: Answer = scene.server.call(&scene.reader, "bucket_objects_list", arguments).await;
    let text = answer.body["result"]["content"][0]["text"].as_str().unwrap();
    let chars = text.chars().count();
    assert!((MAX_ANSWER_CHARS / 2..=MAX_ANSWER_CHARS).contains(&chars), "{chars}");
}
