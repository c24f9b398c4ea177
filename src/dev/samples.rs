//! Sample buckets with objects and a package.

use embedded_aws::EmbeddedAws;
use quilt_format::checksum::{HashKind, ObjectHasher};
use quilt_format::json::{Object, Value};
use quilt_format::layout::{self, Pointer};
use quilt_format::{Entry, Header, Manifest, PackageName, PhysicalKey};

use super::info::PackageInfo;

/// The bucket that all users may read and writers may write.
pub(super) const SHARED: &str = "quilt-dev-shared";
/// The bucket to which no user has access.
pub(super) const PRIVATE: &str = "quilt-dev-private";

const PACKAGE: &str = "examples/plankton";

/// Key, MIME type and content of a sample object.
type Sample = (&'static str, &'static str, &'static [u8]);

const SAMPLES: [Sample; 5] = [
    (
        "plankton/README.md",
        "text/markdown",
        include_bytes!("samples/README.md"),
    ),
    (
        "plankton/data/instrument.json",
        "application/json",
        include_bytes!("samples/instrument.json"),
    ),
    (
        "plankton/data/measurements.csv",
        "text/csv",
        include_bytes!("samples/measurements.csv"),
    ),
    (
        "plankton/données/été 2026.csv",
        "text/csv",
        include_bytes!("samples/stations.csv"),
    ),
    (
        "plankton/images/gradient.png",
        "image/png",
        include_bytes!("samples/gradient.png"),
    ),
];

/// Creates the buckets, objects and the package.
pub(super) fn seed(aws: &EmbeddedAws) -> anyhow::Result<PackageInfo> {
    aws.create_bucket(SHARED, None, true);
    aws.create_bucket(PRIVATE, None, true);
    aws.put_object(
        PRIVATE,
        "secret.txt",
        &b"Only an administrator may read this.\n"[..],
        Some("text/plain"),
        &[],
    )?;

    // Logical keys are the keys without the prefix "plankton/".
    let purpose: Object = [("purpose", Value::from("trying things out"))].into_iter().collect();
    let mut package = Manifest::new(Header::new(Some(purpose.into()), None, Some("Sample package")));
    for (key, content_type, content) in SAMPLES {
        let version_id = aws.put_object(SHARED, key, content, Some(content_type), &[("origin", "sample")])?;
        let mut hasher = ObjectHasher::new(HashKind::Sha256Chunked, content.len() as u64);
        hasher.update(content);
        package.insert(Entry {
            logical_key: key.strip_prefix("plankton/").unwrap_or(key).parse()?,
            physical_key: PhysicalKey::S3 {
                bucket: SHARED.to_owned(),
                key: key.to_owned(),
                version_id,
            },
            size: content.len() as u64,
            hash: hasher.finish()?.to_value(),
            meta: Object::new().into(),
        })?;
    }
    let (manifest, top_hash) = package.write()?;
    let name: PackageName = PACKAGE.parse()?;
    aws.put_object(SHARED, &layout::manifest(&top_hash), manifest, None, &[])?;
    for pointer in [Pointer::Revision(1_767_225_600), Pointer::Latest] {
        let hash = top_hash.as_str().as_bytes().to_vec();
        aws.put_object(SHARED, &layout::pointer(&name, pointer), hash, None, &[])?;
    }
    Ok(PackageInfo {
        bucket: SHARED.to_owned(),
        name: PACKAGE.to_owned(),
        hash: top_hash.to_string(),
    })
}
