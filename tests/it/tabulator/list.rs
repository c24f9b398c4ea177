//! Lists of tables: what is read of their configurations, pages, and what administrators see.

use serde_json::{Value, json};

use super::{CONFIG, stored};
use crate::account::OnDev;

async fn list(scene: &OnDev, more: Value) -> Value {
    let arguments = super::with(json!({ "bucket": scene.bucket() }), more);
    scene.call("tabulator_tables_list", arguments).await.success().clone()
}

#[tokio::test]
async fn a_table_is_shown_as_it_is_configured() {
    let scene = OnDev::new().await;
    let bucket = scene.bucket();
    let empty = list(&scene, json!({})).await;
    assert_eq!(
        (&empty["tables"], &empty["returned"], &empty["next_cursor"]),
        (&json!([]), &json!(0), &Value::Null)
    );
    scene.dev.backend.tabulator.set(&bucket, "tpm", Some(CONFIG.to_owned()));
    scene
        .dev
        .backend
        .tabulator
        .set(&bucket, "broken", Some("schema: [".to_owned()));
    let found = list(&scene, json!({})).await;
    let broken = &found["tables"][0];
    assert_eq!(
        (&broken["name"], &broken["config"]),
        (&json!("broken"), &json!("schema: ["))
    );
    let problem = broken["problem"].as_str().unwrap();
    assert!(
        problem.contains("cannot be read") && problem.contains("not YAML"),
        "{problem}"
    );
    assert_eq!(
        found["tables"][1],
        json!({
            "name": "tpm", "sql_name": format!("\"quilt-dev-tabulator\".\"{bucket}\".\"tpm\""),
            "columns": [{ "name": "sample", "type": "STRING" }, { "name": "tpm", "type": "FLOAT" }],
            "captured_columns": ["run", "part"],
            "package_name": "^lab/(?<run>[^/]+)$", "logical_key": "(?<part>[^/]+)\\.csv$",
            "parser": { "format": "csv", "delimiter": "\t", "header": true },
            "config": CONFIG,
        })
    );
    assert!(found.get("open_query").is_none(), "only administrators are told");
    let read = scene
        .call_as_reader("tabulator_tables_list", json!({ "bucket": bucket }))
        .await;
    assert_eq!(read.success()["returned"], 2, "readers see the tables");
    let private = scene.dev.backend.info.buckets.private.clone();
    let absent = scene.call("tabulator_tables_list", json!({ "bucket": private })).await;
    absent.failure("no_such_bucket");
}

#[tokio::test]
async fn pages_have_each_table_once() {
    let scene = OnDev::new().await;
    let bucket = scene.bucket();
    for number in 0..25 {
        // Some are so long that a page ends early.
        let config = format!("{CONFIG}# {}", "x".repeat(if number % 2 == 0 { 12_000 } else { 10 }));
        let name = format!("t{number:02}");
        scene.dev.backend.tabulator.set(&bucket, &name, Some(config));
    }
    let (mut names, mut cursor, mut pages) = (Vec::new(), Value::Null, 0);
    loop {
        let page = list(&scene, json!({ "limit": 7, "cursor": cursor })).await;
        assert!(page.to_string().chars().count() < 48_000);
        let tables = page["tables"].as_array().unwrap();
        assert_eq!(page["returned"], tables.len());
        names.extend(tables.iter().map(|table| table["name"].as_str().unwrap().to_owned()));
        cursor = page["next_cursor"].clone();
        pages += 1;
        if cursor.is_null() {
            break;
        }
    }
    let expected: Vec<String> = stored(&scene).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, expected);
    assert!(pages > 7, "long tables end a page early: {pages}");
    // One whose row would be longer than a result shows where it begins.
    let long = CONFIG.replace("^lab/", &format!("^{}/", "y".repeat(50_000)));
    scene.dev.backend.tabulator.set(&bucket, "a", Some(long));
    let page = list(&scene, json!({ "limit": 1 })).await;
    let row = &page["tables"][0];
    assert_eq!((&row["name"], &row["is_cut"]), (&json!("a"), &json!(true)));
    assert!(row["config"].as_str().unwrap().starts_with("schema:") && row.to_string().len() < 20_000);
    let foreign = json!({ "bucket": scene.bucket(), "cursor": "bm90IG91cnM" });
    scene
        .call("tabulator_tables_list", foreign)
        .await
        .failure("invalid_argument");
}

#[tokio::test]
async fn administrators_are_told_whether_tables_are_open() {
    let scene = OnDev::new().await;
    let backend = &scene.dev.backend;
    backend.registry_users.set_admin("writer", true);
    assert_eq!(list(&scene, json!({})).await["open_query"], false);
    backend.tabulator_settings.set_open_query(true);
    assert_eq!(list(&scene, json!({})).await["open_query"], true);
    backend.registry_users.set_admin("writer", false);
    assert!(list(&scene, json!({})).await.get("open_query").is_none());
}
