//! Signatures, sessions and permissions.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::{Athena, Keys, athena, rows_of};
use crate::tests::{allow, trust};

/// The policy of a role that may query the tables of the bucket `data`, as Quilt's template writes it.
fn policy() -> Value {
    let via = json!({ "ForAnyValue:StringEquals": { "aws:CalledVia": "athena.amazonaws.com" } });
    let arn = |service: &str, resource: &str| format!("arn:aws:{service}:us-east-1:123456789012:{resource}");
    json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": ["athena:ListWorkGroups", "athena:ListDataCatalogs", "athena:ListDatabases"], "Resource": "*" },
        { "Effect": "Allow", "Action": ["athena:GetWorkGroup", "athena:StartQueryExecution", "athena:GetQueryExecution",
            "athena:GetQueryResults"], "Resource": arn("athena", "workgroup/team") },
        { "Effect": "Allow", "Action": "athena:GetDataCatalog", "Resource": arn("athena", "datacatalog/lambda-tables") },
        { "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*", "Condition": via },
        { "Effect": "Allow", "Action": "glue:Get*", "Condition": via,
            "Resource": [arn("glue", "database/db"), arn("glue", "table/db/*")] },
        { "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::data" },
        { "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*" },
    ]})
}

fn session(athena: &Athena, seconds: u32, session_policy: Option<&Value>) -> Keys {
    let aws = &athena.stage.aws;
    let role = aws.create_role("reader", &trust("*"), &[policy()]).unwrap();
    aws.mint_session(&role, "alice", seconds, session_policy)
        .unwrap()
        .unwrap()
        .into()
}

async fn code(athena: &Athena, keys: &Keys, operation: &str, input: Value) -> String {
    let (status, body) = athena.send(keys, operation, input).await;
    assert_eq!(status, 400, "{operation}: {body}");
    body["__type"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn signatures_and_sessions_are_verified() {
    let athena = athena().await;
    let list = |keys: Keys| async { code(&athena, &{ keys }, "ListWorkGroups", json!({})).await };
    let keys = session(&athena, 60, None);
    assert_eq!(athena.send(&keys, "ListWorkGroups", json!({})).await.0, 200);
    let Keys(id, secret, token) = keys.clone();
    assert_eq!(
        list(Keys(id.clone(), "wrong".to_owned(), token.clone())).await,
        "InvalidSignatureException"
    );
    assert_eq!(
        list(Keys("AKIAUNKNOWN".to_owned(), secret.clone(), None)).await,
        "UnrecognizedClientException"
    );
    assert_eq!(
        list(Keys(id.clone(), secret.clone(), None)).await,
        "UnrecognizedClientException"
    );
    let (status, body) = athena.send_for(&keys, "s3", "ListWorkGroups", json!({})).await;
    assert_eq!(
        (status, body["__type"].as_str()),
        (400, Some("InvalidSignatureException"))
    );
    athena.stage.seconds.fetch_add(60, Ordering::SeqCst);
    assert_eq!(list(keys).await, "ExpiredTokenException");

    let entries = athena.stage.aws.journal().entries();
    let first = &entries[0];
    assert_eq!((first.operation.as_str(), first.status), ("ListWorkGroups", 200));
    let arn = "arn:aws:sts::123456789012:assumed-role/reader/alice";
    assert_eq!(first.principal_arn.as_deref(), Some(arn));
}

#[tokio::test]
async fn metadata_is_denied_and_sql_is_not() {
    let athena = athena().await;
    let keys = session(&athena, 60, None);
    let database = json!({ "CatalogName": "AwsDataCatalog", "DatabaseName": "db", "TableName": "numbers" });
    for operation in ["ListTableMetadata", "GetTableMetadata", "GetDatabase"] {
        let (status, body) = athena.send(&keys, operation, database.clone()).await;
        assert_eq!(
            (status, body["__type"].as_str()),
            (400, Some("AccessDeniedException")),
            "{operation}: {body}"
        );
        let expected = format!(
            "User: arn:aws:sts::123456789012:assumed-role/reader/alice is not authorized to perform: athena:{operation} on \
             resource: arn:aws:athena:us-east-1:123456789012:datacatalog/AwsDataCatalog because no identity-based policy \
             allows the athena:{operation} action"
        );
        assert_eq!(body["Message"], expected.as_str());
        athena.call(operation, database.clone()).await;
    }
    for (operation, input) in [
        ("GetWorkGroup", json!({ "WorkGroup": "primary" })),
        ("GetDataCatalog", json!({ "Name": "AwsDataCatalog" })),
        (
            "StartQueryExecution",
            json!({ "WorkGroup": "primary", "QueryString": "SELECT 1" }),
        ),
        ("ListQueryExecutions", json!({ "WorkGroup": "team" })),
    ] {
        assert_eq!(
            code(&athena, &keys, operation, input).await,
            "AccessDeniedException",
            "{operation}"
        );
    }
    let (_, databases) = athena
        .send(&keys, "ListDatabases", json!({ "CatalogName": "AwsDataCatalog" }))
        .await;
    assert_eq!(databases["DatabaseList"], json!([{ "Name": "db" }]));
    let (_, databases) = athena
        .send(&keys, "ListDatabases", json!({ "CatalogName": "lambda-tables" }))
        .await;
    assert_eq!(databases["DatabaseList"], json!([{ "Name": "data" }]));

    // A session policy narrows what the role may do.
    let narrowed = session(&athena, 60, Some(&allow(&["athena:ListWorkGroups"])));
    assert_eq!(
        code(&athena, &narrowed, "GetWorkGroup", json!({ "WorkGroup": "team" })).await,
        "AccessDeniedException"
    );
}

#[tokio::test]
async fn tables_need_the_permission_to_read_their_objects() {
    let athena = athena().await;
    let keys = session(&athena, 60, None);
    let id = athena
        .start(
            &keys,
            "SELECT count(*) FROM numbers, \"lambda-tables\".\"data\".\"rows\"",
        )
        .await;
    assert_eq!(athena.wait(&id, "").await["Status"]["State"], "SUCCEEDED");
    for (sql, expected) in [
        (
            "SELECT * FROM foreign",
            "Permission denied on S3 path: s3://other/tables/foreign",
        ),
        (
            "SELECT * FROM \"my-db\".\"meta-data\"",
            "is not authorized to perform: glue:GetDatabase",
        ),
        (
            "SELECT * FROM \"lambda-tables\".\"other\".\"rows\"",
            "is not authorized to perform: s3:ListBucket",
        ),
        (
            "SELECT n, (SELECT max(x) FROM foreign) FROM numbers",
            "Permission denied on S3 path",
        ),
        (
            "EXPLAIN SELECT * FROM \"my-db\".\"meta-data\"",
            "is not authorized to perform: glue:GetDatabase",
        ),
    ] {
        let reason = athena.reason(&keys, sql).await;
        assert!(
            reason.starts_with("PERMISSION_DENIED: ") && reason.contains(expected),
            "{sql}: {reason}"
        );
    }
    // The size of objects that may not be read is not estimated.
    let estimate = async |keys: &Keys| {
        let sql = "EXPLAIN (TYPE IO, FORMAT JSON) SELECT * FROM foreign";
        let id = athena.start(keys, sql).await;
        athena.wait(&id, "").await;
        let plan = athena.call("GetQueryResults", json!({ "QueryExecutionId": id })).await;
        let lines = rows_of(&plan).into_iter().skip(1).flatten().flatten();
        let plan: Value = serde_json::from_str(&lines.collect::<String>()).unwrap();
        plan["inputTableColumnInfos"][0]["estimate"]["outputSizeInBytes"].clone()
    };
    assert_eq!(estimate(&keys).await, "NaN");
    assert_eq!(estimate(&athena.admin).await, 1000);
    // Without the function's permission there is no catalog.
    let statements = policy()["Statement"].as_array().unwrap().clone();
    let kept: Vec<Value> = statements
        .into_iter()
        .filter(|statement| statement["Action"] != "lambda:InvokeFunction")
        .collect();
    let role = athena.stage.aws.role_arn("reader");
    let policy = json!({ "Version": "2012-10-17", "Statement": kept });
    assert!(athena.stage.aws.set_role_policies(&role, &[policy]).unwrap());
    let reason = athena
        .reason(&keys, "SELECT * FROM \"lambda-tables\".\"data\".\"rows\"")
        .await;
    assert!(
        reason.contains("is not authorized to perform: lambda:InvokeFunction"),
        "{reason}"
    );
    for sql in ["SHOW DATABASES", "SHOW TABLES IN data", "SHOW VIEWS"] {
        let context = json!({ "Catalog": "lambda-tables", "Database": "data" });
        let input = json!({ "QueryString": sql, "WorkGroup": "team", "QueryExecutionContext": context });
        let (_, started) = athena.send(&keys, "StartQueryExecution", input).await;
        let execution = athena.wait(started["QueryExecutionId"].as_str().unwrap(), "").await;
        let reason = execution["Status"]["StateChangeReason"].as_str().unwrap();
        assert!(
            reason.starts_with("PERMISSION_DENIED") && reason.contains("lambda:InvokeFunction"),
            "{sql}: {reason}"
        );
    }
    // The permissions through Athena are not permissions to do the same directly.
    let listed = athena.rows("SHOW TABLES").await;
    assert_eq!(listed.len(), 3);
}
