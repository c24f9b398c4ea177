//! CSV, TSV and JSON Lines, packed and not, in the encodings that people have.

use serde_json::json;

use super::{Scene, columns, gzip};

const CSV: &str = "id,name,share,flag,day,at\r\n1,\"a, \"\"b\"\"\nc\",1.50,true,2024-02-29,2024-02-29T10:00:00Z\r\n\
                   22,añ€😀,-3e-5,FALSE,2024-03-01,2024-03-01 10:00:00\r\n,,,,,\r\n";
const JSON_LINES: &str = "{\"id\": 1, \"n\": 1.10, \"big\": 123456789012345678901234567890}\n\n\
                          {\"id\": 2, \"list\": [1.0, {\"a\": null}], \"n\": 7, \"big\": \"x\"}\r\n{\"id\": 3, \"id2\": true}";

fn utf_16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(to_bytes).collect()
}

#[tokio::test]
async fn delimited_text_is_shown_in_each_packing_and_encoding() {
    let tsv = "id\tname\n1\ta,b\n2\t\"c\td\"\n";
    let objects: [(&str, &[u8]); 8] = [
        ("plain.csv", CSV.as_bytes()),
        ("packed.csv.gz", &gzip(CSV.as_bytes())),
        ("marked.csv", &[b"\xef\xbb\xbf", CSV.as_bytes()].concat()),
        ("little.csv", &utf_16(CSV, u16::to_le_bytes)),
        ("big.csv", &utf_16(CSV, u16::to_be_bytes)),
        ("noname", CSV.as_bytes()),
        ("plain.tsv", tsv.as_bytes()),
        ("packed.tsv.gz", &gzip(tsv.as_bytes())),
    ];
    let scene = Scene::with(&objects).await;
    let rows = json!([
        ["1", "a, \"b\"\nc", "1.50", "true", "2024-02-29", "2024-02-29T10:00:00Z"],
        ["22", "añ€😀", "-3e-5", "FALSE", "2024-03-01", "2024-03-01 10:00:00"],
        ["", "", "", "", "", ""],
    ]);
    let types = [
        ("id", "integer"),
        ("name", "string"),
        ("share", "number"),
        ("flag", "boolean"),
        ("day", "date"),
        ("at", "timestamp"),
    ];
    for (key, size) in objects.iter().map(|(key, bytes)| (*key, bytes.len())).take(6) {
        let preview = scene.preview(key, 10).await;
        assert_eq!(preview["rows"], rows, "{key}");
        assert_eq!(columns(&preview), types, "{key}");
        let facts =
            ["format", "types_inferred", "header", "total_rows", "truncated", "size"].map(|name| &preview[name]);
        assert_eq!(json!(facts), json!(["csv", true, true, 3, false, size]), "{key}");
        let encoding = match key {
            "little.csv" => "utf-16le",
            "big.csv" => "utf-16be",
            _ => "utf-8",
        };
        assert_eq!(preview["encoding"], encoding, "{key}");
        let compression = if key == "packed.csv.gz" {
            json!("gzip")
        } else {
            json!(null)
        };
        assert_eq!(preview["compression"], compression, "{key}");
    }
    for key in ["plain.tsv", "packed.tsv.gz"] {
        let preview = scene.preview(key, 1).await;
        assert_eq!(preview["format"], "tsv", "{key}");
        assert_eq!(preview["rows"], json!([["1", "a,b"]]), "{key}");
        assert_eq!(
            (&preview["total_rows"], &preview["truncated"]),
            (&json!(2), &json!(true)),
            "{key}"
        );
    }
}

#[tokio::test]
async fn delimited_text_of_other_habits_is_shown_as_it_is() {
    let objects: [(&str, &[u8]); 5] = [
        ("latin.csv", b"name,city\nAndr\xe9,K\xf6ln\n"),
        ("semicolons.csv", b"a;b\n1,5;2\n"),
        ("ragged.csv", b"a,b,c\n1\n1,2,3,4\n"),
        ("data.csv", b"1,x\n2,y\n"),
        ("twice.csv", b"a,a\nb,c\n"),
    ];
    let scene = Scene::with(&objects).await;
    let latin = scene.preview("latin.csv", 10).await;
    assert_eq!(
        (&latin["encoding"], &latin["rows"]),
        (&json!("latin-1"), &json!([["André", "Köln"]]))
    );
    let semicolons = scene.preview("semicolons.csv", 10).await;
    assert_eq!(
        (&semicolons["delimiter"], &semicolons["rows"]),
        (&json!(";"), &json!([["1,5", "2"]]))
    );
    let ragged = scene.preview("ragged.csv", 10).await;
    assert_eq!(ragged["rows"], json!([["1"], ["1", "2", "3", "4"]]));
    let data = scene.preview("data.csv", 10).await;
    assert_eq!(columns(&data), [("column_1", "integer"), ("column_2", "string")]);
    assert_eq!(
        (&data["header"], &data["rows"]),
        (&json!(false), &json!([["1", "x"], ["2", "y"]]))
    );
    assert_eq!(scene.preview("twice.csv", 10).await["header"], false);
}

#[tokio::test]
async fn json_lines_have_the_keys_of_all_rows_as_columns_and_numbers_letter_for_letter() {
    let objects: [(&str, &[u8]); 4] = [
        ("plain.jsonl", JSON_LINES.as_bytes()),
        ("packed.ndjson.gz", &gzip(JSON_LINES.as_bytes())),
        ("noname", JSON_LINES.as_bytes()),
        ("broken.jsonl", b"{\"a\": 1}\n{\"a\": \n{\"a\": 3}\n"),
    ];
    let scene = Scene::with(&objects).await;
    for key in ["plain.jsonl", "packed.ndjson.gz", "noname"] {
        let arguments = json!({ "s3_uri": crate::support::scene::uri(key) });
        let answer = scene
            .program
            .server
            .call(&scene.reader, "bucket_object_preview", arguments)
            .await;
        let text = answer.body["result"]["content"][0]["text"].as_str().unwrap();
        let rows = "[[1,1.10,123456789012345678901234567890,null,null],[2,7,\"x\",[1.0, {\"a\": null}],null],[3,null,null,null,true]]";
        assert!(text.contains(&format!("\"rows\":{rows},")), "{key}: {text}");
        let preview = answer.output();
        assert_eq!(preview["format"], "jsonl", "{key}");
        assert_eq!(preview["total_rows"], 3, "{key}");
        let types = [
            ("id", "integer"),
            ("n", "number"),
            ("big", "mixed"),
            ("list", "array"),
            ("id2", "boolean"),
        ];
        assert_eq!(columns(preview), types, "{key}");
    }
    let broken = scene.preview("broken.jsonl", 10).await;
    assert_eq!(broken["rows"], json!([[1]]));
    assert!(broken["warnings"][0].as_str().unwrap().contains("Line 2"), "{broken}");
}

#[tokio::test]
async fn long_cells_are_cut_and_many_columns_counted() {
    let names: Vec<String> = (0..500).map(|n| format!("c{n}")).collect();
    let row = vec!["\"\t\"".repeat(50); 500].join(",");
    let wide = format!("{}\n{}", names.join(","), format!("{row}\n").repeat(3));
    let long = format!("a\n{}\n", "ä".repeat(5000));
    let objects: [(&str, &[u8]); 2] = [("wide.csv", wide.as_bytes()), ("long.csv", long.as_bytes())];
    let scene = Scene::with(&objects).await;
    let wide = scene.preview("wide.csv", 100).await;
    assert_eq!(wide["columns"].as_array().unwrap().len(), 100);
    assert_eq!(wide["columns_total"], 500);
    let long = scene.preview("long.csv", 1).await;
    assert_eq!(long["cells_cut"], 1);
    let cell = long["rows"][0][0].as_str().unwrap();
    assert!(cell.ends_with('…') && cell.chars().count() == 1001, "{cell}");
}
