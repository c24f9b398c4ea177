//! The guard: its vectors, judged by sqlglot, and through the front door.

use std::io::Write as _;
use std::process::Stdio;

use quilt_mcp::athena::{Refusal, Statement, StatementKind};
use serde_json::{Value, json};

use super::Scene;
use crate::support::tools::athena_script;

/// A line of the file of vectors.
struct Vector {
    is_read: bool,
    /// The kind of the statement, or the reason of the refusal.
    reason: &'static str,
    /// `judged`, or why sqlglot cannot judge.
    judge: &'static str,
    sql: String,
}

fn vectors() -> Vec<Vector> {
    let lines = include_str!("../../fixtures/athena/statements.tsv").lines();
    let vectors = lines.filter(|line| !line.starts_with('#')).map(|line| {
        let parts: Vec<&str> = line.split('\t').collect();
        let [verdict, reason, judge, sql] = parts[..] else {
            panic!("{line}")
        };
        assert!(matches!(verdict, "read" | "refused"), "{line}");
        Vector {
            is_read: verdict == "read",
            reason,
            judge,
            sql: serde_json::from_str(sql).unwrap(),
        }
    });
    vectors.collect()
}

fn verdict(sql: &str) -> (bool, String) {
    match Statement::parse(sql) {
        Ok(statement) => {
            let kind = match statement.kind {
                StatementKind::Query => "query",
                StatementKind::Show => "show",
                StatementKind::Describe => "describe",
                StatementKind::Explain => "explain",
            };
            (true, kind.to_owned())
        }
        Err(refusal) => {
            let name = format!("{refusal:?}");
            (false, name.split('(').next().unwrap().to_owned())
        }
    }
}

#[test]
fn every_vector_has_its_verdict_for_its_reason() {
    let vectors = vectors();
    assert!(vectors.len() >= 235, "{}", vectors.len());
    for vector in vectors {
        let expected = (vector.is_read, vector.reason.to_owned());
        assert_eq!(verdict(&vector.sql), expected, "{:?}", vector.sql);
    }
}

#[test]
fn a_refusal_names_what_is_refused() {
    let sentence = |sql: &str| Statement::parse(sql).unwrap_err().to_string();
    assert!(sentence("drop table t").starts_with("DROP does not begin a statement that only reads"));
    assert!(sentence("WITH a AS (SELECT 1) INSERT INTO t").contains("INSERT"));
    assert!(sentence("SELECT * FROM TABLE(pg.system.query('x'))").contains("pg.system.query"));
    assert_eq!(Statement::parse("SELECT 1;;").unwrap_err(), Refusal::Several);
}

/// sqlglot is a parser of others. Where it cannot judge, it must disagree: else the vector is not an exception.
#[test]
fn sqlglot_agrees_with_the_guard() {
    let vectors = vectors();
    let statements: Vec<&str> = vectors.iter().map(|vector| vector.sql.as_str()).collect();
    let mut command = athena_script("sql_judge.py").unwrap();
    let mut judge = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let input = json!(statements).to_string();
    let mut stdin = judge.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let output = judge.wait_with_output().unwrap();
    let verdicts: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(verdicts.len(), vectors.len());
    for (vector, objection) in vectors.iter().zip(&verdicts) {
        let agrees = vector.is_read == objection.is_null();
        let is_judged = vector.judge == "judged";
        assert_eq!(
            agrees, is_judged,
            "{:?} ({}): sqlglot says {objection}",
            vector.sql, vector.judge
        );
    }
    let exceptions = vectors.iter().filter(|vector| vector.judge != "judged").count();
    assert!(exceptions <= 40, "{exceptions}");
}

#[tokio::test]
async fn refused_statements_reach_no_endpoint_and_the_others_do() {
    let scene = Scene::new().await;
    let body = json!({ "QueryExecutionId": "00000000-0000-4000-8000-000000000001" });
    scene
        .proxy
        .answers("StartQueryExecution", move |_| Some((200, body.clone())));
    scene.proxy.answers("GetQueryExecution", |_| {
        Some((
            200,
            json!({ "QueryExecution": { "QueryExecutionId": "00000000-0000-4000-8000-000000000001",
            "Status": { "State": "SUCCEEDED" } } }),
        ))
    });
    scene.proxy.answers("GetQueryResults", |_| {
        Some((200, json!({ "ResultSet": { "Rows": [] } })))
    });
    // Remembers the workgroup.
    scene.execute(json!({ "sql": "SELECT 0" })).await;
    for vector in vectors() {
        let before = scene.proxy.count();
        let starts = scene.proxy.received("StartQueryExecution").len();
        let parameters: Vec<i32> = vec![1; Statement::parse(&vector.sql).map_or(0, |statement| statement.parameters())];
        let answer = scene
            .call(
                "athena_query_execute",
                json!({ "sql": vector.sql, "parameters": parameters }),
            )
            .await;
        if vector.is_read {
            answer.success();
            let started = scene.proxy.received("StartQueryExecution");
            assert_eq!(started.len(), starts + 1, "{:?}", vector.sql);
            assert_eq!(started.last().unwrap().body["QueryString"], vector.sql);
        } else {
            let code = answer.body["result"]["structuredContent"]["error_code"]
                .as_str()
                .unwrap();
            assert!(
                matches!(code, "read_only" | "invalid_argument"),
                "{:?}: {}",
                vector.sql,
                answer.body
            );
            assert_eq!(scene.proxy.count(), before, "{:?}", vector.sql);
        }
    }
}

/// As long as a statement may be, and as deep as that allows.
#[tokio::test]
async fn deep_statements_end_no_process() {
    let scene = Scene::new().await;
    let nested = |open: &str| open.repeat(260_000 / open.len());
    for sql in [
        nested("WITH a AS("),
        nested("WITH a AS ((("),
        format!("EXPLAIN {}", nested("WITH a AS(")),
    ] {
        let answer = scene.call("athena_query_execute", json!({ "sql": sql })).await;
        let failure = answer.failure("invalid_argument");
        assert!(failure["error"].as_str().unwrap().contains("50 deep"), "{failure}");
    }
    assert_eq!(scene.execute(json!({ "sql": "SELECT 1" })).await["rows"], json!([[1]]));
}
