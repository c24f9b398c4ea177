//! Content that is damaged, or made to cost memory: one sentence each, and no memory.

use serde_json::json;

use super::{MIB, Scene, gzip, write_files};
use crate::support::parquet_bombs::bombs;
use crate::support::stage::SHARED;

#[tokio::test]
async fn content_that_is_no_table_is_refused_by_what_it_is() {
    let commas = vec![b','; 60_000];
    let packed_parquet = gzip(b"PAR1 and more PAR1");
    let objects: [(&str, &[u8], &str, &str); 14] = [
        ("empty.csv", b"", "empty", "nothing"),
        ("blank.csv", b"\n\n", "empty", "nothing"),
        ("a.zip", b"PK\x03\x04....", "ZIP", "bucket_object_fetch"),
        ("a.pdf", b"%PDF-1.7", "PDF", "bucket_object_fetch"),
        ("a.csv.zst", b"\x28\xb5\x2f\xfd....", "zstd", "bucket_object_fetch"),
        ("binary.csv", b"a,b\n\0\x01,2\n", "binary", "bucket_object_fetch"),
        (
            "document.json",
            b"{\n \"a\": 1\n}\n",
            "JSON document",
            "bucket_object_text",
        ),
        ("bad.jsonl", b"{\"a\": \n{}\n", "first line", "bucket_object_text"),
        ("wide.csv", &commas, "more than 50000 cells", "bucket_object_text"),
        ("array.json", b"[1, 2]", "JSON document", "bucket_object_text"),
        (
            "notes.txt",
            b"Some words, and more.\nNo table.\n",
            "without columns",
            "bucket_object_text",
        ),
        ("README.md", b"a,b\nc,d\n", "without columns", "bucket_object_text"),
        (
            "a.parquet.gz",
            &packed_parquet,
            "packed with gzip",
            "bucket_object_fetch",
        ),
        (
            "broken.csv.gz",
            b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xff\xff\xff\xff\xff",
            "cannot be unpacked",
            "bucket_object",
        ),
    ];
    let scene = Scene::new().await;
    for (key, bytes, what, tool) in objects {
        scene.stage.seed(SHARED, key, bytes).await;
        let (sentence, hint) = scene.refusal(key).await;
        assert!(sentence.contains(what), "{key}: {sentence}");
        assert!(hint.contains(tool), "{key}: {hint}");
    }
}

#[tokio::test]
async fn rows_without_an_end_and_bombs_of_gzip_need_no_memory() {
    let line = vec![b'x'; 100 << 20];
    let objects: [(&str, &[u8]); 4] = [
        ("line.csv", &[b"a,b\n".as_slice(), &line].concat()),
        ("line.jsonl", &[b"{\"a\": \"".as_slice(), &line].concat()),
        ("bomb.csv.gz", &gzip(&line)),
        ("bomb.jsonl.gz", &gzip(&[b"{\"a\": \"".as_slice(), &line].concat())),
    ];
    let scene = Scene::with(&objects).await;
    scene.stage.seed(SHARED, "small.csv", b"a,b\n1,2\n").await;
    scene.preview("small.csv", 10).await;
    for (key, _) in objects {
        let before = scene.reset_peak();
        scene.proxy.take_counts();
        let (sentence, _) = scene.refusal(key).await;
        let ((bytes, _), memory) = (scene.proxy.take_counts(), scene.peak().saturating_sub(before));
        assert!(sentence.contains("first row"), "{key}: {sentence}");
        assert!(bytes <= 8 * MIB && memory < 32 * MIB, "{key}: {bytes} {memory}");
    }
}

#[tokio::test]
async fn damaged_parquet_is_refused_or_shown_without_the_damaged_column() {
    let (scene, folder) = (Scene::new().await, write_files("all").await);
    let whole = std::fs::read(folder.path().join("none-plain-v1.parquet")).unwrap();
    let size = whole.len();
    let with = |at: usize, bytes: &[u8]| {
        let mut file = whole.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    };
    let nested = nested_schema(100_000);
    let cases: [(&str, Vec<u8>, &str); 8] = [
        ("cut", whole[..size / 2].to_vec(), "does not end as Parquet"),
        (
            "beyond",
            with(size - 8, &u32::MAX.to_le_bytes()),
            "footer would have 4294967295 bytes",
        ),
        ("zero", with(size - 8, &[0; 4]), "footer would have 0 bytes"),
        ("encrypted", with(size - 4, b"PARE"), "encrypted"),
        ("noise", with(size - 200, &[0xff; 190]), "footer cannot be read"),
        ("short", b"PAR1PAR1".to_vec(), "footer would have"),
        ("nested", nested, "footer cannot be read"),
        ("many children", children_schema(), "footer cannot be read"),
    ];
    for (key, bytes, what) in cases {
        scene.stage.seed(SHARED, key, &bytes).await;
        let before = scene.reset_peak();
        let (sentence, _) = scene.refusal(key).await;
        assert!(sentence.contains(what), "{key}: {sentence}");
        assert!(scene.peak().saturating_sub(before) < 32 * MIB, "{key}");
    }
    // The first pages, not the footer.
    scene.stage.seed(SHARED, "pages", &with(4, &[0xff; 2000])).await;
    let preview = scene.preview("pages", 10).await;
    let reason = preview["columns"][0]["not_read"].as_str().unwrap();
    assert!(reason.contains("damaged"), "{preview}");
    assert_eq!(preview["rows"][0][0], json!(null));
}

#[tokio::test]
async fn pages_that_claim_more_than_they_have_need_no_memory() {
    let scene = Scene::with(&[("small.csv", b"a,b\n1,2\n")]).await;
    scene.preview("small.csv", 10).await;
    let before = scene.reset_peak();
    for (name, bytes, what) in bombs() {
        scene.stage.seed(SHARED, name, &bytes).await;
        let shown = scene.call(name, 20).await.to_string();
        assert!(shown.contains(what), "{name}: {shown}");
        assert!(
            shown.contains("not_read") || shown.contains("footer") || name == "whole",
            "{name}: {shown}"
        );
    }
    let memory = scene.peak().saturating_sub(before);
    assert!(memory < 32 * MIB, "{memory}");
}

/// A footer whose schema has a group in a group in a group.
fn nested_schema(depth: usize) -> Vec<u8> {
    let mut footer = vec![0x15, 2, 0x19, 0xfc];
    footer.extend(varint(depth + 1));
    for _ in 0..depth {
        // Field 4: the name `a`; field 5: one child.
        footer.extend([0x48, 1, b'a', 0x15, 2, 0]);
    }
    footer.extend([0x15, 0, 0x25, 0, 0x18, 1, b'a', 0, 0x16, 0, 0x19, 0x0c, 0]);
    file_of(&footer)
}

/// A footer whose schema says that its root has two billion children.
fn children_schema() -> Vec<u8> {
    let mut footer = vec![0x15, 2, 0x19, 0x1c, 0x48, 1, b'a', 0x15];
    footer.extend(varint(0xffff_fffe));
    footer.extend([0, 0x16, 0, 0x19, 0x0c, 0]);
    file_of(&footer)
}

fn varint(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap());
    bytes
}

fn file_of(footer: &[u8]) -> Vec<u8> {
    let length = u32::try_from(footer.len()).unwrap().to_le_bytes();
    [b"PAR1", footer, &length, b"PAR1"].concat()
}
