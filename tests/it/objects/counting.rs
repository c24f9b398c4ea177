//! Listing by glob, and counting.

use serde_json::{Value, json};

use crate::support::on_both::on_both;
use crate::support::scene::Scene;
use crate::support::stage::{SHARED, Stage};

async fn seed(scene: &Scene) {
    let files = (0..2400).map(|n| {
        (
            format!("raw/{}/{n:04}.{}", n % 3, ["csv", "txt", "CSV.gz"][n % 3]),
            vec![b'x'; n % 7],
        )
    });
    let odd = [
        ("raw/a b+ü.csv", 9),
        ("top.md", 11),
        ("noext", 1),
        ("docs/big.bin", 5000),
    ];
    let odd = odd.map(|(key, size)| (key.to_owned(), vec![b'y'; size]));
    scene.stage.seed_all(SHARED, files.chain(odd)).await;
}

on_both! {
    /// A glob finds keys however far apart they are, without the pages between.
    async fn keys_are_listed_by_glob(scene) {
        seed(&scene).await;
        let rare = scene.read("bucket_objects_list", json!({ "match": "*.bin" })).await;
        assert_eq!(rare["objects"][0]["key"], "docs/big.bin", "{rare}");
        assert_eq!((&rare["returned"], &rare["scanned"], &rare["is_truncated"]), (&json!(1), &json!(2404), &json!(false)));
        let (mut names, mut token) = (Vec::new(), Value::Null);
        loop {
            let mut list = json!({ "match": "raw/*/*.csv", "max_keys": 300 });
            if !token.is_null() {
                list["continuation_token"] = token;
            }
            let page = scene.read("bucket_objects_list", list).await;
            names.extend(page["objects"].as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap().to_owned()));
            assert!(page["returned"].as_u64().unwrap() <= 300);
            token = page["next_continuation_token"].clone();
            if token.is_null() {
                break;
            }
        }
        let expected: Vec<String> = (0..2400).step_by(3).map(|n| format!("raw/0/{n:04}.csv")).collect();
        assert_eq!(names, expected);

        let brief = scene.read("bucket_objects_list", json!({ "prefix": "raw/a" })).await;
        let row = &brief["objects"][0];
        assert_eq!(row["s3_uri"], "s3://it-shared/raw/a%20b%2B%C3%BC.csv", "it is not the key: {row}");
        let plain = scene.read("bucket_objects_list", json!({ "prefix": "top" })).await;
        let names: Vec<&str> = plain["objects"][0].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["key", "size", "last_modified"]);
        let full = scene.read("bucket_objects_list", json!({ "prefix": "top", "detail": "full" })).await;
        let row = &full["objects"][0];
        assert_eq!(row["s3_uri"], "s3://it-shared/top.md");
        assert!(row["etag"].is_string() && row["storage_class"].is_string(), "{row}");
    }

    async fn objects_are_counted_by_folder_and_extension(scene) {
        seed(&scene).await;
        let all = scene.read("bucket_objects_summary", json!({})).await;
        let raw_bytes: usize = (0..2400).map(|n| n % 7).sum::<usize>() + 9;
        assert_eq!((&all["objects"], &all["total_bytes"]), (&json!(2404), &json!(raw_bytes + 5012)), "{all}");
        assert_eq!(all["complete"], true);
        assert_eq!(all["by_folder"], json!([
            { "prefix": "docs/", "objects": 1, "bytes": 5000 },
            { "prefix": "raw/", "objects": 2401, "bytes": raw_bytes },
        ]));
        let largest: Vec<&str> = all["largest"].as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap()).collect();
        assert_eq!((largest.len(), &largest[..3]), (5, &["docs/big.bin", "top.md", "raw/a b+ü.csv"][..]));
        let extension = |of: &Value, name: &str| {
            of["by_extension"].as_array().unwrap().iter().find(|row| row["extension"] == name).unwrap()["objects"].clone()
        };
        assert_eq!([extension(&all, "csv"), extension(&all, "csv.gz"), extension(&all, "")], [json!(801), json!(800), json!(1)]);
        assert!(all["newest"]["key"].is_string() && all["newest"]["last_modified"].is_string(), "{all}");

        let deep = scene.read("bucket_objects_summary", json!({ "prefix": "raw/", "depth": 2, "match": "*.txt" })).await;
        assert_eq!((&deep["objects"], &deep["scanned"]), (&json!(800), &json!(2401)), "{deep}");
        assert_eq!(deep["by_folder"][0]["prefix"], "raw/1/");
        let flat = scene.read("bucket_objects_summary", json!({ "depth": 0 })).await;
        assert_eq!(flat["by_folder"], json!([]));
        let none = scene.read("bucket_objects_summary", json!({ "prefix": "nothing/" })).await;
        assert_eq!((&none["objects"], &none["newest"]), (&json!(0), &Value::Null));
    }

    /// Behind the first pages, folders are listed at once: small ones together, large ones by themselves.
    async fn what_lies_in_many_folders_is_counted_once(scene) {
        let small = (0..50).flat_map(|folder| (0..60).map(move |n| format!("many/{folder:02}/{n:02}")));
        let large = (0..2500).map(|n| format!("many/25-large/{n:04}"));
        let loose = (0..50).map(|n| format!("many/{n:02}.txt"));
        let keys = small.chain(large).chain(loose).chain(["many/99//x".to_owned(), "n".to_owned()]);
        let marker = ("many/".to_owned(), Vec::new());
        scene.stage.seed_all(SHARED, keys.map(|key| (key, b"xy".to_vec())).chain([marker])).await;
        let all = scene.read("bucket_objects_summary", json!({ "depth": 2 })).await;
        assert_eq!((&all["objects"], &all["total_bytes"]), (&json!(5553), &json!(2 * 5552)), "{all}");
        let folders = all["by_folder"].as_array().unwrap();
        assert_eq!(folders.len(), 53, "{all}");
        for folder in folders {
            let objects = match folder["prefix"].as_str().unwrap() {
                "many/" => 5552,
                "many/25-large/" => 2500,
                "many/99/" => 1,
                _ => 60,
            };
            assert_eq!(folder["objects"], objects, "{folder}");
        }
    }

    /// A result of a write has what a later check needs.
    async fn a_put_returns_checksums(scene) {
        let put = scene.put(json!([{ "key": "sum.txt", "text": "abc" }])).await;
        let sum = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
        assert_eq!(put["results"][0]["checksums"], json!({ "SHA256": sum }), "{put}");
        let info = scene.read("bucket_object_info", json!({ "key": "sum.txt" })).await;
        assert_eq!(info["object"]["checksums"]["SHA256"], sum);
    }
}

#[tokio::test]
async fn a_count_that_takes_too_long_goes_on_where_it_stopped() {
    use std::time::Duration;

    use crate::support::faults::slow::SlowProxy;
    use crate::support::server::Server;
    use crate::support::{SECRET, token};

    let stage = Stage::embedded().await;
    stage
        .seed_all(SHARED, (0..5500).map(|n| (format!("n/{n:05}"), vec![b'x'; 2])))
        .await;
    // One page takes longer than a third of a call's time.
    let slow = SlowProxy::before(&stage.endpoint, Duration::from_millis(900)).await;
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--s3-endpoint={}", slow.url),
        "--tool-timeout=3s".to_owned(),
    ];
    let server = Server::start_with(None, &flags).await;
    let keys = &stage.reader;
    let bearer = token(
        json!({ "sub": "reader", "aws_credentials": { "access_key_id": keys.access_key_id,
        "secret_access_key": keys.secret_access_key, "session_token": keys.session_token } }),
    );
    let mut count = json!({ "bucket": SHARED, "prefix": "n/" });
    let mut calls = 0;
    let counted = loop {
        calls += 1;
        let part = server
            .call(&bearer, "bucket_objects_summary", count.clone())
            .await
            .success()
            .clone();
        if part["complete"] == true {
            break part;
        }
        assert!(part["objects"].as_u64().unwrap() < 5500);
        count["cursor"] = part["next_cursor"].clone();
    };
    assert!(calls > 1, "one call sufficed");
    assert_eq!(
        (&counted["objects"], &counted["total_bytes"]),
        (&json!(5500), &json!(11_000)),
        "{counted}"
    );
    let foreign = json!({ "bucket": SHARED, "prefix": "other/", "cursor": count["cursor"] });
    server
        .call(&bearer, "bucket_objects_summary", foreign)
        .await
        .failure("invalid_argument");
}
