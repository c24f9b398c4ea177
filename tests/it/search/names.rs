//! Names that S3 lists where there is no search: only if that answers the question, and labelled.

use serde_json::{Value, json};

use crate::support::server::Server;
use crate::support::stage::{PRIVATE, SHARED, Stage};
use crate::support::{SECRET, token};

async fn scene() -> (Stage, Server, String) {
    let stage = Stage::embedded().await;
    for key in ["raw/Alpha.csv", "raw/alpha/b.txt", "other/alpha.csv", "raw/beta.csv"] {
        stage.seed(SHARED, key, b"x").await;
    }
    let server = Server::start(&stage, None, &[format!("--jwt-secret={SECRET}")]).await;
    let keys = &stage.writer;
    let caller = token(
        json!({ "sub": "x", "aws_credentials": { "access_key_id": keys.access_key_id,
        "secret_access_key": keys.secret_access_key, "session_token": keys.session_token } }),
    );
    for name in ["team/alpha-one", "team/beta", "Alpha/two"] {
        let files = json!([format!("s3://{SHARED}/raw/beta.csv")]);
        let create = json!({ "bucket": SHARED, "name": name, "files": files });
        server.call(&caller, "package_create", create).await.success();
    }
    (stage, server, caller)
}

fn listed(output: &Value) -> Vec<&str> {
    super::names(output)
}

#[tokio::test]
async fn names_are_found_in_named_buckets_and_labelled() {
    let (_stage, server, caller) = scene().await;
    let search = async |arguments: Value| {
        let answer = server.call(&caller, "search_catalog", arguments).await;
        answer.success().clone()
    };
    let packages = search(json!({ "query": "alpha", "buckets": [SHARED] })).await;
    assert_eq!(listed(&packages), ["Alpha/two", "team/alpha-one"]);
    assert_eq!(
        (&packages["searched_by"], &packages["complete"], &packages["total"]),
        (&json!("s3"), &json!(true), &Value::Null)
    );
    assert!(
        packages["warnings"][0].as_str().unwrap().starts_with("Names only"),
        "{packages}"
    );
    let hash = packages["results"][0]["hash"].as_str().unwrap();
    assert_eq!(hash.len(), 64, "{packages}");
    let objects = search(json!({ "query": "ALPHA", "kind": "objects", "buckets": [SHARED] })).await;
    // Keys of packages' own records contain the names of packages.
    let keys: Vec<&str> = listed(&objects)
        .into_iter()
        .filter(|key| !key.starts_with(".quilt"))
        .collect();
    assert_eq!(keys, ["other/alpha.csv", "raw/Alpha.csv", "raw/alpha/b.txt"]);
    let below = json!({ "query": "alpha", "kind": "objects", "bucket": SHARED, "filters": { "key": "raw/*.csv" } });
    assert_eq!(listed(&search(below).await), ["raw/Alpha.csv"]);
    let few = search(json!({ "query": "alpha", "bucket": SHARED, "limit": 1 })).await;
    assert_eq!((&few["returned"], &few["complete"]), (&json!(1), &json!(false)));
    let all = search(json!({ "query": "alpha", "bucket": SHARED, "kind": "all" })).await;
    assert_eq!(all["packages"]["returned"], 2);
    let refused = json!({ "query": "alpha", "buckets": [PRIVATE] });
    server
        .call(&caller, "search_catalog", refused)
        .await
        .failure("access_denied");
}

/// Everything that names do not answer is refused.
#[tokio::test]
async fn names_do_not_stand_in_for_what_they_do_not_answer() {
    let (_stage, server, caller) = scene().await;
    for arguments in [
        json!({ "query": "alpha" }),
        json!({ "query": "", "buckets": [SHARED] }),
        json!({ "query": "two words", "buckets": [SHARED] }),
        json!({ "query": "key:alpha", "buckets": [SHARED] }),
        json!({ "query": "alpha", "buckets": [SHARED], "filters": { "size_min": 1 } }),
        json!({ "query": "alpha", "buckets": [SHARED], "metadata": [{ "path": "/a", "is": true }] }),
        json!({ "query": "alpha", "buckets": [SHARED], "sort": "newest" }),
        json!({ "query": "alpha", "buckets": [SHARED], "kind": "objects", "filters": { "deleted": true } }),
    ] {
        let answer = server.call(&caller, "search_catalog", arguments.clone()).await;
        answer.failure("search_unavailable");
    }
}
