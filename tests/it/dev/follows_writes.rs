//! An index that follows the bucket, and hides what a user may not read.

use quilt_mcp::clock::Clock;
use quilt_mcp::dev::Dev;
use serde_json::{Value, json};

use super::documents::{o3, p4};
use super::{Registry, ask};
use crate::support::server::Server;

const BUCKET: &str = "quilt-dev-shared";

#[tokio::test]
async fn puts_deletes_and_packages_are_found() {
    let data = tempfile::tempdir().unwrap();
    let dev = Dev::start(0, data.path(), Clock::system()).await.unwrap();
    let (backend, writer) = (&dev.backend, &dev.backend.info.users.writer.token);
    let server = Server::at(backend.info.mcp_url.clone());
    let search = async |document: &str, query: &str| -> Value {
        let variables = json!({ "q": query, "n": 10, "l": true });
        let answer = ask(backend, document, variables).await;
        let data = answer.body["data"].as_object().unwrap();
        data.values().next().unwrap()["firstPage"]["hits"].clone()
    };
    assert_eq!(search(&o3(), "zooplankton").await, Value::Null);

    let put = async |text: &str| {
        let items = json!([{ "key": "notes/new.txt", "text": text }]);
        server
            .call(
                writer,
                "bucket_objects_put",
                json!({ "bucket": BUCKET, "items": items }),
            )
            .await
            .success();
    };
    put("zooplankton").await;
    let found = search(&o3(), "zooplankton").await;
    let hit = &found[0];
    assert_eq!(
        (&hit["key"], &hit["size"], &hit["deleted"]),
        (&json!("notes/new.txt"), &json!(11.0), &json!(false))
    );
    assert_eq!(hit["indexedContent"], "zooplankton");
    let first_version = hit["version"].clone();
    put("phytoplankton").await;
    assert_eq!(search(&o3(), "zooplankton").await, Value::Null);
    assert_ne!(search(&o3(), "phytoplankton").await[0]["version"], first_version);

    let files = json!([{ "s3_uri": format!("s3://{BUCKET}/notes/new.txt"), "logical_key": "algae.txt" }]);
    let create = json!({
        "bucket": BUCKET, "name": "team/algae", "files": files, "message": "Spring bloom", "metadata": { "season": "spring" },
    });
    let created = server.call(writer, "package_create", create).await;
    let hash = created.success()["package"]["hash"].clone();
    for query in [
        "bloom",
        "season",
        "algae",
        "entry_lk:algae.txt",
        "entry_pk:*notes\\/new.txt*",
    ] {
        let found = search(&p4(), query).await;
        assert_eq!(
            (&found[0]["name"], &found[0]["hash"]),
            (&json!("team/algae"), &hash),
            "{query}"
        );
    }

    let admin = crate::support::stage::Keys {
        access_key_id: backend.info.users.admin.access_key_id.clone(),
        secret_access_key: backend.info.users.admin.secret_access_key.clone(),
        session_token: None,
    };
    let s3 = crate::support::stage::client(&backend.info.s3_endpoint, &admin);
    s3.delete_object()
        .bucket(BUCKET)
        .key("notes/new.txt")
        .send()
        .await
        .unwrap();
    let found = search(&o3(), "key:\"notes/new.txt\"").await;
    assert_eq!(
        (&found[0]["deleted"], &found[0]["size"]),
        (&json!(true), &json!(0.0)),
        "a delete marker"
    );
    let marker = found[0]["version"].as_str().unwrap();
    s3.delete_object()
        .bucket(BUCKET)
        .key("notes/new.txt")
        .version_id(marker)
        .send()
        .await
        .unwrap();
    assert_eq!(
        search(&o3(), "phytoplankton").await[0]["deleted"],
        false,
        "the version before the marker"
    );

    let delete = json!({ "bucket": BUCKET, "name": "team/algae", "confirm": "team/algae" });
    server.call(writer, "package_delete", delete).await.success();
    assert_eq!(search(&p4(), "bloom").await, Value::Null);
    dev.stop().await;
}

#[tokio::test]
async fn a_bucket_without_rights_is_not_searched() {
    let registry = Registry::start().await;
    assert_eq!(registry.keys("secret").await.unwrap(), [""; 0]);
    let named = json!({ "n": 10, "b": ["quilt-dev-private"] });
    let found = registry.data(&o3(), named).await;
    assert_eq!(found, json!({ "__typename": "EmptySearchResultSet" }));
}

#[tokio::test]
async fn a_bucket_that_is_created_anew_is_read_anew() {
    let registry = Registry::start().await;
    assert_eq!(registry.keys("readme").await.unwrap(), ["plankton/README.md"]);
    let aws = &registry.backend.aws;
    aws.create_bucket(BUCKET, None, false);
    aws.put_object(BUCKET, "only.txt", "x", None, &[]).unwrap();
    assert_eq!(registry.keys("").await.unwrap(), ["only.txt"]);
    assert_eq!(
        registry.data(&p4(), json!({ "l": true, "n": 1 })).await["__typename"],
        "EmptySearchResultSet"
    );
}
