//! Sample buckets, objects and one package.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::aws::EmbeddedAws;
use super::info::PackageInfo;
use crate::s3::ObjectUri;

/// Every user reads it, writers write it.
pub(super) const SHARED: &str = "quilt-dev-shared";
/// No user touches it.
pub(super) const PRIVATE: &str = "quilt-dev-private";

const PACKAGE: &str = "examples/plankton";

/// Key, MIME type, content.
type Sample = (&'static str, &'static str, &'static [u8]);

const SAMPLES: [Sample; 5] = [
    ("plankton/README.md", "text/markdown", include_bytes!("samples/README.md")),
    ("plankton/data/instrument.json", "application/json", include_bytes!("samples/instrument.json")),
    ("plankton/data/measurements.csv", "text/csv", include_bytes!("samples/measurements.csv")),
    ("plankton/données/été 2026.csv", "text/csv", include_bytes!("samples/stations.csv")),
    ("plankton/images/gradient.png", "image/png", include_bytes!("samples/gradient.png")),
];

/// Fills the buckets.
pub(super) fn seed(aws: &EmbeddedAws) -> anyhow::Result<PackageInfo> {
    aws.create_bucket(SHARED, None, true);
    aws.create_bucket(PRIVATE, None, true);
    aws.put_object(PRIVATE, "secret.txt", &b"Nobody but an administrator reads this.\n"[..], Some("text/plain"), &[])?;

    // Logical keys are the part below "plankton/". The entries stand in the order in which Quilt hashes them: by path
    // segments, each compared by code point.
    let mut entries: Vec<(&str, Value, Value)> = Vec::new();
    for (key, content_type, content) in SAMPLES {
        let version_id = aws.put_object(SHARED, key, content, Some(content_type), &[("origin", "sample")])?;
        let uri = ObjectUri { version_id, ..format!("s3://{SHARED}/{key}").parse().map_err(anyhow::Error::msg)? };
        let logical_key = key.strip_prefix("plankton/").unwrap_or(key);
        let hash = json!({ "type": "sha2-256-chunked", "value": chunked(content) });
        let size = content.len();
        let hashed = json!({ "hash": hash, "logical_key": logical_key, "meta": {}, "size": size });
        let row = json!({ "logical_key": logical_key, "physical_keys": [uri.to_string()], "size": size, "hash": hash, "meta": {} });
        entries.push((logical_key, hashed, row));
    }
    entries.sort_by_key(|(logical_key, ..)| logical_key.split('/').collect::<Vec<_>>());

    let header =
        json!({ "message": "Sample package", "user_meta": { "purpose": "trying things out" }, "version": "v0" });
    let mut top_hash = Sha256::new();
    top_hash.update(canonical(&header));
    let mut manifest = format!("{header}\n");
    for (_, hashed, row) in entries {
        top_hash.update(canonical(&hashed));
        manifest.push_str(&row.to_string());
        manifest.push('\n');
    }
    let hash = hex(&top_hash.finalize());
    aws.put_object(SHARED, &format!(".quilt/packages/{hash}"), manifest.into_bytes(), None, &[])?;
    for pointer in ["1767225600", "latest"] {
        let key = format!(".quilt/named_packages/{PACKAGE}/{pointer}");
        aws.put_object(SHARED, &key, hash.clone().into_bytes(), None, &[])?;
    }
    Ok(PackageInfo { bucket: SHARED.to_owned(), name: PACKAGE.to_owned(), hash })
}

/// Quilt's `sha2-256-chunked` of content below 8 MiB: the hash of its one chunk's hash.
fn chunked(content: &[u8]) -> String {
    BASE64_STANDARD.encode(Sha256::digest(Sha256::digest(content)))
}

/// Canonical JSON of values whose keys stand in order already and which hold no numbers but small integers: compact, and
/// everything beyond ASCII escaped.
fn canonical(value: &Value) -> String {
    let mut escaped = String::new();
    for c in value.to_string().chars() {
        if c.is_ascii() {
            escaped.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        }
    }
    escaped
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
