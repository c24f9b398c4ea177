//! States, pages, limits and faults of queries.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::{athena, rows_of};
use crate::{AthenaFault, Workgroup};

const FAILED: &str = "InvalidRequestException";

#[tokio::test]
async fn results_are_paged_with_the_header_in_the_first_page() {
    let athena = athena().await;
    let id = athena
        .start(&athena.admin, "SELECT n, word, even, half FROM numbers ORDER BY n")
        .await;
    let execution = athena.wait(&id, "").await;
    assert_eq!(execution["Statistics"]["DataScannedInBytes"], 1000);
    assert_eq!(
        (&execution["StatementType"], &execution["SubstatementType"]),
        (&json!("DML"), &json!("SELECT"))
    );
    assert_eq!(
        execution["ResultConfiguration"]["OutputLocation"],
        format!("s3://results/team/{id}.csv")
    );
    let (mut sizes, mut rows, mut token) = (Vec::new(), Vec::new(), Value::Null);
    loop {
        let mut input = json!({ "QueryExecutionId": id, "MaxResults": 4 });
        if token.is_string() {
            input["NextToken"] = token.take();
        }
        let page = athena.call("GetQueryResults", input).await;
        let info = page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"].as_array().unwrap();
        let types: Vec<&str> = info.iter().map(|column| column["Type"].as_str().unwrap()).collect();
        assert_eq!(types, ["bigint", "varchar", "boolean", "double"]);
        sizes.push(rows_of(&page).len());
        rows.extend(rows_of(&page));
        token = page["NextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(sizes, [4, 4, 3]);
    assert_eq!(rows[0][0].as_deref(), Some("n"));
    assert_eq!(rows[4][1], None);
    for (max, token, expected) in [
        (json!(0), Value::Null, "MaxResults is less than"),
        (
            json!(1001),
            Value::Null,
            "MaxResults is more than maximum allowed length 1000",
        ),
        (json!(1), json!("bm9uc2Vuc2U="), "Invalid NextToken"),
    ] {
        let mut input = json!({ "QueryExecutionId": id, "MaxResults": max });
        if token.is_string() {
            input["NextToken"] = token;
        }
        assert!(
            athena
                .fails("GetQueryResults", input, FAILED)
                .await
                .starts_with(expected)
        );
    }
    let unknown = json!({ "QueryExecutionId": "00000000-0000-4000-8000-000000000000" });
    assert!(
        athena
            .fails("GetQueryExecution", unknown, FAILED)
            .await
            .ends_with("was not found")
    );
}

#[tokio::test]
async fn a_query_is_queued_runs_and_is_stopped() {
    let athena = athena().await;
    athena.stage.aws.set_athena_fault(Some(AthenaFault::Queued));
    let id = athena.start(&athena.admin, "SELECT sleep_ms(60000)").await;
    assert_eq!(athena.execution(&id).await["Status"]["State"], "QUEUED");
    let results = || json!({ "QueryExecutionId": id });
    let message = athena.fails("GetQueryResults", results(), FAILED).await;
    assert_eq!(message, "Query has not yet finished. Current state: QUEUED");
    athena.stage.aws.set_athena_fault(None);
    assert_eq!(athena.wait(&id, "RUNNING").await["Status"]["State"], "RUNNING");
    athena.call("StopQueryExecution", results()).await;
    assert_eq!(athena.execution(&id).await["Status"]["State"], "CANCELLED");
    assert_eq!(athena.stage.aws.queries_in_flight(), 0);
    // Stopping again changes nothing.
    athena.call("StopQueryExecution", results()).await;
    let message = athena.fails("GetQueryResults", results(), FAILED).await;
    assert_eq!(
        message,
        "Query did not finish successfully. Final query state: CANCELLED"
    );

    // A query that does not sleep is stopped, too.
    let endless = "WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t) SELECT count(*) FROM t";
    let id = athena.start(&athena.admin, endless).await;
    athena.wait(&id, "RUNNING").await;
    athena
        .call("StopQueryExecution", json!({ "QueryExecutionId": id }))
        .await;
    assert_eq!(athena.execution(&id).await["Status"]["State"], "CANCELLED");
}

#[tokio::test]
async fn a_query_over_the_bytes_limit_is_cancelled() {
    let athena = athena().await;
    athena.stage.aws.put_workgroup(Workgroup {
        name: "team".to_owned(),
        output_location: Some("s3://results/".to_owned()),
        bytes_limit: Some(1500),
        ..Workgroup::default()
    });
    let id = athena.start(&athena.admin, "SELECT count(*) FROM numbers").await;
    assert_eq!(athena.wait(&id, "").await["Status"]["State"], "SUCCEEDED");
    let id = athena
        .start(&athena.admin, "SELECT count(*) FROM numbers, \"my-db\".\"meta-data\"")
        .await;
    let execution = athena.wait(&id, "").await;
    assert_eq!(execution["Status"]["State"], "CANCELLED");
    assert_eq!(
        execution["Status"]["StateChangeReason"],
        "Bytes scanned limit was exceeded: 1500"
    );
}

#[tokio::test]
async fn results_expire_after_a_day() {
    let athena = athena().await;
    let id = athena.start(&athena.admin, "SELECT 1").await;
    athena.wait(&id, "").await;
    athena.stage.seconds.fetch_add(24 * 3600 - 1, Ordering::SeqCst);
    athena.call("GetQueryResults", json!({ "QueryExecutionId": id })).await;
    athena.stage.seconds.fetch_add(1, Ordering::SeqCst);
    let message = athena
        .fails("GetQueryResults", json!({ "QueryExecutionId": id }), FAILED)
        .await;
    assert_eq!(message, "Could not find results");
    assert_eq!(athena.execution(&id).await["Status"]["State"], "SUCCEEDED");
}

#[tokio::test]
async fn tokens_are_idempotent_and_results_are_reused() {
    let athena = athena().await;
    let start = |sql: &str, token: &str, reuse: Option<i64>| {
        let reuse =
            json!({ "ResultReuseByAgeConfiguration": { "Enabled": reuse.is_some(), "MaxAgeInMinutes": reuse } });
        json!({ "QueryString": sql, "WorkGroup": "team", "ClientRequestToken": token.repeat(32), "ResultReuseConfiguration": reuse })
    };
    let id = |answer: &Value| answer["QueryExecutionId"].as_str().unwrap().to_owned();
    let sql = "SELECT count(*) FROM db.numbers";
    let first = id(&athena.call("StartQueryExecution", start(sql, "a", None)).await);
    assert_eq!(
        id(&athena.call("StartQueryExecution", start(sql, "a", None)).await),
        first
    );
    let message = athena
        .fails("StartQueryExecution", start("SELECT 1", "a", None), FAILED)
        .await;
    assert_eq!(message, "Idempotent parameters do not match");
    athena.wait(&first, "").await;
    for (token, minutes, is_reused) in [("b", 0, true), ("c", 10, true), ("d", 5, false)] {
        // The reuse by `c` does not make the result of `a` younger for `d`.
        if token != "b" {
            athena.stage.seconds.fetch_add(300, Ordering::SeqCst);
        }
        let id = id(&athena
            .call("StartQueryExecution", start(sql, token, Some(minutes)))
            .await);
        let statistics = athena.wait(&id, "").await["Statistics"].clone();
        assert_eq!(
            statistics["ResultReuseInformation"]["ReusedPreviousResult"], is_reused,
            "{token}"
        );
        assert_eq!(
            statistics["DataScannedInBytes"],
            if is_reused { 0 } else { 1000 },
            "{token}"
        );
    }
}

#[tokio::test]
async fn faults_are_those_that_are_asked_for() {
    let athena = athena().await;
    let fault = |fault| athena.stage.aws.set_athena_fault(Some(fault));
    fault(AthenaFault::Throttled {
        operation: Some("GetWorkGroup".to_owned()),
        times: 2,
    });
    let team = || json!({ "WorkGroup": "team" });
    for _ in 0..2 {
        athena.call("ListWorkGroups", json!({})).await;
        athena.fails("GetWorkGroup", team(), "ThrottlingException").await;
    }
    athena.call("GetWorkGroup", team()).await;
    fault(AthenaFault::Throttled {
        operation: None,
        times: 1,
    });
    let start = json!({ "QueryString": "SELECT 1", "WorkGroup": "team" });
    athena
        .fails("StartQueryExecution", start, "TooManyRequestsException")
        .await;
    fault(AthenaFault::Unavailable {
        operation: None,
        times: 1,
    });
    let (status, body) = athena.send(&athena.admin, "ListWorkGroups", json!({})).await;
    assert_eq!(
        (status, body["__type"].as_str()),
        (500, Some("InternalServerException"))
    );
    fault(AthenaFault::EngineFails);
    let id = athena.start(&athena.admin, "SELECT 1").await;
    let error = athena.wait(&id, "").await["Status"]["AthenaError"].clone();
    assert_eq!(
        (&error["ErrorCategory"], &error["Retryable"]),
        (&json!(1), &json!(true))
    );
}

#[tokio::test]
async fn lists_and_batches() {
    let athena = athena().await;
    for number in 0..60 {
        athena.stage.aws.put_workgroup(Workgroup {
            name: format!("group-{number:02}"),
            ..Workgroup::default()
        });
    }
    let page = athena.call("ListWorkGroups", json!({})).await;
    assert_eq!(page["WorkGroups"].as_array().unwrap().len(), 50);
    let last = athena
        .call("ListWorkGroups", json!({ "NextToken": page["NextToken"] }))
        .await;
    assert_eq!(last["WorkGroups"][11]["Name"], "team");
    assert!(last["NextToken"].is_null());
    let (first, second) = (
        athena.start(&athena.admin, "SELECT 1").await,
        athena.start(&athena.admin, "SELECT 2").await,
    );
    let listed = athena
        .call("ListQueryExecutions", json!({ "WorkGroup": "team", "MaxResults": 1 }))
        .await;
    assert_eq!(listed["QueryExecutionIds"], json!([second]));
    let unknown = "00000000-0000-4000-8000-000000000000";
    let ids = json!({ "QueryExecutionIds": [first, unknown] });
    let batch = athena.call("BatchGetQueryExecution", ids).await;
    assert_eq!(batch["QueryExecutions"][0]["Query"], "SELECT 1");
    assert_eq!(batch["UnprocessedQueryExecutionIds"][0]["QueryExecutionId"], unknown);
    let start = |workgroup: &str| json!({ "QueryString": "SELECT 1", "WorkGroup": workgroup });
    let message = athena.fails("StartQueryExecution", start("primary"), FAILED).await;
    assert!(message.starts_with("No output location provided."));
    let message = athena.fails("StartQueryExecution", start("missing"), FAILED).await;
    assert_eq!(message, "WorkGroup missing is not found.");
}
