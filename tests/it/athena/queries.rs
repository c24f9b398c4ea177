//! Queries: rows and their types, pages, states, failures.

use std::time::Duration;

use serde_json::{Value, json};

use super::Scene;

#[tokio::test]
async fn one_call_runs_a_query_and_returns_typed_rows() {
    let scene = Scene::new().await;
    let sql = "SELECT 7 AS i, 9007199254740993::BIGINT AS big, 1.5::DOUBLE AS d, 1.10::DECIMAL(5,2) AS dec, true AS b, \
               NULL::VARCHAR AS n, '' AS e, DATE '2026-01-31' AS day, 'it''s; ünï' AS t";
    let output = scene.execute(json!({ "sql": sql, "database": "default" })).await;
    assert_eq!(output["state"], "SUCCEEDED");
    assert_eq!(
        output["rows"],
        json!([[
            7,
            "9007199254740993",
            1.5,
            "1.10",
            true,
            null,
            "",
            "2026-01-31",
            "it's; ünï"
        ]])
    );
    let names: Vec<&str> = output["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["i", "big", "d", "dec", "b", "n", "e", "day", "t"]);
    assert_eq!(output["returned"], 1);
    assert_eq!(output["truncated"], false);
    assert_eq!(output["workgroup"], "QuiltUserAthena-tests");
    assert_eq!(output["credential_source"], "catalog");
    assert_eq!(output["account"], scene.endpoint.account());
    assert_eq!(output["region"], "us-east-1");
    assert!(output["cost_note"].as_str().unwrap().contains("5 USD/TB"));
    let started = scene.proxy.received("StartQueryExecution");
    assert_eq!(
        started[0].body["QueryExecutionContext"],
        json!({ "Database": "default" })
    );
    assert!(started[0].body.get("ResultConfiguration").is_none());
    assert_eq!(started[0].access_key_id, scene.endpoint.account());
    let token = started[0].body["ClientRequestToken"].as_str().unwrap();
    assert!((32..=128).contains(&token.len()));
}

/// All rows of a query, a page after the other.
async fn all_rows(scene: &Scene, first: Value, max_rows: u64) -> (Vec<Value>, usize) {
    let (mut page, mut rows, mut pages) = (first, Vec::new(), 0);
    loop {
        assert!(page.to_string().chars().count() <= 48_000);
        let of_page = page["rows"].as_array().unwrap();
        assert!(of_page.len() as u64 <= max_rows);
        assert_eq!(page["returned"], of_page.len());
        rows.extend(of_page.iter().map(|row| row[0].clone()));
        pages += 1;
        let Some(cursor) = page["next_cursor"].as_str() else {
            assert_eq!(page["truncated"], false);
            return (rows, pages);
        };
        assert_eq!(page["truncated"], true);
        let more = json!({ "query_id": page["query_id"], "cursor": cursor, "max_rows": max_rows });
        page = scene.call("athena_query_results", more).await.success().clone();
    }
}

#[tokio::test]
async fn a_result_of_2501_rows_is_read_without_loss_or_repetition() {
    let scene = Scene::new().await;
    for max_rows in [1000, 333] {
        let sql = "SELECT n FROM range(2501) AS r(n) ORDER BY n";
        let first = scene.execute(json!({ "sql": sql, "max_rows": max_rows })).await;
        let (rows, pages) = all_rows(&scene, first, max_rows).await;
        let expected: Vec<Value> = (0..2501).map(Value::from).collect();
        assert_eq!(rows, expected);
        assert_eq!(pages as u64, 2501_u64.div_ceil(max_rows));
    }
}

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
            .all(|seen| seen.body["MaxResults"].as_u64().unwrap() <= 251)
    );
}

#[tokio::test]
async fn wide_rows_end_a_page_early_and_long_cells_are_cut() {
    let scene = Scene::new().await;
    let sql = "SELECT n, repeat('ä', 1500) AS t FROM range(100) AS r(n) ORDER BY n";
    let first = scene.execute(json!({ "sql": sql })).await;
    assert!(first["returned"].as_u64().unwrap() < 50);
    let (rows, pages) = all_rows(&scene, first, 100).await;
    assert_eq!(rows, (0..100).map(Value::from).collect::<Vec<_>>());
    assert!(pages > 3);
    let long = scene
        .execute(json!({ "sql": "SELECT repeat('x', 100000) AS a, 1 AS b" }))
        .await;
    assert_eq!(long["cut_cells"], 1);
    assert_eq!(long["rows"][0][0].as_str().unwrap().chars().count(), 2001);
    assert!(long["warnings"][0].as_str().unwrap().contains("cells are cut"));
}

#[tokio::test]
async fn a_query_that_fails_says_why_and_what_to_do() {
    let scene = Scene::new().await;
    let failure = scene
        .fails(
            "athena_query_execute",
            json!({ "sql": "SELECT * FROM no_such_table" }),
            "invalid_argument",
        )
        .await;
    let sentence = failure["error"].as_str().unwrap();
    assert!(
        sentence.starts_with("The query failed: ") && sentence.contains("no_such_table"),
        "{sentence}"
    );
    assert!(failure["hint"].as_str().unwrap().contains("athena_tables_list"));
    assert_eq!(failure["details"]["state"], "FAILED");
    let again = json!({ "query_id": failure["details"]["query_id"] });
    scene.fails("athena_query_results", again, "invalid_argument").await;
}

#[tokio::test]
async fn failures_have_their_own_codes() {
    let scene = Scene::new().await;
    for (state, reason, error, code, retryable) in [
        (
            "FAILED",
            "TABLE_NOT_FOUND: line 1:15: Table 'x' does not exist",
            json!({ "ErrorCategory": 2 }),
            "invalid_argument",
            false,
        ),
        (
            "FAILED",
            "Access denied: User: arn is not authorized to perform: lambda:InvokeFunction",
            json!({ "ErrorCategory": 2 }),
            "access_denied",
            false,
        ),
        (
            "FAILED",
            "GENERIC_INTERNAL_ERROR",
            json!({ "ErrorCategory": 1, "Retryable": true }),
            "upstream",
            true,
        ),
        (
            "FAILED",
            "HIVE_CURSOR_ERROR",
            json!({ "ErrorCategory": 3, "Retryable": false }),
            "upstream",
            false,
        ),
        (
            "CANCELLED",
            "Query cancelled! : Bytes scanned limit was exceeded",
            Value::Null,
            "too_large",
            false,
        ),
        ("CANCELLED", "Query cancelled by user", Value::Null, "cancelled", false),
    ] {
        scene.proxy.answers("GetQueryExecution", move |asked| {
            Some((
                200,
                json!({ "QueryExecution": { "QueryExecutionId": asked["QueryExecutionId"], "WorkGroup": "w",
                "Statistics": { "DataScannedInBytes": 12_000_000 },
                "Status": { "State": state, "StateChangeReason": reason, "AthenaError": error } } }),
            ))
        });
        let failure = scene
            .fails("athena_query_execute", json!({ "sql": "SELECT 1" }), code)
            .await;
        assert_eq!(failure["retryable"], retryable, "{reason}");
        assert!(
            failure["error"]
                .as_str()
                .unwrap()
                .contains(reason.trim_end_matches('.'))
        );
        assert_eq!(failure["details"]["scanned_bytes"], 12_000_000);
        assert_eq!(failure["credential_source"], "catalog");
    }
}

#[tokio::test]
async fn a_query_that_still_runs_is_handed_out_and_not_stopped() {
    let scene = Scene::new().await;
    scene.proxy.keeps_running("slow_one");
    let running = scene
        .execute(json!({ "sql": "SELECT 1 AS slow_one", "wait_seconds": 0 }))
        .await;
    assert_eq!(running["state"], "RUNNING");
    assert_eq!(running["scanned_bytes"], 4096);
    assert_eq!(running["rows"], json!([]));
    let message = running["message"].as_str().unwrap();
    assert!(
        message.starts_with("still running, not failed: call athena_query_results") && message.contains("do not send")
    );
    assert!(scene.proxy.received("StopQueryExecution").is_empty());
    let id = running["query_id"].as_str().unwrap();
    let still = json!({ "query_id": id, "wait_seconds": 0 });
    assert_eq!(
        scene.call("athena_query_results", still).await.success()["state"],
        "RUNNING"
    );
    scene.proxy.release(id);
    // The beginning of the id is enough.
    let ended = json!({ "query_id": &id[..8], "wait_seconds": 20 });
    let ended = scene.call("athena_query_results", ended).await;
    assert_eq!(ended.success()["rows"], json!([[1]]));
    assert_eq!(ended.success()["query_id"], id);
    assert!(scene.proxy.received("StopQueryExecution").is_empty());
}

#[tokio::test]
async fn a_query_is_stopped_by_its_id_once_or_twice() {
    let scene = Scene::new().await;
    scene.proxy.keeps_running("slow_two");
    let running = scene
        .execute(json!({ "sql": "SELECT 1 AS slow_two", "wait_seconds": 0 }))
        .await;
    let id = json!({ "query_id": running["query_id"] });
    for _ in 0..2 {
        let stopped = scene.call("athena_query_stop", id.clone()).await;
        assert_eq!(stopped.success()["state"], "CANCELLED");
    }
    assert_eq!(scene.proxy.received("StopQueryExecution").len(), 1);
    scene.fails("athena_query_results", id, "cancelled").await;
}

#[tokio::test]
async fn unknown_and_malformed_ids_are_told_apart() {
    let scene = Scene::new().await;
    for tool in ["athena_query_results", "athena_query_stop"] {
        for id in ["11111111-2222-4333-8444-555555555555", "abcdef01"] {
            let failure = scene.fails(tool, json!({ "query_id": id }), "no_such_query").await;
            assert!(failure["error"].as_str().unwrap().contains(id));
        }
        for id in ["abc", "not an id", "11111111-2222-4333-8444-5555555555555"] {
            scene.fails(tool, json!({ "query_id": id }), "invalid_argument").await;
        }
    }
    assert!(scene.proxy.received("StopQueryExecution").is_empty());
    let first = scene
        .execute(json!({ "sql": "SELECT n FROM range(9) AS r(n)", "max_rows": 2 }))
        .await;
    let other = scene.execute(json!({ "sql": "SELECT 1" })).await;
    let foreign = json!({ "query_id": other["query_id"], "cursor": first["next_cursor"] });
    let failure = scene.fails("athena_query_results", foreign, "invalid_argument").await;
    assert!(failure["error"].as_str().unwrap().starts_with("Argument cursor"));
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

/// Athena knows the type of a statement better than a lexer.
#[tokio::test]
async fn a_statement_that_athena_takes_for_another_is_stopped() {
    let scene = Scene::new().await;
    for (kind, substatement) in [("DDL", "CREATE_TABLE"), ("DML", "INSERT"), ("OTHER", "")] {
        let stops = scene.proxy.received("StopQueryExecution").len();
        scene.proxy.answers("GetQueryExecution", move |asked| {
            Some((
                200,
                json!({ "QueryExecution": { "QueryExecutionId": asked["QueryExecutionId"], "StatementType": kind,
                "SubstatementType": substatement, "Status": { "State": "RUNNING" } } }),
            ))
        });
        let failure = scene
            .fails("athena_query_execute", json!({ "sql": "SELECT 1" }), "internal")
            .await;
        assert!(failure["error"].as_str().unwrap().contains("was stopped"));
        assert_eq!(scene.proxy.received("StopQueryExecution").len(), stops + 1);
    }
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
    scene.endpoint.call("AmazonAthena.CreateNamedQuery", &query).await;
    let saved = scene.call("athena_query_history", json!({ "saved": true })).await;
    assert_eq!(saved.success()["saved_queries"][0]["sql"], "SELECT 1");
}

/// Progress carries the state, the seconds and the bytes.
#[tokio::test]
async fn progress_is_told_while_a_query_runs() {
    let scene = Scene::new().await;
    scene.proxy.keeps_running("slow_three");
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "athena_query_execute",
        "arguments": { "sql": "SELECT 1 AS slow_three", "wait_seconds": 3 }, "_meta": { "progressToken": "p" } } });
    let bearer = format!("Bearer {}", scene.bearer);
    let headers = [
        ("authorization", bearer.as_str()),
        ("accept", "application/json, text/event-stream"),
    ];
    let answer = scene.server.post(body.to_string(), &headers);
    let answer = tokio::time::timeout(Duration::from_secs(30), answer).await.unwrap();
    let text = answer.body.as_str().unwrap().to_owned();
    assert!(
        text.contains("notifications/progress") && text.contains("4096 bytes scanned"),
        "{text}"
    );
    assert!(text.contains("RUNNING for 1 s"), "{text}");
}
