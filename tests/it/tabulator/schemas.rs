//! The documents of Tabulator in both generations, by graphql-core and the schemas of their dates, and by `dev`.

use quilt_mcp::dev::TabulatorGeneration;
use serde_json::{Value, json};

use super::{CONFIG, parts, with};
use crate::account::{OnDev, OnSchema, operations};

fn data(is_admin: bool) -> Value {
    json!({
        "me": { "name": "alice", "email": "alice@example.com", "isAdmin": is_admin,
            "role": { "name": "R" }, "roles": [{ "name": "R" }] },
        "tables": { "data": { "a": CONFIG } }, "open_query": true,
    })
}

fn table(more: Value) -> Value {
    with(json!({ "bucket": "data", "table": "a" }), more)
}

#[tokio::test]
async fn each_schema_is_changed_in_its_own_documents() {
    for (date, has_open_query, is_root) in [
        ("2024-10-04", false, false),
        ("2024-12-18", true, false),
        ("2025-10-08", true, true),
    ] {
        let scene = OnSchema::new(date, &data(true)).await;
        let listed = scene.call("tabulator_tables_list", json!({ "bucket": "data" })).await;
        let open_query = listed.success().get("open_query").cloned();
        assert_eq!(open_query, has_open_query.then(|| json!(true)), "{date}");
        let sent = scene.registry.take_sent();
        let mut expected = vec!["TabulatorTables"];
        expected.extend(has_open_query.then_some("TabulatorOpenQuery"));
        assert_eq!(operations(&sent, true), expected, "{date}: {sent:?}");
        for round in 0..2 {
            let calls = [
                ("tabulator_table_create", with(table(json!({ "table": "b" })), parts())),
                (
                    "tabulator_table_rename",
                    table(json!({ "table": "b", "new_name": "c" })),
                ),
                ("tabulator_table_delete", table(json!({ "table": "c", "confirm": "c" }))),
            ];
            for (tool, arguments) in calls {
                let answer = scene.call(tool, arguments).await;
                answer.success();
            }
            let sent = scene.registry.take_sent();
            let changes: Vec<&str> = operations(&sent, true)
                .into_iter()
                .filter(|name| *name != "TabulatorTables")
                .collect();
            let expected = ["SetTabulatorTable", "RenameTabulatorTable", "SetTabulatorTable"];
            assert_eq!(changes, expected, "{date}: {sent:?}");
            // The place for all users is tried first each time: the stack may have been upgraded.
            let unfit = if is_root { 0 } else { 3 };
            assert_eq!(operations(&sent, false).len(), unfit, "{date} {round}: {sent:?}");
        }
        let left = scene.call("tabulator_tables_list", json!({ "bucket": "data" })).await;
        assert_eq!(left.success()["returned"], 1, "{date}");
    }
}

#[tokio::test]
async fn a_catalog_without_tabulator_says_so() {
    let scene = OnSchema::new("2024-06-18", &data(true)).await;
    let refused = scene.call("tabulator_tables_list", json!({ "bucket": "data" })).await;
    let refused = refused.failure("upstream");
    assert!(
        refused["hint"].as_str().unwrap().contains("version of this catalog"),
        "{refused}"
    );
    assert!(
        refused["error"].as_str().unwrap().contains("tabulatorTables"),
        "{refused}"
    );
}

/// Before 2025-10-08 only administrators change tables.
#[tokio::test]
async fn users_of_an_old_catalog_are_denied() {
    let scene = OnSchema::new("2024-12-18", &data(false)).await;
    let refused = scene
        .call("tabulator_table_create", with(table(json!({ "table": "b" })), parts()))
        .await;
    let refused = refused.failure("access_denied");
    assert!(refused["hint"].as_str().unwrap().contains("1.64"), "{refused}");
    let listed = scene.call("tabulator_tables_list", json!({ "bucket": "data" })).await;
    assert!(listed.success().get("open_query").is_none());
}

#[tokio::test]
async fn each_answer_of_the_registry_has_its_code() {
    let input = |path: &str| json!({ "__typename": "InvalidInput", "errors": [{ "path": path, "message": "bad", "name": "Why" }] });
    let failed =
        |name: &str, message: &str| json!({ "__typename": "OperationError", "name": name, "message": message });
    for (answer, code, part) in [
        (
            input("tableName"),
            "invalid_argument",
            "Argument table: the catalog does not accept it: bad (Why)",
        ),
        (input("config"), "invalid_argument", "Argument config:"),
        (input("newTableName"), "invalid_argument", "Argument new_name:"),
        (failed("Internal", "broken"), "upstream", "broken (Internal)"),
        (failed("Forbidden", "no"), "access_denied", "no (Forbidden)"),
        (
            failed("X", "Not authorized to write"),
            "access_denied",
            "Not authorized",
        ),
        (
            json!({ "__typename": "BucketConfig", "name": "data", "title": "data", "tabulatorTables": [] }),
            "",
            "",
        ),
    ] {
        for date in ["2024-12-18", "2025-10-08"] {
            let mut data = data(true);
            data["answer"] = answer.clone();
            let scene = OnSchema::new(date, &data).await;
            let rename = table(json!({ "new_name": "b" }));
            let answer = scene.call("tabulator_table_rename", rename).await;
            if code.is_empty() {
                answer.success();
                continue;
            }
            let sentence = answer.failure(code)["error"].as_str().unwrap().to_owned();
            assert!(sentence.contains(part), "{date}: {sentence}");
        }
    }
}

/// `dev` has the same generations.
#[tokio::test]
async fn dev_serves_both_generations() {
    let scene = OnDev::new().await;
    let backend = &scene.dev.backend;
    let create = with(json!({ "bucket": scene.bucket(), "table": "t" }), parts());
    let delete = json!({ "bucket": scene.bucket(), "table": "t", "confirm": "t" });
    for generation in [TabulatorGeneration::October2024, TabulatorGeneration::October2025] {
        backend.tabulator_settings.set_generation(generation);
        if generation == TabulatorGeneration::October2024 {
            let denied = scene.call("tabulator_table_create", create.clone()).await;
            denied.failure("access_denied");
            backend.registry_users.set_admin("writer", true);
        } else {
            backend.registry_users.set_admin("writer", false);
        }
        scene.call("tabulator_table_create", create.clone()).await.success();
        scene.call("tabulator_table_delete", delete.clone()).await.success();
    }
    backend
        .tabulator_settings
        .set_generation(TabulatorGeneration::WithoutTabulator);
    let listed = scene
        .call("tabulator_tables_list", json!({ "bucket": scene.bucket() }))
        .await;
    listed.failure("upstream");
}
