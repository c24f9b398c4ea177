//! SQL on the development server, from the tool to the tables: what the roles of a Quilt stack may do, Tabulator, and packages
//! from queries.

use std::time::Duration;

use embedded_aws::{AthenaFault, Workgroup};
use serde_json::{Value, json};

use crate::support::on_dev::OnDev;
use crate::support::program::Program;

const BUCKET: &str = "quilt-dev-shared";
const PRIVATE: &str = "quilt-dev-private";
const DATABASE: &str = "quilt_dev_iceberg";
const TABULATOR: &str = "quilt-dev-tabulator";

async fn query(scene: &OnDev, sql: &str) -> Value {
    let arguments = json!({ "sql": sql, "database": DATABASE });
    scene.call("athena_query_execute", arguments).await.success().clone()
}

/// Makes a package with metadata and returns its hash.
async fn package(scene: &OnDev, name: &str) -> Value {
    let items = json!([{ "key": "sql/a.csv", "text": "sample,tpm\nx,1.5\n" }, { "key": "sql/b.csv", "text": "sample,tpm\ny,2\n" }]);
    scene
        .call("bucket_objects_put", json!({ "bucket": BUCKET, "items": items }))
        .await
        .success();
    let files = json!([{ "s3_uri": format!("s3://{BUCKET}/sql/a.csv"), "meta": { "n": 1 } },
        { "s3_uri": format!("s3://{BUCKET}/sql/b.csv") }]);
    let create = json!({ "bucket": BUCKET, "name": name, "files": files, "metadata": { "lab": "A" } });
    scene.call("package_create", create).await.success()["package"]["hash"].clone()
}

#[tokio::test]
async fn the_tables_of_packages_are_found_described_and_queried() {
    let scene = OnDev::new().await;
    let hash = package(&scene, "sql/source").await;
    let workgroups = scene.call("athena_workgroups_list", json!({})).await;
    assert_eq!(workgroups.success()["default"], "QuiltUserAthena-quilt-dev-writer");
    let databases = scene.call("athena_databases_list", json!({})).await;
    let catalogs = databases.success()["catalogs"].as_array().unwrap();
    assert!(
        catalogs
            .iter()
            .any(|catalog| catalog["name"] == TABULATOR && catalog["is_tabulator"] == true),
        "{catalogs:?}"
    );
    // Quilt's roles may not read the metadata of tables.
    let tables = scene
        .call(
            "athena_tables_list",
            json!({ "database": DATABASE, "pattern": "quilt-dev-shared*" }),
        )
        .await;
    assert_eq!(tables.success()["read_by"], "sql");
    let rows = tables.success()["tables"].as_array().unwrap();
    let entries = rows.iter().find(|row| row["quilt"] == "package_entry").unwrap();
    let of = json!({ "database": DATABASE, "table": entries["name"] });
    let schema = scene.call("athena_table_schema", of).await;
    let example = schema.success()["example_sql"].as_str().unwrap().to_owned();
    query(&scene, &example).await;
    assert!(
        schema.success()["notes"].to_string().contains("$.user_meta.field"),
        "{}",
        schema.output()
    );
    let found = query(&scene, &format!(
        "SELECT logical_key, size, json_extract_scalar(metadata, '$.user_meta.n') AS n FROM {} WHERE top_hash = '{}' ORDER BY logical_key",
        entries["sql_name"].as_str().unwrap(), hash.as_str().unwrap()
    )).await;
    assert_eq!(
        found["rows"],
        json!([["a.csv", 17, "1"], ["b.csv", 15, null]]),
        "{found}"
    );
    assert_eq!(
        (&found["credential_source"], &found["returned"]),
        (&json!("catalog"), &json!(2))
    );
}

#[tokio::test]
async fn what_the_caller_may_not_read_cannot_be_queried() {
    let scene = OnDev::new().await;
    let sql = format!("SELECT * FROM \"{PRIVATE}_package_entry\"");
    let answer = scene
        .call("athena_query_execute", json!({ "sql": sql, "database": DATABASE }))
        .await;
    let failure = answer.output();
    assert_eq!(failure["success"], false, "{failure}");
    assert!(
        ["access_denied", "invalid_argument"].contains(&failure["error_code"].as_str().unwrap()),
        "{failure}"
    );
}

#[tokio::test]
async fn a_tabulator_table_is_made_listed_by_the_registry_and_queried() {
    let scene = OnDev::new().await;
    package(&scene, "sql/source").await;
    let create = json!({ "bucket": BUCKET, "table": "tpm", "schema": ["sample STRING", "tpm DOUBLE"],
        "package_name": "^sql/(?<kind>.+)$", "logical_key": "\\.csv$", "format": "csv", "header": true });
    scene.call("tabulator_table_create", create).await.success();
    let listed = scene.call("tabulator_tables_list", json!({ "bucket": BUCKET })).await;
    let sql_name = format!("\"{TABULATOR}\".\"{BUCKET}\".\"tpm\"");
    assert_eq!(listed.success()["tables"][0]["sql_name"], sql_name);
    let of = json!({ "database": BUCKET, "catalog": TABULATOR });
    let tables = scene.call("athena_tables_list", of.clone()).await;
    assert_eq!(
        (&tables.success()["read_by"], &tables.output()["tables"][0]["sql_name"]),
        (&json!("registry"), &json!(sql_name))
    );
    let mut table = of;
    table["table"] = "tpm".into();
    let schema = scene.call("athena_table_schema", table).await;
    let columns = schema.success()["columns"].as_array().unwrap();
    let names: Vec<&str> = columns.iter().map(|column| column["name"].as_str().unwrap()).collect();
    assert_eq!(names[..3], ["sample", "tpm", "kind"]);
    let sql = format!("SELECT sample, tpm, kind FROM {sql_name} ORDER BY sample");
    assert_eq!(
        query(&scene, &sql).await["rows"],
        json!([["x", 1.5, "source"], ["y", 2.0, "source"]])
    );
    // By the names of version 0.22.
    let older = json!({ "bucket_name": BUCKET, "query": "SELECT count(*) AS n FROM tpm" });
    assert_eq!(
        scene.call("tabulator_bucket_query", older).await.success()["rows"],
        json!([[2]])
    );
    let action =
        json!({ "action": "query_execute", "params": { "query": sql, "database_name": DATABASE, "max_results": 1 } });
    let answer = scene.call("athena_glue", action).await;
    assert_eq!(
        (&answer.success()["returned"], &answer.output()["truncated"]),
        (&json!(1), &json!(true))
    );
}

#[tokio::test]
async fn the_result_of_a_query_becomes_a_package() {
    let scene = OnDev::new().await;
    let hash = package(&scene, "sql/source").await;
    let hash = hash.as_str().unwrap();
    let found = query(&scene, &format!(
        "SELECT logical_key, physical_key, size, metadata AS meta FROM \"{BUCKET}_package_entry\" WHERE top_hash = '{hash}'"
    )).await;
    let create =
        json!({ "bucket": BUCKET, "name": "sql/copy", "from_query": found["query_id"], "metadata": { "lab": "A" } });
    let created = scene.call("package_create", create).await;
    assert_eq!(created.success()["entries"], json!(["a.csv", "b.csv"]));
    let diff = json!({ "bucket": BUCKET, "name": "sql/copy", "other_name": "sql/source" });
    let diff = scene.call("package_diff", diff).await;
    assert_eq!(
        diff.success()["counts"],
        json!({ "added": 0, "changed": 0, "removed": 0 }),
        "metadata and versions are kept"
    );
    let wrong = query(&scene, "SELECT 1 AS one").await;
    let create = json!({ "bucket": BUCKET, "name": "sql/wrong", "from_query": wrong["query_id"] });
    let refused = scene.call("package_create", create).await;
    let message = refused.failure("invalid_argument")["error"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(message.contains("it has one"), "{message}");
    let both = json!({ "bucket": BUCKET, "name": "sql/wrong", "from_query": wrong["query_id"],
        "files": [format!("s3://{BUCKET}/sql/a.csv")] });
    scene.call("package_create", both).await.failure("invalid_argument");
    let unknown =
        json!({ "bucket": BUCKET, "name": "sql/wrong", "from_query": "00000000-0000-0000-0000-000000000000" });
    scene
        .call("package_create", unknown.clone())
        .await
        .failure("no_such_query");

    // A request for packages alone does not read results of queries.
    let authorization = format!("Bearer {}", scene.dev.backend.info.users.writer.token);
    let headers = [
        ("authorization", authorization.as_str()),
        ("x-mcp-toolsets", "packaging"),
    ];
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "package_create",
        "arguments": unknown } });
    let refused = scene.server.post(call.to_string(), &headers).await;
    let message = refused.failure("invalid_argument")["error"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        message.starts_with("Argument from_query") && message.contains("toolset athena"),
        "{message}"
    );
}

/// Neither SQL that runs, nor SQL that is refused or fails, nor a parameter stands in the log, even at its most detailed.
#[tokio::test]
async fn sql_is_never_logged() {
    let scene = OnDev::new().await;
    let backend = &scene.dev.backend;
    let detailed = [("QUILT_MCP_LOG", "quilt_mcp=trace".to_owned())];
    let program = Program::serve(&backend.flags(), &detailed).await;
    let token = &backend.info.users.writer.token;
    let ask = async |arguments: Value| program.server.call(token, "athena_query_execute", arguments).await;
    let parameters = json!({ "sql": "SELECT 'marker-runs' AS a, ? AS b", "parameters": ["marker-parameter"] });
    let ran = ask(parameters).await;
    assert_eq!(
        ran.success()["rows"],
        json!([["marker-runs", "marker-parameter"]]),
        "{}",
        ran.body
    );
    let id = ran.success()["query_id"].clone();
    for (sql, code) in [
        ("DELETE FROM t WHERE a = 'marker-refused'", "read_only"),
        ("SELECT marker_column FROM \"marker-table\"", "invalid_argument"),
        ("SELECT 'marker-open", "invalid_argument"),
    ] {
        ask(json!({ "sql": sql })).await.failure(code);
    }
    let history = program.server.call(token, "athena_query_history", json!({})).await;
    assert!(
        history.success().to_string().contains("marker-runs"),
        "{}",
        history.body
    );
    let results = json!({ "query_id": id });
    program
        .server
        .call(token, "athena_query_results", results)
        .await
        .success();
    program
        .logged(|line| line["fields"]["tool"] == "athena_query_results" || line["tool"] == "athena_query_results")
        .await;
    let texts = program.texts();
    assert!(texts.len() > 5, "{texts:?}");
    for text in texts {
        assert!(!text.contains("marker"), "{text}");
    }
}

#[tokio::test]
async fn names_that_do_not_exist_are_answered_with_those_that_are_like_them() {
    let scene = OnDev::new().await;
    package(&scene, "sql/source").await;
    for (sql, meant) in [
        (
            "SELECT * FROM \"quilt-dev-shared_package_tags\"",
            "Is \"quilt-dev-shared_package_tag\" meant?",
        ),
        (
            "SELECT * FROM quilt_dev_iceberg.\"quilt-dev-shard_package_entry\"",
            "Is \"quilt-dev-shared_package_entry\" meant?",
        ),
        ("SELECT * FROM quilt_iceberg.t", "Is \"quilt_dev_iceberg\" meant?"),
    ] {
        let arguments = json!({ "sql": sql, "database": DATABASE });
        let answer = scene.call("athena_query_execute", arguments).await;
        let hint = answer.failure("invalid_argument")["hint"].as_str().unwrap().to_owned();
        assert!(hint.starts_with(meant) && hint.contains("shows the"), "{sql}: {hint}");
    }
    // A name that is like none is answered without a guess, and one of another bucket is not given away.
    let answer = scene
        .call_as_reader(
            "athena_query_execute",
            json!({ "sql": "SELECT * FROM \"quilt-dev-privat_package_tag\"", "database": DATABASE }),
        )
        .await;
    let hint = answer.failure("invalid_argument")["hint"].as_str().unwrap().to_owned();
    assert!(!hint.contains("quilt-dev-private"), "{hint}");

    let answer = scene
        .call("athena_tables_list", json!({ "database": "quilt_dev_icebrg" }))
        .await;
    let failure = answer.failure("invalid_argument");
    assert!(
        failure["error"]
            .as_str()
            .unwrap()
            .starts_with("There is no database quilt_dev_icebrg")
    );
    assert!(
        failure["hint"]
            .as_str()
            .unwrap()
            .starts_with("Is \"quilt_dev_iceberg\" meant?"),
        "{failure}"
    );
    let upper = json!({ "database": "QUILT_DEV_ICEBERG", "pattern": "*_TAG" });
    let upper = scene.call("athena_tables_list", upper).await;
    assert_eq!(upper.success()["returned"], 1, "{}", upper.body);
    let schema = json!({ "database": "QUILT_DEV_ICEBERG", "table": "Quilt-Dev-Shared_Package_Tag" });
    scene.call("athena_table_schema", schema).await.success();
    let none = json!({ "database": DATABASE, "pattern": "nothing*" });
    assert_eq!(scene.call("athena_tables_list", none).await.success()["returned"], 0);
}

#[tokio::test]
async fn a_column_that_does_not_exist_is_no_denial_and_a_denial_says_all() {
    let scene = OnDev::with(&["--toolsets=default,account", "--contact=data-team@example.com"]).await;
    package(&scene, "sql/source").await;
    let sql = format!("SELECT nope FROM \"{BUCKET}_package_tag\"");
    let answer = scene
        .call("athena_query_execute", json!({ "sql": sql, "database": DATABASE }))
        .await;
    let failure = answer.failure("invalid_argument");
    assert!(
        failure["hint"].as_str().unwrap().contains("athena_table_schema"),
        "{failure}"
    );

    let user = "userathenadatabase-dev";
    let pointer = ".quilt/named_packages/a/b/latest";
    scene
        .dev
        .backend
        .aws
        .put_object(PRIVATE, pointer, "c", None, &[])
        .unwrap();
    let sql = format!("SELECT * FROM \"{PRIVATE}_packages\"");
    let answer = scene
        .call_as_reader("athena_query_execute", json!({ "sql": sql, "database": user }))
        .await;
    let failure = answer.failure("access_denied");
    assert!(
        failure["error"]
            .as_str()
            .unwrap()
            .contains("credentials from source catalog"),
        "{failure}"
    );
    assert!(
        failure["hint"].as_str().unwrap().contains("data-team@example.com"),
        "{failure}"
    );
    assert_eq!(failure["details"]["credential_source"], "catalog");
    assert!(failure["details"]["query_id"].is_string());
    let sql = "SELECT * FROM \"quilt-dev-tabulator\".\"quilt-dev-private\".\"t\"";
    let answer = scene
        .call_as_reader("athena_query_execute", json!({ "sql": sql }))
        .await;
    assert_eq!(answer.output()["success"], false, "{}", answer.body);
}

#[tokio::test]
async fn rows_that_a_view_repeats_are_one_entry() {
    let scene = OnDev::new().await;
    package(&scene, "sql/source").await;
    let view = |name: &str| {
        format!("SELECT logical_key, physical_key, size, meta FROM \"{BUCKET}_objects-view\" WHERE pkg_name = '{name}'")
    };
    let ask = async |sql: String| {
        let arguments = json!({ "sql": sql, "database": "userathenadatabase-dev" });
        scene.call("athena_query_execute", arguments).await.success().clone()
    };
    let found = ask(view("sql/source")).await;
    assert_eq!(
        found["returned"], 4,
        "two entries, for latest and for the revision: {found}"
    );
    let create = json!({ "bucket": BUCKET, "name": "sql/view", "from_query": found["query_id"] });
    let created = scene.call("package_create", create).await;
    assert_eq!(created.success()["entries"], json!(["a.csv", "b.csv"]));
    let none = ask(format!(
        "SELECT NULL AS logical_key, physical_key FROM ({})",
        view("sql/source")
    ))
    .await;
    let create = json!({ "bucket": BUCKET, "name": "sql/none", "from_query": none["query_id"] });
    let refused = scene.call("package_create", create).await;
    let message = refused.failure("invalid_argument")["error"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(message.contains("row 1: it has no logical key for"), "{message}");
}

#[tokio::test]
async fn a_query_that_scans_too_much_says_how_much_is_allowed() {
    let scene = OnDev::new().await;
    package(&scene, "sql/source").await;
    scene.dev.backend.aws.put_workgroup(Workgroup {
        name: "QuiltUserAthena-quilt-dev-writer".to_owned(),
        output_location: Some("s3://quilt-dev-athena-results/small/".to_owned()),
        bytes_limit: Some(10),
        ..Workgroup::default()
    });
    let sql = format!("SELECT * FROM \"{BUCKET}_package_entry\"");
    let answer = scene
        .call("athena_query_execute", json!({ "sql": sql, "database": DATABASE }))
        .await;
    let failure = answer.failure("too_large");
    assert!(
        failure["error"]
            .as_str()
            .unwrap()
            .ends_with("The limit of a query is 10 bytes."),
        "{failure}"
    );
    assert_eq!(failure["details"]["bytes_limit"], 10);
    assert!(failure["details"]["scanned_bytes"].is_number());
}

/// Counted at the endpoint, without a proxy before it.
#[tokio::test]
async fn the_query_of_a_client_that_leaves_ends_at_the_endpoint() {
    let scene = OnDev::new().await;
    let aws = &scene.dev.backend.aws;
    aws.set_athena_fault(Some(AthenaFault::Queued));
    let call = scene.call("athena_query_execute", json!({ "sql": "SELECT 1" }));
    let in_flight = async |count: usize| {
        let reached = async {
            while aws.queries_in_flight() != count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), reached).await.unwrap();
    };
    tokio::select! {
        answer = call => panic!("{}", answer.body),
        () = in_flight(1) => {}
    }
    in_flight(0).await;
    aws.set_athena_fault(None);
    let history = scene
        .call("athena_query_history", json!({ "state": "CANCELLED" }))
        .await;
    assert_eq!(history.success()["returned"], 1, "{}", history.body);
}
