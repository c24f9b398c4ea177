//! How often data were read, as `dev` counts it.

use quilt_mcp::clock::Clock;
use serde_json::{Value, json};

use super::OnDev;

async fn usage(scene: &OnDev, more: Value) -> Value {
    let mut arguments = json!({ "bucket": scene.bucket() });
    arguments
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    scene.call("usage_stats", arguments).await.success().clone()
}

fn today() -> String {
    Clock::system().now().to_string().chars().take(10).collect()
}

#[tokio::test]
async fn reads_are_counted_of_buckets_and_of_objects() {
    let scene = OnDev::new().await;
    let bucket = scene.bucket();
    let items = json!([{ "key": "usage/a.csv", "text": "1" }, { "key": "usage/b.tsv.gz", "text": "2" }]);
    scene
        .call("bucket_objects_put", json!({ "bucket": bucket, "items": items }))
        .await
        .success();
    let before = usage(&scene, json!({})).await["total"].as_u64().unwrap();
    let none = usage(&scene, json!({ "key": "usage/a.csv" })).await;
    assert_eq!(
        (&none["total"], &none["by_day"]),
        (&json!(0), &json!([])),
        "no number is invented"
    );
    for key in ["usage/a.csv", "usage/a.csv", "usage/a.csv", "usage/b.tsv.gz"] {
        let read = scene
            .call(
                "bucket_object_text",
                json!({ "s3_uri": format!("s3://{bucket}/{key}"), "encoding": "latin-1" }),
            )
            .await;
        assert_eq!(read.status, 200);
    }
    let object = usage(&scene, json!({ "key": "usage/a.csv", "days": 7 })).await;
    assert_eq!(
        (&object["total"], &object["days"], &object["by_day"]),
        (&json!(3), &json!(7), &json!([{ "date": today(), "reads": 3 }])),
        "{object}"
    );
    assert!(object.get("by_extension").is_none() && object.get("credential_source").is_none());
    let whole = usage(&scene, json!({})).await;
    assert_eq!((&whole["total"], &whole["days"]), (&json!(before + 4), &json!(30)));
    let by_extension = whole["by_extension"].as_array().unwrap();
    assert!(by_extension.contains(&json!({ "ext": ".csv", "reads": 3 })), "{whole}");
}

#[tokio::test]
async fn reads_are_counted_of_packages_and_of_revisions() {
    let scene = OnDev::new().await;
    let package = &scene.dev.backend.info.package;
    let (name, hash) = (package.name.clone(), package.hash.clone());
    let count = |found: Value| found["total"].as_u64().unwrap();
    let browse = json!({ "bucket": scene.bucket(), "name": name });
    let before = [
        count(usage(&scene, json!({ "name": name })).await),
        count(usage(&scene, json!({ "name": name, "hash": hash })).await),
    ];
    scene.call("package_browse", browse).await.success();
    let of_package = usage(&scene, json!({ "name": name })).await;
    assert!(count(of_package.clone()) > before[0], "{of_package}");
    assert!(of_package.get("hash").is_none());
    for wanted in ["latest", &hash, &hash[..8], "latest"] {
        let found = usage(&scene, json!({ "name": name, "hash": wanted })).await;
        assert!(count(found.clone()) > before[1], "{wanted}: {found}");
        assert!(
            found["hash"] == "latest" || found["hash"] == hash.as_str(),
            "a prefix is resolved: {found}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_counted_is_said_in_a_sentence() {
    let scene = OnDev::new().await;
    let (bucket, private) = (scene.bucket(), scene.dev.backend.info.buckets.private.clone());
    let name = scene.dev.backend.info.package.name.clone();
    for (arguments, code, part) in [
        (
            json!({ "bucket": bucket, "key": "a", "name": "b/c" }),
            "invalid_argument",
            "key and name",
        ),
        (
            json!({ "bucket": bucket, "hash": "latest" }),
            "invalid_argument",
            "name is missing",
        ),
        (
            json!({ "bucket": bucket, "days": 366 }),
            "invalid_argument",
            "from 1 to 365",
        ),
        (json!({ "bucket": private }), "no_such_bucket", private.as_str()),
        (
            json!({ "bucket": private, "key": "a" }),
            "no_such_bucket",
            private.as_str(),
        ),
        (
            json!({ "bucket": bucket, "name": "no/such" }),
            "no_such_package",
            "no/such",
        ),
        (
            json!({ "bucket": bucket, "name": name, "hash": "0".repeat(64) }),
            "no_such_package",
            "revision 0000",
        ),
    ] {
        let refused = scene.call("usage_stats", arguments.clone()).await;
        let sentence = refused.failure(code)["error"].as_str().unwrap().to_owned();
        assert!(sentence.contains(part), "{arguments}: {sentence}");
    }
}
