//! Workgroups: drained, probed, chosen; a failure is never an empty list.

use serde_json::{Value, json};

use super::Scene;
use crate::support::athena::proxy::error;

fn names(output: &Value) -> Vec<&str> {
    let rows = output["workgroups"].as_array().unwrap();
    rows.iter().map(|row| row["name"].as_str().unwrap()).collect()
}

/// Refuses `GetWorkGroup` of all but these.
fn only(scene: &Scene, mine: &'static [&'static str]) {
    scene.proxy.answers("GetWorkGroup", move |asked| {
        let is_mine = mine.contains(&asked["WorkGroup"].as_str().unwrap());
        (!is_mine).then(|| {
            (
                400,
                error(
                    "AccessDeniedException",
                    "User: arn:x is not authorized to perform: athena:GetWorkGroup",
                ),
            )
        })
    });
}

#[tokio::test]
async fn of_60_workgroups_on_two_pages_the_one_that_is_last_is_found() {
    let scene = Scene::new().await;
    for number in 0..57 {
        scene
            .peer
            .endpoint
            .create_workgroup(&format!("other-{number:02}"))
            .await;
    }
    scene.peer.endpoint.create_workgroup("QuiltUserAthena-z").await;
    only(&scene, &["QuiltUserAthena-z"]);
    let listed = scene.call("athena_workgroups_list", json!({})).await;
    let output = listed.success();
    assert_eq!(names(output), ["QuiltUserAthena-z"]);
    assert_eq!(output["default"], "QuiltUserAthena-z");
    assert_eq!(output["incomplete"], false);
    assert_eq!(output["workgroups"][0]["kind"], "role");
    assert_eq!(output["workgroups"][0]["bytes_limit"], 10_000_000);
    assert_eq!(output["workgroups"][0]["results"], "s3");
    assert_eq!(scene.proxy.received("ListWorkGroups").len(), 2);
    assert_eq!(scene.proxy.received("GetWorkGroup").len(), 60);
    // Queries use it, and do not ask again.
    let query = scene.execute(json!({ "sql": "SELECT 1" })).await;
    assert_eq!(query["workgroup"], "QuiltUserAthena-z");
    assert_eq!(scene.proxy.received("GetWorkGroup").len(), 60);
}

#[tokio::test]
async fn a_caller_without_a_workgroup_is_told_what_was_found() {
    let scene = Scene::new().await;
    only(&scene, &[]);
    for (tool, arguments) in [
        ("athena_workgroups_list", json!({})),
        ("athena_query_execute", json!({ "sql": "SELECT 1" })),
    ] {
        let failure = scene.fails(tool, arguments, "no_workgroup").await;
        let sentence = failure["error"].as_str().unwrap();
        assert!(
            sentence.contains("QuiltUserAthena-tests: it is not for this caller"),
            "{sentence}"
        );
    }
    assert!(scene.proxy.received("StartQueryExecution").is_empty());
}

#[tokio::test]
async fn where_several_are_meant_the_error_lists_them() {
    let scene = Scene::new().await;
    scene.peer.endpoint.create_workgroup("QuiltUserAthena-other").await;
    let failure = scene
        .fails("athena_query_execute", json!({ "sql": "SELECT 1" }), "no_workgroup")
        .await;
    let names = failure["details"]["workgroups"].as_array().unwrap();
    assert!(names.contains(&json!("QuiltUserAthena-other")) && names.contains(&json!("QuiltUserAthena-tests")));
    let query = scene
        .execute(json!({ "sql": "SELECT 1", "workgroup": "QuiltUserAthena-other" }))
        .await;
    assert_eq!(query["workgroup"], "QuiltUserAthena-other");
    let listed = scene.call("athena_workgroups_list", json!({ "limit": 1 })).await;
    assert_eq!(listed.success()["returned"], 1);
    assert!(listed.success().get("default").is_none());
    let next = json!({ "limit": 200, "cursor": listed.success()["next_cursor"] });
    let next = scene.call("athena_workgroups_list", next).await;
    assert!(!self::names(next.success()).contains(&self::names(listed.success())[0]));
}

#[tokio::test]
async fn throttling_does_not_read_as_none() {
    let scene = Scene::new().await;
    scene
        .proxy
        .refuses("ListWorkGroups", "TooManyRequestsException", "Rate exceeded");
    let failure = scene.fails("athena_workgroups_list", json!({}), "throttled").await;
    assert_eq!(failure["retryable"], true);
    // The SDK has tried three times.
    assert_eq!(scene.proxy.received("ListWorkGroups").len(), 3);
    scene.proxy.forwards("ListWorkGroups");
    scene
        .proxy
        .refuses("GetWorkGroup", "TooManyRequestsException", "Rate exceeded");
    scene.fails("athena_workgroups_list", json!({}), "throttled").await;
    scene
        .fails("athena_query_execute", json!({ "sql": "SELECT 1" }), "throttled")
        .await;
    scene.proxy.answers("GetWorkGroup", |asked| {
        (asked["WorkGroup"] != "QuiltUserAthena-tests")
            .then(|| (400, error("TooManyRequestsException", "Rate exceeded")))
    });
    let some = scene.call("athena_workgroups_list", json!({})).await;
    assert_eq!(names(some.success()), ["QuiltUserAthena-tests"]);
    assert_eq!(some.success()["incomplete"], true);
    // What was incomplete is not remembered.
    scene.proxy.forwards("GetWorkGroup");
    let all = scene.call("athena_workgroups_list", json!({})).await;
    assert_eq!(all.success()["incomplete"], false);
}

#[tokio::test]
async fn a_denied_list_names_the_right_that_is_missing() {
    let scene = Scene::new().await;
    let message =
        "User: arn:aws:sts::1:assumed-role/R/alice is not authorized to perform: athena:ListWorkGroups on resource: *";
    scene.proxy.refuses("ListWorkGroups", "AccessDeniedException", message);
    let failure = scene.fails("athena_workgroups_list", json!({}), "access_denied").await;
    let sentence = failure["error"].as_str().unwrap();
    assert!(
        sentence.contains("Athena denied athena:ListWorkGroups") && sentence.contains("source catalog"),
        "{sentence}"
    );
    assert_eq!(failure["details"]["principal"], "arn:aws:sts::1:assumed-role/R/alice");
}
