//! Operations on buckets and objects, on the embedded S3 and on SeaweedFS.

use serde_json::{Value, json};

use crate::support::on_both::on_both;
use crate::support::scene::Scene;
use crate::support::server::Server;
use crate::support::stage::{PRIVATE, SHARED, Stage};
use crate::support::token;

on_both! {
    async fn what_the_writer_uploads_reads_back(scene) {
        let output = scene.put(json!([
            { "key": "a/plain.txt", "text": "Grüße" },
            { "key": "a/ü n+&%#.bin", "data": "AAEC/w==", "content_type": "application/x-test", "metadata": { "who": "me" } },
        ])).await;
        assert_eq!((&output["requested"], &output["uploaded"], &output["failed"]), (&json!(2), &json!(2), &json!(0)));
        assert_eq!(output["credential_source"], "catalog");
        let results = output["results"].as_array().unwrap();
        assert!(results.iter().all(|result| result["version_id"].is_string() && result["etag"].is_string()));

        let text = scene.server.call(&scene.reader, "bucket_object_text", json!({ "s3_uri": format!("s3://{SHARED}/a/plain.txt") })).await;
        assert_eq!(text.success()["text"], "Grüße");
        assert_eq!(text.success()["content_type"], "text/plain");

        // The URI that put answered, with its version and its escapes, is the one to read by.
        let uri = results[1]["s3_uri"].as_str().unwrap();
        assert!(uri.starts_with(&format!("s3://{SHARED}/a/%C3%BC%20n%2B%26%25%23.bin?versionId=")), "{uri}");
        let fetched = scene.server.call(&scene.reader, "bucket_object_fetch", json!({ "s3_uri": uri })).await;
        assert_eq!(fetched.success()["data"], "AAEC/w==");
        let info = scene.server.call(&scene.reader, "bucket_object_info", json!({ "s3_uri": uri })).await;
        let object = &info.success()["object"];
        assert_eq!(object["size"], 4);
        assert_eq!(object["content_type"], "application/x-test");
        assert_eq!(object["metadata"], json!({ "who": "me" }));
        assert_eq!(object["key"], "a/ü n+&%#.bin");
        assert_eq!(object["checksums"]["SHA256"], "PR9XyYSXjvmKGDeMgWbBy47eAsA+62rufi8SHf7uPlY=", "{object}");
    }

    async fn an_older_version_stays_readable(scene) {
        let first = scene.put(json!([{ "key": "v.txt", "text": "one" }])).await["results"][0]["s3_uri"].clone();
        scene.put(json!([{ "key": "v.txt", "text": "two" }])).await;
        let read = async |uri: &str| {
            let answer = scene.server.call(&scene.reader, "bucket_object_text", json!({ "s3_uri": uri })).await;
            answer.success()["text"].as_str().unwrap().to_owned()
        };
        assert_eq!(read(first.as_str().unwrap()).await, "one");
        assert_eq!(read(&format!("s3://{SHARED}/v.txt")).await, "two");
    }

    async fn listing_pages_and_folders(scene) {
        for i in 0..5 {
            scene.stage.seed(SHARED, &format!("list/{i}/x"), b"1").await;
        }
        let list = async |more: Value| {
            let mut arguments = json!({ "bucket": format!("s3://{SHARED}"), "prefix": "list/" });
            arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            scene.server.call(&scene.reader, "bucket_objects_list", arguments).await.success().clone()
        };
        let (mut keys, mut token, mut pages) = (Vec::new(), Value::Null, 0);
        loop {
            let page = list(json!({ "max_keys": 2, "continuation_token": token })).await;
            keys.extend(page["objects"].as_array().unwrap().iter().map(|object| object["key"].as_str().unwrap().to_owned()));
            pages += 1;
            assert_eq!(page["is_truncated"], page["next_continuation_token"].is_string());
            token = page["next_continuation_token"].clone();
            if token.is_null() || pages > 5 {
                break;
            }
        }
        assert_eq!(keys, (0..5).map(|i| format!("list/{i}/x")).collect::<Vec<_>>());
        assert_eq!(pages, 3);
        let folders = list(json!({ "delimiter": "/" })).await;
        assert_eq!(folders["common_prefixes"], json!((0..5).map(|i| format!("list/{i}/")).collect::<Vec<_>>()));
        assert_eq!(folders["objects"], json!([]));
    }

    async fn a_cut_never_splits_a_character_and_pieces_make_the_whole(scene) {
        let text = "añ€😀 ".repeat(20);
        scene.stage.seed(SHARED, "cut.txt", text.as_bytes()).await;
        let (mut read, mut offset) = (String::new(), 0);
        loop {
            let arguments = json!({ "s3_uri": format!("s3://{SHARED}/cut.txt"), "max_bytes": 7, "offset": offset });
            let answer = scene.server.call(&scene.reader, "bucket_object_text", arguments).await;
            let piece = answer.success();
            assert_eq!(piece["size"], text.len());
            read.push_str(piece["text"].as_str().unwrap());
            offset += piece["bytes_read"].as_u64().unwrap();
            if piece["truncated"] == false {
                break;
            }
            assert!(piece["bytes_read"].as_u64().unwrap() > 3, "{piece}");
        }
        assert_eq!(read, text);
        let beyond = json!({ "s3_uri": format!("s3://{SHARED}/cut.txt"), "offset": 100_000 });
        let beyond = scene.server.call(&scene.reader, "bucket_object_text", beyond).await;
        assert_eq!((beyond.success()["text"].as_str(), &beyond.success()["truncated"]), (Some(""), &json!(false)));
    }

    async fn empty_and_binary_objects(scene) {
        scene.stage.seed(SHARED, "empty", b"").await;
        scene.stage.seed(SHARED, "binary", b"\xff\xfe\x00\x01").await;
        let read = async |key: &str| {
            scene.server.call(&scene.reader, "bucket_object_text", json!({ "s3_uri": format!("s3://{SHARED}/{key}") })).await
        };
        let empty = read("empty").await;
        assert_eq!((&empty.success()["text"], &empty.success()["size"]), (&json!(""), &json!(0)));
        let binary = read("binary").await;
        let failure = binary.failure("invalid_argument");
        assert!(failure["hint"].as_str().unwrap().contains("bucket_object_fetch"), "{failure}");
    }

    async fn a_link_works_without_a_token_and_ends_with_the_credentials(scene) {
        scene.stage.seed(SHARED, "linked é.txt", b"linked").await;
        let uri = format!("s3://{SHARED}/linked%20%C3%A9.txt");
        let link = scene.server.call(&scene.reader, "bucket_object_link", json!({ "s3_uri": uri, "expiration": 604_800 })).await;
        let link = link.success();
        assert_eq!(link["capped"], true, "the registry's keys end in an hour: {link}");
        let response = quilt_mcp::catalog::http_client(std::time::Duration::from_secs(5)).unwrap()
            .get(link["url"].as_str().unwrap()).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.bytes().await.unwrap(), "linked");
        let left: jiff::Timestamp = link["expires_at"].as_str().unwrap().parse().unwrap();
        assert!((left.as_second() - crate::support::now() - 3600).abs() < 60, "{left}");
        let short = scene.server.call(&scene.reader, "bucket_object_link", json!({ "s3_uri": uri, "expiration": 60 })).await;
        assert_eq!(short.success()["capped"], false);
    }

    async fn a_denied_write_says_who_was_denied_what_and_with_whose_credentials(scene) {
        let items = json!([{ "key": "w/denied.txt", "text": "x" }]);
        let answer = scene.server.call(&scene.reader, "bucket_objects_put", json!({ "bucket": SHARED, "items": items })).await;
        let failure = answer.failure("access_denied");
        let sentence = failure["error"].as_str().unwrap();
        for part in ["s3:PutObject", SHARED, "source catalog"] {
            assert!(sentence.contains(part), "{part}: {sentence}");
        }
        assert_eq!(failure["credential_source"], "catalog");
        assert_eq!(failure["retryable"], false);
        assert_eq!(failure["results"][0]["permission_error"], true);
        // SeaweedFS says "Access Denied." and no more; then the key in use is all there is to name.
        let principal = failure["details"]["principal"].as_str().unwrap();
        if scene.is_embedded() {
            assert!(principal.contains(":assumed-role/reader/"), "{principal}");
            assert!(sentence.contains("no identity-based policy allows"), "{sentence}");
        } else {
            assert!(principal.starts_with("the key "), "{principal}");
        }
        assert!(!scene.stage.exists(SHARED, "w/denied.txt").await);
    }

    async fn nobody_reaches_the_private_bucket(scene) {
        scene.stage.seed(PRIVATE, "secret", b"x").await;
        let uri = format!("s3://{PRIVATE}/secret");
        for (tool, arguments) in [
            ("bucket_objects_list", json!({ "bucket": PRIVATE })),
            ("bucket_object_info", json!({ "s3_uri": uri })),
            ("bucket_object_text", json!({ "s3_uri": uri })),
            ("bucket_object_fetch", json!({ "s3_uri": uri })),
            ("bucket_object_link", json!({ "s3_uri": uri })),
            ("bucket_objects_put", json!({ "bucket": PRIVATE, "items": [{ "key": "k", "text": "x" }] })),
        ] {
            let answer = scene.server.call(&scene.writer, tool, arguments).await;
            answer.failure("access_denied");
        }
        assert!(!scene.stage.exists(PRIVATE, "k").await);
    }

    async fn what_is_missing_is_named(scene) {
        let missing = scene.server.call(&scene.reader, "bucket_object_info", json!({ "s3_uri": format!("s3://{SHARED}/nope") })).await;
        missing.failure("no_such_key");
        let missing = scene.server.call(&scene.reader, "bucket_object_text", json!({ "s3_uri": format!("s3://{SHARED}/nope") })).await;
        missing.failure("no_such_key");
        // SeaweedFS asks the policy first, and that does not know the bucket either.
        let code = if scene.is_embedded() { "no_such_bucket" } else { "access_denied" };
        let nowhere = scene.server.call(&scene.reader, "bucket_objects_list", json!({ "bucket": "it-no-such-bucket" })).await;
        nowhere.failure(code);
    }

    async fn overwrite_false_never_replaces(scene) {
        scene.put(json!([{ "key": "once.txt", "text": "first" }])).await;
        let arguments = json!({ "bucket": SHARED, "overwrite": false,
            "items": [{ "key": "once.txt", "text": "second" }, { "key": "new.txt", "text": "new" }] });
        let answer = scene.server.call(&scene.writer, "bucket_objects_put", arguments).await;
        let failure = answer.failure("conflict");
        assert_eq!((&failure["uploaded"], &failure["failed"]), (&json!(1), &json!(1)), "all are tried");
        assert_eq!(failure["results"][0]["error_code"], "conflict");
        assert_eq!(failure["results"][1]["success"], true);
        let read = scene.server.call(&scene.reader, "bucket_object_text", json!({ "s3_uri": format!("s3://{SHARED}/once.txt") })).await;
        assert_eq!(read.success()["text"], "first");
    }

    async fn a_dry_run_writes_nothing(scene) {
        let arguments = json!({ "bucket": SHARED, "dry_run": true, "items": [{ "key": "dry.csv", "text": "a,b" }] });
        let answer = scene.server.call(&scene.writer, "bucket_objects_put", arguments).await;
        let output = answer.success();
        assert_eq!((&output["uploaded"], &output["dry_run"]), (&json!(0), &json!(true)));
        assert_eq!(output["results"][0]["content_type"], "text/csv");
        assert!(!scene.stage.exists(SHARED, "dry.csv").await);
    }

    async fn bucket_list_tells_what_s3_allows(scene) {
        scene.stage.seed(SHARED, "one", b"1").await;
        let flags = [format!("--jwt-secret={}", crate::support::SECRET), format!("--buckets={SHARED},{PRIVATE}")];
        let server = Server::start(&scene.stage, None, &flags).await;
        let keys = &scene.stage.reader;
        let reader = token(json!({ "sub": "reader", "aws_credentials": { "access_key_id": keys.access_key_id,
            "secret_access_key": keys.secret_access_key, "session_token": keys.session_token } }));
        let answer = server.call(&reader, "bucket_list", json!({})).await;
        let output = answer.success();
        // AWS denies ListBuckets to such a role, and the operator's list takes its place; SeaweedFS answers a filtered list.
        let buckets = output["buckets"].as_array().unwrap();
        let shared = buckets.iter().find(|bucket| bucket["name"] == SHARED).unwrap();
        assert_eq!(shared["permission_level"], "read_access");
        assert_eq!((&shared["can_list"], &shared["can_read"], &shared["can_write"]), (&json!(true), &json!(true), &Value::Null));
        if scene.is_embedded() {
            assert_eq!(output["listed_by"], "settings");
            let private = buckets.iter().find(|bucket| bucket["name"] == PRIVATE).unwrap();
            assert_eq!((&private["can_list"], &private["can_read"]), (&json!(false), &Value::Null));
        }
        assert_eq!(output["credential_source"], "jwt");
    }
}

/// Five gibibytes that exist nowhere: only the asked-for range may leave S3. SeaweedFS would have to be filled with them.
#[tokio::test]
async fn reading_a_kilobyte_of_a_huge_object_moves_a_kilobyte() {
    let scene = Scene::on(Stage::embedded().await).await;
    let aws = scene.stage.aws();
    let size = 5_u64 << 30;
    aws.put_synthetic_object(SHARED, "huge", size).unwrap();
    aws.journal().clear();
    let uri = format!("s3://{SHARED}/huge");
    let offset = (4_u64 << 30) + 7;
    for tool in ["bucket_object_fetch", "bucket_object_info"] {
        let mut arguments = json!({ "s3_uri": uri });
        if tool == "bucket_object_fetch" {
            arguments = json!({ "s3_uri": uri, "max_bytes": 1024, "offset": offset });
        }
        let answer = scene.server.call(&scene.reader, tool, arguments).await;
        let output = answer.success();
        if tool == "bucket_object_fetch" {
            use base64::Engine as _;
            let data = base64::prelude::BASE64_STANDARD
                .decode(output["data"].as_str().unwrap())
                .unwrap();
            assert_eq!(data, embedded_aws::synthetic_bytes(offset..offset + 1024));
            assert_eq!((&output["size"], &output["truncated"]), (&json!(size), &json!(true)));
        }
    }
    let moved: u64 = aws.journal().entries().iter().map(|entry| entry.bytes_sent).sum();
    assert_eq!(moved, 1024, "{:?}", aws.journal().entries());
}

/// The SDK does not follow S3 to another region; we do, once, and remember.
#[tokio::test]
async fn a_bucket_in_another_region_is_found() {
    let scene = Scene::on(Stage::embedded().await).await;
    let aws = scene.stage.aws();
    aws.create_bucket("it-elsewhere", Some("eu-west-1"), true);
    let anybody = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*",
        "Action": ["s3:ListBucket", "s3:GetObject", "s3:PutObject"],
        "Resource": ["arn:aws:s3:::it-elsewhere", "arn:aws:s3:::it-elsewhere/*"]}]});
    aws.put_bucket_policy("it-elsewhere", Some(&anybody)).unwrap();
    aws.journal().clear();
    let list = json!({ "bucket": "it-elsewhere" });
    scene
        .server
        .call(&scene.reader, "bucket_objects_list", list.clone())
        .await
        .success();
    let statuses = || -> Vec<u16> { aws.journal().entries().iter().map(|entry| entry.status).collect() };
    assert_eq!(statuses(), [301, 200]);
    scene
        .server
        .call(&scene.reader, "bucket_objects_list", list)
        .await
        .success();
    assert_eq!(statuses(), [301, 200, 200], "the region is remembered");

    let items = json!([{ "key": "k", "text": "far away" }]);
    scene
        .server
        .call(
            &scene.writer,
            "bucket_objects_put",
            json!({ "bucket": "it-elsewhere", "items": items }),
        )
        .await
        .success();
    let uri = "s3://it-elsewhere/k";
    for tool in ["bucket_object_info", "bucket_object_text"] {
        scene
            .server
            .call(&scene.reader, tool, json!({ "s3_uri": uri }))
            .await
            .success();
    }
    let link = scene
        .server
        .call(&scene.reader, "bucket_object_link", json!({ "s3_uri": uri }))
        .await;
    let url = link.success()["url"].as_str().unwrap().to_owned();
    assert!(url.contains("eu-west-1"), "signed for the bucket's own region: {url}");
}

/// Keys that XML cannot carry must not make a bucket unreadable for everybody.
#[tokio::test]
async fn a_key_with_control_characters_lists_and_reads() {
    let scene = Scene::on(Stage::embedded().await).await;
    let key = "odd/\u{1} \t+%.txt";
    scene.put(json!([{ "key": key, "text": "odd" }])).await;
    let list = json!({ "bucket": SHARED, "prefix": "odd/" });
    let listed = scene.server.call(&scene.reader, "bucket_objects_list", list).await;
    let object = &listed.success()["objects"][0];
    assert_eq!(object["key"], key);
    let read = json!({ "s3_uri": object["s3_uri"] });
    assert_eq!(
        scene
            .server
            .call(&scene.reader, "bucket_object_text", read)
            .await
            .success()["text"],
        "odd"
    );
}

/// An S3 that never answers costs the call its time and no more; the server still serves.
#[tokio::test]
async fn a_call_ends_when_its_time_is_over() {
    let stage = Stage::embedded().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let flags = [
        format!("--jwt-secret={}", crate::support::SECRET),
        format!("--s3-endpoint=http://{}", silent.local_addr().unwrap()),
        "--tool-timeout=300ms".to_owned(),
    ];
    let server = Server::start_with(None, &flags).await;
    let keys = &stage.reader;
    let reader = token(
        json!({ "sub": "reader", "aws_credentials": { "access_key_id": keys.access_key_id,
        "secret_access_key": keys.secret_access_key, "session_token": keys.session_token } }),
    );
    let answer = server
        .call(&reader, "bucket_objects_list", json!({ "bucket": SHARED }))
        .await;
    assert_eq!(answer.failure("timeout")["retryable"], true);
    // A put reports each of its objects, also after its timeout.
    let items = json!([{ "key": "a", "text": "x" }, { "key": "b", "text": "x" }]);
    let answer = server
        .call(
            &reader,
            "bucket_objects_put",
            json!({ "bucket": SHARED, "items": items }),
        )
        .await;
    let failure = answer.failure("timeout");
    assert_eq!(
        (&failure["failed"], &failure["results"][1]["error_code"]),
        (&json!(2), &json!("timeout")),
        "{failure}"
    );
    server.call(&reader, "auth_status", json!({})).await;
    assert_eq!(server.request("GET", "/health", &[]).await.status, 200);
}

/// A client that leaves takes its work with it: the request to S3 is dropped, long before the call's time is over.
#[tokio::test]
async fn work_ends_when_the_client_leaves() {
    use tokio::io::AsyncReadExt as _;

    let stage = Stage::embedded().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let flags = [
        format!("--jwt-secret={}", crate::support::SECRET),
        format!("--s3-endpoint=http://{}", silent.local_addr().unwrap()),
    ];
    let server = Server::start_with(None, &flags).await;
    let keys = &stage.reader;
    let reader = token(
        json!({ "sub": "reader", "aws_credentials": { "access_key_id": keys.access_key_id,
        "secret_access_key": keys.secret_access_key, "session_token": keys.session_token } }),
    );
    let mut request = Vec::new();
    let mut connection = {
        let call = server.call(&reader, "bucket_objects_list", json!({ "bucket": SHARED }));
        tokio::pin!(call);
        tokio::select! {
            answer = &mut call => panic!("answered without S3: {answer:?}"),
            accepted = async {
                let (mut connection, _) = silent.accept().await.unwrap();
                connection.read_buf(&mut request).await.unwrap();
                connection
            } => accepted,
        }
    };
    assert!(
        request.starts_with(b"GET /it-shared"),
        "{}",
        String::from_utf8_lossy(&request)
    );
    let ended = async { while connection.read_buf(&mut request).await.is_ok_and(|read| read > 0) {} };
    tokio::time::timeout(std::time::Duration::from_secs(10), ended)
        .await
        .unwrap();
}
