//! Physical keys: the locations of entries' bytes.
//!
//! Parses and formats the URIs in manifests as quilt3's `util.PhysicalKey` does. S3's naming rules are not checked: a
//! manifest may refer to any location, and the code that fetches the bytes must check it.

use std::fmt;
use std::str::FromStr;

use super::json::plain_uri_len;
use crate::percent;

/// The location of an entry's bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PhysicalKey {
    /// An S3 object, `s3://bucket/key?versionId=…`.
    S3 {
        /// The bucket.
        bucket: String,
        /// The key, decoded.
        key: String,
        /// The version ID; `None` if the bucket was not versioned. The string `null` is a valid ID, of objects that are older
        /// than the bucket's versioning.
        version_id: Option<String>,
    },
    /// A local file, `file:///…`. Occurs only in registries on a local disk.
    File {
        /// The absolute path, decoded.
        path: String,
    },
}

/// Occurs when a string is not a physical key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{excerpt}` is not a physical key: {problem}; expected s3://bucket/key?versionId=ID, percent-encoded")]
pub struct InvalidPhysicalKey {
    excerpt: String,
    problem: &'static str,
}

impl FromStr for PhysicalKey {
    type Err = InvalidPhysicalKey;

    fn from_str(text: &str) -> Result<Self, InvalidPhysicalKey> {
        if let Some(key) = parse_plain(text) {
            return Ok(key);
        }
        parse(text).map_err(|problem| InvalidPhysicalKey {
            excerpt: text.chars().take(200).collect(),
            problem,
        })
    }
}

/// Parses the URI of an object without special characters, which is the common case. [`parse`] returns the same result.
fn parse_plain(text: &str) -> Option<PhysicalKey> {
    let rest = text.strip_prefix("s3://")?;
    let (path, query) = rest.split_at_checked(plain_uri_len(rest.as_bytes()))?;
    let version = query.strip_prefix("?versionId=").unwrap_or_default();
    let is_complete = query.is_empty() || (!version.is_empty() && plain_uri_len(version.as_bytes()) == version.len());
    let (bucket, key) = path
        .split_once('/')
        .filter(|(bucket, _)| is_complete && !bucket.is_empty())?;
    let version_id = (!version.is_empty()).then(|| version.replace('+', " "));
    Some(PhysicalKey::S3 {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        version_id,
    })
}

/// Parses a URI like Python's `urlsplit`, which quilt3 uses: leading blanks and all tabs and newlines are dropped, the scheme
/// is case-insensitive, and a fragment is ignored.
fn parse(text: &str) -> Result<PhysicalKey, &'static str> {
    let text = text.trim_start_matches(|c: char| c <= ' ');
    let text: std::borrow::Cow<'_, str> = if text.contains(['\t', '\r', '\n']) {
        text.replace(['\t', '\r', '\n'], "").into()
    } else {
        text.into()
    };
    let (scheme, rest) = text.split_once(':').ok_or("it has no scheme")?;
    let (bucket, rest) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len())),
        None => ("", rest),
    };
    let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    if scheme.eq_ignore_ascii_case("s3") {
        if bucket.is_empty() {
            return Err("it names no bucket");
        }
        if !bucket.is_ascii() || bucket.contains(['[', ']']) {
            return Err("no bucket has such a name");
        }
        let key = percent::unquote(path.strip_prefix('/').unwrap_or(path)).ok_or("the key does not decode to UTF-8")?;
        Ok(PhysicalKey::S3 {
            bucket: bucket.to_owned(),
            key: key.into_owned(),
            version_id: version_id(query)?,
        })
    } else if scheme.eq_ignore_ascii_case("file") {
        if !matches!(bucket, "" | "localhost") {
            return Err("it names a file of another host");
        }
        if !path.starts_with('/') || !query.is_empty() {
            return Err("its path is not absolute, or it has a query");
        }
        let path = percent::unquote(path).ok_or("the path does not decode to UTF-8")?;
        if path.contains('\0') {
            return Err("its path contains a NUL character");
        }
        Ok(PhysicalKey::File {
            path: path.into_owned(),
        })
    } else {
        Err("its scheme is neither s3 nor file")
    }
}

/// Parses the query like Python's `parse_qs`: pairs without a value are dropped, and the first of several `versionId` is
/// used.
fn version_id(query: &str) -> Result<Option<String>, &'static str> {
    let mut version = None;
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        if value.is_empty() {
            continue;
        }
        if percent::unquote_plus(name).as_deref() != Some("versionId") {
            return Err("its query contains more than a versionId; a `?` in a key must be written %3F");
        }
        let value = percent::unquote_plus(value).ok_or("the version does not decode to UTF-8")?;
        version.get_or_insert(value);
    }
    Ok(version)
}

impl fmt::Display for PhysicalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S3 {
                bucket,
                key,
                version_id,
            } => {
                write!(f, "s3://{bucket}/{}", percent::quote(key))?;
                match version_id {
                    Some(version) => write!(f, "?versionId={}", percent::quote_plus(version)),
                    None => Ok(()),
                }
            }
            Self::File { path } => write!(f, "file://{}", percent::quote(path)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn s3(bucket: &str, key: &str, version: Option<&str>) -> PhysicalKey {
        PhysicalKey::S3 {
            bucket: bucket.into(),
            key: key.into(),
            version_id: version.map(Into::into),
        }
    }

    #[test]
    fn keys_are_read_as_quilt3_reads_them() {
        for (text, key) in [
            ("s3://b/k", s3("b", "k", None)),
            (
                "s3://b/a%20b/%C3%BC%23?versionId=v%2F%2B+1",
                s3("b", "a b/ü#", Some("v/+ 1")),
            ),
            ("S3://b//k#fragment", s3("b", "/k", None)),
            ("s3://b", s3("b", "", None)),
            ("s3://b/a b%", s3("b", "a b%", None)),
            ("s3://b/k?versionId=", s3("b", "k", None)),
            ("s3://b/k?x&versionId=1&versionId=2", s3("b", "k", Some("1"))),
            ("file:///a%20b", PhysicalKey::File { path: "/a b".into() }),
            ("file://localhost/a", PhysicalKey::File { path: "/a".into() }),
        ] {
            assert_eq!(text.parse(), Ok(key), "{text}");
        }
        for bad in [
            "",
            "k",
            "http://b/k",
            "s3:k",
            "s3:///k",
            "s3://b/k?x=1",
            "s3://b/%FF",
            "file://host/a",
            "file:a",
            "file:///a?x",
            "s3://[b/k",
            "file:///%00",
        ] {
            assert!(bad.parse::<PhysicalKey>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(key in ".{0,40}", version in proptest::option::of(".{1,20}")) {
            let physical = s3("bkt", &key, version.as_deref());
            prop_assert_eq!(physical.to_string().parse::<PhysicalKey>(), Ok(physical));
        }

        #[test]
        fn what_is_plain_is_read_alike(text in "s3://[a-b\\[. ]{0,3}[/#?]?[a-c/.%#&+é]{0,6}([?]versionId=[a-c.+%&=?]{0,4})?") {
            if let Some(key) = parse_plain(&text) {
                prop_assert_eq!(Ok(key), parse(&text));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "(s3|file|)[:/?#&=%a-f0-9é\\t]{0,30}") {
            let _ = text.parse::<PhysicalKey>();
        }
    }
}
