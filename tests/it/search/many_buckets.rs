//! Searches of many buckets: all of them reach the registry, and its refusal is reported.

use serde_json::{Value, json};

use super::{Scene, TODAY, data, package};
use crate::support::registry::Speaks;

#[tokio::test]
async fn seventy_two_buckets_are_searched_or_the_registry_says_why_not() {
    let scene = Scene::new(TODAY, &data(&[package(1, "team/p", &json!({}))], &[])).await;
    let mut buckets: Vec<String> = (0..71).map(|n| format!("bucket-with-a-long-name-{n:03}")).collect();
    buckets.push("lab-data".to_owned());
    let arguments = json!({ "query": "team", "buckets": buckets });
    let found = scene.search(arguments.clone()).await;
    let found = found.success();
    assert_eq!((&found["total"], &found["buckets"]), (&json!(1), &json!(buckets)));
    assert_eq!(found["results"][0]["bucket"], "lab-data");
    let sent = scene.search.take_sent();
    assert_eq!(sent.last().unwrap().variables["b"], json!(buckets), "none is left out");
    scene.facets(json!({ "buckets": buckets })).await;
    assert_eq!(scene.search.take_sent().last().unwrap().variables["b"], json!(buckets));

    let operation = json!({ "__typename": "OperationError", "name": "TooManyIndices",
        "message": "cannot search in 72 indices at once" });
    for (how, code, part) in [
        (
            Speaks::Says(json!({ "data": { "searchPackages": operation } })),
            "upstream",
            "(TooManyIndices): cannot search in 72 indices at once",
        ),
        (
            Speaks::Says(
                json!({ "data": null, "errors": [{ "message": "413 from the index", "path": ["searchPackages"] }] }),
            ),
            "upstream",
            "413 from the index (in searchPackages)",
        ),
        (Speaks::Status(403), "access_denied", "403"),
    ] {
        let asked = scene.registry.count("/graphql");
        scene.registry.speaks(&scene.bearer, how);
        let answer = scene.search(arguments.clone()).await;
        let failure = answer.failure(code);
        assert!(failure["error"].as_str().unwrap().contains(part), "{failure}");
        assert_eq!(
            (failure.get("results"), failure.get("partial")),
            (None::<&Value>, None),
            "{failure}"
        );
        assert_eq!(
            scene.registry.count("/graphql") - asked,
            1,
            "it is not asked about fewer buckets"
        );
    }
}
