//! Athena of `quilt-mcp dev`, with boto3 as the client: Quilt's documented queries, the rights of its users, Tabulator.

use quilt_mcp::config::ServeConfig;
use serde_json::{Value, json};

use super::Registry;
use crate::support::server::Server;
use crate::support::tools;

const SHARED: &str = "quilt-dev-shared";
const ICEBERG: &str = "quilt_dev_iceberg";
const USER: &str = "userathenadatabase-dev";

/// A number that is neither a 64-bit integer nor a double.
const DIGITS: &str = "123456789012345678901234567890";

/// Statements of Quilt's documentation (quiltdata/quilt, `docs/`), with the names of the sample buckets: the page, the
/// database, and the statement.
const DOCUMENTED: [(&str, &str, &str); 9] = [
    (
        "Catalog/Query.md",
        ICEBERG,
        "SELECT * FROM \"YOUR-BUCKET_package_manifest\"\n-- extract and query package-level metadata\nWHERE \
         json_extract_scalar(metadata,\n  '$.user_meta.nucmembsegmentationalgorithmversion') LIKE '1.3%'\nAND \
         json_array_contains(json_extract(metadata, '$.user_meta.cellindex'), '5');",
    ),
    (
        "Catalog/Query.md",
        ICEBERG,
        "SELECT * FROM \"YOUR-BUCKET_package_entry\"\nWHERE substr(logical_key, -5) = '.tiff'\n-- extract and query \
         object-level metadata\nAND json_extract_scalar(metadata,\n  '$.user_meta.nucmembsegmentationalgorithmversion') LIKE \
         '1.3%'\nAND json_array_contains(json_extract(metadata, '$.user_meta.cellindex'), '5');",
    ),
    (
        "advanced-features/athena.md",
        USER,
        "SELECT * FROM \"YOUR-BUCKET_objects-view\"\nWHERE substr(logical_key, -5) = '.tiff'\n-- extract and query \
         object-level metadata\nAND json_extract_scalar(meta, '$.user_meta.nucmembsegmentationalgorithmversion') LIKE \
         '1.3%'\nAND json_array_contains(json_extract(meta, '$.user_meta.cellindex'), '5');",
    ),
    (
        "advanced-features/iceberg-tables.md",
        ICEBERG,
        "SELECT\n  e.logical_key,\n  e.physical_key,\n  e.size,\n  e.metadata\nFROM \"YOUR-BUCKET_package_tag\" t\nJOIN \
         \"YOUR-BUCKET_package_entry\" e\n  ON t.top_hash = e.top_hash\nWHERE t.pkg_name = 'analytics/results'\n  AND \
         t.tag_name = 'latest'",
    ),
    (
        "advanced-features/iceberg-tables.md",
        ICEBERG,
        "SELECT\n  t.pkg_name,\n  t.tag_name,\n  m.metadata\nFROM \"YOUR-BUCKET_package_tag\" t\nJOIN \
         \"YOUR-BUCKET_package_manifest\" m\n  ON t.top_hash = m.top_hash\nWHERE t.tag_name = 'latest'\n  AND \
         json_extract_scalar(m.metadata, '$.experiment_id') = 'EXP-123'\n  AND json_extract_scalar(m.metadata, '$.status') = \
         'complete'",
    ),
    (
        "advanced-features/iceberg-tables.md",
        ICEBERG,
        "SELECT 'bucket-a' AS bucket, pkg_name, tag_name, top_hash\nFROM \"YOUR-BUCKET_package_tag\"\nWHERE tag_name = \
         'latest'\nUNION ALL\nSELECT 'bucket-b' AS bucket, pkg_name, tag_name, top_hash\nFROM \
         \"YOUR-BUCKET_package_tag\"\nWHERE tag_name = 'latest'",
    ),
    (
        "advanced-features/tabulator.md",
        ICEBERG,
        "SELECT * FROM \"quilt-dev-tabulator\".\"YOUR-BUCKET\".\"ccle_tsv\" LIMIT 10",
    ),
    (
        "advanced-features/tabulator.md",
        ICEBERG,
        "SELECT\n  \"ccle_tsv\".*,\n  m.metadata\nFROM \"quilt-dev-tabulator\".\"YOUR-BUCKET\".\"ccle_tsv\"\nJOIN \
         \"quilt_dev_iceberg\".\"YOUR-BUCKET_package_manifest\" m\n  ON \"ccle_tsv\".\"$top_hash\" = m.top_hash",
    ),
    ("FAQ.md", ICEBERG, "SELECT regexp_extract_all('1a 2b 14m', '\\d+');"),
];

/// Puts a package whose metadata the documented queries look for.
fn seed(registry: &Registry) {
    let hash = "a".repeat(64);
    let segmentation = json!({ "nucmembsegmentationalgorithmversion": "1.3.1", "cellindex": ["4", "5"] });
    let header = json!({ "version": "v0", "message": "Results",
        "user_meta": { "experiment_id": "EXP-123", "status": "complete", "user_meta": segmentation } });
    let entry = |key: &str, meta: &Value| {
        json!({ "logical_key": key, "physical_keys": [format!("s3://{SHARED}/{key}")], "size": 7,
            "hash": { "type": "SHA256", "value": "b".repeat(64) }, "meta": meta })
    };
    let rows = [
        header,
        entry("cells/one.tiff", &json!({ "user_meta": segmentation, "n": "DIGITS" })),
        entry("cells/two.tiff", &json!({})),
        entry("salmon/S1/quant.genes.sf", &Value::Null),
    ];
    let text = rows.iter().map(|row| row.to_string().replace("\"DIGITS\"", DIGITS));
    let text: Vec<String> = text.collect();
    let put = |key: &str, content: String| {
        registry
            .backend
            .aws
            .put_object(SHARED, key, content, None, &[])
            .unwrap();
    };
    put(&format!(".quilt/packages/{hash}"), text.join("\n"));
    for pointer in ["latest", "1770000000"] {
        put(
            &format!(".quilt/named_packages/analytics/results/{pointer}"),
            hash.clone(),
        );
    }
    put("salmon/S1/quant.genes.sf", "name\tlength\ntp53\t12\nmyc\t\n".to_owned());
    let config = "schema:\n  - name: name\n    type: STRING\n  - name: length\n    type: INT\nsource:\n  type: \
                  quilt-packages\n  package_name: \"^(?<project>[^/]+)/results$\"\n  logical_key: \
                  \"salmon/(?<sample_id>[^/]+)/quant*\\\\.genes\\\\.sf$\"\nparser:\n  format: csv\n  delimiter: \"\\t\"\n  \
                  header: true\ncontinue_on_error: true\n";
    registry
        .backend
        .tabulator
        .set(SHARED, "ccle_tsv", Some(config.to_owned()));
    registry
        .backend
        .tabulator
        .set("quilt-dev-private", "secret", Some(config.to_owned()));
}

/// Runs statements as a user, and returns the script's output.
async fn ask(registry: &Registry, token: &str, statements: &[(&str, String)]) -> Value {
    let info = &registry.backend.info;
    let statements: Vec<Value> = statements
        .iter()
        .map(|(database, sql)| {
            json!({ "QueryString": sql, "QueryExecutionContext": { "Catalog": "AwsDataCatalog", "Database": database } })
        })
        .collect();
    let request = json!({
        "endpoint": info.athena_endpoint, "registry": info.registry_url, "region": info.region, "token": token,
        "metadata": { "CatalogName": "AwsDataCatalog", "DatabaseName": ICEBERG, "TableName": format!("{SHARED}_package_tag") },
        "statements": statements,
    });
    let run = move || tools::run(tools::python_script("athena_queries.py")?.arg(request.to_string()));
    let output = tokio::task::spawn_blocking(run).await.unwrap().unwrap();
    serde_json::from_str(&output).unwrap()
}

#[tokio::test]
async fn quilts_documented_queries_run() {
    let registry = Registry::start().await;
    seed(&registry);
    let token = registry.backend.info.users.reader.token.clone();
    let statements: Vec<(&str, String)> = DOCUMENTED
        .iter()
        .map(|(_, database, sql)| (*database, sql.replace("YOUR-BUCKET", SHARED)))
        .collect();
    let output = ask(&registry, &token, &statements).await;
    // The sample package is in `latest`, too.
    let expected = [1, 1, 2, 3, 1, 4, 2, 2, 1];
    for (((page, _, sql), answer), rows) in DOCUMENTED
        .iter()
        .zip(output["answers"].as_array().unwrap())
        .zip(expected)
    {
        assert_eq!(answer["state"], "SUCCEEDED", "{page}: {sql}: {answer}");
        // The header is the first row.
        assert_eq!(
            answer["rows"].as_array().unwrap().len(),
            rows + 1,
            "{page}: {sql}: {answer}"
        );
    }
    let tabulated = &output["answers"][6];
    let names: Vec<&str> = tabulated["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c[0].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "name",
            "length",
            "project",
            "sample_id",
            "$pkg_name",
            "$logical_key",
            "$physical_key",
            "$top_hash",
            "$issue"
        ]
    );
    assert_eq!(
        tabulated["rows"][2],
        json!([
            "myc",
            null,
            "analytics",
            "S1",
            "analytics/results",
            "salmon/S1/quant.genes.sf",
            "s3://quilt-dev-shared/salmon/S1/quant.genes.sf",
            "a".repeat(64),
            null
        ])
    );
    assert_eq!(tabulated["scanned"], 7);
    assert_eq!(output["answers"][0]["columns"][0], json!(["top_hash", "varchar"]));
}

#[tokio::test]
async fn users_have_the_rights_of_quilts_roles() {
    let registry = Registry::start().await;
    seed(&registry);
    let users = &registry.backend.info.users;
    let statements: Vec<(&str, String)> = [
        (ICEBERG, "SELECT count(*) FROM \"quilt-dev-shared_package_revision\""),
        (ICEBERG, "SELECT * FROM \"quilt-dev-private_package_tag\""),
        (USER, "SELECT * FROM \"quilt-dev-private_packages\""),
        (USER, "SELECT * FROM \"quilt-dev-tabulator\".\"quilt-dev-private\".\"secret\""),
        (ICEBERG, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'quilt_dev_iceberg' ORDER BY 1"),
        (ICEBERG, "SHOW TABLES IN `quilt_dev_iceberg`"),
        (USER, "SELECT logical_key, hash, physical_keys FROM \"quilt-dev-shared_manifests\" WHERE logical_key LIKE '%two.tiff'"),
        (ICEBERG, "SELECT timestamp FROM \"quilt-dev-shared_package_revision\" WHERE pkg_name = 'analytics/results'"),
        (ICEBERG, "CREATE TABLE x AS SELECT 1 y"),
        (ICEBERG, "SELECT metadata FROM \"quilt-dev-shared_package_entry\" WHERE logical_key = 'cells/one.tiff'"),
        (ICEBERG, "SELECT top_hash FROM \"quilt-dev-shared_package_revision\" WHERE timestamp = from_unixtime(1770000000) \
            AND timestamp = TIMESTAMP '2026-02-02 02:40:00' AND timestamp > DATE '2026-02-02' AND timestamp < now()"),
    ]
    .map(|(database, sql)| (database, sql.to_owned()))
    .into();
    registry
        .backend
        .aws
        .put_object("quilt-dev-private", ".quilt/named_packages/a/b/latest", "c", None, &[])
        .unwrap();
    let output = ask(&registry, &users.reader.token, &statements).await;
    assert_eq!(
        output["listed"],
        json!([
            "QuiltTabulatorOpenQuery-quilt-dev",
            "QuiltUserAthena-quilt-dev-NonManagedRoleWorkgroup",
            "QuiltUserAthena-quilt-dev-reader",
            "QuiltUserAthena-quilt-dev-writer",
            "primary"
        ])
    );
    assert_eq!(output["workgroups"], json!(["QuiltUserAthena-quilt-dev-reader"]));
    assert_eq!(output["catalogs"], json!(["AwsDataCatalog", "quilt-dev-tabulator"]));
    assert_eq!(
        output["databases"],
        json!({ "AwsDataCatalog": [ICEBERG, USER], "quilt-dev-tabulator": [SHARED] })
    );
    assert_eq!(
        output["metadata"],
        json!([
            "AccessDeniedException",
            "AccessDeniedException",
            "AccessDeniedException"
        ])
    );
    let answers = &output["answers"];
    assert_eq!(answers[0]["rows"][1], json!(["2"]));
    for (index, expected) in [
        (1, "glue:GetTable"),
        (2, "Permission denied on S3 path"),
        (3, "s3:ListBucket"),
    ] {
        let reason = answers[index]["reason"].as_str().unwrap();
        assert!(
            reason.starts_with("PERMISSION_DENIED") && reason.contains(expected),
            "{reason}"
        );
    }
    let tables = ["entry", "manifest", "revision", "tag"].map(|name| json!([format!("{SHARED}_package_{name}")]));
    assert_eq!(answers[4]["rows"].as_array().unwrap()[1..], tables);
    assert_eq!(answers[4]["pages"], 2);
    assert_eq!(
        (
            answers[5]["rows"].as_array().unwrap().len(),
            answers[5]["type"].as_str()
        ),
        (4, Some("UTILITY"))
    );
    let hash = format!("{{type=SHA256, value={}}}", "b".repeat(64));
    assert_eq!(
        answers[6]["rows"][1],
        json!(["cells/two.tiff", hash, "[s3://quilt-dev-shared/cells/two.tiff]"])
    );
    assert_eq!(answers[6]["columns"][2], json!(["physical_keys", "array"]));
    assert_eq!(answers[7]["rows"][1], json!(["2026-02-02 02:40:00.000"]));
    assert_eq!(answers[7]["columns"], json!([["timestamp", "timestamp"]]));
    assert!(answers[8]["reason"].as_str().unwrap().ends_with("(development server)"));
    let metadata = answers[9]["rows"][1][0].as_str().unwrap();
    assert!(metadata.ends_with(&format!(",\"n\":{DIGITS}}}")), "{metadata}");
    assert_eq!(answers[10]["rows"][1], json!(["a".repeat(64)]));

    let output = ask(&registry, &users.writer.token, &[]).await;
    assert_eq!(output["workgroups"], json!(["QuiltUserAthena-quilt-dev-writer"]));
}

/// Returns the configuration of a table over CSV files with headers.
fn config(schema: &[(&str, &str)], logical_key: &str) -> String {
    let columns = schema
        .iter()
        .map(|(name, kind)| format!("  - {{name: {name}, type: {kind}}}\n"));
    format!(
        "schema:\n{}source: {{type: quilt-packages, package_name: ^typed/, logical_key: '{logical_key}'}}\nparser: {{format: \
         csv, header: true}}\ncontinue_on_error: true\n",
        columns.collect::<String>()
    )
}

/// Puts a package of files of which the first alone has cells of the types of its columns.
fn seed_files(registry: &Registry) {
    let put = |key: &str, content: &str| {
        let aws = &registry.backend.aws;
        aws.put_object(SHARED, key, content.to_owned(), None, &[]).unwrap();
    };
    let header = "b,d,t,x,s\n";
    let good = "007,2024-01-31,-5,0.5,2024-01-31T01:02:03\n";
    let files = [
        good,
        "1,20240131,1,1,\n",
        "1,hello,1,1,\n",
        "1,,300,1,\n",
        "1,,1,NaN,\n",
    ];
    let mut manifest = vec![json!({ "version": "v0" }).to_string()];
    for (index, row) in files.iter().enumerate() {
        put(&format!("typed/{index}.csv"), &format!("{header}{row}"));
        let uri = format!("s3://{SHARED}/typed/{index}.csv");
        let entry = json!({ "logical_key": format!("{index}.csv"), "physical_keys": [uri], "size": 1 });
        manifest.push(entry.to_string());
    }
    put(&format!(".quilt/packages/{}", "c".repeat(64)), &manifest.join("\n"));
    put(".quilt/named_packages/typed/cells/latest", &"c".repeat(64));
}

#[tokio::test]
async fn tabulator_reads_what_the_configuration_says_or_tells_why_not() {
    let registry = Registry::start().await;
    seed_files(&registry);
    let schema = [
        ("b", "BINARY"),
        ("d", "DATE"),
        ("t", "TINYINT"),
        ("x", "DOUBLE"),
        ("s", "TIMESTAMP"),
    ];
    // Through the registry, which checks against its schema alone.
    let document = "mutation($table: String!, $config: String) { bucketSetTabulatorTable(bucketName: \"quilt-dev-shared\", \
                    tableName: $table, config: $config) { __typename ... on InvalidInput { errors { path } } } }";
    let client = Server::at(format!("{}/graphql", registry.backend.info.registry_url));
    let bearer = format!("Bearer {}", registry.backend.info.users.writer.token);
    for (table, config, is_valid) in [
        ("wrong", "schema: 1\nsource: 2\nparser: 3".to_owned(), false),
        ("wrong", config(&[("b", "TEXT")], "x"), false),
        ("typed", config(&schema, "(?<n>.)[.]csv$"), true),
        ("lookaround", config(&schema, "(?!x)[.]csv$"), true),
        ("twice", config(&schema, "(?<t>.)[.]csv$"), true),
    ] {
        let body = json!({ "query": document, "variables": { "table": table, "config": config } });
        let answer = client.post(body.to_string(), &[("authorization", &bearer)]).await;
        let set = &answer.body["data"]["bucketSetTabulatorTable"];
        let expected = if is_valid {
            json!({ "__typename": "BucketConfig" })
        } else {
            json!({ "__typename": "InvalidInput", "errors": [{ "path": "config" }] })
        };
        assert_eq!(set, &expected, "{}", answer.body);
    }
    let from = format!("FROM \"quilt-dev-tabulator\".\"{SHARED}\"");
    let statements = [
        format!("SELECT b, d, t, x, s, n, \"$issue\" {from}.\"typed\" ORDER BY n"),
        format!("SELECT b {from}.\"lookaround\""),
        format!("SELECT * {from}.\"twice\""),
        format!("EXPLAIN SELECT t {from}.\"twice\""),
        format!("SELECT table_name FROM \"quilt-dev-tabulator\".information_schema.tables WHERE table_schema = '{SHARED}' ORDER BY 1"),
    ]
    .map(|sql| (ICEBERG, sql));
    let output = ask(&registry, &registry.backend.info.users.reader.token, &statements).await;
    let answers = &output["answers"];
    let types: Vec<&str> = answers[0]["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| column[1].as_str().unwrap())
        .collect();
    assert_eq!(types[..5], ["varbinary", "date", "tinyint", "double", "timestamp"]);
    let issue = |n: &str, issue: &str| json!([null, null, null, null, null, n, issue]);
    assert_eq!(
        answers[0]["rows"].as_array().unwrap()[1..],
        [
            json!([
                "30 30 37",
                "2024-01-31",
                "-5",
                "0.5",
                "2024-01-31 01:02:03.000",
                "0",
                null
            ]),
            issue("1", "20240131 in column d is not of the type DATE"),
            issue("2", "hello in column d is not of the type DATE"),
            issue("3", "300 in column t is not of the type TINYINT"),
            issue("4", "NaN in column x is not read (development server)"),
        ]
    );
    for (index, expected) in [
        (1, "look-around"),
        (2, "the column t is there twice"),
        (3, "the column t is there twice"),
    ] {
        let reason = answers[index]["reason"].as_str().unwrap();
        assert!(
            reason.starts_with("GENERIC_USER_ERROR: invalid configuration: ") && reason.contains(expected),
            "{reason}"
        );
    }
    assert_eq!(
        answers[4]["rows"].as_array().unwrap()[1..],
        [json!(["lookaround"]), json!(["twice"]), json!(["typed"])]
    );
}

#[tokio::test]
async fn the_server_of_dev_asks_this_athena() {
    let registry = Registry::start().await;
    let config = ServeConfig::from_flags(registry.backend.flags()).unwrap();
    let endpoint = registry.backend.info.athena_endpoint.as_deref();
    assert_eq!(
        config
            .aws
            .athena()
            .map(|url| url.to_string().trim_end_matches('/').to_owned())
            .as_deref(),
        endpoint
    );
}
