//! Databases, tables and columns, by metadata and by SQL.

use serde_json::{Value, json};

use super::Scene;

const DENIED: &str = "User: arn:x is not authorized to perform: glue:GetTables";

fn names<'a>(output: &'a Value, list: &str) -> Vec<&'a str> {
    let rows = output[list].as_array().unwrap();
    rows.iter().map(|row| row["name"].as_str().unwrap()).collect()
}

async fn lab(scene: &Scene) {
    for table in [
        "my-lab_package_entry",
        "my-lab_package_tag",
        "my-lab_package_manifest",
        "plain",
    ] {
        scene
            .peer
            .endpoint
            .create_table("my-db", table, &[("id", "bigint"), ("metadata", "string")])
            .await;
    }
}

#[tokio::test]
async fn catalogs_and_their_databases_are_listed_and_what_is_not_the_callers_is_not() {
    let scene = Scene::new().await;
    lab(&scene).await;
    scene.peer.endpoint.create_table("other", "t", &[("id", "int")]).await;
    for (name, kind) in [("quilt-s-tabulator", "LAMBDA"), ("not-mine", "LAMBDA")] {
        let catalog = json!({ "Name": name, "Type": kind, "Parameters": { "function": "arn:aws:lambda:us-east-1:1:function:f" } });
        scene
            .peer
            .endpoint
            .call("AmazonAthena.CreateDataCatalog", &catalog)
            .await;
    }
    scene.proxy.answers("GetDataCatalog", |asked| {
        (asked["Name"] == "not-mine").then(|| {
            (
                400,
                crate::support::athena::proxy::error("AccessDeniedException", DENIED),
            )
        })
    });
    let output = scene.call("athena_databases_list", json!({})).await;
    let output = output.success();
    assert_eq!(names(output, "catalogs"), ["AwsDataCatalog", "quilt-s-tabulator"]);
    assert_eq!(output["catalogs"][0]["databases"], json!(["my-db", "other"]));
    assert_eq!(output["catalogs"][1]["is_tabulator"], true);
    let page = scene
        .call(
            "athena_databases_list",
            json!({ "catalog": "AwsDataCatalog", "limit": 1 }),
        )
        .await;
    assert_eq!(page.success()["catalogs"][0]["databases"], json!(["my-db"]));
    let next = json!({ "catalog": "AwsDataCatalog", "limit": 1, "cursor": page.success()["next_cursor"] });
    let next = scene.call("athena_databases_list", next).await;
    assert_eq!(next.success()["catalogs"][0]["databases"], json!(["other"]));
    assert!(next.success().get("next_cursor").is_none());
    scene
        .proxy
        .refuses("ListDatabases", "TooManyRequestsException", "Rate exceeded");
    scene.fails("athena_databases_list", json!({}), "throttled").await;
}

#[tokio::test]
async fn tables_are_read_by_metadata_where_it_is_allowed() {
    let scene = Scene::new().await;
    lab(&scene).await;
    let output = scene
        .call(
            "athena_tables_list",
            json!({ "database": "my-db", "pattern": "*_package_*", "limit": 2 }),
        )
        .await;
    let output = output.success();
    assert_eq!(output["read_by"], "metadata");
    assert_eq!(names(output, "tables"), ["my-lab_package_entry", "my-lab_package_tag"]);
    assert_eq!(output["tables"][0]["quilt"], "package_entry");
    assert_eq!(output["tables"][0]["bucket"], "my-lab");
    assert_eq!(
        output["tables"][0]["sql_name"],
        "\"AwsDataCatalog\".\"my-db\".\"my-lab_package_entry\""
    );
    let next = json!({ "database": "my-db", "pattern": "*_package_*", "cursor": output["next_cursor"] });
    let next = scene.call("athena_tables_list", next).await;
    assert_eq!(names(next.success(), "tables"), ["my-lab_package_manifest"]);
    let foreign = json!({ "database": "other", "cursor": output["next_cursor"] });
    scene.fails("athena_tables_list", foreign, "invalid_argument").await;
    assert!(scene.proxy.received("StartQueryExecution").is_empty());
}

/// Quilt's roles may not read metadata.
#[tokio::test]
async fn tables_are_read_by_sql_where_metadata_is_denied_and_the_denial_is_remembered() {
    let scene = Scene::new().await;
    scene
        .proxy
        .refuses("ListTableMetadata", "AccessDeniedException", DENIED);
    scene.proxy.refuses("GetTableMetadata", "AccessDeniedException", DENIED);
    scene.proxy.answers("GetQueryExecution", |asked| {
        Some((200, json!({ "QueryExecution": { "QueryExecutionId": asked["QueryExecutionId"], "StatementType": "DML",
            "Query": "SELECT table_name", "Statistics": { "DataScannedInBytes": 0 }, "Status": { "State": "SUCCEEDED" } } })))
    });
    scene.proxy.answers("GetQueryResults", |_| {
        let rows: Vec<Value> = ["table_name", "a_packages", "b", "c"]
            .map(|name| json!({ "Data": [{ "VarCharValue": name }] }))
            .into();
        Some((
            200,
            json!({ "ResultSet": { "Rows": rows, "ResultSetMetadata": { "ColumnInfo": [
            { "Name": "table_name", "Type": "varchar" }] } } }),
        ))
    });
    let arguments = json!({ "database": "it's", "catalog": "c\"at", "pattern": "A_*", "limit": 2 });
    for _ in 0..2 {
        let output = scene.call("athena_tables_list", arguments.clone()).await;
        assert_eq!(output.success()["read_by"], "sql");
        assert_eq!(names(output.success(), "tables"), ["a_packages", "b"]);
        assert!(output.success()["next_cursor"].is_string());
    }
    assert_eq!(scene.proxy.received("ListTableMetadata").len(), 1);
    let started = scene.proxy.received("StartQueryExecution");
    assert_eq!(
        started[0].body["QueryString"],
        "SELECT table_name FROM \"c\"\"at\".\"information_schema\".\"tables\" WHERE table_schema = 'it''s' AND table_name LIKE \
         'a\\_%' ESCAPE '\\' ORDER BY table_name LIMIT 3"
    );
    let mut next = arguments.clone();
    next["cursor"] = scene.call("athena_tables_list", arguments).await.success()["next_cursor"].clone();
    scene.call("athena_tables_list", next).await.success();
    let last = scene.proxy.received("StartQueryExecution").pop().unwrap();
    assert!(
        last.body["QueryString"]
            .as_str()
            .unwrap()
            .contains(" AND table_name > 'b' ")
    );
    scene
        .call("athena_table_schema", json!({ "database": "d", "table": "t" }))
        .await
        .success();
    assert!(scene.proxy.received("GetTableMetadata").is_empty());
}

#[tokio::test]
async fn where_information_schema_fails_show_and_describe_are_asked() {
    let scene = Scene::new().await;
    scene
        .proxy
        .refuses("ListTableMetadata", "AccessDeniedException", DENIED);
    scene.proxy.answers("StartQueryExecution", |asked| {
        let is_hive = !asked["QueryString"].as_str().unwrap().starts_with("SELECT");
        let id = format!("00000000-0000-4000-8000-00000000000{}", u8::from(is_hive));
        Some((200, json!({ "QueryExecutionId": id })))
    });
    scene.proxy.answers("GetQueryExecution", |asked| {
        let id = asked["QueryExecutionId"].clone();
        let is_hive = id.as_str().unwrap().ends_with('1');
        let status = if is_hive {
            json!({ "State": "SUCCEEDED" })
        } else {
            json!({ "State": "FAILED", "StateChangeReason": "SCHEMA_NOT_FOUND: information_schema", "AthenaError": { "ErrorCategory": 2 } })
        };
        let statement = if is_hive { "SHOW TABLES" } else { "SELECT 1" };
        Some((200, json!({ "QueryExecution": { "QueryExecutionId": id, "Query": statement, "Status": status } })))
    });
    scene.proxy.answers("GetQueryResults", |_| {
        let rows: Vec<Value> = ["id\tbigint\tthe id ", "", "# Partition Information\t\t"]
            .map(|line| json!({ "Data": [{ "VarCharValue": line }] }))
            .into();
        Some((
            200,
            json!({ "ResultSet": { "Rows": rows, "ResultSetMetadata": { "ColumnInfo": [
            { "Name": "tab_name", "Type": "string" }] } } }),
        ))
    });
    scene
        .call("athena_tables_list", json!({ "database": "my-db" }))
        .await
        .success();
    let schema = scene
        .call("athena_table_schema", json!({ "database": "my-db", "table": "t-1" }))
        .await;
    assert_eq!(
        schema.success()["columns"],
        json!([{ "name": "id", "type": "bigint", "partition": false, "comment": "the id" }])
    );
    let sent: Vec<String> = scene
        .proxy
        .received("StartQueryExecution")
        .iter()
        .map(|seen| seen.body["QueryString"].as_str().unwrap().to_owned())
        .collect();
    assert!(
        sent.contains(&"SHOW TABLES IN `my-db`".to_owned()) && sent.contains(&"DESCRIBE `my-db`.`t-1`".to_owned()),
        "{sent:?}"
    );
    let other = json!({ "database": "d", "table": "t", "catalog": "q-tabulator" });
    scene.fails("athena_table_schema", other, "invalid_argument").await;
}

/// Names have up to 255 characters, and an answer 48,000.
#[tokio::test]
async fn long_names_end_a_page_early_and_none_is_lost() {
    let scene = Scene::new().await;
    let names: Vec<String> = (0..230)
        .map(|number| format!("{number:03}{}", "n".repeat(252)))
        .collect();
    let all = names.clone();
    scene.proxy.answers("ListTableMetadata", move |asked| {
        let from: usize = asked["NextToken"].as_str().map_or(0, |token| token.parse().unwrap());
        let end = (from + 50).min(all.len());
        let tables: Vec<Value> = all[from..end].iter().map(|name| json!({ "Name": name })).collect();
        let next = (end < all.len()).then(|| end.to_string());
        Some((200, json!({ "TableMetadataList": tables, "NextToken": next })))
    });
    let (mut found, mut cursor, mut pages) = (Vec::new(), Value::Null, 0);
    loop {
        let arguments = json!({ "database": "my-db", "limit": 200, "cursor": cursor });
        let page = scene.call("athena_tables_list", arguments).await;
        let text = page.body["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.chars().count() <= 48_000, "{}", text.chars().count());
        found.extend(self::names(page.success(), "tables").into_iter().map(str::to_owned));
        pages += 1;
        cursor = page.success()["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(found, names);
    assert!(pages > 2);
}

/// Where only SHOW is allowed, which has no pages.
#[tokio::test]
async fn more_tables_than_are_read_at_once_are_listed_by_show() {
    let scene = Scene::new().await;
    scene
        .proxy
        .refuses("ListTableMetadata", "AccessDeniedException", DENIED);
    scene.proxy.answers("StartQueryExecution", |asked| {
        let is_show = asked["QueryString"].as_str().unwrap().starts_with("SHOW");
        let id = format!("00000000-0000-4000-8000-00000000000{}", u8::from(is_show));
        Some((200, json!({ "QueryExecutionId": id })))
    });
    scene.proxy.answers("GetQueryExecution", |asked| {
        let id = asked["QueryExecutionId"].clone();
        let is_show = id.as_str().unwrap().ends_with('1');
        let status = if is_show { json!({ "State": "SUCCEEDED" }) } else {
            json!({ "State": "FAILED", "StateChangeReason": "SCHEMA_NOT_FOUND: information_schema", "AthenaError": { "ErrorCategory": 2 } })
        };
        let sql = if is_show { "SHOW TABLES" } else { "SELECT 1" };
        Some((200, json!({ "QueryExecution": { "QueryExecutionId": id, "Query": sql, "Status": status } })))
    });
    scene.proxy.answers("GetQueryResults", |asked| {
        let from: usize = asked["NextToken"].as_str().map_or(0, |token| token.parse().unwrap());
        let most = usize::try_from(asked["MaxResults"].as_u64().unwrap()).unwrap();
        let end = (from + most).min(12_345);
        let rows: Vec<Value> = (from..end)
            .map(|n| json!({ "Data": [{ "VarCharValue": format!("t{n:05}") }] }))
            .collect();
        let next = (end < 12_345).then(|| end.to_string());
        Some((
            200,
            json!({ "NextToken": next, "ResultSet": { "Rows": rows, "ResultSetMetadata": { "ColumnInfo": [
            { "Name": "tab_name", "Type": "string" }] } } }),
        ))
    });
    let last = json!({ "database": "my-db", "pattern": "t123??" });
    let last = scene.call("athena_tables_list", last).await;
    let expected: Vec<String> = (12_300..12_345).map(|n| format!("t{n}")).collect();
    assert_eq!(names(last.success(), "tables"), expected);
}

#[tokio::test]
async fn a_schema_says_which_path_to_use_and_gives_an_example() {
    let scene = Scene::new().await;
    lab(&scene).await;
    let schema =
        |table: &'static str| scene.call("athena_table_schema", json!({ "database": "my-db", "table": table }));
    let entry = schema("my-lab_package_entry").await;
    let entry = entry.success();
    assert_eq!(
        entry["columns"][2],
        json!({ "name": "day", "type": "string", "partition": true })
    );
    assert!(entry["notes"][0].as_str().unwrap().contains("$.user_meta.field"));
    let example = entry["example_sql"].as_str().unwrap();
    assert!(
        example.contains("JOIN \"AwsDataCatalog\".\"my-db\".\"my-lab_package_tag\""),
        "{example}"
    );
    assert!(quilt_mcp::athena::Statement::parse(example).is_ok());
    let manifest = schema("my-lab_package_manifest").await;
    assert!(manifest.success()["notes"][0].as_str().unwrap().contains("'$.field'"));
    let plain = schema("plain").await;
    assert_eq!(
        plain.success()["example_sql"],
        "SELECT \"id\", \"metadata\", \"day\" FROM \"AwsDataCatalog\".\"my-db\".\"plain\" LIMIT 10"
    );
    assert_eq!(plain.success()["sql_name"], "\"AwsDataCatalog\".\"my-db\".\"plain\"");
}
