//! Names of buckets and objects: parsed once, when arguments are read, and never checked again.
//!
//! `s3://bucket/key[?versionId=…]` is percent-encoded as quilt3's `PhysicalKey` does it (Python's `quote`: letters,
//! digits, `_.-~` and `/` stand as they are), so that URIs can be passed between the two.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use quilt_format::percent;
use serde::Deserialize;

/// Longest object key, in bytes of UTF-8.
const MAX_KEY_BYTES: usize = 1024;
/// Longest name of a legacy bucket.
const MAX_BUCKET_BYTES: usize = 255;

/// A bucket's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct BucketName(String);

impl TryFrom<String> for BucketName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl BucketName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BucketName {
    type Err = String;

    /// Accepts `name` and `s3://name`, with or without a trailing slash. Names of buckets that were created in `us-east-1`
    /// before March 2018 may have upper-case letters, underscores and 255 characters.
    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.trim().strip_prefix("s3://").unwrap_or(text.trim());
        let name = name.strip_suffix('/').unwrap_or(name);
        let is_alphanumeric = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = name.as_bytes();
        // JWTs and Quilt's API keys are spelled like names of old buckets, and a name goes into requests and logs.
        if name.starts_with("eyJ") && name.contains('.') || name.starts_with("qk_") {
            return Err("the value looks like a token and not like a bucket name".to_owned());
        }
        let valid = (3..=MAX_BUCKET_BYTES).contains(&bytes.len())
            && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(b))
            && is_alphanumeric(bytes.first())
            && is_alphanumeric(bytes.last())
            && !name.contains("..");
        if valid {
            Ok(Self(name.to_owned()))
        } else {
            let shown: String = name.chars().take(80).collect();
            Err(format!(
                "`{shown}` is not a bucket name; expected NAME or s3://NAME of 3 to 63 characters of a-z 0-9 . - (old buckets \
                 also have A-Z, _ and up to 255)"
            ))
        }
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An object's key, decoded.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey(String);

impl ObjectKey {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether a segment of the key is `.` or `..`. Browsers and HTTP libraries resolve these segments when they parse
    /// a URL, and then request another key.
    #[must_use]
    pub fn has_dot_segment(&self) -> bool {
        self.0.split('/').any(|segment| matches!(segment, "." | ".."))
    }
}

impl FromStr for ObjectKey {
    type Err = String;

    fn from_str(key: &str) -> Result<Self, String> {
        if key.is_empty() {
            return Err("the object key is empty".to_owned());
        }
        if key.len() > MAX_KEY_BYTES {
            return Err(format!(
                "the object key has {} bytes; S3 takes at most {MAX_KEY_BYTES}",
                key.len()
            ));
        }
        if key.contains('\0') {
            return Err("the object key holds a NUL character".to_owned());
        }
        Ok(Self(key.to_owned()))
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One object, or one version of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct ObjectUri {
    pub bucket: BucketName,
    pub key: ObjectKey,
    /// The version; `None` for the latest.
    pub version_id: Option<String>,
}

impl TryFrom<String> for ObjectUri {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// Returns the key, or the prefix of keys, that a caller wrote as a key or as `s3://bucket/key`, percent-encoded.
pub fn key_in<'a>(bucket: &BucketName, text: &'a str) -> Result<Cow<'a, str>, String> {
    let Some(rest) = text.strip_prefix("s3://") else {
        return Ok(text.into());
    };
    let shown: String = text.chars().take(80).collect();
    let (named, key) = rest.split_once('/').unwrap_or((rest, ""));
    if named != bucket.as_str() {
        return Err(format!(
            "`{shown}` is not in the bucket {bucket}; give a key, or s3://{bucket}/KEY"
        ));
    }
    if key.contains(['?', '#']) {
        return Err(format!(
            "`{shown}` names more than a key; a `?` or `#` in a key is written %3F or %23"
        ));
    }
    percent::unquote(key).ok_or_else(|| format!("the key of `{shown}` does not decode to UTF-8"))
}

impl ObjectUri {
    /// Names the latest version of an object.
    #[must_use]
    pub fn latest(bucket: BucketName, key: ObjectKey) -> Self {
        Self {
            bucket,
            key,
            version_id: None,
        }
    }
}

impl FromStr for ObjectUri {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected s3://bucket/key or s3://bucket/key?versionId=ID, percent-encoded";
        let rest = text
            .strip_prefix("s3://")
            .ok_or_else(|| format!("this is not an S3 URI; {expected}"))?;
        if rest.contains('#') {
            return Err(format!("a `#` in a key must be written %23; {expected}"));
        }
        let (path, query) = rest
            .split_once('?')
            .map_or((rest, None), |(path, query)| (path, Some(query)));
        let (bucket, key) = path
            .split_once('/')
            .ok_or_else(|| format!("the URI names no object key; {expected}"))?;
        let key = percent::unquote(key).ok_or_else(|| format!("the key does not decode to UTF-8; {expected}"))?;
        let version_id = query.map(version_id).transpose()?;
        Ok(Self {
            bucket: bucket.parse()?,
            key: key.parse()?,
            version_id,
        })
    }
}

fn version_id(query: &str) -> Result<String, String> {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    match (pairs.next(), pairs.next()) {
        (Some((name, value)), None) if name == "versionId" && !value.is_empty() => Ok(value.into_owned()),
        _ => Err("the part behind `?` may only be versionId=ID; a `?` in a key must be written %3F".to_owned()),
    }
}

impl fmt::Display for ObjectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, percent::quote(self.key.as_str()))?;
        if let Some(version_id) = &self.version_id {
            write!(f, "?versionId={}", percent::quote_plus(version_id))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bucket_names_come_bare_or_as_uri() {
        for good in ["my-bucket", "s3://my-bucket", "s3://my-bucket/", " my-bucket "] {
            assert_eq!(good.parse::<BucketName>().unwrap().as_str(), "my-bucket");
        }
        for legacy in ["My_Bucket.2009", &"x".repeat(255)] {
            assert_eq!(legacy.parse::<BucketName>().unwrap().as_str(), legacy);
        }
        for bad in [
            "",
            "ab",
            "-ab",
            "ab-",
            "a..b",
            "a/b",
            "s3://a/b",
            "a b",
            &"x".repeat(256),
        ] {
            assert!(bad.parse::<BucketName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn uris_are_encoded_as_quilt3_encodes_them() {
        let uri: ObjectUri = "s3://bkt/a%20b/%C3%BC%23.csv?versionId=x%2By".parse().unwrap();
        assert_eq!(uri.key.as_str(), "a b/ü#.csv");
        assert_eq!(uri.version_id.as_deref(), Some("x+y"));
        assert_eq!(uri.to_string(), "s3://bkt/a%20b/%C3%BC%23.csv?versionId=x%2By");
        let raw: ObjectUri = "s3://bkt/a b/ü+100%.csv".parse().unwrap();
        assert_eq!(
            raw.key.as_str(),
            "a b/ü+100%.csv",
            "what needs no decoding is taken as it is"
        );
    }

    #[test]
    fn a_uri_that_would_name_another_object_than_meant_is_refused() {
        for bad in [
            "bkt/key",
            "s3://bkt",
            "s3://bkt/",
            "s3://bkt/a?b",
            "s3://bkt/a?versionId=",
            "s3://bkt/a#b",
        ] {
            assert!(bad.parse::<ObjectUri>().is_err(), "{bad}");
        }
        assert!("s3://bkt/a?versionId=1&x=2".parse::<ObjectUri>().is_err());
        assert!("s3://bkt/%FF".parse::<ObjectUri>().is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(key in "[^\0]{1,60}", version in proptest::option::of("[!-~ ]{1,20}")) {
            let uri = ObjectUri { bucket: "bkt".parse().unwrap(), key: key.parse().unwrap(), version_id: version };
            prop_assert_eq!(uri.to_string().parse::<ObjectUri>().unwrap(), uri);
        }
    }
}
