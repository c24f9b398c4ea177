//! Parquet that Apache Arrow writes: every codec, page version, encoding and type, compared with what Arrow reads.

use serde_json::{Value, json};

use super::{Scene, columns, read_json, write_files};
use crate::support::stage::SHARED;

#[tokio::test]
async fn files_of_arrow_are_shown_as_arrow_reads_them() {
    let (scene, folder) = (Scene::new().await, write_files("all").await);
    let mut count = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "parquet") {
            continue;
        }
        count += 1;
        let key = path.file_name().unwrap().to_str().unwrap();
        scene.stage.seed(SHARED, key, &std::fs::read(&path).unwrap()).await;
        let expected = read_json(&path.with_extension("json"));
        let preview = scene.preview(key, 20).await;
        assert_eq!(preview["format"], "parquet", "{key}");
        assert_eq!(
            (&preview["types_inferred"], &preview["total_rows"]),
            (&json!(false), &expected["total"]),
            "{key}"
        );
        let names: Vec<&str> = columns(&preview).into_iter().map(|(name, _)| name).collect();
        assert_eq!(json!(names), expected["names"], "{key}");
        for column in preview["columns"].as_array().unwrap() {
            assert_eq!(column["not_read"], Value::Null, "{key}: {column}");
        }
        for (row, expected) in preview["rows"]
            .as_array()
            .unwrap()
            .iter()
            .zip(expected["rows"].as_array().unwrap())
        {
            let cells = row.as_array().unwrap().iter().zip(expected.as_array().unwrap());
            for ((cell, expected), name) in cells.zip(&names) {
                assert!(is_same(cell, expected), "{key} {name}: {cell} instead of {expected}");
            }
        }
        assert_eq!(preview["returned"], expected["rows"].as_array().unwrap().len(), "{key}");
    }
    assert!(count > 30, "{count} files");
}

/// Compares a cell with a value of Arrow's. An INT96 is shown as an instant.
fn is_same(cell: &Value, expected: &Value) -> bool {
    match (cell, expected) {
        (Value::Number(cell), Value::Number(expected)) => cell.as_f64() == expected.as_f64(),
        (Value::String(cell), Value::String(expected)) => {
            let digits = |text: &str| text.trim_end_matches('Z').trim_end_matches('0').to_owned();
            cell == expected || cell.ends_with('Z') && digits(cell) == digits(expected)
        }
        (Value::Array(cell), Value::Array(expected)) => {
            cell.len() == expected.len()
                && cell
                    .iter()
                    .zip(expected)
                    .all(|(cell, expected)| is_same(cell, expected))
        }
        (Value::Object(cell), Value::Object(expected)) => {
            let is_member = |(name, value): (&String, &Value)| cell.get(name).is_some_and(|cell| is_same(cell, value));
            cell.len() == expected.len() && expected.iter().all(is_member)
        }
        _ => cell == expected,
    }
}

#[tokio::test]
async fn types_are_those_of_the_schema() {
    let (scene, folder) = (Scene::new().await, write_files("all").await);
    for (file, expected) in [
        (
            "snappy-dictionary-v1",
            json!({"id": "int64", "small": "int8", "unsigned": "uint64", "name": "string",
            "half": "float16", "price": "decimal(12,2)", "day": "date", "at": "timestamp(ms, UTC)", "local": "timestamp(us)",
            "time": "time(us)", "bytes": "binary", "fixed": "binary(4)", "uuid": "uuid", "nothing": "null",
            "list": "list<int32>", "deep": "list<list<string>>", "struct": "struct<a: int64, b: struct<c: list<string>>>",
            "structs": "list<struct<x: int32, y: list<int16>>>", "map": "map<string, double>"}),
        ),
        ("int96", json!({"local": "timestamp(ns, UTC)"})),
        (
            "converted-types",
            json!({"day": "date", "list": "list<int32>", "deep": "list<list<string>>"}),
        ),
    ] {
        let bytes = std::fs::read(folder.path().join(format!("{file}.parquet"))).unwrap();
        scene.stage.seed(SHARED, file, &bytes).await;
        let preview = scene.preview(file, 1).await;
        let shown = columns(&preview);
        for (name, type_name) in expected.as_object().unwrap() {
            let found = shown
                .iter()
                .find(|(column, _)| column == name)
                .map(|(_, type_name)| *type_name);
            assert_eq!(found, type_name.as_str(), "{file} {name}");
        }
    }
}
