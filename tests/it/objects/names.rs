//! Names of objects: keys that clients fold, keys in another Unicode form, versions that are delete markers, names of legacy
//! buckets, and URIs where a key is expected.

use serde_json::{Value, json};

use crate::support::on_both::on_both;
use crate::support::scene::{Scene, uri};
use crate::support::stage::{SHARED, Stage, client};

/// The same letters, composed and decomposed.
const COMPOSED: &str = "n\u{e9}.txt";
const DECOMPOSED: &str = "ne\u{301}.txt";

fn quoted(key: &str) -> String {
    format!("s3://{SHARED}/{}", quilt_format::percent::quote(key))
}

async fn call(scene: &Scene, tool: &str, arguments: Value) -> Value {
    scene.server.call(&scene.writer, tool, arguments).await.output().clone()
}

on_both! {
    async fn a_missing_key_names_the_one_in_the_other_unicode_form(scene) {
        scene.stage.seed(SHARED, &format!("a/{DECOMPOSED}"), b"1").await;
        scene.stage.seed(SHARED, &format!("b/{COMPOSED}"), b"1").await;
        for (asked, there) in [(format!("a/{COMPOSED}"), format!("a/{DECOMPOSED}")), (format!("b/{DECOMPOSED}"), format!("b/{COMPOSED}"))] {
            for tool in ["bucket_object_info", "bucket_object_text", "bucket_object_fetch", "bucket_object_link"] {
                let failure = call(&scene, tool, json!({ "s3_uri": quoted(&asked) })).await;
                assert_eq!(failure["error_code"], "no_such_key", "{failure}");
                assert!(failure["error"].as_str().unwrap().contains(&quoted(&there)), "{tool}: {failure}");
            }
            let package = json!({ "name": "n/x", "files": [quoted(&asked)] });
            let failure = scene.refuses("package_create", package, "no_such_key").await;
            assert!(failure["error"].as_str().unwrap().contains(&quoted(&there)), "{failure}");
        }
        let none = call(&scene, "bucket_object_info", json!({ "s3_uri": quoted("c/\u{e9}") })).await;
        assert!(!none["error"].as_str().unwrap().contains("Unicode"), "{none}");
    }

    async fn an_error_shows_the_uri_that_can_be_used_again(scene) {
        for key in ["a b#?.txt", "lit%20eral", "ü"] {
            let failure = call(&scene, "bucket_object_info", json!({ "s3_uri": quoted(key) })).await;
            assert!(failure["error"].as_str().unwrap().contains(&quoted(key)), "{failure}");
        }
        let versioned = format!("{}?versionId=none", uri("k"));
        let failure = call(&scene, "bucket_object_info", json!({ "s3_uri": versioned })).await;
        assert!(failure["error"].as_str().unwrap().contains("k?versionId=none"), "{failure}");
    }

    async fn a_uri_where_a_key_is_expected_is_taken_if_the_bucket_agrees(scene) {
        scene.stage.seed(SHARED, "a dir/x", b"1").await;
        let list = async |prefix: &str| call(&scene, "bucket_objects_list", json!({ "bucket": SHARED, "prefix": prefix })).await;
        let listed = list(&format!("s3://{SHARED}/a%20dir/")).await;
        assert_eq!((&listed["objects"][0]["key"], &listed["prefix"]), (&json!("a dir/x"), &json!("a dir/")));
        let put = async |key: &str| {
            call(&scene, "bucket_objects_put", json!({ "bucket": SHARED, "items": [{ "key": key, "text": "x" }] })).await
        };
        let written = put(&format!("s3://{SHARED}/a%20dir/y")).await;
        assert_eq!(written["results"][0]["key"], "a dir/y", "{written}");
        assert!(scene.stage.exists(SHARED, "a dir/y").await);
        for wrong in ["s3://it-another/a/", "s3://it-another", "s3://"] {
            for failure in [list(wrong).await, put(wrong).await] {
                assert_eq!(failure["error_code"], "invalid_argument", "{failure}");
                assert!(failure["error"].as_str().unwrap().contains(SHARED), "{failure}");
            }
        }
        assert_eq!(put(&format!("s3://{SHARED}/k?versionId=1")).await["error_code"], "invalid_argument");
        let package = json!({ "bucket": SHARED, "name": "n/p", "source_prefix": "s3://it-another/a/" });
        let failure = call(&scene, "package_create_from_s3", package).await;
        assert!(failure["hint"].as_str().unwrap().contains("source_bucket"), "{failure}");
        let package = json!({ "bucket": SHARED, "name": "n/p", "source_prefix": format!("s3://{SHARED}/a%20dir/") });
        assert_eq!(call(&scene, "package_create_from_s3", package).await["entries_added"], 2);
    }
}

/// A client that normalises the URL of a link would ask for another object, with a signature that does not fit.
#[tokio::test]
async fn no_link_is_given_for_a_key_that_clients_fold() {
    let scene = Scene::on(Stage::embedded().await).await;
    for key in ["a/../b", "./a", "a/.", "..", "a/./b"] {
        scene.stage.aws().put_object(SHARED, key, "x", None, &[]).unwrap();
        let failure = call(&scene, "bucket_object_link", json!({ "s3_uri": quoted(key) })).await;
        assert_eq!(failure["error_code"], "invalid_argument", "{key}: {failure}");
        assert!(failure["error"].as_str().unwrap().contains("`.` or `..`"), "{failure}");
    }
    let client = quilt_mcp::catalog::http_client(std::time::Duration::from_secs(5)).unwrap();
    for key in [
        "a/.../b",
        "a//b",
        "%2e%2E/x",
        "a\\..\\b",
        "a/.b",
        "tab\tand space",
        "a+b&c=d;e",
    ] {
        scene.stage.aws().put_object(SHARED, key, "x", None, &[]).unwrap();
        let link = call(&scene, "bucket_object_link", json!({ "s3_uri": quoted(key) })).await;
        let url = link["url"].as_str().unwrap_or_else(|| panic!("{key}: {link}"));
        assert_eq!(client.get(url).send().await.unwrap().status(), 200, "{key}");
    }
}

#[tokio::test]
async fn buckets_with_legacy_names_are_read() {
    let scene = Scene::on(Stage::embedded().await).await;
    let long = format!("Data_{}", "x".repeat(250));
    for bucket in ["Old_Bucket.Of-2009", &long] {
        let aws = scene.stage.aws();
        aws.create_bucket(bucket, None, true);
        aws.put_object(bucket, "k", "old", None, &[]).unwrap();
        let anyone = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*",
            "Action": ["s3:ListBucket", "s3:Get*"],
            "Resource": [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")]}]});
        aws.put_bucket_policy(bucket, Some(&anyone)).unwrap();
        let text = call(
            &scene,
            "bucket_object_text",
            json!({ "s3_uri": format!("s3://{bucket}/k") }),
        )
        .await;
        assert_eq!(text["text"], "old", "{text}");
        let listed = call(&scene, "bucket_objects_list", json!({ "bucket": bucket })).await;
        assert_eq!(listed["objects"][0]["key"], "k", "{listed}");
        let package = json!({ "bucket": SHARED, "name": "n/old", "source_bucket": bucket, "overwrite": true });
        assert_eq!(
            call(&scene, "package_create_from_s3", package).await["entries_added"],
            1
        );
    }
    let bad = call(&scene, "bucket_objects_list", json!({ "bucket": "x".repeat(256) })).await;
    assert_eq!(bad["error_code"], "invalid_argument");
}

/// SeaweedFS answers only that the key does not exist.
#[tokio::test]
async fn a_version_that_is_a_delete_marker_is_called_one() {
    let scene = Scene::on(Stage::embedded().await).await;
    scene.stage.seed(SHARED, "gone", b"1").await;
    let admin = client(&scene.stage.endpoint, &scene.stage.admin);
    let marker = admin
        .delete_object()
        .bucket(SHARED)
        .key("gone")
        .send()
        .await
        .unwrap()
        .version_id
        .unwrap();
    for tool in ["bucket_object_info", "bucket_object_text"] {
        let failure = call(
            &scene,
            tool,
            json!({ "s3_uri": format!("{}?versionId={marker}", uri("gone")) }),
        )
        .await;
        assert_eq!(failure["error_code"], "no_such_key", "{failure}");
        assert!(
            failure["error"]
                .as_str()
                .unwrap()
                .contains("that version is a delete marker"),
            "{tool}: {failure}"
        );
    }
}
