//! Schemas of five dates: each is searched in its own documents, which are found once, also while a stack is upgraded.

use std::collections::BTreeSet;

use quilt_mcp::clock::{Clock, ManualClock};
use serde_json::{Value, json};

use super::{Scene, data, names, object, package};
use crate::support::graphql::search::{DATES, Sent};
use crate::support::registry::Speaks;

fn some() -> Value {
    let packages: Vec<Value> = (0..5)
        .map(|number| package(number, &format!("team/p{number}"), &json!({ "lab": "A", "n": number })))
        .collect();
    let objects: Vec<Value> = (0..5)
        .map(|number| object(number, &format!("raw/{number}.csv"), Some("some text")))
        .collect();
    let mut data = data(&packages, &objects);
    let extents = |min: &str, max: &str| json!({ "min": min, "max": max });
    data["stats"] = json!({
        "modified": extents("2026-01-01T00:00:00Z", "2026-08-21T00:00:00Z"),
        "size": { "min": 1, "max": 2.5 }, "entries": { "min": 3, "max": 3 },
        "workflow": { "values": ["alpha"] }, "ext": { "values": [".csv"] }, "userMetaTruncated": false,
        "userMeta": [
            { "__typename": "NumberPackageUserMetaFacet", "path": "/n", "extents": { "min": 0, "max": 4 } },
            { "__typename": "KeywordPackageUserMetaFacet", "path": "/lab", "extents": { "values": ["A"] } },
            { "__typename": "DatetimePackageUserMetaFacet", "path": "/when", "extents": extents("a", "b") },
            { "__typename": "TextPackageUserMetaFacet", "path": "/note" },
            { "__typename": "BooleanPackageUserMetaFacet", "path": "/ok" },
        ],
    });
    data
}

/// Every kind of document that the server has.
async fn ask_everything(scene: &Scene) {
    for kind in ["packages", "objects"] {
        for limit in [5, 2] {
            let mut arguments =
                json!({ "kind": kind, "query": "", "limit": limit, "sort": "newest", "include_text": true });
            let first = scene.search(arguments.clone()).await;
            let first = first.success();
            assert_eq!(
                (&first["total"], &first["returned"]),
                (&json!(5), &json!(limit)),
                "{first}"
            );
            if limit == 2 {
                arguments["cursor"] = first["next_cursor"].clone();
                let second = scene.search(arguments).await;
                let second = second.success();
                assert_eq!(
                    (&second["total"], &second["returned"]),
                    (&json!(5), &json!(2)),
                    "{second}"
                );
                assert!(
                    names(first).iter().all(|name| !names(second).contains(name)),
                    "{first} {second}"
                );
            }
        }
        let facets = scene.facets(json!({ "kind": kind })).await;
        let facets = facets.success();
        assert_eq!(
            (&facets["total"], &facets["ranges"]["size"]),
            (&json!(5), &json!({ "min": 1, "max": 2.5 }))
        );
    }
    let facets = scene.facets(json!({ "path": "la" })).await;
    assert_eq!(facets.success()["metadata"].as_array().unwrap().len(), 1);
}

fn operation(sent: &Sent) -> &str {
    sent.query.split(['(', ' ']).nth(1).unwrap()
}

#[tokio::test]
async fn a_schema_of_each_date_is_searched_in_its_own_documents() {
    for date in DATES {
        for is_polite in [false, true] {
            let scene = Scene::new(date, &some()).await;
            if is_polite {
                scene.search.be_polite();
            }
            ask_everything(&scene).await;
            let sent = scene.search.take_sent();
            let accepted: BTreeSet<&str> = sent.iter().filter(|sent| sent.is_accepted).map(operation).collect();
            let all = [
                "ObjectFacets",
                "PackageFacets",
                "SearchMoreObjects",
                "SearchMorePackages",
                "SearchObjects",
                "SearchPackages",
            ];
            assert!(accepted.iter().copied().eq(all), "{date}: {accepted:?}");
            // Once it is known what a registry accepts, nothing else is sent.
            ask_everything(&scene).await;
            for sent in scene.search.take_sent() {
                assert!(sent.is_accepted, "{date}: {sent:?}");
            }
        }
    }
}

/// The newest schema is asked in the newest documents at once.
#[tokio::test]
async fn a_catalog_of_today_costs_no_tries() {
    let scene = Scene::new(super::TODAY, &some()).await;
    ask_everything(&scene).await;
    assert!(scene.search.take_sent().iter().all(|sent| sent.is_accepted));
}

/// What old schemas have not is told, and what a result of them has is the same.
#[tokio::test]
async fn an_old_catalog_says_what_it_cannot_do() {
    for (date, has_names) in [("2023-10-13", false), ("2025-07-18", true), ("2025-08-22", true)] {
        let scene = Scene::new(date, &some()).await;
        let found = scene.search(json!({ "query": "p3" })).await;
        let found = found.success();
        let row = &found["results"][0];
        assert_eq!(
            (&row["name"], &row["metadata"]),
            (&json!("team/p3"), &json!({ "lab": "A", "n": 3 })),
            "{date}"
        );
        assert_eq!(row["is_latest"], if has_names { json!(true) } else { Value::Null });
        let warns = found["warnings"].to_string().contains("all revisions");
        assert_eq!(warns, !has_names, "{date}: {found}");
        for kind in ["packages", "objects"] {
            let by_name = scene.search(json!({ "kind": kind, "sort": "name_desc" })).await;
            if has_names {
                let found = by_name.success();
                assert!(names(found)[0].contains('4'), "{found}");
            } else {
                let sentence = by_name.failure("invalid_argument")["error"].to_string();
                assert!(sentence.contains("relevance, newest and oldest only"), "{sentence}");
            }
        }
        let by_field = scene.search(json!({ "sort": "usr:/n:number:asc" })).await;
        let sentence = by_field.failure("invalid_argument")["error"].to_string();
        assert!(sentence.contains("sorts by"), "{sentence}");
    }
}

/// A search whose pages are read while the registry is upgraded goes on.
#[tokio::test]
async fn a_registry_may_be_upgraded_between_two_pages() {
    for (before, after) in [
        ("2023-10-13", "2026-08-21"),
        ("2025-07-18", "2025-08-22"),
        ("2025-08-22", "2026-08-21"),
        ("2026-08-21", "2025-08-22"),
    ] {
        let scene = Scene::new(before, &some()).await;
        for kind in ["packages", "objects"] {
            scene.search.upgrade(before);
            let mut found = Vec::new();
            let mut arguments = json!({ "kind": kind, "limit": 2 });
            loop {
                let page = scene.search(arguments.clone()).await;
                let page = page.success();
                found.extend(names(page).into_iter().map(str::to_owned));
                let Some(next) = page["next_cursor"].as_str() else {
                    break;
                };
                arguments["cursor"] = next.into();
                scene.search.upgrade(after);
            }
            let all: BTreeSet<&String> = found.iter().collect();
            assert_eq!((found.len(), all.len()), (5, 5), "{before} {after} {kind}");
            // A search that is new is found in the new form.
            scene.search(json!({ "kind": kind })).await.success();
        }
    }
}

/// While old and new parts of a stack answer in turns, what was accepted before is tried again in the end.
#[tokio::test]
async fn an_upgrade_in_the_middle_of_the_tries_is_survived() {
    let scene = Scene::new("2025-08-22", &some()).await;
    scene.search(json!({})).await.success();
    scene.search.take_sent();
    scene
        .search
        .take_turns(&["2026-08-21", "2025-08-22", "2026-08-21", "2026-08-21", "2025-08-22"]);
    let found = scene.search(json!({})).await;
    assert_eq!(found.success()["total"], 5);
    assert_eq!(scene.search.take_sent().len(), 5);
}

/// The words of graphql-core about each document that does not fit are those by which the server goes on.
#[tokio::test]
async fn a_catalog_without_search_is_unavailable_and_not_empty() {
    let scene = Scene::new(super::TODAY, &some()).await;
    scene.registry.speaks(
        &scene.bearer,
        Speaks::Says(json!({ "errors": [{ "message": "Cannot query field 'searchPackages' on type 'Query'." }] })),
    );
    for tool in ["search_catalog", "search_facets"] {
        let answer = scene.server.call(&scene.bearer, tool, json!({ "query": "p1" })).await;
        let failure = answer.failure("search_unavailable");
        assert!(failure["hint"].as_str().unwrap().contains("package_list"), "{failure}");
    }
}

/// A catalog without search is asked for one now and then, not by each call.
#[tokio::test]
async fn that_a_catalog_has_no_search_is_remembered_for_minutes() {
    let manual = ManualClock::new(Clock::system().now());
    let scene = Scene::at(super::TODAY, &some(), manual.clock()).await;
    let refused = "Cannot query field 'searchPackages' on type 'Query'.";
    let says = Speaks::Says(json!({ "errors": [{ "message": refused }] }));
    scene.registry.speaks(&scene.bearer, says);
    let asked = async || {
        let before = scene.registry.count("/graphql");
        let answer = scene.search(json!({ "query": "p1" })).await;
        answer.failure("search_unavailable");
        scene.registry.count("/graphql") - before
    };
    assert_eq!(asked().await, 4, "each generation is tried once");
    assert_eq!(asked().await, 0);
    manual.advance(jiff::SignedDuration::from_mins(4));
    assert_eq!(asked().await, 0);
    manual.advance(jiff::SignedDuration::from_mins(2));
    assert_eq!(asked().await, 4);
    // Other queries are known by themselves.
    let before = scene.registry.count("/graphql");
    scene
        .search(json!({ "kind": "objects" }))
        .await
        .failure("search_unavailable");
    assert_eq!(scene.registry.count("/graphql") - before, 3);

    scene
        .registry
        .speaks(&scene.bearer, Speaks::Searches(scene.search.clone()));
    scene.search(json!({})).await.failure("search_unavailable");
    manual.advance(jiff::SignedDuration::from_mins(6));
    assert_eq!(
        scene.search(json!({})).await.success()["total"],
        5,
        "the stack was upgraded"
    );
}
