//! The fast path from a row, as quilt3 and this crate write it, to the part of it that is hashed.
//!
//! It takes entries whose fields have the order and the spaces of `Package._dump`, and leaves all other rows, valid or not,
//! to the general path, [`row::parse`](super::row::parse). Invariant: a row that the fast path takes has the same logical
//! key, size and canonical bytes on the general path; a property test compares them.

use crate::PhysicalKey;
use crate::json::{Recoder, plain, plain_uri, quoted, split_digits, write_canonical_str};

/// What stands in a row beside its canonical form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Written<'a> {
    /// UTF-8.
    pub logical_key: &'a [u8],
    pub size: u64,
    pub rest: &'a [u8],
}

/// Reads the row that `text` begins with, appends its canonical form, and tells what is behind its last bracket. `None` asks
/// for the general path, also if the row does not end here; then nothing is appended.
pub(super) fn entry<'a>(text: &'a [u8], recoder: &mut Recoder, out: &mut Vec<u8>) -> Option<Written<'a>> {
    let begin = out.len();
    let taken = take(text, recoder, out);
    if taken.is_none() {
        out.truncate(begin);
    }
    taken
}

fn take<'a>(line: &'a [u8], recoder: &mut Recoder, out: &mut Vec<u8>) -> Option<Written<'a>> {
    let begin = line.strip_prefix(b"{\"logical_key\": ")?;
    let (logical_key, is_plain, rest) = match quoted(begin) {
        Some((quoted, rest)) => (quoted.get(1..quoted.len() - 1)?, true, rest),
        None => text(begin.strip_prefix(b"\"")?).map(|(text, rest)| (text, false, rest))?,
    };
    let rest = object_uri(rest.strip_prefix(b", \"physical_keys\": [\"")?)?;
    let (size, rest) = split_digits(rest.strip_prefix(b"], \"size\": ")?);
    // Python takes no zeros in front, and 19 digits fit.
    if !matches!(size, [b'0'] | [b'1'..=b'9', ..]) || size.len() > 19 {
        return None;
    }
    out.extend_from_slice(b"{\"hash\":");
    let rest = checksum(rest.strip_prefix(b", \"hash\": ")?, recoder, out)?;
    out.extend_from_slice(b",\"logical_key\":");
    if is_plain {
        out.extend_from_slice(begin.get(..logical_key.len() + 2)?);
    } else {
        write_canonical_str(logical_key, out);
    }
    out.extend_from_slice(b",\"meta\":");
    let meta = rest.strip_prefix(b", \"meta\": {")?;
    let rest = if let [b'}', rest @ ..] = meta {
        out.extend_from_slice(b"{}");
        rest
    } else {
        recoder.value(rest.get(rest.len() - meta.len() - 1..)?, out)?
    };
    let rest = rest.strip_prefix(b"}")?;
    out.extend_from_slice(b",\"size\":");
    out.extend_from_slice(size);
    out.push(b'}');
    let size = size
        .iter()
        .fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
    Some(Written {
        logical_key,
        size,
        rest,
    })
}

/// Text behind its first quote, if it holds no escapes, and what is behind the second.
fn text(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = plain(text);
    if text.get(length) != Some(&b'"') {
        while let Some(0x7f..) = text.get(length) {
            length += 1 + plain(text.get(length + 1..)?);
        }
        std::str::from_utf8(text.get(..length)?).ok()?;
    }
    Some((text.get(..length)?, text.get(length..)?.strip_prefix(b"\"")?))
}

/// The URI of an object behind its first quote; tells what is behind the second.
fn object_uri(uri: &[u8]) -> Option<&[u8]> {
    let path = uri.strip_prefix(b"s3://")?;
    if !matches!(path, [b'/' | b'?' | b'"', ..]) {
        let rest = path.get(plain_uri(path)..)?;
        let rest = match rest.strip_prefix(b"?versionId=") {
            Some(version) => version.get(plain_uri(version)..)?,
            None => rest,
        };
        if let [b'"', behind @ ..] = rest {
            return Some(behind);
        }
    }
    // Characters with a meaning in a URI are left to the parser of physical keys.
    let (uri, rest) = text(uri)?;
    std::str::from_utf8(uri).ok()?.parse::<PhysicalKey>().ok()?;
    Some(rest)
}

/// A checksum, which is an object, and almost always this one.
fn checksum<'a>(hash: &'a [u8], recoder: &mut Recoder, out: &mut Vec<u8>) -> Option<&'a [u8]> {
    let of_type = |rest: &'a [u8]| {
        let (kind, rest) = quoted(rest.strip_prefix(b"{\"type\": ")?)?;
        let (value, rest) = quoted(rest.strip_prefix(b", \"value\": ")?)?;
        Some((kind, value, rest.strip_prefix(b"}")?))
    };
    if let Some((kind, value, rest)) = of_type(hash) {
        for part in [b"{\"type\":", kind, b",\"value\":", value] {
            out.extend_from_slice(part);
        }
        out.push(b'}');
        return Some(rest);
    }
    recoder.value(hash.starts_with(b"{").then_some(hash)?, out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::manifest::{Row, row};

    fn fast(line: &[u8]) -> Option<(String, u64, String)> {
        let mut out = b"before".to_vec();
        let taken = entry(line, &mut Recoder::default(), &mut out);
        let canonical = String::from_utf8(out.split_off(6)).unwrap();
        assert!(taken.is_some() || canonical.is_empty());
        taken.filter(|written| written.rest.is_empty()).map(|written| {
            (
                String::from_utf8(written.logical_key.to_vec()).unwrap(),
                written.size,
                canonical,
            )
        })
    }

    fn general(line: &[u8]) -> Option<(String, u64, String)> {
        let Ok(Row::Entry(entry)) = row::parse(2, line) else {
            return None;
        };
        let mut out = Vec::new();
        entry.write_canonical(&mut out);
        Some((
            entry.logical_key.as_str().to_owned(),
            entry.size,
            String::from_utf8(out).unwrap(),
        ))
    }

    fn row(key: &str, physical: &str, size: &str, hash: &str, meta: &str) -> String {
        format!(
            r#"{{"logical_key": "{key}", "physical_keys": ["{physical}"], "size": {size}, "hash": {hash}, "meta": {meta}}}"#
        )
    }

    const HASH: &str = r#"{"type": "SHA256", "value": "00"}"#;

    /// A fast path that takes nothing would pass the other tests.
    #[test]
    fn what_quilt3_writes_takes_the_fast_path() {
        for (key, physical, meta) in [
            ("a", "s3://b/k", "{}"),
            (
                "data/näh 1.csv",
                "s3://b-c.d/k/%C3%A4?versionId=a.B_1-2",
                r#"{"user_meta": {"z": [1, 2.5], "a": "é"}}"#,
            ),
            ("\u{7f}", "s3://b/?versionId=", "{}"),
        ] {
            let row = row(key, physical, "18446", HASH, meta);
            assert!(fast(row.as_bytes()).is_some(), "{row}");
            assert_eq!(fast(row.as_bytes()), general(row.as_bytes()), "{row}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn both_paths_read_the_same(
            key in r#"([a-z/é\x7f ]|\\["\\n]|\\u00e9){0,6}"#,
            physical in r"(s3|S3|file)://[a-b\[é]{0,2}(/[a-c%?#&é ]{0,6})?([?]versionId=[a-c&%#+=?]{0,4})?",
            size in "(0|[0-9]{1,3}|1844674407370955161[0-9]|-1|1[.]0|[0-9]{21}|null)",
            hash in prop_oneof![Just(HASH), Just("{}"), Just("null"), Just("\"x\""), Just(r#"{"value": 1, "type": 1.50}"#)],
            meta in prop_oneof![
                Just("{}"), Just("null"), Just("[]"), Just("0"), Just("\"x\""),
                Just(r#"{"user_meta": {"b": 1, "a": 1e5, "b": 2}}"#),
                Just(r#"{"user_meta": {"b": 0.00001, "a": -0, "é": 1}}"#),
                Just(r#"{"user_meta": {"b": [{"z": 1, "y": 2}], "a": "\/"}}"#),
            ],
            cut in prop::option::weighted(0.1, (0usize..200, 0usize..3)),
        ) {
            let mut line = row(&key, &physical, &size, hash, meta).into_bytes();
            if let Some((at, more)) = cut {
                let at = at.min(line.len());
                line.drain(at..(at + more).min(line.len()));
            }
            if let Some(taken) = fast(&line) {
                prop_assert_eq!(Some(taken), general(&line));
            }
        }
    }
}
