//! Lines found in objects by `bucket_object_text` with `find`, and ends of objects.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::support::on_both::on_both;
use crate::support::scene::{Scene, uri};
use crate::support::stage::{SHARED, Stage};

/// A log of numbered lines, some of which report an error.
fn log(lines: usize) -> String {
    (1..=lines)
        .map(|n| match n % 1000 {
            500 => format!("{n} ERROR code={n}\r\n"),
            _ => format!("{n} info nothing to see\n"),
        })
        .collect()
}

async fn found(scene: &Scene, arguments: Value) -> Value {
    scene
        .server
        .call(&scene.reader, "bucket_object_text", arguments)
        .await
        .success()
        .clone()
}

fn lines(found: &Value) -> Vec<u64> {
    let matches = found["matches"].as_array().unwrap();
    matches.iter().map(|row| row["line"].as_u64().unwrap()).collect()
}

on_both! {
    /// All matches of an object that is much larger than a piece are found in one call.
    async fn lines_are_found_in_the_whole_object(scene) {
        let text = log(60_000);
        scene.stage.seed(SHARED, "big.log", text.as_bytes()).await;
        let errors = found(&scene, json!({ "bucket": SHARED, "key": "big.log", "find": "ERROR", "max_matches": 3 })).await;
        assert_eq!((&errors["match_count"], &errors["lines_scanned"]), (&json!(60), &json!(60_000)), "{errors}");
        assert_eq!(lines(&errors), [500, 1500, 2500]);
        assert_eq!((&errors["complete"], &errors["bytes_read"]), (&json!(true), &json!(text.len())));
        let first = &errors["matches"][0];
        let at = text.find("500 ERROR").unwrap();
        assert_eq!((&first["text"], &first["byte_offset"]), (&json!("500 ERROR code=500"), &json!(at)));
        assert_eq!(first.get("before"), None);

        let regex = json!({ "s3_uri": uri("big.log"), "find": "/^59[0-9]{3} error/i", "context_lines": 2 });
        let regex = found(&scene, regex).await;
        assert_eq!(lines(&regex), [59_500]);
        assert_eq!(regex["matches"][0]["before"], json!(["59498 info nothing to see", "59499 info nothing to see"]));
        assert_eq!(regex["matches"][0]["after"], json!(["59501 info nothing to see", "59502 info nothing to see"]));

        let none = found(&scene, json!({ "s3_uri": uri("big.log"), "find": "/no such/" })).await;
        assert_eq!((&none["match_count"], &none["matches"]), (&json!(0), &json!([])));

        // From an offset on, lines count from there.
        let later = found(&scene, json!({ "s3_uri": uri("big.log"), "find": "ERROR", "offset": at })).await;
        assert_eq!(lines(&later)[..2], [1, 1001]);
        let tail = found(&scene, json!({ "s3_uri": uri("big.log"), "offset": -24 })).await;
        assert_eq!((&tail["text"], &tail["truncated"]), (&json!("60000 info nothing to see\n"[2..]), &json!(false)), "{tail}");
        let whole = found(&scene, json!({ "s3_uri": uri("big.log"), "offset": -999_999_999, "max_bytes": 5 })).await;
        assert_eq!((&whole["text"], &whole["offset"]), (&json!("1 inf"), &json!(0)));
    }

    /// Gzip, UTF-16 and other encodings are searched as text.
    async fn lines_are_found_in_every_encoding(scene) {
        let text = log(3000);
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        scene.stage.seed(SHARED, "log.gz", &packed.finish().unwrap()).await;
        let gzip = found(&scene, json!({ "s3_uri": uri("log.gz"), "find": "ERROR" })).await;
        assert_eq!((lines(&gzip), &gzip["unpacked"]), (vec![500, 1500, 2500], &json!("gzip")), "{gzip}");
        assert_eq!(gzip["matches"][1]["byte_offset"], text.find("1500 ERROR").unwrap());
        let end = json!({ "s3_uri": uri("log.gz"), "offset": -10 });
        scene.server.call(&scene.reader, "bucket_object_text", end).await.failure("invalid_argument");

        let lines_of_words = "\u{feff}first ü\r\nsecond ä\nĊ third\n";
        let little: Vec<u8> = lines_of_words.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = lines_of_words.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (key, body) in [("le.txt", little), ("be.txt", big)] {
            scene.stage.seed(SHARED, key, &body).await;
            let utf16 = found(&scene, json!({ "s3_uri": uri(key), "find": "ä", "encoding": "utf-16", "context_lines": 1 })).await;
            let row = &utf16["matches"][0];
            assert_eq!((&row["line"], &row["text"]), (&json!(2), &json!("second ä")), "{utf16}");
            assert_eq!((&row["before"], &row["after"]), (&json!(["first ü"]), &json!(["Ċ third"])), "{utf16}");
            assert_eq!(row["byte_offset"], 20, "{utf16}");
        }
        scene.stage.seed(SHARED, "latin", b"caf\xe9\nth\xe9\n").await;
        let latin = found(&scene, json!({ "s3_uri": uri("latin"), "find": "/^thé$/", "encoding": "latin-1" })).await;
        assert_eq!((lines(&latin), &latin["matches"][0]["byte_offset"]), (vec![2], &json!(5)));
        scene.stage.seed(SHARED, "marked", "\u{feff}id,name\n1,a".as_bytes()).await;
        let marked = found(&scene, json!({ "s3_uri": uri("marked"), "find": "/^id/" })).await;
        assert_eq!(marked["matches"][0]["text"], "id,name", "a byte-order mark is no text: {marked}");
        scene.stage.seed(SHARED, "binary", b"a\0b\n").await;
        let binary = json!({ "s3_uri": uri("binary"), "find": "a" });
        scene.server.call(&scene.reader, "bucket_object_text", binary).await.failure("invalid_argument");
    }

    /// A line of any length is searched; what is shown of it is short, and an answer fits.
    async fn long_lines_are_searched_and_cut(scene) {
        let mut line = "x".repeat(3_000_000);
        line.insert_str(131_070, "needle");
        line.insert_str(2_500_000, "haystack");
        scene.stage.seed(SHARED, "line", format!("first\n{line}\nneedle").as_bytes()).await;
        let needle = found(&scene, json!({ "s3_uri": uri("line"), "find": "needle" })).await;
        assert_eq!((lines(&needle), &needle["match_count"]), (vec![2, 3], &json!(2)), "{needle}");
        let shown = needle["matches"][0]["text"].as_str().unwrap();
        assert!(shown.contains("needle") && shown.len() <= 500, "{shown}");
        let offset = needle["matches"][0]["byte_offset"].as_u64().unwrap();
        let there = json!({ "s3_uri": uri("line"), "offset": offset, "max_bytes": 200 });
        let there = found(&scene, there).await;
        assert!(shown.starts_with(there["text"].as_str().unwrap()), "{there}");
        let many = "a needle in a long line of hay ".repeat(40) + "\n";
        scene.stage.seed(SHARED, "many", many.repeat(400).as_bytes()).await;
        let many = json!({ "s3_uri": uri("many"), "find": "needle", "max_matches": 200, "context_lines": 10 });
        let many = found(&scene, many).await;
        assert_eq!(many["match_count"], 400);
        assert!(lines(&many).len() < 200, "an answer has a bound");
    }

    /// An entry of a package is read by its URI, by every tool that reads an object.
    async fn objects_are_named_by_key_and_by_entry(scene) {
        scene.put(json!([{ "key": "in/a b.txt", "text": "one" }])).await;
        let package = json!({ "name": "names/entries", "files": [{ "s3_uri": "s3://it-shared/in/a%20b.txt", "logical_key": "data/a b.txt" }] });
        let made = scene.write("package_create", package).await;
        let hash = made["package"]["hash"].as_str().unwrap();
        scene.put(json!([{ "key": "in/a b.txt", "text": "two" }])).await;
        let entry = format!("quilt+s3://{SHARED}#package=names/entries@{hash}&path=data/a%20b.txt");
        for (arguments, text) in [
            (json!({ "bucket": SHARED, "key": "in/a b.txt" }), "two"),
            (json!({ "bucket": format!("s3://{SHARED}"), "key": "s3://it-shared/in/a%20b.txt" }), "two"),
            (json!({ "s3_uri": "s3://it-shared/in/a%20b.txt", "bucket": SHARED, "key": "in/a b.txt" }), "two"),
            (json!({ "s3_uri": entry }), "one"),
        ] {
            let read = found(&scene, arguments.clone()).await;
            assert_eq!(read["text"], text, "{arguments}");
            for tool in ["bucket_object_info", "bucket_object_fetch", "bucket_object_link"] {
                scene.server.call(&scene.reader, tool, arguments.clone()).await.success();
            }
            let version = json!({ "bucket": SHARED, "key": "in/a b.txt", "version_id": read["version_id"] });
            assert_eq!(found(&scene, version).await["text"], text);
        }
        let missing = entry.replace("data/", "nodata/");
        scene.server.call(&scene.reader, "bucket_object_text", json!({ "s3_uri": missing })).await.failure("no_such_key");
        let info = scene.server.call(&scene.reader, "bucket_object_info", json!({ "s3_uri": entry })).await;
        let object = &info.success()["object"];
        let version = object["version_id"].as_str().unwrap();
        assert_eq!(object["s3_uri"], format!("s3://it-shared/in/a%20b.txt?versionId={version}"), "{object}");
        let link = scene.server.call(&scene.reader, "bucket_object_link", json!({ "s3_uri": entry })).await;
        assert_eq!((&link.success()["version_id"], &link.success()["size"]), (&json!(version), &json!(3)));
    }
}
