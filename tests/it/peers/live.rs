//! A walk through the server's work with a real Quilt stack, off by default.
//!
//! While it is off it proves nothing, and says so. The same walk with the embedded backend, which is always on, shows
//! that the walk itself is right.

use std::io::Write as _;

use quilt_mcp::clock::Clock;
use quilt_mcp::dev::Backend;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::support::program::Program;

const SWITCH: &str = "PLATFORM_TEST_ENABLED";
const NEEDED: [&str; 4] = [
    "QUILT_CATALOG_URL",
    "QUILT_REGISTRY_URL",
    "PLATFORM_TEST_JWT_TOKEN",
    "PLATFORM_TEST_BUCKET",
];
/// Variables that a machine may need to reach the network, without any credentials.
const PASSED_ON: [&str; 3] = ["AWS_REGION", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/// A stack and a user of it.
struct Stack {
    catalog_url: String,
    registry_url: String,
    token: String,
    bucket: String,
    /// Where S3 is, where it is not at AWS.
    flags: Vec<String>,
}

/// A variable of this process, if it is set to something.
fn variable(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the switch and the parameters of a test are no settings of the server"
    )]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The stack that the variables name; `None` when the test is off.
fn switched_on() -> Option<Stack> {
    if variable(SWITCH).as_deref() != Some("true") {
        return None;
    }
    let missing: Vec<&str> = NEEDED.into_iter().filter(|name| variable(name).is_none()).collect();
    assert!(
        missing.is_empty(),
        "{SWITCH} is true, and these are not set: {}",
        missing.join(", ")
    );
    let [catalog_url, registry_url, token, bucket] = NEEDED.map(|name| variable(name).unwrap());
    Some(Stack {
        catalog_url,
        registry_url,
        token,
        bucket,
        flags: Vec::new(),
    })
}

/// The real program in front of the stack.
async fn running(stack: &Stack) -> Program {
    let mut arguments = vec!["--verify=registry".to_owned(), "--ambient=never".to_owned()];
    arguments.push(format!("--catalog-url={}", stack.catalog_url));
    arguments.push(format!("--registry-url={}", stack.registry_url));
    arguments.extend_from_slice(&stack.flags);
    let variables: Vec<(&str, String)> = PASSED_ON
        .iter()
        .filter_map(|name| Some((*name, variable(name)?)))
        .collect();
    Program::serve(&arguments, &variables).await
}

/// Status, list, upload, read back, package, search, query.
async fn walk(stack: &Stack) {
    let running = running(stack).await;
    let call = |tool, arguments| running.server.call(&stack.token, tool, arguments);

    let status = call("auth_status", json!({})).await;
    assert_eq!(status.success()["has_credentials"], true, "{}", status.body);
    assert_eq!(status.success()["verified_by"], "registry");
    assert_eq!(status.success()["credential_source"], "catalog");

    let key = format!("quilt-mcp-live-test/{}.txt", uuid::Uuid::now_v7());
    let list = || call("bucket_objects_list", json!({ "bucket": stack.bucket, "prefix": key }));
    assert_eq!(list().await.success()["returned"], 0, "the bucket is new");

    let text = format!("written by the live test of quilt-mcp as {key}: été");
    let put = json!({ "bucket": stack.bucket, "items": [{ "key": key, "text": text }] });
    let put = call("bucket_objects_put", put).await;
    assert_eq!(put.success()["uploaded"], 1, "{}", put.body);
    assert_eq!(put.success()["credential_source"], "catalog");

    let listed = list().await;
    assert_eq!(listed.success()["objects"][0]["key"], *key, "{}", listed.body);
    let read = call(
        "bucket_object_text",
        json!({ "s3_uri": format!("s3://{}/{key}", stack.bucket) }),
    )
    .await;
    assert_eq!(read.success()["text"], *text, "{}", read.body);

    let name = format!("quilt-mcp-live-test/{}", uuid::Uuid::now_v7());
    let uri = format!("s3://{}/{key}", stack.bucket);
    let create = json!({ "bucket": stack.bucket, "name": name, "files": [uri], "message": "by the live test" });
    let created = call("package_create", create).await;
    let package = json!({ "bucket": stack.bucket, "name": name });
    let browsed = call("package_browse", package.clone()).await;
    assert_eq!(
        browsed.success()["package"]["hash"],
        created.success()["package"]["hash"],
        "{}",
        browsed.body
    );
    let verify = json!({ "bucket": stack.bucket, "name": name, "hash": "latest", "check_objects": true });
    let verified = call("package_verify", verify).await;
    assert_eq!(verified.success()["manifest_ok"], true, "{}", verified.body);
    assert_eq!(verified.success()["objects"]["ok"], 1, "{}", verified.body);
    let delete = json!({ "bucket": stack.bucket, "name": name, "confirm": name });
    let deleted = call("package_delete", delete).await;
    assert_eq!(
        deleted.success()["deleted_pointers"].as_array().unwrap().len(),
        2,
        "{}",
        deleted.body
    );
    call("package_browse", package).await.failure("no_such_package");
    search(stack, &running).await;
    sql(stack, &running).await;
}

/// Searches of both kinds, with facets, a second page and a syntax error. What was written a moment ago may be missing.
async fn search(stack: &Stack, running: &Program) {
    let call = |tool, arguments| running.server.call(&stack.token, tool, arguments);
    for kind in ["packages", "objects"] {
        let mut arguments = json!({ "kind": kind, "buckets": [stack.bucket], "sort": "newest", "limit": 1 });
        let found = call("search_catalog", arguments.clone()).await;
        let found = found.success();
        assert_eq!(
            (&found["searched_by"], found["returned"].as_u64() < Some(2)),
            (&json!("catalog"), true)
        );
        if let Some(next) = found["next_cursor"].as_str() {
            arguments["cursor"] = next.into();
            let next = call("search_catalog", arguments.clone()).await;
            assert_ne!(next.success()["results"], found["results"], "the page after it");
        }
        let facets = call("search_facets", json!({ "kind": kind, "buckets": [stack.bucket] })).await;
        assert_eq!(facets.success()["total"], found["total"], "{}", facets.body);
        let url = json!({ "url": found["catalog_url"] });
        assert_eq!(call("catalog_link", url).await.success()["kind"], "search");
    }
    let syntax = call("search_catalog", json!({ "query": "(", "exact": true })).await;
    syntax.failure("invalid_argument");
}

/// One query, where the caller has a workgroup, and a list of Tabulator tables. It scans nothing and costs nothing.
async fn sql(stack: &Stack, running: &Program) {
    let call = |tool, arguments| running.server.call(&stack.token, tool, arguments);
    let workgroups = call("athena_workgroups_list", json!({})).await;
    if workgroups.success()["default"].is_null() {
        let _ = writeln!(std::io::stderr(), "No query was tried: {}", workgroups.output());
    } else {
        let select = json!({ "sql": "SELECT 1 AS one, ? AS text", "parameters": ["é"] });
        let found = call("athena_query_execute", select).await;
        assert_eq!(found.success()["rows"], json!([[1, "é"]]), "{}", found.body);
        assert_eq!(found.success()["credential_source"], "catalog");
    }
    let tables = call("tabulator_tables_list", json!({ "bucket": stack.bucket })).await;
    assert!(tables.success()["tables"].is_array(), "{}", tables.body);
}

#[tokio::test]
async fn a_real_stack_if_switched_on() {
    let Some(stack) = switched_on() else {
        // Not by a macro: the test runner would keep that to itself.
        let needed = NEEDED.join(", ");
        let _ = writeln!(
            std::io::stderr(),
            "\nThe live test is OFF: no real stack was asked, and its \"ok\" says nothing. {SWITCH}=true switches it on; it \
             then needs {needed} (a scratch bucket, in which it leaves one small object and one manifest)."
        );
        return;
    };
    walk(&stack).await;
}

#[tokio::test]
async fn the_walk_itself_is_right() {
    let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
    let backend = Backend::start(Clock::system(), &tasks, &shutdown).await.unwrap();
    let info = &backend.info;
    let flags = vec![
        format!("--s3-endpoint={}", info.s3_endpoint),
        format!("--sts-endpoint={}", info.sts_endpoint.as_deref().unwrap()),
        format!("--athena-endpoint={}", info.athena_endpoint.as_deref().unwrap()),
        format!("--region={}", info.region),
    ];
    let stack = |token: &str| Stack {
        catalog_url: info.catalog_url.clone(),
        registry_url: info.registry_url.clone(),
        token: token.to_owned(),
        bucket: info.buckets.shared.clone(),
        flags: flags.clone(),
    };
    walk(&stack(&info.users.writer.token)).await;
    let written = |key: &String| key.starts_with("quilt-mcp-live-test/");
    assert_eq!(
        backend
            .aws
            .keys(&info.buckets.shared)
            .iter()
            .filter(|key| written(key))
            .count(),
        1
    );

    // And it can fail: the reader may not upload.
    let reader = stack(&info.users.reader.token);
    #[expect(clippy::disallowed_methods, reason = "ends with the line after it")]
    let failed = tokio::spawn(async move { walk(&reader).await }).await.unwrap_err();
    assert!(
        failed
            .into_panic()
            .downcast_ref::<String>()
            .unwrap()
            .contains("access_denied")
    );
    shutdown.cancel();
}
