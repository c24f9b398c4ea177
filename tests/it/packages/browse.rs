//! `package_browse`: brief and full rows, entries found by glob and by object, and places in the tree.

use serde_json::{Value, json};

use super::summaries::{manifest, seed};
use crate::support::on_both::on_both;
use crate::support::scene::{Scene, keys, uri};
use crate::support::stage::{SHARED, Stage};

const KEYS: [&str; 9] = [
    "a.csv",
    "b/1.csv",
    "b/2/x.csv",
    "b/2/y.txt",
    "b-c.csv",
    "c/é.csv",
    "d/e/f/g.CSV",
    "d/e/h.csv",
    "z.txt",
];

/// A package whose entries are all over its tree; its hash.
async fn package(scene: &Scene) -> Value {
    let items = KEYS
        .iter()
        .map(|key| json!({ "key": format!("in/{key}"), "text": key }))
        .collect();
    scene.put(items).await;
    let create = json!({ "name": "t/p", "source_prefix": "in/", "metadata": { "n": 1 } });
    scene.write("package_create_from_s3", create).await["package"]["hash"].clone()
}

async fn browse(scene: &Scene, more: Value) -> Value {
    let mut arguments = json!({ "name": "t/p" });
    arguments
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    scene.read("package_browse", arguments).await
}

/// The keys of all pages of one entry each, and how many entries were examined for them.
async fn one_by_one(scene: &Scene, question: &Value) -> Vec<String> {
    let mut question = question.clone();
    question["limit"] = 1.into();
    let mut found = Vec::new();
    for _ in 0..=KEYS.len() {
        let page = browse(scene, question.clone()).await;
        found.extend(keys(&page).into_iter().map(str::to_owned));
        match page["next_cursor"].as_str() {
            None => return found,
            Some(cursor) => question["cursor"] = cursor.into(),
        }
    }
    panic!("{question}: no last page");
}

on_both! {
    async fn rows_are_brief_unless_they_are_asked_for_in_full(scene) {
        let hash = package(&scene).await;
        let brief = browse(&scene, json!({})).await;
        assert_eq!(brief["entries"][0], json!({ "logical_key": "a.csv", "type": "file", "size": 5 }));
        assert_eq!(brief["entries"][1], json!({ "logical_key": "b/", "type": "dir", "size": 25, "entries": 3 }));
        let hash = hash.as_str().unwrap();
        assert_eq!(brief["uri"], format!("quilt+s3://{SHARED}#package=t/p@{hash}"));

        let full = browse(&scene, json!({ "detail": "full" })).await;
        let entry = &full["entries"][0];
        assert!(entry["s3_uri"].as_str().unwrap().starts_with(&uri("in/a.csv")), "{entry}");
        assert_eq!(entry["hash"]["type"], "sha2-256-chunked");
        assert_eq!(full["entries"][1], brief["entries"][1]);
        let refusal = scene.refuses("package_browse", json!({ "name": "t/p", "detail": "all" }), "invalid_argument").await;
        assert!(refusal["error"].as_str().unwrap().contains("brief"), "{refusal}");
    }

    async fn entries_are_found_by_a_glob(scene) {
        package(&scene).await;
        for (glob, path, found) in [
            ("*.csv", "", &["a.csv", "b/1.csv", "b/2/x.csv", "b-c.csv", "c/é.csv", "d/e/h.csv"][..]),
            ("b/*.csv", "", &["b/1.csv"]),
            ("b/**/*.csv", "", &["b/1.csv", "b/2/x.csv"]),
            ("**", "b/2", &["b/2/x.csv", "b/2/y.txt"]),
            ("*.csv", "b", &["b/1.csv", "b/2/x.csv"]),
            ("*.{txt,CSV}", "", &["b/2/y.txt", "d/e/f/g.CSV", "z.txt"]),
            ("?.csv", "a.csv", &["a.csv"]),
            ("nothing*", "", &[]),
        ] {
            let question = json!({ "match": glob, "path": path });
            let page = browse(&scene, question.clone()).await;
            assert_eq!((keys(&page), page.get("next_cursor")), (found.to_vec(), None), "{question}");
            assert_eq!(one_by_one(&scene, &question).await, found, "{question}");
        }
        let none = browse(&scene, json!({ "match": "nothing*" })).await;
        assert_eq!((&none["scanned"], &none["returned"]), (&json!(KEYS.len()), &json!(0)));
        assert_eq!(browse(&scene, json!({})).await.get("scanned"), None);
        for glob in ["[", "{a", &"x".repeat(2000)] {
            let refusal = scene.refuses("package_browse", json!({ "name": "t/p", "match": glob }), "invalid_argument").await;
            assert!(refusal["error"].as_str().unwrap().starts_with("Argument match"), "{refusal}");
        }
    }

    async fn entries_are_found_by_their_object(scene) {
        package(&scene).await;
        let first = browse(&scene, json!({ "path": "a.csv", "detail": "full" })).await["entries"][0]["s3_uri"].clone();
        let first = first.as_str().unwrap();
        // Another version of the object, under another key, and the same object once more.
        scene.put(json!([{ "key": "in/a.csv", "text": "newer" }])).await;
        let add = json!([{ "s3_uri": uri("in/a.csv"), "logical_key": "newer/a.csv" }, { "s3_uri": first, "logical_key": "copy" }]);
        scene.write("package_update", json!({ "name": "t/p", "add": add })).await;
        let newer = browse(&scene, json!({ "path": "newer", "detail": "full" })).await["entries"][0]["s3_uri"].clone();
        for (uses, found) in [
            (uri("in/a.csv").as_str(), &["a.csv", "copy", "newer/a.csv"][..]),
            (first, &["a.csv", "copy"]),
            (newer.as_str().unwrap(), &["newer/a.csv"]),
            (&uri("in/c/%C3%A9.csv"), &["c/é.csv"]),
            (&uri("in/b/"), &["b/1.csv", "b/2/x.csv", "b/2/y.txt"]),
            (&uri("in/b"), &[]),
            (&uri("elsewhere"), &[]),
        ] {
            let page = browse(&scene, json!({ "uses": uses })).await;
            assert_eq!(keys(&page), found, "{uses}");
            assert_eq!(one_by_one(&scene, &json!({ "uses": uses })).await, found, "{uses}");
        }
        let both = browse(&scene, json!({ "uses": uri("in/b/"), "match": "*.txt", "path": "b" })).await;
        assert_eq!(keys(&both), ["b/2/y.txt"]);
        scene.refuses("package_browse", json!({ "name": "t/p", "uses": "in/a.csv" }), "invalid_argument").await;
    }

    async fn a_listing_begins_after_any_key(scene) {
        package(&scene).await;
        let all = browse(&scene, json!({ "recursive": true })).await;
        let all = keys(&all);
        for after in KEYS.iter().copied().chain(["", "b", "b/", "b/2", "b/2/xx", "zz", "d/e/f/g.CSV/x", "a"]) {
            let page = browse(&scene, json!({ "recursive": true, "start_after": after })).await;
            let after_key = after.trim_end_matches('/').split('/').collect::<Vec<_>>();
            let is_after = |key: &&&str| after.is_empty() || key.split('/').collect::<Vec<_>>() > after_key;
            assert_eq!(keys(&page), all.iter().filter(is_after).copied().collect::<Vec<_>>(), "after {after}");
        }
        for (path, after, found) in [
            ("", "a.csv", &["b/", "b-c.csv", "c/", "d/", "z.txt"][..]),
            ("", "b/", &["b-c.csv", "c/", "d/", "z.txt"]),
            ("", "b", &["b-c.csv", "c/", "d/", "z.txt"]),
            ("", "b/2/x.csv", &["b-c.csv", "c/", "d/", "z.txt"]),
            ("b", "b/1.csv", &["b/2/"]),
            ("b", "b/2", &[]),
            ("b", "a", &["b/1.csv", "b/2/"]),
            ("b", "b", &["b/1.csv", "b/2/"]),
            ("b", "c", &[]),
            ("", "z.txt", &[]),
        ] {
            let page = browse(&scene, json!({ "path": path, "start_after": after })).await;
            assert_eq!((keys(&page), page.get("next_cursor")), (found.to_vec(), None), "{path} after {after}");
            assert_eq!(one_by_one(&scene, &json!({ "path": path, "start_after": after })).await, found);
        }
        let matched = browse(&scene, json!({ "start_after": "b/2", "match": "*.csv" })).await;
        assert_eq!(keys(&matched), ["b/2/x.csv", "b-c.csv", "c/é.csv", "d/e/h.csv"]);
    }

    async fn cursors_are_short_and_of_one_question(scene) {
        let hash = package(&scene).await;
        let page = browse(&scene, json!({ "match": "*.csv", "limit": 2 })).await;
        let cursor = page["next_cursor"].as_str().unwrap();
        assert!(cursor.len() <= 80, "{cursor}");
        let next = browse(&scene, json!({ "match": "*.csv", "cursor": cursor, "hash": hash, "detail": "full" })).await;
        assert_eq!(keys(&next), ["b/2/x.csv", "b-c.csv", "c/é.csv", "d/e/h.csv"]);
        for other in [json!({}), json!({ "match": "*" }), json!({ "match": "*.csv", "start_after": "a" }),
            json!({ "match": "*.csv", "uses": uri("x") })] {
            let mut question = json!({ "name": "t/p", "cursor": cursor });
            question.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
            let refusal = scene.refuses("package_browse", question, "invalid_argument").await;
            assert!(refusal["error"].as_str().unwrap().starts_with("Argument cursor"), "{refusal}");
        }
    }
}

/// A package with folders that are larger than the stride of the index, and that none of the rows of is read for.
#[tokio::test]
async fn a_large_package_is_searched_and_entered_anywhere() {
    let scene = Scene::on(Stage::embedded().await).await;
    let key = |number: usize| format!("{}/{:02}/{number:04}.txt", number % 3, number % 20);
    let mut all: Vec<String> = (0..3000).map(key).collect();
    all.sort();
    seed(&scene, "t/p", &manifest(all.iter().cloned(), "large")).await;

    let found = browse(&scene, json!({ "match": "*777.txt" })).await;
    let matching: Vec<&String> = all.iter().filter(|key| key.ends_with("777.txt")).collect();
    assert_eq!((keys(&found).len(), &found["scanned"]), (matching.len(), &json!(3000)));
    assert_eq!(keys(&found), matching);

    let page = browse(&scene, json!({ "recursive": true, "limit": 1000 })).await;
    assert!(page["returned"].as_u64().unwrap() > 600, "brief rows are short");
    for after in [0, 1, 1234, 1999, 2998] {
        let page = browse(
            &scene,
            json!({ "recursive": true, "start_after": all[after], "limit": 1 }),
        )
        .await;
        assert_eq!(keys(&page), [&all[after + 1]]);
        let level = browse(&scene, json!({ "start_after": all[after] })).await;
        let first = all[after].split('/').next().unwrap();
        let rest: Vec<String> = ["0", "1", "2"]
            .iter()
            .filter(|name| **name > first)
            .map(|name| format!("{name}/"))
            .collect();
        assert_eq!(keys(&level), rest);
    }
}
