//! The shortest call of every tool on a large catalog: its answer is one that clients show.

use std::collections::BTreeSet;

use quilt_format::manifest::ManifestWriter;
use quilt_format::{Entry, Header, PhysicalKey};
use serde_json::{Value, json};

use crate::support::on_dev::OnDev;
use crate::support::server::MAX_ANSWER_CHARS;

const PACKAGE: &str = "large/package";
const KEYS: usize = 1500;

/// A key that is as long as keys become, with characters that JSON escapes.
fn key(number: usize) -> String {
    format!(
        "large/folder-{:03}/{number:05}-{}.csv",
        number % 300,
        "ä\"b ".repeat(40)
    )
}

fn put(scene: &OnDev, key: &str, body: impl Into<bytes::Bytes>) {
    let bucket = scene.bucket();
    scene.dev.backend.aws.put_object(&bucket, key, body, None, &[]).unwrap();
}

/// Writes a manifest of all keys, with metadata, and returns its hash.
fn manifest(scene: &OnDev, message: &str) -> String {
    let user_meta = json!({ "message": message, "long": "m".repeat(30_000), "list": vec!["text"; 3000] });
    let user_meta = quilt_format::json::parse(&user_meta.to_string()).unwrap();
    let mut writer = ManifestWriter::new(&Header::new(Some(user_meta), None, Some(&message.repeat(400)))).unwrap();
    let meta = json!({ "user_meta": { "message": message, "text": "x".repeat(300) } });
    let meta = quilt_format::json::parse(&meta.to_string()).unwrap();
    let mut keys: Vec<quilt_format::LogicalKey> = (0..KEYS).map(|number| key(number).parse().unwrap()).collect();
    keys.sort();
    for logical_key in keys {
        let entry = Entry {
            physical_key: PhysicalKey::S3 {
                bucket: scene.bucket(),
                key: logical_key.as_str().to_owned(),
                version_id: None,
            },
            logical_key,
            size: 3,
            hash: quilt_format::json::parse(r#"{"type":"SHA256","value":"00"}"#).unwrap(),
            meta: meta.clone(),
        };
        writer.entry(&entry).unwrap();
    }
    let mut bytes = writer.take();
    let (tail, hash) = writer.finish();
    bytes.extend(tail);
    put(scene, &format!(".quilt/packages/{hash}"), bytes);
    hash.to_string()
}

/// Makes many objects, versions, packages, revisions and columns. Returns the hashes of the large package's two manifests.
fn make_large(scene: &OnDev) -> [String; 2] {
    for number in 0..KEYS {
        put(scene, &key(number), "a,b");
    }
    for version in 0..300 {
        put(scene, "many-versions.txt", format!("{version}"));
    }
    put(
        scene,
        "long.txt",
        "a long line with \"quotes\" and\ttabs\n".repeat(20_000),
    );
    let header: Vec<String> = (0..400)
        .map(|column| format!("column-{column}-{}", "c".repeat(60)))
        .collect();
    let row = vec!["\"a cell with, \"\"quotes\"\" and more\""; 400].join(",");
    put(
        scene,
        "wide.csv",
        format!("{}\n{}", header.join(","), format!("{row}\n").repeat(50)),
    );
    let hashes = ["first", "second"].map(|message| manifest(scene, message));
    let [first, second] = &hashes;
    for number in 0..200 {
        let pointer = |name: &str| format!(".quilt/named_packages/many/{number:03}{}/{name}", "p".repeat(60));
        put(scene, &pointer("latest"), first.clone());
        put(
            scene,
            &format!(".quilt/named_packages/{PACKAGE}/{}", 1_600_000_000 + number),
            first.clone(),
        );
    }
    put(
        scene,
        &format!(".quilt/named_packages/{PACKAGE}/1700000000"),
        second.clone(),
    );
    put(
        scene,
        &format!(".quilt/named_packages/{PACKAGE}/latest"),
        second.clone(),
    );
    hashes
}

/// The calls, those that only read first. A code is that of a call that has to fail.
fn calls(
    bucket: &str,
    [first, second]: &[String; 2],
    database: &str,
    query_id: &str,
) -> Vec<(&'static str, Value, Option<&'static str>)> {
    let package = |more: Value| {
        let mut arguments = json!({ "bucket": bucket, "name": PACKAGE });
        arguments
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        arguments
    };
    let object = |key: &str| json!({ "bucket": bucket, "key": key });
    let table = format!("{bucket}_package_entry");
    vec![
        ("athena_databases_list", json!({}), None),
        ("athena_query_history", json!({}), None),
        ("athena_query_results", json!({ "query_id": query_id }), None),
        ("athena_query_stop", json!({ "query_id": query_id }), None),
        (
            "athena_table_schema",
            json!({ "database": database, "table": table }),
            None,
        ),
        ("athena_tables_list", json!({ "database": database }), None),
        ("athena_workgroups_list", json!({}), None),
        ("auth_status", json!({}), None),
        ("bucket_access_check", json!({ "bucket": bucket }), None),
        ("bucket_list", json!({}), None),
        ("bucket_object_fetch", object("long.txt"), None),
        ("bucket_object_info", object("long.txt"), None),
        ("bucket_object_link", object("long.txt"), None),
        ("bucket_object_preview", object("wide.csv"), None),
        ("bucket_object_text", object("long.txt"), None),
        ("bucket_object_versions", object("many-versions.txt"), None),
        ("bucket_objects_list", json!({ "bucket": bucket }), None),
        ("bucket_objects_summary", json!({ "bucket": bucket }), None),
        ("catalog_link", json!({ "bucket": bucket }), None),
        ("package_browse", package(json!({})), None),
        (
            "package_diff",
            package(json!({ "hash": first, "other_hash": second })),
            None,
        ),
        ("package_list", json!({ "bucket": bucket }), None),
        ("package_templates", json!({}), None),
        ("package_verify", package(json!({})), None),
        ("package_versions", package(json!({})), None),
        ("permissions_discover", json!({}), None),
        ("permissions_recommendations", json!({}), None),
        ("search_catalog", json!({}), None),
        ("search_facets", json!({}), None),
        ("tabulator_tables_list", json!({ "bucket": bucket }), None),
        ("usage_stats", json!({ "bucket": bucket }), None),
        ("workflow_list", json!({ "bucket": bucket }), None),
        // A client that cannot ask its user switches no role.
        (
            "role_switch",
            json!({ "role": "Reader" }),
            Some("confirmation_required"),
        ),
        (
            "bucket_objects_put",
            json!({ "bucket": bucket, "items": (0..100).map(|n| json!({ "key": format!("p/{}", key(n)), "text": "x" })).collect::<Vec<_>>() }),
            None,
        ),
        ("package_copy", package(json!({ "dest_name": "large/copy" })), None),
        (
            "package_create",
            json!({ "bucket": bucket, "name": "large/created", "files": (0..300).map(|n| json!({ "s3_uri": format!("s3://{bucket}/long.txt"), "logical_key": key(n) })).collect::<Vec<_>>() }),
            None,
        ),
        (
            "package_create_from_s3",
            json!({ "bucket": bucket, "name": "large/from", "source_prefix": "large/" }),
            None,
        ),
        ("package_rollback", package(json!({ "hash": first })), None),
        (
            "package_update",
            package(json!({ "metadata": { "more": "n".repeat(5000) } })),
            None,
        ),
        (
            "tabulator_table_create",
            json!({ "bucket": bucket, "table": "made", "schema": ["a STRING"], "package_name": "^large/", "logical_key": "csv$", "format": "csv" }),
            None,
        ),
        (
            "tabulator_table_rename",
            json!({ "bucket": bucket, "table": "made", "new_name": "named" }),
            None,
        ),
        (
            "tabulator_table_delete",
            json!({ "bucket": bucket, "table": "named", "confirm": "named" }),
            None,
        ),
        ("package_delete", package(json!({ "confirm": PACKAGE })), None),
    ]
}

#[tokio::test]
async fn the_default_call_of_every_tool_on_a_large_catalog_fits() {
    let scene = OnDev::new().await;
    let hashes = make_large(&scene);
    let database = "quilt_dev_iceberg";
    let sql = format!("SELECT * FROM \"{}_package_entry\"", scene.bucket());
    let query = json!({ "sql": sql, "database": database });
    let query = scene.call("athena_query_execute", query).await;
    let mut called = BTreeSet::from(["athena_query_execute".to_owned()]);
    let query_id = query.success()["query_id"].as_str().unwrap().to_owned();
    let mut longest = (0, "");
    for (tool, arguments, code) in calls(&scene.bucket(), &hashes, database, &query_id) {
        let answer = scene.call(tool, arguments).await;
        match code {
            Some(code) => drop(answer.failure(code).clone()),
            None => drop(answer.success().clone()),
        }
        for block in answer.body["result"]["content"].as_array().unwrap() {
            let chars = block["text"].as_str().unwrap_or_default().chars().count();
            assert!(chars <= MAX_ANSWER_CHARS, "{tool}: {chars} characters");
            longest = longest.max((chars, tool));
        }
        called.insert(tool.to_owned());
    }
    assert!(longest.0 > 20_000, "the catalog is not large: {longest:?}");
    let token = &scene.dev.backend.info.users.writer.token;
    let list = scene.server.rpc(Some(token), "tools/list", json!({})).await;
    let tools = list.body["result"]["tools"].as_array().unwrap();
    let tools: BTreeSet<String> = tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(called, tools);
}
