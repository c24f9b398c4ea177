//! Ranges that a preview of a large object reads from S3, and the memory that it needs.

use std::time::Instant;

use serde_json::Value;

use super::{MIB, Scene, gzip, write_files};
use crate::support::stage::SHARED;

/// Reads a preview of a file of this many mebibytes, and returns it.
async fn measure(mebibytes: u64) -> Value {
    let begun = Instant::now();
    let (scene, folder) = (Scene::new().await, write_files(&mebibytes.to_string()).await);
    let file = folder.path().join(format!("large-{mebibytes}.parquet"));
    let size = std::fs::metadata(&file).unwrap().len();
    eprintln!("{size} bytes were written in {:?}", begun.elapsed());
    scene.stage.seed(SHARED, "small.csv", b"a,b\n1,2\n").await;
    scene.proxy.serve_file(&format!("{SHARED}/large.parquet"), &file);
    scene.preview("small.csv", 10).await;
    let before = scene.reset_peak();
    scene.proxy.take_counts();
    let preview = scene.preview("large.parquet", 100).await;
    let ((bytes, reads), memory) = (scene.proxy.take_counts(), scene.peak().saturating_sub(before));
    eprintln!("{bytes} bytes in {reads} reads, {memory} bytes of memory");
    assert!(bytes <= 8 * MIB, "{bytes}");
    assert!(memory < 32 * MIB, "{memory}");
    assert_eq!(
        (preview["size"].as_u64(), preview["format"].as_str()),
        (Some(size), Some("parquet"))
    );
    let names = ["id", "noise", "blob", "list"];
    for (column, name) in preview["columns"].as_array().unwrap().iter().zip(names) {
        let is_large = name == "blob" && mebibytes > 500;
        assert_eq!(column["name"], name);
        assert_eq!(column["not_read"].is_string(), is_large, "{column}");
    }
    for (at, row) in preview["rows"].as_array().unwrap().iter().enumerate() {
        assert_eq!(row[0], at, "{row}");
        assert!(row[1].as_str().unwrap().starts_with("base64:"), "{row}");
    }
    preview
}

#[tokio::test]
async fn a_parquet_file_of_64_mebibytes_takes_a_few_ranges() {
    let preview = measure(64).await;
    assert!(preview["returned"].as_u64().unwrap() > 10, "{preview}");
}

#[tokio::test]
#[ignore = "writes a file of 2 GiB, which takes minutes"]
async fn a_parquet_file_of_2_gibibytes_takes_a_few_ranges() {
    measure(2200).await;
}

#[tokio::test]
async fn ten_thousand_columns_are_counted_and_the_first_are_shown() {
    let (scene, folder) = (Scene::new().await, write_files("wide").await);
    let bytes = std::fs::read(folder.path().join("wide.parquet")).unwrap();
    scene.stage.seed(SHARED, "wide", &bytes).await;
    scene.stage.seed(SHARED, "small.csv", b"a,b\n1,2\n").await;
    scene.preview("small.csv", 10).await;
    let before = scene.reset_peak();
    scene.proxy.take_counts();
    let preview = scene.preview("wide", 3).await;
    let (bytes, reads) = scene.proxy.take_counts();
    let memory = scene.peak().saturating_sub(before);
    assert!(
        bytes <= 8 * MIB && reads < 20 && memory < 32 * MIB,
        "{bytes} {reads} {memory}"
    );
    assert_eq!(preview["columns_total"], 10_000);
    assert_eq!(preview["columns"].as_array().unwrap().len(), 100);
    assert_eq!(preview["rows"][2][99], 101, "{preview}");
}

#[tokio::test]
async fn the_beginning_of_large_text_is_read_and_no_more() {
    let csv = format!("id,text\n{}", "1,some text\n".repeat(400_000));
    let lines = "{\"id\": 1, \"text\": \"some text\"}\n".repeat(200_000);
    let objects: [(&str, &[u8]); 3] = [
        ("large.csv", csv.as_bytes()),
        ("large.jsonl", lines.as_bytes()),
        ("large.csv.gz", &gzip(csv.as_bytes())),
    ];
    let scene = Scene::with(&objects).await;
    for (key, _) in objects {
        scene.proxy.take_counts();
        let preview = scene.preview(key, 100).await;
        let (bytes, reads) = scene.proxy.take_counts();
        assert!(bytes <= 64 * 1024 && reads == 1, "{key}: {bytes} {reads}");
        assert_eq!(preview["returned"], 100, "{key}");
        assert_eq!(preview["truncated"], true, "{key}");
    }
}
