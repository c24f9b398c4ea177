//! Searches that are not made, and answers that are no hits: each is a sentence that helps, and none an empty success.

use serde_json::{Value, json};

use super::{Scene, TODAY, data, object, package};
use crate::support::registry::{FakeRegistry, Speaks, Vends};
use crate::support::server::{Server, overrides};
use crate::support::stage::{SHARED, Stage};
use crate::support::{SECRET, token};

fn some() -> Value {
    data(&[package(1, "team/p", &json!({}))], &[object(1, "k", None)])
}

#[tokio::test]
async fn bad_input_is_refused_before_the_registry_is_asked() {
    let scene = Scene::new(TODAY, &some()).await;
    for (arguments, part) in [
        (
            json!({ "filters": { "size_min": 5, "size_max": 4 } }),
            "filters.size_min: it is greater than filters.size_max",
        ),
        (
            json!({ "filters": { "modified_after": "2026-02-01", "modified_before": "2026-01-01" } }),
            "filters.modified_after: it is greater",
        ),
        (
            json!({ "filters": { "entries_min": 5, "entries_max": 4 } }),
            "filters.entries_min",
        ),
        (
            json!({ "filters": { "modified_after": "yesterday" } }),
            "filters.modified_after: expected a date",
        ),
        (json!({ "filters": { "colour": "red" } }), "filters.colour is unknown"),
        (
            json!({ "filters": { "ext": ["csv"] } }),
            "filters.ext: only objects have it",
        ),
        (
            json!({ "kind": "objects", "filters": { "workflow": ["a"] } }),
            "filters.workflow: only packages",
        ),
        (
            json!({ "kind": "all", "filters": { "name": "a" } }),
            "filters.name: only packages",
        ),
        (
            json!({ "kind": "objects", "metadata": [{ "path": "/a", "is": true }] }),
            "metadata: only packages",
        ),
        (
            json!({ "metadata": [{ "path": "a", "is": true }] }),
            "metadata[0].path: expected a JSON pointer",
        ),
        (
            json!({ "metadata": [{ "path": "/a~2", "is": true }] }),
            "metadata[0].path",
        ),
        (
            json!({ "metadata": [{ "path": "/a" }] }),
            "metadata[0]: expected one of equals",
        ),
        (
            json!({ "metadata": [{ "path": "/a", "is": true, "min": 1 }] }),
            "metadata[0]: expected one of",
        ),
        (
            json!({ "metadata": [{ "path": "/a", "min": 2, "max": 1 }] }),
            "metadata[0].min: it is greater",
        ),
        (
            json!({ "metadata": [{ "path": "/a", "min": "many" }] }),
            "metadata[0].min: expected a number",
        ),
        (
            json!({ "metadata": [{ "path": "/a", "colour": 1 }] }),
            "metadata[0].colour is unknown",
        ),
        (json!({ "metadata": { "lab": "A" } }), "metadata: expected a list"),
        (json!({ "sort": "best" }), "sort: expected relevance"),
        (json!({ "sort": "sys:comment:asc" }), "sort: expected relevance"),
        (json!({ "kind": "objects", "sort": "sys:size:asc" }), "for objects"),
        (json!({ "kind": "users" }), "one of packages, objects, all"),
        (json!({ "buckets": ["No Bucket"] }), "is not a bucket name"),
        (json!({ "limit": 101 }), "from 1 to 100"),
        (json!({ "query": "x".repeat(2001) }), "longer than 2000"),
    ] {
        let answer = scene.search(arguments.clone()).await;
        let sentence = answer.failure("invalid_argument")["error"].as_str().unwrap();
        assert!(sentence.contains(part), "{arguments}: {sentence}");
    }
    for (arguments, part) in [
        (
            json!({ "kind": "objects", "path": "/a" }),
            "only packages have metadata",
        ),
        (json!({ "filters": { "ext": ["csv"] } }), "filters.ext: only objects"),
        (json!({ "filters": { "colour": 1 } }), "filters.colour is unknown"),
        (json!({ "filters": { "size_min": -1 } }), "filters.size_min"),
    ] {
        let answer = scene.facets(arguments.clone()).await;
        let sentence = answer.failure("invalid_argument")["error"].as_str().unwrap();
        assert!(sentence.contains(part), "{arguments}: {sentence}");
    }
    assert!(scene.search.take_sent().is_empty());
}

#[tokio::test]
async fn errors_of_the_registry_are_errors_wherever_they_are() {
    let scene = Scene::new(TODAY, &some()).await;
    let input = |name: &str, path: &str| json!({ "__typename": "InvalidInput", "errors": [{ "path": path, "message": "no good.", "name": name }] });
    let operation = |name: &str| json!({ "__typename": "OperationError", "name": name, "message": "too slow" });
    let unsorted = scene.search(json!({ "sort": "usr:/unsortable:text:asc" })).await;
    let sentence = unsorted.failure("invalid_argument")["error"].as_str().unwrap();
    assert!(sentence.contains("Argument sort"), "{sentence}");
    let syntax = scene.search(json!({ "query": "(lab" })).await;
    let failure = syntax.failure("invalid_argument");
    assert!(
        failure["error"].as_str().unwrap().contains("Argument query"),
        "{failure}"
    );
    assert!(failure["hint"].as_str().unwrap().contains("backslash"), "{failure}");
    for place in ["answer", "first_page"] {
        for (answer, code, part, retryable) in [
            (
                input("QuerySyntaxError", "search.query"),
                "invalid_argument",
                "cannot parse it: no good.",
                false,
            ),
            (input("Other", "filter.size"), "invalid_argument", "filter.size", false),
            (operation("Timeout"), "timeout", "too slow", true),
            (operation("IndexError"), "upstream", "IndexError", true),
        ] {
            let mut data = some();
            data[place] = answer;
            scene.search.load(&data);
            let found = scene.search(json!({})).await;
            let failure = found.failure(code);
            assert!(failure["error"].as_str().unwrap().contains(part), "{place}: {failure}");
            assert_eq!(failure["retryable"], retryable, "{failure}");
            if place == "answer" {
                scene.facets(json!({})).await.failure(code);
                scene.search(json!({ "kind": "objects" })).await.failure(code);
            }
        }
    }
    // As Quilt's demonstration stack answered while it counted hits.
    let mut data = some();
    data["first_page"] = json!("Internal Server Error");
    scene.search.load(&data);
    let found = scene.search(json!({})).await;
    let failure = found.failure("upstream");
    assert!(
        failure["error"]
            .as_str()
            .unwrap()
            .contains("Internal Server Error (in searchPackages.firstPage)"),
        "{failure}"
    );
}

#[tokio::test]
async fn other_answers_of_the_registry_are_told_apart() {
    let scene = Scene::new(TODAY, &some()).await;
    let variable = "Variable '$f' got invalid value 'x' at 'f.size.gte'; Float cannot represent it.";
    for (how, code, part) in [
        (Speaks::Status(401), "invalid_jwt", "401"),
        (Speaks::Status(403), "access_denied", "403"),
        (Speaks::Status(404), "search_unavailable", "no search"),
        (Speaks::Status(500), "upstream", "500"),
        (
            Speaks::Says(json!({ "errors": [{ "message": variable }] })),
            "invalid_argument",
            "f.size.gte",
        ),
        (Speaks::Says(json!({ "data": {} })), "upstream", "unexpected shape"),
        (
            Speaks::Says(json!({ "data": { "searchPackages": null } })),
            "upstream",
            "unexpected shape",
        ),
        (
            Speaks::Says(json!({ "data": { "searchPackages": { "__typename": "News" } } })),
            "upstream",
            "unexpected shape",
        ),
    ] {
        scene.registry.speaks(&scene.bearer, how);
        let found = scene.search(json!({})).await;
        let failure = found.failure(code);
        assert!(failure["error"].as_str().unwrap().contains(part), "{failure}");
    }
}

/// The catalog searches for its users only: neither the server's own credentials nor keys in a token can search.
#[tokio::test]
async fn who_is_no_user_of_the_catalog_cannot_search() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let flags = [
        format!("--s3-endpoint={}", stage.endpoint),
        format!("--registry-url={}", registry.url),
        format!("--jwt-secret={SECRET}"),
        "--anonymous".to_owned(),
    ];
    let server = Server::start_in(&flags, overrides(Some(&stage.admin))).await;
    let anonymous = json!({ "name": "search_catalog", "arguments": { "query": "x" } });
    let answer = server.rpc(None, "tools/call", anonymous).await;
    let failure = answer.failure("no_credentials");
    assert!(
        failure["error"].as_str().unwrap().contains("cannot search"),
        "{failure}"
    );
    let keys = &stage.reader;
    let embedded = token(
        json!({ "sub": "x", "aws_credentials": { "access_key_id": keys.access_key_id,
        "secret_access_key": keys.secret_access_key, "session_token": keys.session_token } }),
    );
    registry.speaks(&embedded, Speaks::Status(401));
    let answer = server.call(&embedded, "search_catalog", json!({})).await;
    let failure = answer.failure("no_credentials");
    assert!(failure["error"].as_str().unwrap().contains("source jwt"), "{failure}");
}

/// Where no registry is known, the tools are not listed, and say why they cannot search when they are called.
#[tokio::test]
async fn without_a_registry_there_is_no_search() {
    let stage = Stage::embedded().await;
    let listed = async |flags: &[String]| {
        let server = Server::start(&stage, None, flags).await;
        let answer = server.rpc(None, "tools/list", json!({})).await;
        let tools = answer.body["result"]["tools"].to_string();
        (server, tools)
    };
    let secret = format!("--jwt-secret={SECRET}");
    let (_, tools) = listed(&[secret.clone(), "--registry-url=https://registry.example.com".to_owned()]).await;
    assert!(tools.contains("\"search_catalog\"") && tools.contains("\"search_facets\""));
    let (_, tools) = listed(&[secret.clone(), "--allowed-registries=registry.example.com".to_owned()]).await;
    assert!(tools.contains("\"search_catalog\""));
    for style in ["typed", "modules"] {
        let (server, tools) = listed(&[secret.clone(), format!("--tool-style={style}")]).await;
        assert!(
            !tools.contains("\"search_catalog\"") && !tools.contains("\"search\""),
            "{tools}"
        );
        let keys = &stage.reader;
        let caller = token(
            json!({ "sub": "x", "aws_credentials": { "access_key_id": keys.access_key_id,
            "secret_access_key": keys.secret_access_key, "session_token": keys.session_token } }),
        );
        for (tool, arguments) in [
            ("search_catalog", json!({ "query": "x" })),
            ("search_catalog", json!({ "query": "x AND y", "buckets": [SHARED] })),
            ("search_facets", json!({})),
        ] {
            let answer = server.call(&caller, tool, arguments).await;
            let failure = answer.failure("search_unavailable");
            assert!(
                failure["hint"].as_str().unwrap().contains("bucket_objects_list"),
                "{failure}"
            );
        }
    }
}

/// The registry takes the token; AWS is not used.
#[tokio::test]
async fn keys_of_the_catalog_are_not_needed_to_search() {
    let scene = Scene::new(TODAY, &some()).await;
    scene.registry.vends(&scene.bearer, Vends::Status(403));
    let found = scene.search(json!({})).await;
    let found = found.success();
    assert_eq!(
        (&found["returned"], &found["credential_source"]),
        (&json!(1), &Value::Null)
    );
    assert_eq!(scene.registry.asked_for_credentials(), 0);
}
