//! Pagination of the packaging tools: the pages add up to the whole, and a cursor is valid only for its own query.

use serde_json::{Value, json};

use crate::support::on_both::on_both;
use crate::support::package_stage::{OTHER, in_bucket, several_buckets};
use crate::support::scene::{Scene, keys, uri};
use crate::support::stage::{SHARED, Stage};

fn with(question: &Value, field: &str, value: impl Into<Value>) -> Value {
    let mut question = question.clone();
    question[field] = value.into();
    question
}

/// What all pages of a question have in these lists, and how many pages there were.
async fn pages(scene: &Scene, tool: &str, question: &Value, limit: u64, lists: &[&str]) -> (Value, u64) {
    let mut whole = json!({});
    let mut question = with(question, "limit", limit);
    for number in 1.. {
        let page = scene.read(tool, question.clone()).await;
        let mut on_page = 0;
        for list in lists {
            let items = page[*list].as_array().unwrap().clone();
            on_page += items.len() as u64;
            match whole[*list].as_array_mut() {
                Some(all) => all.extend(items),
                None => whole[*list] = items.into(),
            }
        }
        assert!(on_page <= limit);
        let Some(next) = page.get("next_cursor") else {
            return (whole, number);
        };
        // A page ends early if its answer would be longer than clients show.
        assert!(on_page == limit || limit > 200, "only the last page may have less");
        question["cursor"] = next.clone();
    }
    unreachable!()
}

/// Pages of every size are the whole, in its order.
async fn pages_are_the_whole(scene: &Scene, tool: &str, question: &Value, lists: &[&str], items: u64) {
    let (whole, _) = pages(scene, tool, question, 500, lists).await;
    let found: usize = lists.iter().map(|list| whole[*list].as_array().unwrap().len()).sum();
    assert_eq!(found as u64, items, "{tool} {question}");
    for limit in 1..=items + 1 {
        let (paged, number) = pages(scene, tool, question, limit, lists).await;
        assert_eq!(paged, whole, "{tool} {question}, {limit} at a time");
        assert_eq!(number, items.div_ceil(limit).max(1), "no page is empty");
    }
}

/// Two revisions of a package with folders, and packages whose names sort in ways that trip over separators.
async fn packages(scene: &Scene) {
    let texts = ["a", "b/1", "b/2/x", "b/2/y", "b-c", "c/é", "d"];
    scene
        .put(
            texts
                .iter()
                .map(|key| json!({ "key": format!("in/{key}"), "text": key }))
                .collect(),
        )
        .await;
    scene
        .write(
            "package_create_from_s3",
            json!({ "name": "t/p", "source_bucket": SHARED, "source_prefix": "in/", "flatten": false }),
        )
        .await;
    let add: Vec<Value> = ["b/3", "e", "a"]
        .iter()
        .map(|key| json!({ "s3_uri": uri("in/d"), "logical_key": key }))
        .collect();
    scene
        .write(
            "package_update",
            json!({ "name": "t/p", "add": add, "remove": ["b/2/", "d"] }),
        )
        .await;
    for number in 0..3 {
        scene
            .write(
                "package_update",
                json!({ "name": "t/p", "message": number.to_string() }),
            )
            .await;
    }
    for name in ["t/p-q", "t/p_", "t-x/a", "t/a", "tt/z", "s/z"] {
        scene
            .write("package_create", json!({ "name": name, "files": [uri("in/a")] }))
            .await;
    }
}

on_both! {
    async fn pages_of_any_size_are_the_whole(scene) {
        packages(&scene).await;
        let first = scene.read("package_versions", json!({ "name": "t/p" })).await["versions"][4]["hash"].clone();
        let entries: &[&str] = &["entries"];
        for (tool, question, lists, items) in [
            ("package_browse", json!({ "name": "t/p", "hash": first }), entries, 5),
            ("package_browse", json!({ "name": "t/p", "hash": first, "recursive": true }), entries, 7),
            ("package_browse", json!({ "name": "t/p", "hash": first, "path": "b" }), entries, 2),
            ("package_browse", json!({ "name": "t/p", "hash": first, "path": "b/2/x" }), entries, 1),
            ("package_versions", json!({ "name": "t/p" }), &["versions"], 5),
            ("package_list", json!({}), &["packages"], 7),
            ("package_list", json!({ "prefix": "t" }), &["packages"], 6),
            ("package_list", json!({ "prefix": "t/" }), &["packages"], 4),
            ("package_list", json!({ "prefix": "t/p" }), &["packages"], 3),
            ("package_list", json!({ "prefix": "none" }), &["packages"], 0),
            ("package_diff", json!({ "name": "t/p", "hash": first }), &["added", "removed", "changed"], 6),
        ] {
            pages_are_the_whole(&scene, tool, &question, lists, items).await;
        }
        let diff = json!({ "name": "t/p", "hash": first, "limit": 1 });
        let page = scene.read("package_diff", diff.clone()).await;
        let next = scene.read("package_diff", with(&diff, "cursor", page["next_cursor"].clone())).await;
        assert_eq!(next["counts"], json!({ "added": 2, "changed": 1, "removed": 3 }), "every page counts all");
        let names = scene.read("package_list", json!({})).await;
        let names: Vec<&Value> = names["packages"].as_array().unwrap().iter().map(|package| &package["name"]).collect();
        assert_eq!(names.len(), 7);

        // The package moves on between two pages; the second is of the revision of the first.
        let question = json!({ "name": "t/p", "limit": 2, "recursive": true });
        let page = scene.read("package_browse", question.clone()).await;
        scene.write("package_update", json!({ "name": "t/p", "remove": ["b/"] })).await;
        let rest = scene.read("package_browse", with(&with(&question, "limit", 500), "cursor",
            page["next_cursor"].clone())).await;
        assert_eq!(rest["package"]["hash"], page["package"]["hash"]);
        assert_eq!([keys(&page), keys(&rest)].concat(), ["a", "b/1", "b/3", "b-c", "c/é", "e"]);
    }
}

#[tokio::test]
async fn a_cursor_of_another_question_is_refused() {
    let scene = several_buckets().await;
    packages(&scene).await;
    let source = json!([
        in_bucket(SHARED, "in/a"),
        in_bucket(SHARED, "in/d"),
        in_bucket(SHARED, "in/b-c")
    ]);
    // The same names in another bucket; t/p also with a history, and t/twin with the very same revision.
    for bucket in [SHARED, OTHER] {
        let twin = json!({ "bucket": bucket, "name": "t/twin", "files": source, "message": "twin" });
        scene.write("package_create", twin).await;
        for number in 0..2 {
            let update = json!({ "bucket": bucket, "name": "t/twin", "message": number.to_string() });
            scene.write("package_update", update).await;
        }
    }
    scene
        .write(
            "package_create",
            json!({ "bucket": OTHER, "name": "t/p", "files": source }),
        )
        .await;
    let versions = scene.read("package_versions", json!({ "name": "t/p" })).await;
    let hash = |number: usize| versions["versions"][number]["hash"].clone();
    let (oldest, newest) = (hash(4), hash(0));

    let browse = json!({ "name": "t/twin" });
    let diff = json!({ "name": "t/p", "hash": oldest, "other_hash": newest });
    let list = json!({ "prefix": "t/" });
    let questions = [
        (
            "package_browse",
            browse.clone(),
            vec![
                with(&browse, "name", "t/p"),
                with(&browse, "path", "a"),
                with(&browse, "recursive", true),
                with(&browse, "bucket", OTHER),
                with(&browse, "hash", oldest.clone()),
            ],
        ),
        (
            "package_versions",
            browse.clone(),
            vec![with(&browse, "name", "t/p"), with(&browse, "bucket", OTHER)],
        ),
        (
            "package_list",
            list.clone(),
            vec![
                with(&list, "prefix", "t-"),
                with(&list, "prefix", ""),
                with(&list, "prefix", "t/p"),
                with(&list, "bucket", OTHER),
            ],
        ),
        (
            "package_diff",
            diff.clone(),
            vec![
                with(&diff, "name", "t/twin"),
                with(&diff, "other_name", "t/twin"),
                with(&diff, "hash", hash(1)),
                with(&diff, "other_hash", hash(1)),
                with(&with(&diff, "hash", newest.clone()), "other_hash", oldest.clone()),
                with(&diff, "bucket", OTHER),
                with(&diff, "other_bucket", OTHER),
            ],
        ),
    ];
    let mut cursors = Vec::new();
    for (tool, question, _) in &questions {
        let page = scene.read(tool, with(question, "limit", 1)).await;
        let cursor = page["next_cursor"]
            .as_str()
            .unwrap_or_else(|| panic!("{tool} has one page: {page}"))
            .to_owned();
        scene.read(tool, with(question, "cursor", cursor.clone())).await;
        cursors.push(cursor);
    }
    for (number, (tool, question, others)) in questions.iter().enumerate() {
        let foreign = cursors
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != number)
            .map(|(_, cursor)| with(question, "cursor", cursor.clone()));
        let garbage = ["x", "!!", "e30", "bnVsbA", "W10", "%00"].map(|cursor| with(question, "cursor", cursor));
        let others = others
            .iter()
            .map(|other| with(other, "cursor", cursors[number].clone()));
        for question in others.chain(foreign).chain(garbage) {
            let refusal = scene.refuses(tool, question.clone(), "invalid_argument").await;
            assert!(
                refusal["error"].as_str().unwrap().starts_with("Argument cursor: "),
                "{tool} {question}: {refusal}"
            );
        }
    }
}

/// More entries than one listing of S3 has, and more than one page.
#[tokio::test]
async fn a_package_of_2500_entries_is_seen_whole() {
    let scene = several_buckets().await;
    let aws = scene.stage.aws();
    for number in 0..2500 {
        aws.put_object(
            SHARED,
            &format!("many/{:02}/{number:04}.txt", number % 50),
            number.to_string(),
            None,
            &[],
        )
        .unwrap();
    }
    let create = json!({ "name": "t/many", "source_bucket": SHARED, "source_prefix": "many/", "flatten": false,
        "hash_type": "CRC64NVME" });
    let created = scene.write("package_create_from_s3", create).await;
    assert_eq!(
        (&created["entries_added"], &created["bytes_hashed"]),
        (&json!(2500), &json!(0))
    );
    let question = json!({ "name": "t/many", "recursive": true });
    let (whole, number) = pages(&scene, "package_browse", &question, 200, &["entries"]).await;
    assert_eq!((keys(&whole).len(), number), (2500, 13));
    let (again, _) = pages(&scene, "package_browse", &question, 1000, &["entries"]).await;
    assert_eq!(again, whole);
    let mut wanted: Vec<String> = (0..2500)
        .map(|number| format!("{:02}/{number:04}.txt", number % 50))
        .collect();
    wanted.sort();
    assert_eq!(keys(&whole), wanted);
    let folders = scene.read("package_browse", json!({ "name": "t/many" })).await;
    assert_eq!(
        (&folders["returned"], &folders["package"]["total_entries"]),
        (&json!(50), &json!(2500))
    );
    assert!(
        folders["entries"]
            .as_array()
            .unwrap()
            .iter()
            .all(|folder| folder["entries"] == 50)
    );
    let verified = scene
        .read("package_verify", json!({ "name": "t/many", "check_objects": true }))
        .await;
    assert_eq!(verified["objects"]["ok"], 2500);
}
