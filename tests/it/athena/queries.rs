//! Queries of which the proxy answers a part, or that only `MiniStack` runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::Scene;
use super::wire::queries::all_rows;

/// As Athena counts: the header is a row of the first page.
#[tokio::test]
async fn a_header_that_counts_as_a_row_is_dropped_once() {
    let scene = Scene::new().await;
    let row = |text: String| json!({ "Data": [{ "VarCharValue": text }] });
    scene.proxy.answers("GetQueryResults", move |asked| {
        let from: usize = asked["NextToken"].as_str().map_or(0, |token| token.parse().unwrap());
        let most = usize::try_from(asked["MaxResults"].as_u64().unwrap()).unwrap();
        // The first value is the column's name, too.
        let all: Vec<Value> = ["n", "n"]
            .map(str::to_owned)
            .into_iter()
            .chain((1..600).map(|n| n.to_string()))
            .map(row)
            .collect();
        let end = (from + most).min(all.len());
        let next = (end < all.len()).then(|| end.to_string());
        Some((
            200,
            json!({ "NextToken": next, "ResultSet": { "Rows": all[from..end], "ResultSetMetadata": { "ColumnInfo": [
            { "Name": "n", "Type": "varchar" }] } } }),
        ))
    });
    for max_rows in [100, 250, 599, 1000] {
        let first = scene
            .execute(json!({ "sql": "SELECT 'n' AS n", "max_rows": max_rows }))
            .await;
        let (rows, _) = all_rows(&scene, first, max_rows).await;
        assert_eq!(
            (rows.len(), &rows[0], &rows[599]),
            (600, &json!("n"), &json!("599")),
            "{max_rows}"
        );
    }
    let asked = scene.proxy.received("GetQueryResults");
    assert_eq!(asked[0].body["MaxResults"], 101);
    assert!(
        asked
            .iter()
            .all(|seen| seen.body["MaxResults"].as_u64().unwrap() <= 1000)
    );
}

#[tokio::test]
async fn parameters_are_literals_and_their_number_is_checked() {
    let scene = Scene::new().await;
    let arguments = json!({ "sql": "SELECT 1 WHERE 'a' = ? OR ? OR ? IS NULL OR 1 = ?",
        "parameters": ["'; DROP TABLE t --", true, null, 1.5], "catalog": "AwsDataCatalog", "reuse_minutes": 60,
        "wait_seconds": 0 });
    scene.call("athena_query_execute", arguments).await;
    let body = &scene.proxy.received("StartQueryExecution")[0].body;
    assert_eq!(
        body["ExecutionParameters"],
        json!(["'''; DROP TABLE t --'", "true", "NULL", "1.5"])
    );
    assert_eq!(
        body["ResultReuseConfiguration"]["ResultReuseByAgeConfiguration"],
        json!({ "Enabled": true, "MaxAgeInMinutes": 60 })
    );
    for parameters in [json!([]), json!([1, 2]), json!([[1]]), json!(["x".repeat(1100)])] {
        let arguments = json!({ "sql": "SELECT ?", "parameters": parameters });
        let failure = scene.fails("athena_query_execute", arguments, "invalid_argument").await;
        assert!(failure["error"].as_str().unwrap().starts_with("Argument parameters"));
    }
    assert_eq!(scene.proxy.received("StartQueryExecution").len(), 1);
}

#[tokio::test]
async fn a_dry_run_shows_what_would_be_read_and_runs_nothing_else() {
    let scene = Scene::new().await;
    let plan = json!({ "inputTableColumnInfos": [{ "table": { "catalog": "awsdatacatalog",
        "schemaTable": { "schema": "my-db", "table": "t" } }, "columnConstraints": [{ "columnName": "id" }],
        "estimate": { "outputRowCount": 12.0, "outputSizeInBytes": 480.0 } }] });
    scene.proxy.answers("GetQueryExecution", |asked| {
        Some((
            200,
            json!({ "QueryExecution": { "QueryExecutionId": asked["QueryExecutionId"], "StatementType": "DML",
            "Query": "EXPLAIN SELECT 1", "Status": { "State": "SUCCEEDED" } } }),
        ))
    });
    scene.proxy.answers("GetQueryResults", move |_| {
        let lines = serde_json::to_string_pretty(&plan).unwrap();
        let rows: Vec<Value> = ["Query Plan"]
            .into_iter()
            .chain(lines.lines())
            .map(|line| json!({ "Data": [{ "VarCharValue": line }] }))
            .collect();
        Some((
            200,
            json!({ "ResultSet": { "Rows": rows, "ResultSetMetadata": { "ColumnInfo": [
            { "Name": "Query Plan", "Type": "varchar" }] } } }),
        ))
    });
    let sql = "SELECT id FROM \"my-db\".t WHERE a = ?";
    let output = scene
        .execute(json!({ "sql": sql, "parameters": ["x"], "dry_run": true }))
        .await;
    assert_eq!(
        output["reads"],
        json!([{ "sql_name": "\"awsdatacatalog\".\"my-db\".\"t\"", "columns": ["id"],
        "estimated_rows": 12.0, "estimated_bytes": 480.0 }])
    );
    assert!(output.get("rows").is_none());
    let started = scene.proxy.received("StartQueryExecution");
    assert_eq!(started.len(), 1);
    let sent = started[0].body["QueryString"].as_str().unwrap();
    assert_eq!(
        sent,
        "EXPLAIN (TYPE IO, FORMAT JSON)\nSELECT id FROM \"my-db\".t WHERE a =  'x' "
    );
    assert!(started[0].body.get("ExecutionParameters").is_none());
    scene
        .fails(
            "athena_query_execute",
            json!({ "sql": "SHOW TABLES", "dry_run": true }),
            "invalid_argument",
        )
        .await;
}

#[tokio::test]
async fn the_history_has_the_newest_first_and_its_pages_are_bounded() {
    let scene = Scene::new().await;
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(scene.execute(json!({ "sql": format!("SELECT {n} AS n") })).await["query_id"].clone());
    }
    scene
        .call("athena_query_execute", json!({ "sql": "SELECT * FROM missing" }))
        .await;
    // MiniStack lists the oldest first, and all at once.
    let all = scene.call("athena_query_history", json!({})).await;
    let rows = all.success()["queries"].as_array().unwrap().clone();
    assert_eq!(rows.len(), 4);
    assert_eq!(rows[0]["query_id"], ids[0]);
    assert_eq!(rows[0]["sql"], "SELECT 0 AS n");
    assert!(rows[0]["submitted"].as_str().unwrap().ends_with('Z'));
    let failed = scene.call("athena_query_history", json!({ "state": "FAILED" })).await;
    assert_eq!(failed.success()["returned"], 1);
    assert!(
        failed.success()["queries"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("missing")
    );
    let (mut found, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let page = scene
            .call("athena_query_history", json!({ "limit": 3, "cursor": cursor }))
            .await;
        let page = page.success();
        found.extend(
            page["queries"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["query_id"].clone()),
        );
        cursor = page["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    let expected: Vec<Value> = rows.iter().map(|row| row["query_id"].clone()).collect();
    assert_eq!(found, expected);
    let query =
        json!({ "Name": "mine", "Database": "d", "QueryString": "SELECT 1", "WorkGroup": "QuiltUserAthena-tests" });
    scene.peer.endpoint.call("AmazonAthena.CreateNamedQuery", &query).await;
    let saved = scene.call("athena_query_history", json!({ "saved": true })).await;
    assert_eq!(saved.success()["saved_queries"][0]["sql"], "SELECT 1");
}

/// Athena bounds a page by its rows alone: what is too large is not read, and asked for again in smaller pages.
#[tokio::test]
async fn pages_that_are_too_large_are_read_in_smaller_ones() {
    let scene = Scene::new().await;
    let wide = Arc::new(AtomicUsize::new(30_000));
    let width = wide.clone();
    scene.proxy.answers("GetQueryResults", move |asked| {
        let from: usize = asked["NextToken"].as_str().map_or(0, |token| token.parse().unwrap());
        let most = usize::try_from(asked["MaxResults"].as_u64().unwrap()).unwrap();
        let end = (from + most).min(300);
        let text = "x".repeat(width.load(Ordering::Relaxed));
        let row = |n: usize| json!({ "Data": [{ "VarCharValue": n.to_string() }, { "VarCharValue": text }] });
        let rows: Vec<Value> = (from..end).map(row).collect();
        let columns = json!([{ "Name": "n", "Type": "integer" }, { "Name": "t", "Type": "varchar" }]);
        let next = (end < 300).then(|| end.to_string());
        Some((
            200,
            json!({ "NextToken": next, "ResultSet": { "Rows": rows, "ResultSetMetadata": { "ColumnInfo": columns } } }),
        ))
    });
    let first = scene.execute(json!({ "sql": "SELECT 1", "max_rows": 1000 })).await;
    let sizes = |scene: &Scene| -> Vec<u64> {
        let asked = scene.proxy.received("GetQueryResults");
        asked
            .iter()
            .map(|seen| seen.body["MaxResults"].as_u64().unwrap())
            .collect()
    };
    // The 300 rows are 9 MB, and a fifth of a thousand is too much, too.
    let asked = sizes(&scene);
    assert!(asked[0] == 1000 && asked[1] < 200 && asked[2] < 60, "{asked:?}");
    assert!(asked[2] > 40, "as many as fit: {asked:?}");
    let (rows, _) = all_rows(&scene, first, 1000).await;
    assert_eq!(rows, (0..300).map(Value::from).collect::<Vec<_>>());
    assert!(sizes(&scene)[3..].iter().all(|size| *size == asked[2]));
    wide.store(3_000_000, Ordering::Relaxed);
    let failure = scene
        .fails("athena_query_execute", json!({ "sql": "SELECT 1" }), "too_large")
        .await;
    assert!(failure["hint"].as_str().unwrap().contains("substr()"), "{failure}");
    assert!(failure["details"]["query_id"].is_string());
}

#[tokio::test]
async fn a_result_with_too_many_columns_says_what_to_do() {
    let scene = Scene::new().await;
    let columns: Vec<String> = (0..1500).map(|n| format!("{n} AS a_column_of_many_{n:04}")).collect();
    let sql = format!("SELECT {}", columns.join(", "));
    let failure = scene
        .fails("athena_query_execute", json!({ "sql": sql }), "too_large")
        .await;
    assert_eq!(failure["hint"], "Select fewer columns.");
    assert!(failure["details"]["query_id"].is_string());
}

/// Doubles do not have each integer beyond 2^53, and JSON numbers become doubles there.
#[tokio::test]
async fn numbers_that_are_not_read_exactly_are_no_parameters() {
    let scene = Scene::new().await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"athena_query_execute","arguments":{"sql":"SELECT ?","parameters":[123456789012345678901234567890]}}}"#;
    let bearer = format!("Bearer {}", scene.bearer);
    let answer = scene.server.post(body.to_owned(), &[("authorization", &bearer)]).await;
    let failure = answer.failure("invalid_argument");
    assert!(
        failure["error"]
            .as_str()
            .unwrap()
            .starts_with("Argument parameters[0]: "),
        "{failure}"
    );
    assert!(scene.proxy.received("StartQueryExecution").is_empty());
}
