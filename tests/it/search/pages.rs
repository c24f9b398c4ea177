//! Pages: nothing is lost or repeated, and a cursor belongs to its search.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Scene, TODAY, data, names, object, package};

async fn all_pages(scene: &Scene, mut arguments: Value) -> (Vec<String>, usize) {
    let (mut found, mut pages) = (Vec::new(), 0);
    loop {
        let page = scene.search(arguments.clone()).await;
        let page = page.success();
        assert!(page.to_string().chars().count() <= 48_000);
        found.extend(names(page).into_iter().map(str::to_owned));
        pages += 1;
        match page["next_cursor"].as_str() {
            Some(next) => arguments["cursor"] = next.into(),
            None => return (found, pages),
        }
    }
}

#[tokio::test]
async fn ten_thousand_hits_are_read_without_loss_or_repetition() {
    let packages: Vec<Value> = (0..10_000)
        .map(|n| package(n, &format!("team/p{n:05}"), &json!({ "lab": "A" })))
        .collect();
    let scene = Scene::new(TODAY, &data(&packages, &[])).await;
    let (found, pages) = all_pages(&scene, json!({ "limit": 100 })).await;
    let all: BTreeSet<&String> = found.iter().collect();
    assert_eq!((found.len(), all.len(), pages), (10_000, 10_000, 100));
}

/// Keys so long that a page of 100 does not fit a result, even without anything else.
#[tokio::test]
async fn a_page_that_does_not_fit_ends_early_and_loses_nothing() {
    let objects: Vec<Value> = (0..250)
        .map(|n| object(n, &format!("{n:04}/{}", "ä".repeat(500)), Some(&"t".repeat(1000))))
        .collect();
    let scene = Scene::new(TODAY, &data(&[], &objects)).await;
    for kind in ["objects", "all"] {
        let mut arguments = json!({ "kind": kind, "limit": 100, "include_text": true });
        if kind == "all" {
            let both = scene.search(arguments.clone()).await;
            let both = both.success();
            assert!(both.to_string().chars().count() <= 48_000);
            assert!(both["objects"]["returned"].as_u64().unwrap() > 20);
            continue;
        }
        let (found, pages) = all_pages(&scene, arguments.take()).await;
        let all: BTreeSet<&String> = found.iter().collect();
        assert_eq!((found.len(), all.len()), (250, 250));
        assert!(pages > 3, "{pages}");
    }
}

#[tokio::test]
async fn a_cursor_of_another_search_is_refused() {
    let packages: Vec<Value> = (0..5).map(|n| package(n, &format!("team/p{n}"), &json!({}))).collect();
    let objects: Vec<Value> = (0..5).map(|n| object(n, &format!("k{n}"), None)).collect();
    let scene = Scene::new(TODAY, &data(&packages, &objects)).await;
    let first = scene.search(json!({ "query": "team", "limit": 2 })).await;
    let cursor = first.success()["next_cursor"].clone();
    // Another length of the page is no other search.
    let next = scene
        .search(json!({ "query": "team", "limit": 3, "cursor": cursor }))
        .await;
    assert_eq!(next.success()["returned"], 3);
    scene.search.take_sent();
    for other in [
        json!({}),
        json!({ "query": "teams" }),
        json!({ "query": "team", "kind": "objects" }),
        json!({ "query": "team", "sort": "newest" }),
        json!({ "query": "team", "latest_only": false }),
        json!({ "query": "team", "buckets": ["lab-data"] }),
        json!({ "query": "team", "filters": { "size_min": 1 } }),
        json!({ "query": "team", "metadata": [{ "path": "/a", "is": true }] }),
    ] {
        let mut arguments = other.clone();
        arguments["cursor"] = cursor.clone();
        let answer = scene.search(arguments).await;
        let sentence = answer.failure("invalid_argument")["error"].as_str().unwrap();
        assert!(sentence.starts_with("Argument cursor: "), "{other}: {sentence}");
    }
    for bad in ["x", "e30", "not base64!"] {
        let answer = scene.search(json!({ "query": "team", "cursor": bad })).await;
        answer.failure("invalid_argument");
    }
    assert!(scene.search.take_sent().is_empty(), "the registry is asked for nothing");
}

/// A cursor that the registry does not accept any more.
#[tokio::test]
async fn an_expired_cursor_says_so() {
    let packages: Vec<Value> = (0..5).map(|n| package(n, &format!("team/p{n}"), &json!({}))).collect();
    let mut data = data(&packages, &[]);
    let scene = Scene::new(TODAY, &data).await;
    let first = scene.search(json!({ "limit": 2 })).await;
    data["expired"] = json!(true);
    scene.search.load(&data);
    let next = scene
        .search(json!({ "limit": 2, "cursor": first.success()["next_cursor"] }))
        .await;
    let sentence = next.failure("invalid_argument")["error"].as_str().unwrap();
    assert!(
        sentence.contains("cursor") && sentence.contains("search again"),
        "{sentence}"
    );
}
