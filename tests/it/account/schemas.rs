//! The documents of accounts, by graphql-core and the schemas of their dates.

use serde_json::{Value, json};

use super::{OnSchema, operations};
use crate::support::registry::Speaks;

/// Before access counts of buckets; before users; today.
const DATES: [&str; 4] = ["2021-12-30", "2024-06-18", "2024-11-19", "2025-10-08"];
const HASH: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn counts(total: u64) -> Value {
    json!({ "total": total, "counts": [
        { "date": "2026-11-02T00:00:00+00:00", "value": total },
        { "date": "2026-11-01T00:00:00+00:00", "value": 0 },
    ] })
}

fn data() -> Value {
    let groups: Vec<Value> = (0..12)
        .map(|number| json!({ "ext": format!(".x{number}"), "counts": counts(number) }))
        .collect();
    json!({
        "me": { "name": "alice", "email": "alice@example.com", "isAdmin": false,
            "role": { "name": "Reader" }, "roles": [{ "name": "Reader" }, { "name": "Writer" }] },
        "tables": { "data": {} },
        "packages": { "t/p": { "latest": HASH, HASH: HASH } },
        "counts": {
            "bucket": { "byExt": groups, "combined": counts(5) },
            "k": counts(4), "t/p": counts(3), HASH: counts(2),
        },
    })
}

#[tokio::test]
async fn counts_are_asked_for_in_documents_that_fit_each_schema_that_has_them() {
    let subjects = [
        (
            json!({ "bucket": "data", "name": "t/p" }),
            3,
            "2021-12-30",
            "PackageUsage",
        ),
        (
            json!({ "bucket": "data", "name": "t/p", "hash": HASH }),
            2,
            "2021-12-30",
            "RevisionUsage",
        ),
        (json!({ "bucket": "data", "key": "k" }), 4, "2024-11-19", "ObjectUsage"),
        (json!({ "bucket": "data" }), 5, "2024-11-19", "BucketUsage"),
    ];
    for date in DATES {
        let scene = OnSchema::new(date, &data()).await;
        for (arguments, total, since, operation) in &subjects {
            let answer = scene.call("usage_stats", arguments.clone()).await;
            let sent = scene.registry.take_sent();
            if date < *since {
                assert_eq!(operations(&sent, false), [*operation], "{date}");
                let refused = answer.failure("upstream");
                assert_eq!(refused["retryable"], false);
                let hint = refused["hint"].as_str().unwrap();
                assert!(hint.contains("version of this catalog"), "{refused}");
                continue;
            }
            assert_eq!(operations(&sent, true), [*operation], "{date} {sent:?}");
            let found = answer.success();
            assert_eq!(
                (&found["total"], &found["by_day"]),
                (&json!(total), &json!([{ "date": "2026-11-02", "reads": total }]))
            );
            if *operation == "BucketUsage" {
                assert_eq!(found["by_extension"].as_array().unwrap().len(), 10);
            }
        }
    }
}

/// No counts of a thing that exists are null, not zero.
#[tokio::test]
async fn what_is_not_counted_has_no_total() {
    let mut data = data();
    data["counts"] = json!({});
    let scene = OnSchema::new("2025-10-08", &data).await;
    for arguments in [
        json!({ "bucket": "data" }),
        json!({ "bucket": "data", "key": "k" }),
        json!({ "bucket": "data", "name": "t/p" }),
    ] {
        let found = scene.call("usage_stats", arguments).await;
        let found = found.success();
        assert_eq!(
            (&found["total"], &found["by_day"]),
            (&Value::Null, &json!([])),
            "{found}"
        );
    }
    let absent = scene.call("usage_stats", json!({ "bucket": "other" })).await;
    absent.failure("no_such_bucket");
}

#[tokio::test]
async fn the_role_is_switched_on_each_schema_with_users() {
    for date in ["2024-06-18", "2025-10-08"] {
        let scene = OnSchema::new(date, &data()).await;
        let done = scene.call_agreeing("role_switch", &json!({ "role": "Writer" })).await;
        let done = done.success();
        assert_eq!(
            (&done["role"], &done["role_before"]),
            (&json!("Writer"), &json!("Reader"))
        );
        let sent = scene.registry.take_sent();
        assert_eq!(operations(&sent, true), ["Me", "Me", "SwitchRole"], "{date}");
    }
    let scene = OnSchema::new("2021-12-30", &data()).await;
    let refused = scene.call("role_switch", json!({ "role": "Writer" })).await;
    let sentence = refused.failure("upstream")["error"].as_str().unwrap().to_owned();
    assert!(sentence.contains("no roles"), "{sentence}");
}

/// Each answer of the registry has its code, and a mutation is sent once.
#[tokio::test]
async fn a_refused_switch_says_why() {
    let input = |path: Value| json!({ "__typename": "InvalidInput", "errors": [{ "path": path, "message": "no such role", "name": "NotFound" }] });
    let failed =
        |name: &str, message: &str| json!({ "__typename": "OperationError", "name": name, "message": message });
    for (answer, code, part) in [
        (
            input(json!("roleName")),
            "invalid_argument",
            "Argument role: the catalog does not accept it: no such role",
        ),
        (input(Value::Null), "invalid_argument", "no such role (NotFound)"),
        (failed("Busy", "try later"), "upstream", "try later (Busy)"),
        (failed("Denied", "Access denied"), "access_denied", "Access denied"),
    ] {
        let mut data = data();
        data["answer"] = answer;
        let scene = OnSchema::new("2025-10-08", &data).await;
        let refused = scene.call_agreeing("role_switch", &json!({ "role": "Writer" })).await;
        let sentence = refused.failure(code)["error"].as_str().unwrap().to_owned();
        assert!(sentence.contains(part), "{sentence}");
    }
    let scene = OnSchema::new("2025-10-08", &data()).await;
    for (answer, code) in [
        (json!({ "data": { "me": null } }), "invalid_jwt"),
        (
            json!({ "errors": [{ "message": "Internal Server Error" }] }),
            "upstream",
        ),
        (json!({ "data": { "me": 1 } }), "upstream"),
    ] {
        scene.http.speaks(&scene.bearer, Speaks::Says(answer));
        scene
            .call("role_switch", json!({ "role": "Writer" }))
            .await
            .failure(code);
    }
    scene.http.speaks(&scene.bearer, Speaks::Status(401));
    scene
        .call("usage_stats", json!({ "bucket": "data" }))
        .await
        .failure("invalid_jwt");
}
