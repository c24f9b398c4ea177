//! Where the two Athenas differ. Each difference is shown on both, so that a change of either is seen here.
//!
//! | | `MiniStack` | `dev`, as AWS |
//! |---|---|---|
//! | rights | none are enforced | those of Quilt's roles |
//! | the names of columns | come before the rows of the first page | are a row of the first page |
//! | executions | are listed oldest first | are listed newest first |
//! | a stopped query | is cancelled, and succeeds when its engine is done | is cancelled, and its engine stops |
//! | `ExecutionParameters` | fail the query | are the values of `?` |
//! | SHOW, `information_schema` of Glue, EXPLAIN (TYPE IO) | are not known | are answered |
//! | SQL | that of `DuckDB`, with its types | that of `SQLite`: `boolean` is a number, `decimal` a `double`, and what it does not have fails and says so |

use serde_json::{Value, json};

use super::queries::numbers;
use crate::athena::Scene;
use crate::athena::peer::{Development, MiniStack, Peer, on_both_athenas};

/// Returns the rows of a query, or the code of its failure.
async fn outcome<P: Peer>(scene: &Scene<P>, arguments: Value) -> Value {
    let answer = scene.call("athena_query_execute", arguments).await;
    let output = answer.output();
    if output["success"] == true {
        output["rows"].clone()
    } else {
        output["error_code"].clone()
    }
}

on_both_athenas! {
    async fn rights_are_enforced_by_dev_alone(scene) {
        scene.call("athena_workgroups_list", json!({})).await.success();
        let answers = scene.proxy.answered("GetWorkGroup");
        let denied = answers.iter().filter(|answer| answer["__type"] == "AccessDeniedException").count();
        assert_eq!(denied, if P::IS_DEV { answers.len() - 1 } else { 0 });
    }

    async fn the_names_of_columns_count_as_a_row_on_dev_alone(scene) {
        let page = scene.execute(json!({ "sql": numbers(9, "n"), "max_rows": 3 })).await;
        assert_eq!(page["rows"], json!([[0], [1], [2]]), "the answer of the tool is the same");
        assert_eq!(scene.proxy.received("GetQueryResults")[0].body["MaxResults"], 4);
        let rows = scene.proxy.answered("GetQueryResults")[0]["ResultSet"]["Rows"].clone();
        assert_eq!(rows[0]["Data"][0]["VarCharValue"], "n");
        assert_eq!(rows.as_array().unwrap().len(), if P::IS_DEV { 4 } else { 5 });
    }

    async fn executions_are_listed_newest_first_by_dev_alone(scene) {
        let ids = [
            scene.execute(json!({ "sql": "SELECT 1" })).await["query_id"].clone(),
            scene.execute(json!({ "sql": "SELECT 2" })).await["query_id"].clone(),
        ];
        scene.call("athena_query_history", json!({})).await.success();
        let listed = scene.proxy.answered("ListQueryExecutions")[0]["QueryExecutionIds"].clone();
        let [first, second] = ids;
        assert_eq!(listed, if P::IS_DEV { json!([second, first]) } else { json!([first, second]) });
    }

    async fn a_stopped_query_stays_cancelled_on_dev_alone(scene) {
        // Enough pairs that the engine still runs when the stop arrives.
        let pairs = "SELECT count(*) FROM numbers a CROSS JOIN numbers b CROSS JOIN d c WHERE c.n < 4 AND a.n * b.n % 7 < c.n";
        let sql = numbers(0, "n").replace("SELECT n FROM numbers WHERE n < 0 ORDER BY n", pairs);
        let running = scene.execute(json!({ "sql": sql, "wait_seconds": 0 })).await;
        let id = json!({ "query_id": running["query_id"], "wait_seconds": 0 });
        let stop = json!({ "query_id": running["query_id"] });
        let stopped = scene.call("athena_query_stop", stop).await;
        assert_eq!(stopped.success()["state"], "CANCELLED", "the answer of the tool is the same");
        for _ in 0..600 {
            let answer = scene.call("athena_query_results", id.clone()).await;
            if P::IS_DEV {
                answer.failure("cancelled");
                assert_eq!(scene.peer.in_flight(), 0);
                return;
            }
            // It ends as if it had not been stopped, when the engine is done.
            if answer.output()["state"] == "SUCCEEDED" {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        panic!("the query stayed cancelled");
    }

    async fn parameters_are_known_to_dev_alone(scene) {
        let arguments = json!({ "sql": "SELECT ? AS a, ? AS b", "parameters": ["it's", 7] });
        let expected = if P::IS_DEV { json!([["it's", 7]]) } else { json!("upstream") };
        assert_eq!(outcome(&scene, arguments).await, expected);
    }

    async fn tables_are_told_by_sql_on_dev_alone(scene) {
        let database = P::DATABASE;
        for sql in [
            "SELECT table_name FROM information_schema.tables WHERE table_name LIKE '%_package_tag'".to_owned(),
            format!("SHOW TABLES IN `{database}`"),
        ] {
            let found = outcome(&scene, json!({ "sql": sql, "database": database })).await;
            let is_answered = found.as_array().is_some_and(|rows| !rows.is_empty());
            assert_eq!(is_answered, P::IS_DEV, "{sql}: {found}");
        }
        let dry_run = json!({ "sql": "SELECT 1", "dry_run": true });
        let answer = scene.call("athena_query_execute", dry_run).await;
        assert_eq!(answer.output()["success"], P::IS_DEV, "{}", answer.body);
    }

    async fn engines_have_their_own_types_and_functions(scene) {
        let sql = "SELECT true AS b, CAST('1.10' AS DECIMAL(5, 2)) AS dec";
        let expected = if P::IS_DEV { json!([[1, 1.1]]) } else { json!([[true, "1.10"]]) };
        assert_eq!(outcome(&scene, json!({ "sql": sql })).await, expected);
        let sql = "SELECT n FROM range(1) AS r(n)";
        let answer = scene.call("athena_query_execute", json!({ "sql": sql })).await;
        if P::IS_DEV {
            let failure = answer.failure("invalid_argument");
            assert!(failure["error"].as_str().unwrap().contains("(development server)"), "{failure}");
        } else {
            answer.success();
        }
    }
}
