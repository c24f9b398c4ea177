//! One query: its rows and their types, its pages, its states, its failures, its id.

use std::time::Duration;

use serde_json::{Value, json};

use crate::athena::Scene;
use crate::athena::peer::{Development, MiniStack, Peer, on_both_athenas};
use crate::support::athena::proxy::error;

/// All rows of a query, a page after the other.
pub async fn all_rows<P>(scene: &Scene<P>, first: Value, max_rows: u64) -> (Vec<Value>, usize) {
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

/// Returns a query of the numbers from 0 to below `count` in order, in SQL that both engines know.
pub fn numbers(count: u32, columns: &str) -> String {
    let digits: Vec<String> = (0..10).map(|digit| format!("({digit})")).collect();
    format!(
        "WITH d(n) AS (VALUES {}), numbers(n) AS (SELECT a.n * 1000 + b.n * 100 + c.n * 10 + e.n FROM d a CROSS JOIN d b CROSS \
         JOIN d c CROSS JOIN d e) SELECT {columns} FROM numbers WHERE n < {count} ORDER BY n",
        digits.join(", ")
    )
}

on_both_athenas! {
    async fn one_call_runs_a_query_and_returns_typed_rows(scene) {
        let sql = "SELECT 7 AS i, CAST(9007199254740993 AS BIGINT) AS big, CAST(1.5 AS DOUBLE) AS d, \
                   CAST(NULL AS VARCHAR) AS n, '' AS e, DATE '2026-01-31' AS day, 'it''s; ünï' AS t";
        let output = scene.execute(json!({ "sql": sql, "database": P::DATABASE })).await;
        assert_eq!(output["state"], "SUCCEEDED");
        assert_eq!(
            output["rows"],
            json!([[
                7,
                "9007199254740993",
                1.5,
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
        assert_eq!(names, ["i", "big", "d", "n", "e", "day", "t"]);
        assert_eq!(output["returned"], 1);
        assert_eq!(output["truncated"], false);
        assert_eq!(output["workgroup"], P::WORKGROUP);
        assert_eq!(output["credential_source"], "catalog");
        assert_eq!(output["account"], scene.peer.account());
        assert_eq!(output["region"], "us-east-1");
        assert!(output["cost_note"].as_str().unwrap().contains("5 USD/TB"));
        let started = scene.proxy.received("StartQueryExecution");
        assert_eq!(
            started[0].body["QueryExecutionContext"],
            json!({ "Database": P::DATABASE })
        );
        assert!(started[0].body.get("ResultConfiguration").is_none());
        let key = &started[0].access_key_id;
        // `MiniStack` takes the account from the key.
        assert!(if P::IS_DEV { key.starts_with("ASIA") } else { key == scene.peer.account() }, "{key}");
        let token = started[0].body["ClientRequestToken"].as_str().unwrap();
        assert!((32..=128).contains(&token.len()));
    }

    async fn a_result_of_2501_rows_is_read_without_loss_or_repetition(scene) {
        for max_rows in [1000, 333] {
            let sql = numbers(2501, "n");
            let first = scene.execute(json!({ "sql": sql, "max_rows": max_rows })).await;
            let (rows, pages) = all_rows(&scene, first, max_rows).await;
            let expected: Vec<Value> = (0..2501).map(Value::from).collect();
            assert_eq!(rows, expected);
            assert_eq!(pages as u64, 2501_u64.div_ceil(max_rows));
        }
    }

    async fn wide_rows_end_a_page_early_and_long_cells_are_cut(scene) {
        let sql = numbers(100, &format!("n, '{}' AS t", "ä".repeat(1500)));
        let first = scene.execute(json!({ "sql": sql })).await;
        assert!(first["returned"].as_u64().unwrap() < 50);
        let (rows, pages) = all_rows(&scene, first, 100).await;
        assert_eq!(rows, (0..100).map(Value::from).collect::<Vec<_>>());
        assert!(pages > 3);
        let long = scene
            .execute(json!({ "sql": format!("SELECT '{}' AS a, 1 AS b", "x".repeat(100_000)) }))
            .await;
        assert_eq!(long["cut_cells"], 1);
        assert_eq!(long["rows"][0][0].as_str().unwrap().chars().count(), 2001);
        assert!(long["warnings"][0].as_str().unwrap().contains("cells are cut"));
    }

    async fn a_query_that_fails_says_why_and_what_to_do(scene) {
        let failure = scene
            .fails(
                "athena_query_execute",
                json!({ "sql": "SELECT * FROM no_such_table", "database": P::DATABASE }),
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

    async fn failures_have_their_own_codes(scene) {
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

    async fn throttling_and_failures_of_the_service_have_their_own_codes(scene) {
        let ask = json!({ "sql": "SELECT 1", "workgroup": P::WORKGROUP });
        scene.proxy.refuses("StartQueryExecution", "TooManyRequestsException", "Rate exceeded");
        let failure = scene.fails("athena_query_execute", ask.clone(), "throttled").await;
        assert_eq!(failure["retryable"], true);
        scene.proxy.forwards("StartQueryExecution");
        scene.proxy.answers("GetQueryResults", |_| Some((500, error("InternalServerException", "Athena has failed"))));
        let failure = scene.fails("athena_query_execute", ask.clone(), "upstream").await;
        let id = failure["details"]["query_id"].clone();
        assert!(id.is_string(), "the query was paid for, and its result can be read later: {failure}");
        scene.proxy.forwards("GetQueryResults");
        let results = scene.call("athena_query_results", json!({ "query_id": id })).await;
        assert_eq!(results.success()["rows"], json!([[1]]));
        // A state that cannot be read for a moment is asked for again.
        let failures = std::sync::atomic::AtomicU32::new(3);
        scene.proxy.answers("GetQueryExecution", move |_| {
            let more = failures.fetch_update(std::sync::atomic::Ordering::Relaxed, std::sync::atomic::Ordering::Relaxed, |left| left.checked_sub(1));
            more.is_ok().then(|| (400, error("ThrottlingException", "Rate exceeded")))
        });
        assert_eq!(scene.execute(ask).await["rows"], json!([[1]]));
    }

    async fn a_query_that_still_runs_is_handed_out_and_not_stopped(scene) {
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

    async fn a_query_is_stopped_by_its_id_once_or_twice(scene) {
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

    async fn unknown_and_malformed_ids_are_told_apart(scene) {
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
            .execute(json!({ "sql": numbers(9, "n"), "max_rows": 2 }))
            .await;
        let other = scene.execute(json!({ "sql": "SELECT 1" })).await;
        let foreign = json!({ "query_id": other["query_id"], "cursor": first["next_cursor"] });
        let failure = scene.fails("athena_query_results", foreign, "invalid_argument").await;
        assert!(failure["error"].as_str().unwrap().starts_with("Argument cursor"));
    }

    /// Athena knows the type of a statement better than a lexer.
    async fn a_statement_that_athena_takes_for_another_is_stopped(scene) {
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

    /// Progress carries the state, the seconds and the bytes.
    async fn progress_is_told_while_a_query_runs(scene) {
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
}
