//! Packages with pointers that quilt3 does not write, or that broke: tags, times of other tools, pointers without a hash, and
//! a `latest` that is empty or missing. They are shown as they are, read by their hashes, mended and deleted.

use std::collections::BTreeSet;

use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::on_both::on_both;
use crate::support::quilt3::Quilt3;
use crate::support::scene::{Scene, keys, uri};
use crate::support::server::Answer;
use crate::support::stage::{SHARED, Stage};

/// Returns the key of a pointer.
fn pointer(package: &str, name: &str) -> String {
    format!(".quilt/named_packages/{package}/{name}")
}

async fn point(scene: &Scene, package: &str, name: &str, body: &str) {
    scene.stage.seed(SHARED, &pointer(package, name), body.as_bytes()).await;
}

/// Writes a manifest without a pointer of this name and returns its hash.
async fn revision(scene: &Scene, number: u32) -> String {
    let readme = format!("# {number}");
    let create = json!({ "name": "made/elsewhere", "files": [], "readme": readme, "overwrite": true });
    let created = scene.write("package_create", create).await;
    created["package"]["hash"].as_str().unwrap().to_owned()
}

/// Returns the names of a package's keys, as S3 lists them.
async fn pointers(scene: &Scene, package: &str) -> Vec<String> {
    let prefix = pointer(package, "");
    let listed = scene.read("bucket_objects_list", json!({ "prefix": prefix })).await;
    let listed = listed["objects"].as_array().unwrap().iter();
    listed
        .map(|object| object["key"].as_str().unwrap()[prefix.len()..].to_owned())
        .collect()
}

fn versions(listed: &Value) -> &Vec<Value> {
    listed["versions"].as_array().unwrap()
}

fn deleted(deletion: &Value, package: &str) -> Vec<String> {
    let prefix = format!("s3://{SHARED}/{}", pointer(package, ""));
    let deleted = deletion["deleted_pointers"].as_array().unwrap().iter();
    deleted
        .map(|uri| uri.as_str().unwrap().strip_prefix(&prefix).unwrap().to_owned())
        .collect()
}

on_both! {
    async fn every_key_of_a_package_is_shown_and_goes_with_it(scene) {
        let hash = revision(&scene, 1).await;
        for name in ["1571234567.123", "v1.0", "1600000000", "16000000001", "latest", "deep/er"] {
            point(&scene, "t/p", name, &hash).await;
        }
        // The package beside it stays.
        point(&scene, "t/p2", "latest", &hash).await;

        let listed = scene.read("package_versions", json!({ "name": "t/p", "detail": "brief" })).await;
        assert_eq!(versions(&listed), &vec![json!({ "hash": hash, "modified": "2020-09-13T12:26:40Z", "is_latest": true,
            "tags": ["1571234567.123", "16000000001", "v1.0"] })]);

        let delete = json!({ "name": "t/p", "confirm": "t/p" });
        let mut dry = delete.clone();
        dry["dry_run"] = true.into();
        let planned = scene.write("package_delete", dry).await;
        let all = ["1571234567.123", "1600000000", "16000000001", "deep/er", "latest", "v1.0"];
        let mut shown = deleted(&planned, "t/p");
        assert_eq!(shown[0], "latest", "latest goes first");
        shown.sort();
        assert_eq!(shown, all);
        assert_eq!(pointers(&scene, "t/p").await.len(), 6, "a dry run deletes nothing");
        let gone = scene.write("package_delete", delete.clone()).await;
        assert_eq!(deleted(&gone, "t/p"), deleted(&planned, "t/p"));
        assert_eq!(pointers(&scene, "t/p").await, [""; 0]);
        scene.refuses("package_delete", delete, "no_such_package").await;
        scene.fails("package_versions", json!({ "name": "t/p" }), "no_such_package").await;
        let mut quilt3 = Quilt3::at(&scene.stage).await;
        assert_eq!(quilt3.does("list_packages", json!({})).await, json!(["made/elsewhere", "t/p2"]));
    }

    async fn a_tag_stays_a_tag(scene) {
        let (one, two, three) = (revision(&scene, 1).await, revision(&scene, 2).await, revision(&scene, 3).await);
        for (name, hash) in [("1600000000", &one), ("1600000100", &two), ("latest", &two), ("first", &one), ("v2", &two),
            // A time that is no second, of a revision that has no other pointer. A newline is not part of a hash.
            ("1700000000.5", &three)] {
            point(&scene, "t/p", name, &format!("{hash}\n")).await;
        }
        let listed = scene.read("package_versions", json!({ "name": "t/p", "detail": "brief" })).await;
        let rows = json!([
            { "hash": two, "modified": "2020-09-13T12:28:20Z", "is_latest": true, "tags": ["v2"] },
            { "hash": one, "modified": "2020-09-13T12:26:40Z", "is_latest": false, "tags": ["first"] },
            { "hash": three, "modified": null, "is_latest": false, "tags": ["1700000000.5"] },
        ]);
        assert_eq!(listed["versions"], rows);
        let mut pages = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let page = scene.read("package_versions", json!({ "name": "t/p", "limit": 1, "cursor": cursor, "detail": "brief" })).await;
            pages.extend(versions(&page).clone());
            cursor = page["next_cursor"].clone();
            if cursor.is_null() {
                break;
            }
        }
        assert_eq!(json!(pages), rows, "page by page");
        let diff = scene.read("package_diff", json!({ "name": "t/p" })).await;
        assert_eq!((&diff["from"]["hash"], &diff["to"]["hash"]), (&json!(one), &json!(two)));

        for (tag, hash) in [("first", &one), ("v2", &two), ("1700000000.5", &three), ("1600000000", &one)] {
            let uri = format!("quilt+s3://{SHARED}#package=t/p:{tag}");
            let read = scene.server.rpc(Some(&scene.reader), "resources/read", json!({ "uri": uri })).await;
            let text = read.body["result"]["contents"][0]["text"].as_str().unwrap_or_else(|| panic!("{}", read.body));
            assert!(text.contains(hash), "{tag}: {text}");
        }

        // A revision goes with its tags, as in quilt3, and the next one is the newest by time.
        let gone = scene.write("package_delete", json!({ "name": "t/p", "hash": two, "confirm": "t/p" })).await;
        assert_eq!((deleted(&gone, "t/p"), &gone["latest_after"]), (vec!["1600000100".to_owned(), "v2".to_owned()],
            &json!(one)));
        assert_eq!(pointers(&scene, "t/p").await, ["1600000000", "1700000000.5", "first", "latest"]);
        // Where no time is left, the tag is.
        let gone = scene.write("package_delete", json!({ "name": "t/p", "hash": one, "confirm": "t/p" })).await;
        assert_eq!(gone["latest_after"], json!(three));
        assert_eq!(pointers(&scene, "t/p").await, ["1700000000.5", "latest"]);
        let browsed = scene.read("package_browse", json!({ "name": "t/p" })).await;
        assert_eq!(browsed["package"]["hash"], json!(three));
    }

    async fn a_pointer_without_a_hash_is_a_row_with_a_problem_and_stops_nothing(scene) {
        let (one, two) = (revision(&scene, 1).await, revision(&scene, 2).await);
        for (name, body) in [("1600000000", one.as_str()), ("1600000050", "not a hash"), ("1600000060", ""),
            ("1600000100", &two), ("latest", &two), ("broken", "<xml/>")] {
            point(&scene, "t/p", name, body).await;
        }
        let listed = scene.read("package_versions", json!({ "name": "t/p" })).await;
        let shown: Vec<(&Value, bool, String)> = versions(&listed).iter().map(|row| {
            (&row["hash"], row["is_latest"] == true, row["problem"].as_str().unwrap_or_default().to_owned())
        }).collect();
        let at = |name: &str| format!("s3://{SHARED}/{}", pointer("t/p", name));
        assert_eq!(shown, [
            (&json!(two), true, String::new()),
            (&Value::Null, false, format!("{} is empty", at("1600000060"))),
            (&Value::Null, false, format!("{} holds no top hash but `not a hash`", at("1600000050"))),
            (&json!(one), false, String::new()),
            (&Value::Null, false, format!("{} holds no top hash but `<xml/>`", at("broken"))),
        ]);
        assert_eq!(versions(&listed)[2]["modified"], "2020-09-13T12:27:30Z");
        assert_eq!(versions(&listed)[4]["tags"], json!(["broken"]));
        let diff = scene.read("package_diff", json!({ "name": "t/p" })).await;
        assert_eq!((&diff["from"]["hash"], &diff["to"]["hash"]), (&json!(one), &json!(two)));

        let gone = scene.write("package_delete", json!({ "name": "t/p", "hash": one, "confirm": "t/p" })).await;
        assert_eq!((deleted(&gone, "t/p"), &gone["latest_after"]), (vec!["1600000000".to_owned()], &json!(two)));
        let updated = scene.write("package_update", json!({ "name": "t/p", "message": "next" })).await;
        let next = updated["package"]["hash"].as_str().unwrap().to_owned();
        for hash in [&next, &two] {
            scene.write("package_delete", json!({ "name": "t/p", "hash": hash, "confirm": "t/p" })).await;
        }
        assert_eq!(pointers(&scene, "t/p").await, ["1600000050", "1600000060", "broken"]);
        let none = scene.fails("package_browse", json!({ "name": "t/p" }), "no_such_package").await;
        assert_eq!(none["error"], "The package t/p has no latest revision.");
        let gone = scene.write("package_delete", json!({ "name": "t/p", "confirm": "t/p" })).await;
        assert_eq!(deleted(&gone, "t/p").len(), 3);
        assert_eq!(pointers(&scene, "t/p").await, [""; 0]);
    }

    async fn a_package_without_a_readable_latest_is_read_mended_and_deleted(scene) {
        let (one, two) = (revision(&scene, 1).await, revision(&scene, 2).await);
        scene.put(json!([{ "key": "in/a", "text": "a" }])).await;
        for (name, latest, code, states) in [
            ("g/zero", Some(""), "invalid_manifest", "is empty"),
            ("g/foul", Some("<html>"), "invalid_manifest", "holds no top hash but `<html>`"),
            ("g/gone", None, "no_such_package", "has no latest revision; its newest is"),
        ] {
            let seed = async || {
                for (name_of, hash) in [("1600000000", &one), ("1600000100", &two), ("tag", &one)] {
                    point(&scene, name, name_of, hash).await;
                }
                if let Some(latest) = latest {
                    point(&scene, name, "latest", latest).await;
                }
            };
            seed().await;
            for tool in ["package_browse", "package_verify", "package_diff"] {
                let failure = scene.refuses(tool, json!({ "name": name }), code).await;
                assert!(failure["error"].as_str().unwrap().contains(states), "{failure}");
                let hint = failure["hint"].as_str().unwrap();
                for part in [format!("hash={two}"), "overwrite=true".to_owned(), "package_delete".to_owned()] {
                    assert!(hint.contains(&part), "{hint}");
                }
            }
            scene.refuses("package_update", json!({ "name": name, "message": "x" }), code).await;
            let named = json!({ "name": name, "hash": two });
            assert_eq!(keys(&scene.read("package_browse", named.clone()).await), ["README.md"]);
            assert_eq!(scene.read("package_verify", named).await["manifest_ok"], true);
            let diff = json!({ "name": name, "hash": one, "other_hash": two });
            assert_eq!(scene.read("package_diff", diff).await["counts"]["changed"], 1);
            let listed = scene.read("package_list", json!({ "prefix": name })).await;
            assert_eq!(listed["packages"], json!([{ "name": name }]));
            let listed = scene.read("package_versions", json!({ "name": name })).await;
            let hashes: Vec<&Value> = versions(&listed).iter().filter_map(|row| row.get("hash")).collect();
            assert_eq!(hashes, [&two, &one]);
            let problems: Vec<&Value> = versions(&listed).iter().filter(|row| row.get("problem").is_some()).collect();
            match latest {
                None => assert!(problems.is_empty(), "{problems:?}"),
                Some(_) => assert_eq!((problems.len(), &problems[0]["is_latest"]), (1, &json!(true))),
            }

            // Deletion, of a revision and as a whole.
            let mut delete = json!({ "name": name, "hash": one, "confirm": name, "dry_run": true });
            let planned = scene.write("package_delete", delete.clone()).await;
            delete["dry_run"] = false.into();
            let gone = scene.write("package_delete", delete).await;
            assert_eq!(deleted(&gone, name), ["1600000000", "tag"]);
            assert_eq!(deleted(&gone, name), deleted(&planned, name));
            assert_eq!(gone.get("latest_after"), None, "no revision is the latest");
            let gone = scene.write("package_delete", json!({ "name": name, "confirm": name })).await;
            assert_eq!(deleted(&gone, name).len(), if latest.is_some() { 2 } else { 1 });
            assert_eq!(pointers(&scene, name).await, [""; 0]);

            // A new revision, which quilt3 reads.
            seed().await;
            let mut create = json!({ "name": name, "files": [uri("in/a")] });
            let refusal = scene.refuses("package_create", create.clone(), "conflict").await;
            assert!(refusal["error"].as_str().unwrap().contains(states), "{refusal}");
            assert!(refusal["hint"].as_str().unwrap().contains("overwrite=true"), "{refusal}");
            create["overwrite"] = true.into();
            let created = scene.write("package_create", create).await;
            let hash = &created["package"]["hash"];
            let listed = scene.read("package_versions", json!({ "name": name })).await;
            let hashes: Vec<&Value> = versions(&listed).iter().map(|row| &row["hash"]).collect();
            assert_eq!(hashes, [hash, &json!(two), &json!(one)]);
            assert_eq!(versions(&listed)[0]["is_latest"], true);
            if scene.is_embedded() {
                let mut quilt3 = Quilt3::at(&scene.stage).await;
                assert_eq!(&quilt3.does("browse", json!({ "name": name })).await["hash"], hash);
            }
        }
    }

    async fn a_latest_that_the_history_lacks_is_listed(scene) {
        let (one, two) = (revision(&scene, 1).await, revision(&scene, 2).await);
        for (name, hash) in [("1600000000", &one), ("latest", &two), ("also", &two)] {
            point(&scene, "t/p", name, hash).await;
        }
        let listed = scene.read("package_versions", json!({ "name": "t/p" })).await;
        let rows = versions(&listed);
        assert_eq!((&rows[0]["hash"], &rows[0]["is_latest"], &rows[0]["tags"]), (&json!(two), &json!(true), &json!(["also"])));
        assert_eq!(rows[0]["problem"], "the history has no entry of this revision; the next one adds it");
        assert_eq!((&rows[1]["hash"], &rows[1]["is_latest"]), (&json!(one), &json!(false)));
        assert_eq!((rows.len(), rows[1].get("problem")), (2, None));
        let paged = scene.read("package_versions", json!({ "name": "t/p", "limit": 1 })).await;
        assert_eq!(paged["versions"], json!([rows[0]]));
        let rest = json!({ "name": "t/p", "limit": 1, "cursor": paged["next_cursor"] });
        let rest = scene.read("package_versions", rest).await;
        assert_eq!((&rest["versions"], rest.get("next_cursor")), (&json!([rows[1]]), None));
    }

    async fn names_are_trimmed(scene) {
        let created = scene.write("package_create", json!({ "name": " t/p ", "files": [], "readme": "x" })).await;
        assert_eq!(created["package"]["name"], "t/p");
        for name in ["t/p", " t/p", "\tt/p "] {
            assert_eq!(scene.read("package_browse", json!({ "name": name })).await["package"]["name"], "t/p");
        }
        scene.write("package_delete", json!({ "name": "t/p ", "confirm": " t/p" })).await;
    }
}

/// A package without a readable `latest` is mended by one of many at once.
#[tokio::test]
async fn of_those_who_mend_a_package_at_once_no_update_is_lost() {
    let scene = Scene::on(Stage::embedded().await).await;
    let one = revision(&scene, 1).await;
    for (name, latest) in [("g/foul", Some("?")), ("g/gone", None)] {
        point(&scene, name, "1600000000", &one).await;
        if let Some(latest) = latest {
            point(&scene, name, "latest", latest).await;
        }
        let attempts = (0..16).map(|racer| {
            let create = json!({ "bucket": SHARED, "name": name, "files": [], "readme": format!("# {racer}"),
                "overwrite": true });
            scene.server.call(&scene.writer, "package_create", create)
        });
        let mut won = BTreeSet::from([one.clone()]);
        for answer in join_all(attempts).await {
            if answer.body["result"]["isError"] == false {
                won.insert(answer.success()["package"]["hash"].as_str().unwrap().to_owned());
            } else {
                answer.failure("conflict");
            }
        }
        let listed = scene.read("package_versions", json!({ "name": name })).await;
        let rows = versions(&listed);
        let hashes: BTreeSet<String> = rows
            .iter()
            .map(|row| row["hash"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!((hashes, rows.len()), (won.clone(), won.len()), "{listed}");
        assert_eq!((&rows[0]["is_latest"], rows[0].get("problem")), (&json!(true), None));
    }
}

/// Only names with a pointer of their own are packages.
#[tokio::test]
async fn folders_are_no_packages() {
    let scene = Scene::on(Stage::embedded().await).await;
    let hash = revision(&scene, 1).await;
    for (name, pointer) in [
        ("p/a", "latest"),
        ("p/folder", ""),
        ("p/deep", "er/latest"),
        ("p/tagged", "v1"),
        ("p/both", ""),
        ("p/both", "deep/er"),
        ("p/both", "1600000000"),
        ("p/z", "latest"),
    ] {
        point(&scene, name, pointer, &hash).await;
    }
    let listed = async |arguments: Value| {
        let listed = scene.read("package_list", arguments).await;
        let names: Vec<String> = listed["packages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|package| package["name"].as_str().unwrap().to_owned())
            .collect();
        (names, listed["next_cursor"].clone())
    };
    let all = ["p/a", "p/both", "p/tagged", "p/z"];
    assert_eq!(listed(json!({ "prefix": "p/" })).await.0, all);
    assert_eq!(listed(json!({ "prefix": "p" })).await.0, all);
    for limit in 1..5 {
        let (mut names, mut cursor) = (Vec::new(), Value::Null);
        loop {
            let (page, next) = listed(json!({ "prefix": "p/", "limit": limit, "cursor": cursor })).await;
            assert_eq!(page.len(), limit.min(all.len() - names.len()), "{page:?}");
            names.extend(page);
            cursor = next;
            if cursor.is_null() {
                break;
            }
        }
        assert_eq!(names, all, "{limit} at a time");
    }
    let completed = complete(&scene, "p/").await;
    assert_eq!(
        completed.body["result"]["completion"]["values"],
        json!(all),
        "{}",
        completed.body
    );

    // What the listing does not show can be deleted all the same.
    for name in ["p/folder", "p/deep"] {
        scene
            .fails("package_browse", json!({ "name": name }), "no_such_package")
            .await;
        let gone = scene
            .write("package_delete", json!({ "name": name, "confirm": name }))
            .await;
        assert_eq!(deleted(&gone, name).len(), 1);
        scene
            .refuses(
                "package_delete",
                json!({ "name": name, "confirm": name }),
                "no_such_package",
            )
            .await;
    }
}

async fn complete(scene: &Scene, prefix: &str) -> Answer {
    let params = json!({ "ref": { "type": "ref/resource", "uri": "quilt+s3://{bucket}#package={+package}" },
        "argument": { "name": "package", "value": prefix }, "context": { "arguments": { "bucket": SHARED } } });
    scene
        .server
        .rpc(Some(&scene.reader), "completion/complete", params)
        .await
}
