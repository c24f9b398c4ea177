//! The fast path from a row, as quilt3 and this crate format it, to its canonical form.
//!
//! It handles entries whose fields have the order and the spaces of `Package._dump`, and leaves all other rows, valid or
//! not, to the general path, [`row::parse`](super::row::parse).
//!
//! **Invariant.** A row that the fast path handles has the same logical key, size and canonical bytes on the general path; a
//! property test compares them.

use crate::PhysicalKey;
use crate::json::{Recoder, plain_len, plain_uri_len, split_digits, split_plain_string, write_canonical_str};

/// An entry that was parsed on the fast path.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FastEntry<'a> {
    /// The logical key in UTF-8.
    pub logical_key: &'a [u8],
    pub size: u64,
    /// The text after the entry.
    pub rest: &'a [u8],
}

/// Parses the entry at the start of `text` and appends its canonical form. Returns `None` and appends nothing if the general
/// path is required, also if the text ends before the entry does.
pub(super) fn parse_entry<'a>(text: &'a [u8], recoder: &mut Recoder, out: &mut Vec<u8>) -> Option<FastEntry<'a>> {
    let begin = out.len();
    let taken = take(text, recoder, out);
    if taken.is_none() {
        out.truncate(begin);
    }
    taken
}

fn take<'a>(line: &'a [u8], recoder: &mut Recoder, out: &mut Vec<u8>) -> Option<FastEntry<'a>> {
    let begin = line.strip_prefix(b"{\"logical_key\": ")?;
    let (logical_key, is_plain, rest) = match split_plain_string(begin) {
        Some((quoted, rest)) => (quoted.get(1..quoted.len() - 1)?, true, rest),
        None => text(begin.strip_prefix(b"\"")?).map(|(text, rest)| (text, false, rest))?,
    };
    let rest = object_uri(rest.strip_prefix(b", \"physical_keys\": [\"")?)?;
    let (size, rest) = split_digits(rest.strip_prefix(b"], \"size\": ")?);
    // Python rejects leading zeros, and 19 digits fit into `u64`.
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
    Some(FastEntry {
        logical_key,
        size,
        rest,
    })
}

/// Splits a string after its opening quote, if it has no escapes, into its content and the text after the closing quote.
fn text(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = plain_len(text);
    if text.get(length) != Some(&b'"') {
        while let Some(0x7f..) = text.get(length) {
            length += 1 + plain_len(text.get(length + 1..)?);
        }
        std::str::from_utf8(text.get(..length)?).ok()?;
    }
    Some((text.get(..length)?, text.get(length..)?.strip_prefix(b"\"")?))
}

/// Checks the URI of an object after its opening quote and returns the text after the closing quote.
fn object_uri(uri: &[u8]) -> Option<&[u8]> {
    let path = uri.strip_prefix(b"s3://")?;
    if !matches!(path, [b'/' | b'?' | b'"', ..]) {
        let rest = path.get(plain_uri_len(path)..)?;
        let rest = match rest.strip_prefix(b"?versionId=") {
            Some(version) => version.get(plain_uri_len(version)..)?,
            None => rest,
        };
        if let [b'"', after @ ..] = rest {
            return Some(after);
        }
    }
    // URIs with special characters are checked by the parser of physical keys.
    let (uri, rest) = text(uri)?;
    std::str::from_utf8(uri).ok()?.parse::<PhysicalKey>().ok()?;
    Some(rest)
}

/// Appends the canonical form of the checksum, which must be an object and almost always has a type and a value.
fn checksum<'a>(hash: &'a [u8], recoder: &mut Recoder, out: &mut Vec<u8>) -> Option<&'a [u8]> {
    let of_type = |rest: &'a [u8]| {
        let (kind, rest) = split_plain_string(rest.strip_prefix(b"{\"type\": ")?)?;
        let (value, rest) = split_plain_string(rest.strip_prefix(b", \"value\": ")?)?;
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
    use crate::manifest::Row;
    use crate::manifest::row::{self, Parsed};

    fn fast(line: &[u8]) -> Option<(String, u64, String)> {
        let mut out = b"before".to_vec();
        let taken = parse_entry(line, &mut Recoder::default(), &mut out);
        let canonical = String::from_utf8(out.split_off(6)).unwrap();
        assert!(taken.is_some() || canonical.is_empty());
        taken.filter(|entry| entry.rest.is_empty()).map(|entry| {
            (
                String::from_utf8(entry.logical_key.to_vec()).unwrap(),
                entry.size,
                canonical,
            )
        })
    }

    fn general(line: &[u8]) -> Option<(String, u64, String)> {
        let Ok(Parsed {
            row: Row::Entry(entry),
            not_built: None,
        }) = row::parse(2, line)
        else {
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

    /// A fast path that handles nothing would pass the other tests.
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
