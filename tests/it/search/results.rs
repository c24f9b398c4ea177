//! Results: the inputs that a search sends, and how hits are shown.

use serde_json::{Value, json};

use super::{Scene, TODAY, data, hash, names, object, package};
use crate::support::graphql::search::SearchRegistry;
use crate::support::registry::{Speaks, Vends};
use crate::support::token;

/// Maximum length of a result that clients show.
const MAX_CHARS: usize = 48_000;

#[tokio::test]
async fn a_package_is_shown_with_what_its_next_call_needs() {
    let metadata = json!({ "lab": "A", "n": 12 });
    let scene = Scene::new(TODAY, &data(&[package(7, "team/p", &metadata)], &[])).await;
    let found = scene
        .search(json!({ "query": "team/p", "buckets": ["s3://lab-data"] }))
        .await;
    let found = found.success();
    let url = &scene.registry.url;
    let hash = hash(7);
    assert_eq!(
        *found,
        json!({
            "success": true, "kind": "packages", "returned": 1, "total": 1, "total_is_exact": true,
            "query_sent": "team/p*", "buckets": ["lab-data"], "searched_by": "catalog",
            "catalog_url": format!("{url}/search?q=team%2Fp*&t=p&b=lab-data"),
            "results": [{
                "bucket": "lab-data", "name": "team/p", "hash": hash, "is_latest": true,
                "modified": "2026-08-21T12:00:00Z", "size": 1_000_000_000_007_u64, "total_entries": 3,
                "message": "first commit", "metadata": metadata, "workflow_id": "alpha", "score": 1.235,
                "matched_in": ["name", "metadata"],
                "entries": [{ "logical_key": "data/a b.csv", "s3_uri": "s3://lab-data/raw/a%20b.csv?versionId=v1",
                    "size": 12, "matched_in": ["logical_key", "contents"] }],
                "uri": format!("quilt+s3://lab-data#package=team/p@{hash}"),
                "catalog_url": format!("{url}/b/lab-data/packages/team/p/tree/{hash}"),
            }],
        })
    );
}

#[tokio::test]
async fn an_object_is_shown_with_its_version_and_an_excerpt() {
    let text = format!("{} the Needle is here {}", "before ".repeat(200), "after ".repeat(200));
    let objects = [object(1, "raw/a b.csv", Some(&text))];
    let scene = Scene::new(TODAY, &data(&[], &objects)).await;
    let found = scene
        .search(json!({ "kind": "objects", "query": "needle", "include_text": true }))
        .await;
    let row = &found.success()["results"][0];
    let url = &scene.registry.url;
    assert_eq!(
        (&row["s3_uri"], &row["version_id"], &row["deleted"]),
        (
            &json!("s3://lab-data/raw/a%20b.csv?versionId=v+1"),
            &json!("v 1"),
            &json!(false)
        )
    );
    assert_eq!(
        row["catalog_url"],
        format!("{url}/b/lab-data/tree/raw/a%20b.csv?version=v+1")
    );
    let excerpt = row["excerpt"].as_str().unwrap();
    assert!(
        excerpt.contains("the Needle is here") && excerpt.chars().count() <= 300,
        "{excerpt}"
    );
    let plain = scene.search(json!({ "kind": "objects", "query": "needle" })).await;
    assert_eq!(plain.success()["results"][0]["excerpt"], Value::Null);
    let sent = scene.search.take_sent();
    assert!(!sent.last().unwrap().query.contains("indexedContent"), "{sent:?}");
}

/// The arguments of a search, and its variables.
#[tokio::test]
async fn arguments_become_the_inputs_of_the_catalogs_page() {
    let packages = [package(1, "team/p", &json!({ "lab": "A", "n": 5 }))];
    let scene = Scene::new(TODAY, &data(&packages, &[object(1, "a.csv", None)])).await;
    let plain = scene.variables_of(json!({})).await;
    assert_eq!(
        plain,
        json!({ "b": null, "q": null, "f": null, "m": null, "l": true, "n": 20, "o": null })
    );
    let keyword = |wildcard: &str| json!({ "terms": null, "wildcard": wildcard });
    for (arguments, name, expected) in [
        (json!({ "query": "lab" }), "q", json!("lab*")),
        (json!({ "query": "lab", "exact": true }), "q", json!("lab")),
        (json!({ "bucket": "s3://lab-data" }), "b", json!(["lab-data"])),
        (json!({ "buckets": "lab-data" }), "b", json!(["lab-data"])),
        (json!({ "latest_only": "false" }), "l", json!(false)),
        (json!({ "sort": "newest" }), "o", json!("sys:modified:desc")),
        (
            json!({ "sort": "usr:/n:number:desc" }),
            "o",
            json!("usr:/n:number:desc"),
        ),
        (json!({ "max_results": 7 }), "n", json!(7)),
        (
            json!({ "filters": { "name": "team", "size_min": "5" } }),
            "f",
            json!({ "name": keyword("team*"), "size": { "gte": 5, "lte": null } }),
        ),
        (
            json!({ "filters": { "modified_after": "2026-01-31", "entries_max": 3, "message": "first",
                "workflow": "alpha", "hash": "0*" } }),
            "f",
            json!({ "modified": { "gte": "2026-01-31T00:00:00Z", "lte": null }, "entries": { "gte": null, "lte": 3 },
                "comment": { "queryString": "first*" }, "workflow": { "terms": ["alpha"], "wildcard": null },
                "hash": keyword("0*") }),
        ),
        (
            json!({ "metadata": [{ "path": "/lab", "equals": ["A"] }, { "path": "/n", "min": 4.5, "max": "6" }] }),
            "m",
            json!([{ "path": "/lab", "keyword": { "terms": ["A"], "wildcard": null } },
                { "path": "/n", "number": { "gte": 4.5, "lte": 6.0 } }]),
        ),
        (
            json!({ "metadata": "[{\"path\":\"/lab\",\"equals\":\"A\"}]" }),
            "m",
            json!([{ "path": "/lab", "keyword": { "terms": ["A"], "wildcard": null } }]),
        ),
        (
            json!({ "kind": "objects", "filters": { "ext": ["CSV", ".csv"] } }),
            "f",
            json!({ "ext": { "terms": [".csv", ".csv"], "wildcard": null }, "deleted": { "true": false, "false": true } }),
        ),
        (
            json!({ "scope": "file", "filters": { "key": "a", "content": "a OR b" } }),
            "f",
            json!({ "key": keyword("a*"), "content": { "queryString": "a OR b" },
                "deleted": { "true": false, "false": true } }),
        ),
        (json!({ "scope": "packageEntry", "query": "lab" }), "q", json!("lab*")),
        (json!({ "kind": "objects", "sort": "name" }), "o", json!("LEX_ASC")),
    ] {
        let variables = scene.variables_of(arguments.clone()).await;
        assert_eq!(variables[name], expected, "{arguments}: {variables}");
    }
    for (filter, is_found) in [
        (json!({ "path": "/lab", "equals": ["A", "B"] }), true),
        (json!({ "path": "/lab", "equals": ["B"] }), false),
        (json!({ "path": "/n", "min": 6 }), false),
    ] {
        let found = scene.search(json!({ "metadata": [filter] })).await;
        assert_eq!(found.success()["returned"], usize::from(is_found), "{filter}");
    }
    for (filter, predicate) in [
        (json!({ "wildcard": "A" }), json!({ "keyword": keyword("A*") })),
        (
            json!({ "text": "long words" }),
            json!({ "text": { "queryString": "long words*" } }),
        ),
        (
            json!({ "is": true }),
            json!({ "boolean": { "true": true, "false": false } }),
        ),
        (
            json!({ "before": "2026-01-01T00:00:00Z" }),
            json!({ "datetime": { "gte": null, "lte": "2026-01-01T00:00:00Z" } }),
        ),
    ] {
        let (mut filter, mut predicate) = (filter, predicate);
        filter["path"] = json!("/lab");
        predicate["path"] = json!("/lab");
        let variables = scene.variables_of(json!({ "metadata": [filter] })).await;
        assert_eq!(variables["m"], json!([predicate]));
    }
}

#[tokio::test]
async fn a_link_shows_the_same_search_on_the_catalogs_page() {
    let scene = Scene::new(TODAY, &data(&[], &[])).await;
    for (arguments, expected) in [
        (
            json!({ "sort": "newest", "latest_only": false, "metadata": [{ "path": "/lab", "equals": ["A", "B"] }] }),
            "?t=p&s=sys%3Amodified%3Adesc&meta.e%2Flab=%22A%22%2C%22B%22&rev=all",
        ),
        (
            json!({ "metadata": [{ "path": "/n", "min": 1 }], "exact": true, "filters": { "name": "team" } }),
            "?t=p&name=%24s%24%3Ateam&meta.n%2Fn=%7B%22gte%22%3A1.0%2C%22lte%22%3Anull%7D",
        ),
        (
            json!({ "kind": "objects", "query": "x", "filters": { "ext": ["csv"] }, "buckets": ["b-one", "b-two"] }),
            "?q=x*&t=o&b=b-one%2Cb-two&ext=%22.csv%22&deleted=false",
        ),
    ] {
        let found = scene.search(arguments.clone()).await;
        let found = found.success();
        assert_eq!(
            (&found["total"], &found["results"]),
            (&json!(0), &json!([])),
            "no hits are a success"
        );
        let link = found["catalog_url"].as_str().unwrap();
        assert_eq!(link, format!("{}/search{expected}", scene.registry.url), "{arguments}");
    }
}

/// A catalog that checks each hit against S3 does not count them.
#[tokio::test]
async fn a_total_that_was_not_counted_is_null() {
    let packages: Vec<Value> = (0..3).map(|n| package(n, &format!("team/p{n}"), &json!({}))).collect();
    let mut data = data(&packages, &[object(1, "a", None)]);
    data["secure"] = json!(true);
    for date in ["2023-10-13", TODAY] {
        let scene = Scene::new(date, &data).await;
        let mut arguments = json!({ "limit": 2 });
        for returned in [2, 1] {
            let found = scene.search(arguments.clone()).await;
            let found = found.success();
            assert_eq!(
                (&found["total"], &found["total_is_exact"], &found["returned"]),
                (&Value::Null, &json!(false), &json!(returned))
            );
            assert!(found["warnings"].to_string().contains("does not count"), "{found}");
            arguments["cursor"] = found["next_cursor"].clone();
        }
    }
}

#[tokio::test]
async fn both_kinds_are_searched_at_once_and_each_goes_on_by_itself() {
    let packages: Vec<Value> = (0..3).map(|n| package(n, &format!("team/p{n}"), &json!({}))).collect();
    let objects: Vec<Value> = (0..4).map(|n| object(n, &format!("k{n}"), None)).collect();
    let scene = Scene::new(TODAY, &data(&packages, &objects)).await;
    let arguments = json!({ "kind": "all", "limit": 2 });
    let found = scene.search(arguments.clone()).await;
    let found = found.success();
    assert_eq!(found["kind"], "all");
    for (kind, total) in [("packages", 3), ("objects", 4)] {
        let part = &found[kind];
        assert_eq!((&part["total"], &part["returned"]), (&json!(total), &json!(2)));
        let mut next = json!({ "kind": kind, "limit": 2, "cursor": part["next_cursor"] });
        let more = scene.search(next.clone()).await;
        assert_eq!(more.success()["returned"], total - 2, "{kind}");
        next["kind"] = json!("all");
        let sentence = scene.search(next).await.failure("invalid_argument")["error"].to_string();
        assert!(sentence.contains("set kind"), "{sentence}");
    }
    for (action, kind) in [
        ("unified_search", "all"),
        ("search_packages", "packages"),
        ("search_objects", "objects"),
    ] {
        let call = json!({ "action": action, "params": { "query": "", "max_results": 2 } });
        let found = scene.server.call(&scene.bearer, "search", call).await;
        assert_eq!(found.success()["kind"], kind);
    }
    let help = scene.server.rpc(None, "tools/call", json!({ "name": "search" })).await;
    assert_eq!(
        help.success()["actions"],
        json!(["unified_search", "search_packages", "search_objects"])
    );
}

/// If one of both kinds fails, the call fails and still shows what the other found.
#[tokio::test]
async fn half_a_search_is_a_failure_that_shows_its_other_half() {
    let scene = Scene::new(
        TODAY,
        &data(&[package(1, "team/p", &json!({}))], &[object(1, "k", None)]),
    )
    .await;
    let mut broken = data(&[], &[object(1, "k", None)]);
    broken["packages"] = json!([{ "bucket": "lab-data", "pointer": "latest", "name": null }]);
    scene.search.load(&broken);
    let found = scene.search(json!({ "kind": "all" })).await;
    let failure = found.failure("upstream");
    assert_eq!(failure["objects"]["returned"], 1, "{failure}");
    assert!(failure["error"].to_string().contains("searchPackages"), "{failure}");
}

#[tokio::test]
async fn each_caller_sees_what_the_registry_shows_that_caller() {
    let scene = Scene::new(TODAY, &data(&[package(1, "alice/own", &json!({}))], &[])).await;
    let bob = token(json!({ "sub": "bob" }));
    let other = SearchRegistry::start(TODAY, &data(&[package(2, "bob/own", &json!({}))], &[]));
    scene
        .registry
        .vends(&bob, Vends::Keys(scene.stage.reader.clone(), 3600));
    scene.registry.speaks(&bob, Speaks::Searches(other));
    for _ in 0..2 {
        let (mine, theirs) = futures::join!(
            scene.search(json!({})),
            scene.server.call(&bob, "search_catalog", json!({}))
        );
        assert_eq!(names(mine.success()), ["alice/own"]);
        assert_eq!(names(theirs.success()), ["bob/own"]);
    }
}

/// Metadata, then entries are cut where a page is long; nothing is cut in silence.
#[tokio::test]
async fn a_result_is_short_whatever_the_metadata() {
    let big: Value = (0..2000)
        .map(|n| (format!("field {n}"), json!("x".repeat(50))))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let packages: Vec<Value> = (0..100)
        .map(|n| {
            let mut package = package(n, &format!("team/package-{n:03}"), &big);
            let entry = package["matchingEntries"][0].clone();
            package["matchingEntries"] = vec![entry; 30].into();
            package["comment"] = "\"m\u{e9}\\".repeat(500).into();
            package
        })
        .collect();
    let scene = Scene::new(TODAY, &data(&packages, &[])).await;
    for limit in [1, 5, 20, 100] {
        // A page of 100 is more than the four mebibytes that are read of the registry.
        let found = scene.search(json!({ "limit": limit })).await;
        let found = found.success();
        let length = found.to_string().chars().count();
        assert!(length <= MAX_CHARS, "{limit}: {length}");
        let rows = found["results"].as_array().unwrap();
        assert_eq!(found["returned"], rows.len());
        assert!(
            !rows.is_empty() && (limit == 100 || rows.len() == limit),
            "{limit}: {}",
            rows.len()
        );
        assert_eq!(found["total"], 100);
        for row in rows {
            assert_eq!(
                (&row["metadata_cut"], &row["entries_cut"]),
                (&json!(true), &json!(true))
            );
            assert_eq!(row["hash"].as_str().unwrap().len(), 64);
        }
        if limit == 1 {
            assert!(rows[0]["metadata"]["field 0"].is_string(), "{found}");
            assert_eq!(rows[0]["entries"].as_array().unwrap().len(), 20);
        } else if limit > 5 {
            assert!(
                found["warnings"].to_string().contains("cut"),
                "{limit}: {}",
                found["warnings"]
            );
        }
    }
}

#[tokio::test]
async fn facets_say_what_can_be_filtered_on() {
    let values: Vec<String> = (0..30).map(|n| format!("value {n}")).collect();
    let keyword = |path: &str, values: &[String]| json!({ "__typename": "KeywordPackageUserMetaFacet", "path": path, "extents": { "values": values } });
    let mut data = data(&[package(1, "team/p", &json!({}))], &[object(1, "a.csv", None)]);
    let many: Vec<Value> = (0..900).map(|n| keyword(&format!("/f{n:03}"), &values)).collect();
    let number =
        json!({ "__typename": "NumberPackageUserMetaFacet", "path": "/n", "extents": { "min": 0.5, "max": 4 } });
    data["stats"] = json!({
        "modified": { "min": "2026-01-01T00:00:00Z", "max": "2026-08-21T00:00:00Z" },
        "size": { "min": 1, "max": 2_000_000_000_000_u64 }, "entries": { "min": 3, "max": 3 },
        "workflow": { "values": ["alpha"] }, "ext": { "values": [".csv"] }, "userMetaTruncated": true,
        "userMeta": [number, keyword("/lab", &values)],
    });
    let scene = Scene::new(TODAY, &data).await;
    let facets = scene
        .facets(json!({ "query": "team", "filters": { "size_min": 1 } }))
        .await;
    let facets = facets.success();
    assert_eq!(
        facets["metadata"][1],
        json!({ "path": "/n", "type": "number", "min": 0.5, "max": 4 })
    );
    let lab = &facets["metadata"][0];
    assert_eq!(
        (
            &lab["path"],
            lab["values"].as_array().unwrap().len(),
            &lab["values_cut"]
        ),
        (&json!("/lab"), 20, &json!(true))
    );
    assert_eq!(
        (
            &facets["truncated"],
            &facets["workflows"],
            &facets["ranges"]["size"]["max"]
        ),
        (&json!(true), &json!(["alpha"]), &json!(2_000_000_000_000_u64))
    );
    let objects = scene.facets(json!({ "kind": "objects" })).await;
    assert_eq!(objects.success()["ext"], json!([".csv"]));
    let found = scene.facets(json!({ "path": "LAB", "limit": 30 })).await;
    let found = found.success();
    assert_eq!(found["metadata"][0]["values"].as_array().unwrap().len(), 30);
    data["stats"]["userMeta"] = many.into();
    scene.search.load(&data);
    let facets = scene.facets(json!({ "limit": 500 })).await;
    let facets = facets.success();
    assert!(facets.to_string().chars().count() <= MAX_CHARS);
    assert_eq!(facets["truncated"], true);
    assert!(facets["returned"].as_u64().unwrap() > 300, "{}", facets["returned"]);
}
