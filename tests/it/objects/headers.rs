//! What S3 says beside the bytes: encodings of content, and metadata in the forms that S3 and other programs write.

use serde_json::{Value, json};

use crate::support::scene::{Scene, uri};
use crate::support::stage::{SHARED, Stage};

async fn object(scene: &Scene, key: &str) -> Value {
    let answer = scene
        .server
        .call(&scene.reader, "bucket_object_info", json!({ "s3_uri": uri(key) }));
    answer.await.success()["object"].clone()
}

#[tokio::test]
async fn metadata_is_shown_decoded_and_what_is_missing_is_counted() {
    let scene = Scene::on(Stage::embedded().await).await;
    let aws = scene.stage.aws();
    let words = [
        ("base64", "=?UTF-8?B?TcO8bGxlcg==?="),
        ("quoted", "=?utf-8?q?M=C3=BCller_und_S=C3=B6hne?="),
        ("two", "=?UTF-8?Q?M=C3?= =?UTF-8?Q?=BCller?= & Co."),
        ("latin", "=?ISO-8859-1?Q?M=FCller?="),
        ("plain", "plain =?x"),
        ("broken", "=?UTF-8?B?/w==?="),
        ("unknown", "=?klingon?Q?abc?="),
    ];
    aws.put_object(SHARED, "words", "x", None, &words).unwrap();
    let shown = object(&scene, "words").await;
    let expected = json!({ "base64": "Müller", "quoted": "Müller und Söhne", "two": "Müller & Co.", "latin": "Müller",
        "plain": "plain =?x", "broken": "=?UTF-8?B?/w==?=", "unknown": "=?klingon?Q?abc?=" });
    assert_eq!(shown["metadata"], expected);
    assert_eq!(shown.get("metadata_missing"), None);

    aws.put_object(SHARED, "odd", "x", None, &[("who", "me")]).unwrap();
    let headers: [(&str, &[u8]); 3] = [
        ("x-amz-missing-meta", b"2"),
        ("x-amz-meta-latin", b"M\xfcller"),
        ("x-amz-meta-utf8", "Müller".as_bytes()),
    ];
    aws.set_response_headers(SHARED, "odd", &headers).unwrap();
    let shown = object(&scene, "odd").await;
    assert_eq!(shown["metadata_missing"], 2, "{shown}");
    assert_eq!(
        shown["metadata"],
        json!({ "who": "me", "latin": "Müller", "utf8": "Müller" })
    );
    for (tool, arguments) in [
        ("bucket_object_text", json!({ "s3_uri": uri("odd") })),
        ("bucket_object_link", json!({ "s3_uri": uri("odd") })),
        ("bucket_object_fetch", json!({ "s3_uri": uri("odd") })),
    ] {
        scene.server.call(&scene.reader, tool, arguments).await.success();
    }
    scene
        .write("package_create", json!({ "name": "h/odd", "files": [uri("odd")] }))
        .await;
}

#[tokio::test]
async fn a_header_in_latin_1_does_not_hide_an_object() {
    let scene = Scene::on(Stage::embedded().await).await;
    scene.stage.seed(SHARED, "k", b"text").await;
    let headers: [(&str, &[u8]); 2] = [
        ("cache-control", b"caf\xe9"),
        ("content-disposition", b"attachment; filename=\"caf\xe9.txt\""),
    ];
    scene.stage.aws().set_response_headers(SHARED, "k", &headers).unwrap();
    assert_eq!(object(&scene, "k").await["size"], 4);
    let text = scene
        .server
        .call(&scene.reader, "bucket_object_text", json!({ "s3_uri": uri("k") }))
        .await;
    assert_eq!(text.success()["text"], "text");
}

#[tokio::test]
async fn the_encoding_of_content_is_shown_wherever_it_is_read() {
    let scene = Scene::on(Stage::embedded().await).await;
    scene
        .put(
            json!([{ "key": "k.json", "text": "{}", "content_encoding": "identity" },
            { "key": "plain.json", "text": "{}" }]),
        )
        .await;
    assert_eq!(object(&scene, "k.json").await["content_encoding"], "identity");
    assert_eq!(object(&scene, "plain.json").await.get("content_encoding"), None);
    for tool in ["bucket_object_text", "bucket_object_fetch"] {
        let read = scene
            .server
            .call(&scene.reader, tool, json!({ "s3_uri": uri("k.json") }))
            .await;
        assert_eq!(read.success()["content_encoding"], "identity", "{tool}");
    }
}
