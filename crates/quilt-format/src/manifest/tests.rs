use proptest::prelude::*;

use super::*;
use crate::LogicalKey;
use crate::json::{Object, Value, parse};

/// The well-known top hash of the empty package with a null message.
const EMPTY: &str = "2a5a67156ca9238c14d12042db51c5b52260fdd5511b61ea89b58929d6e1769b";

fn row(key: &str) -> String {
    let key = Value::from(key).canonical();
    format!(
        r#"{{"logical_key":{key},"physical_keys":["s3://b/k"],"size":1,"hash":{{"type":"SHA256","value":"x"}},"meta":{{}}}}"#
    )
}

fn hash(mut hasher: ManifestHasher, text: &str) -> Result<Hashed, ManifestError> {
    hasher.push(text.as_bytes())?;
    hasher.finish()
}

fn both_ways(text: &str) -> Result<Hashed, ManifestError> {
    match hash(ManifestHasher::streaming(), text) {
        Err(ManifestError::OutOfOrder { .. }) => hash(ManifestHasher::sorting(), text),
        done => {
            assert_eq!(hash(ManifestHasher::sorting(), text), done);
            done
        }
    }
}

#[test]
fn the_empty_package_has_its_hash() {
    assert_eq!(
        both_ways("{\"version\": \"v0\", \"message\": null}")
            .unwrap()
            .top_hash
            .as_str(),
        EMPTY
    );
    let (bytes, top_hash) = Manifest::new(Header::new(None, None, None)).write().unwrap();
    assert_eq!(bytes, b"{\"version\": \"v0\", \"message\": null}\n");
    assert_eq!(top_hash.as_str(), EMPTY);
    assert_eq!(both_ways(""), Err(ManifestError::Empty));
}

#[test]
fn absent_null_and_empty_metadata_make_three_packages() {
    let metas = [None, Some(Value::Null), Some(Value::Object(Object::new()))];
    let hashes: std::collections::HashSet<_> = metas
        .map(|meta| Manifest::new(Header::new(meta, None, None)).top_hash().unwrap())
        .into_iter()
        .collect();
    assert_eq!(hashes.len(), 3);
}

#[test]
fn rows_out_of_order_are_sorted_before_they_are_hashed() {
    let rows = ["a/z", "a!", "a-b", "a.txt", "b"].map(row);
    let in_order = format!("{{}}\n{}\n", rows.join("\n"));
    let mut turned = rows.clone();
    turned.reverse();
    let out_of_order = format!("{{}}\n{}\n", turned.join("\n"));
    assert_eq!(
        hash(ManifestHasher::streaming(), &out_of_order),
        Err(ManifestError::OutOfOrder { line: 3 }),
    );
    assert_eq!(both_ways(&in_order).unwrap(), both_ways(&out_of_order).unwrap());
    let manifest = Manifest::read(out_of_order.as_bytes()).unwrap();
    assert_eq!(manifest.top_hash().unwrap(), both_ways(&in_order).unwrap().top_hash);
    let (written, top_hash) = manifest.write().unwrap();
    assert_eq!(
        both_ways(std::str::from_utf8(&written).unwrap()).unwrap().top_hash,
        top_hash
    );
}

#[test]
fn keys_that_are_there_twice_or_both_file_and_directory_name_both_lines() {
    let directory = r#"{"logical_key":"a/b/","meta":{"x":1}}"#;
    let duplicate = ManifestError::Duplicate {
        key: "a".into(),
        first: 2,
        second: 3,
    };
    let both = |file: &str, file_line, directory_line| ManifestError::FileAndDirectory {
        file: file.into(),
        file_line,
        directory_line,
    };
    for (rows, error) in [
        (vec![row("a"), row("a")], duplicate),
        (vec![row("a"), row("a/b")], both("a", 2, 3)),
        (vec![row("a/b/c"), row("a!"), row("a")], both("a", 4, 2)),
        (vec![directory.into(), row("a")], both("a", 3, 2)),
        (vec![directory.into(), row("a/b")], both("a/b", 3, 2)),
        (vec![row("a/b"), directory.into()], both("a/b", 2, 3)),
        (vec![row(""), row("/x")], both("", 2, 3)),
    ] {
        let text = format!("{{}}\n{}", rows.join("\n"));
        assert_eq!(both_ways(&text), Err(error.clone()), "{text}");
        assert_eq!(Manifest::read(text.as_bytes()).unwrap_err(), error, "{text}");
    }
    assert!(both_ways(&format!("{{}}\n{directory}\n{}\n{}", row("a/b/c"), row("a-b"))).is_ok());
}

#[test]
fn rows_that_quilt3_cannot_load_are_refused_with_their_line() {
    let good = row("k");
    let bad = [
        "",
        "null",
        "[]",
        "{}",
        "x",
        r#"{"logical_key":"k"}"#,
        r#"{"logical_key":"k","meta":{}}"#,
        r#"{"logical_key":["k"],"meta":{}}"#,
        r#"{"logical_key":"\ud800/","meta":{}}"#,
        "\u{feff}{}",
    ];
    let without = ["\"size\":1,", "\"hash\":{\"type\":\"SHA256\",\"value\":\"x\"},"];
    let changed = [
        good.replace(":1,", ":null,"),
        good.replace(":1,", ":1.0,"),
        good.replace(":1,", ":-1,"),
        good.replace("{\"type\":\"SHA256\",\"value\":\"x\"}", "null"),
        good.replace("s3://b/k", "http://b/k"),
        good.replace("[\"s3://b/k\"]", "\"s3://b/k\""),
        good.replace("[\"s3://b/k\"]", "{\"0\":1}"),
    ];
    for row in bad
        .map(str::to_owned)
        .into_iter()
        .chain(without.map(|part| good.replace(part, "")))
        .chain(changed)
    {
        let error = both_ways(&format!("{{}}\n{good}\n{row}\n")).unwrap_err();
        assert!(error.to_string().contains("line 3"), "{row}: {error}");
    }
    assert_eq!(hash_bytes(b"{}\n\xff\n"), Err(ManifestError::NotUtf8 { line: 2 }));
}

#[test]
fn a_row_without_meta_is_read_as_one_with_empty_meta() {
    let (good, directory) = (row("a/k"), r#"{"logical_key":"a/","meta":{}}"#);
    let with = both_ways(&format!("{{}}\n{directory}\n{good}")).unwrap();
    let without = |row: &str| row.replace(",\"meta\":{}", "");
    assert_ne!(without(&good), good);
    let text = format!("{{}}\n{}\n{}", without(directory), without(&good));
    assert_eq!(both_ways(&text).unwrap(), with);
}

#[test]
fn only_a_tolerant_reader_returns_entries_without_a_hash_or_a_size() {
    let good = row("k");
    let hash = "\"hash\":{\"type\":\"SHA256\",\"value\":\"x\"},";
    for (row, missing, size) in [
        (good.replace(hash, ""), "no hash", Some(1)),
        (good.replace("\"size\":1,", "\"size\":null,"), "no size", None),
        (
            good.replace("\"size\":1,", "").replace(hash, ""),
            "no hash and no size",
            None,
        ),
    ] {
        let text = format!("{{}}\n{row}\n");
        let error = ManifestError::NotBuilt {
            line: 2,
            key: "k".to_owned(),
            missing,
        };
        assert_eq!(both_ways(&text), Err(error.clone()), "{row}");
        let mut reader = ManifestReader::new().tolerant();
        reader.push(text.as_bytes());
        assert!(matches!(reader.next_row(), Ok(Some(Row::Header(_)))));
        let Ok(Some(Row::Entry(entry))) = reader.next_row() else {
            panic!("{row} is no entry");
        };
        assert_eq!((entry.known_size(), entry.is_built()), (size, false), "{row}");
        assert_eq!(reader.not_built(), Some(&error));
    }
}

fn hash_bytes(bytes: &[u8]) -> Result<Hashed, ManifestError> {
    let mut hasher = ManifestHasher::streaming();
    hasher.push(bytes)?;
    hasher.finish()
}

#[test]
fn a_record_may_have_a_million_bytes_and_no_more() {
    let header = |bytes: usize| {
        let message = "x".repeat(bytes - "{\"version\": \"v0\", \"message\": \"\"}".len());
        Header::new(None, None, Some(&message))
    };
    let (bytes, top_hash) = Manifest::new(header(MAX_RECORD)).write().unwrap();
    assert_eq!(bytes.len(), MAX_RECORD + 1);
    assert_eq!(hash_bytes(&bytes).unwrap().top_hash, top_hash);
    let error = Manifest::new(header(MAX_RECORD + 1)).write().unwrap_err();
    assert!(
        matches!(error, WriteError::TooLarge { bytes: 1_000_001, .. }),
        "{error}"
    );
    let mut larger = bytes;
    larger.insert(1, b' ');
    assert_eq!(
        hash_bytes(&larger),
        Err(ManifestError::RecordTooLarge {
            line: 1,
            limit: MAX_RECORD
        })
    );
    let mut raised = ManifestHasher::streaming().max_record(2_000_000);
    raised.push(&larger).unwrap();
    assert_eq!(raised.finish().unwrap().top_hash, top_hash);
}

#[test]
fn what_cannot_be_written_says_where() {
    let meta = parse(r#"{"user_meta": {"x": 1e999}}"#).unwrap();
    let mut manifest = Manifest::read(format!("{{}}\n{}", row("k")).as_bytes()).unwrap();
    let entry = Entry {
        meta,
        ..manifest.get(&LogicalKey::from_manifest("k".into())).unwrap().clone()
    };
    manifest.insert(entry).unwrap();
    let error = manifest.write().unwrap_err().to_string();
    assert!(error.contains("the entry `k`") && error.contains("infinite"), "{error}");
}

#[test]
fn a_package_stays_a_tree_when_it_is_changed() {
    let mut manifest = Manifest::read(
        format!(
            "{{}}\n{{\"logical_key\":\"d/e/\",\"meta\":1}}\n{}\n{}\n{}",
            row("a/x"),
            row("a/y"),
            row("a-b")
        )
        .as_bytes(),
    )
    .unwrap();
    let entry = |key: &str| Entry {
        logical_key: LogicalKey::from_manifest(key.into()),
        ..manifest.entries().next().unwrap().clone()
    };
    let new = ["a", "a/x/y", "d", "d/e", "a-b/c"].map(entry);
    let good = ["a/z", "d/e/f", "a.b"].map(entry);
    for bad in new {
        let key = bad.logical_key.clone();
        assert!(manifest.insert(bad).is_err(), "{key}");
    }
    for good in good {
        assert!(manifest.insert(good).unwrap().is_none());
    }
    let key = |text: &str| LogicalKey::from_manifest(text.into());
    assert!(manifest.remove(&key("a.b")).is_some());
    assert_eq!(manifest.remove_directory(&key("a")).len(), 3);
    assert_eq!(manifest.remove_directory(&key("d/e")).len(), 1);
    assert_eq!(manifest.directories().len(), 0);
    assert_eq!(
        manifest
            .entries()
            .map(|entry| entry.logical_key.as_str())
            .collect::<Vec<_>>(),
        ["a-b"]
    );
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        bytes in prop::collection::vec(prop::sample::select(&b"{}[]\",:\\u01.e-\n\rtrnal/\xff"[..]), 0..80),
        row in prop::sample::select(vec!["k", "a/b", "a"]),
    ) {
        let mut text = format!("{{}}\n{}\n", self::row(row)).into_bytes();
        let at = bytes.len() * 2 % text.len();
        text.splice(at..at, bytes);
        let _ = hash_bytes(&text);
        let _ = Manifest::read(&text);
    }
}
