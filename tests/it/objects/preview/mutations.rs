//! Damage at random: files of Arrow and text with changed bytes, through the server. Whatever is damaged, a call has an answer,
//! and the server needs no more memory than for whole files.

use serde_json::{Value, json};

use super::{MIB, Scene, gzip, write_files};
use crate::support::stage::SHARED;

/// Damaged versions of each file.
const VERSIONS: u64 = 12;

/// A generator of the same numbers in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % (end.max(1) as u64)).unwrap()
    }
}

/// Changes a few bytes; most of them in the footer or in the first pages, where lengths and counts are.
fn damage(bytes: &mut Vec<u8>, numbers: &mut Numbers) {
    for _ in 0..=numbers.below(4) {
        let size = bytes.len();
        let at = match numbers.below(4) {
            0 => numbers.below(size),
            1 => numbers.below(400),
            _ => size - 1 - numbers.below(size / 2),
        }
        .min(size - 1);
        match numbers.below(5) {
            0 => bytes[at] ^= 1 << numbers.below(8),
            1 => bytes[at] = 0xff,
            2 => bytes[at] = u8::try_from(numbers.next() & 0xff).unwrap(),
            3 => drop(bytes.remove(at)),
            _ => bytes.insert(at, 0xff),
        }
    }
}

#[tokio::test]
async fn damaged_files_have_an_answer_and_need_no_memory() {
    let (scene, folder) = (Scene::new().await, write_files("all").await);
    let text = b"id,name\n1,\"a\"\n2,\"b\nc\"\n".as_slice();
    let lines = b"{\"a\": [1, {\"b\": \"c\"}], \"d\": -1.5e3}\n{\"e\": null}\n".as_slice();
    let mut seeds: Vec<(String, Vec<u8>)> = vec![
        ("seed.csv".to_owned(), text.to_vec()),
        ("seed.jsonl".to_owned(), lines.to_vec()),
        ("seed.csv.gz".to_owned(), gzip(text)),
    ];
    for name in [
        "snappy-dictionary-v1",
        "gzip-plain-v2",
        "brotli-dictionary-v2",
        "lz4-plain-v1",
        "zstd-dictionary-v2",
        "none-plain-v2",
        "encodings-v1",
        "encodings-v2",
        "many-pages",
        "many-pages-v2",
    ] {
        let bytes = std::fs::read(folder.path().join(format!("{name}.parquet"))).unwrap();
        seeds.push((name.to_owned(), bytes));
    }
    for (key, bytes) in &seeds {
        scene.stage.seed(SHARED, key, bytes).await;
        scene.preview(key, 20).await;
    }
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    let before = scene.reset_peak();
    let (mut shown, mut refused) = (0, 0);
    for (key, bytes) in &seeds {
        for _ in 0..VERSIONS {
            let mut damaged = bytes.clone();
            damage(&mut damaged, &mut numbers);
            scene.stage.seed(SHARED, key, &damaged).await;
            let output = scene.call(key, 20).await;
            match &output["error_code"] {
                Value::Null => shown += 1,
                code if *code == json!("invalid_argument") => refused += 1,
                _ => panic!("{key}: {output}"),
            }
        }
    }
    let memory = scene.peak().saturating_sub(before);
    eprintln!("{shown} shown, {refused} refused, {memory} bytes of memory");
    assert!(shown > 20 && refused > 20, "{shown} {refused}");
    assert!(memory < 32 * MIB, "{memory}");
}
