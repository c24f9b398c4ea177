//! Which revision of a package is meant, and its manifest, row by row.

use super::INVALID_MANIFEST;
use crate::quilt::layout::{self, Pointer};
use crate::quilt::manifest::{ManifestReader, Row};
use crate::quilt::{PackageName, QuiltUri, Revision, TopHash};
use crate::s3::{BucketName, ListingQuery, ObjectUri, S3Error, S3ErrorKind, UserS3};
use crate::tools::{Session, ToolError, code};

/// Bytes of a manifest that are asked for at once.
const PIECE: u64 = 4 * 1024 * 1024;
/// Shortest beginning of a top hash that stands for it.
const SHORTEST_PREFIX: usize = 6;

/// One revision of a package, as this caller.
pub(super) struct Package {
    session: Session,
    s3: UserS3,
    bucket: BucketName,
    name: PackageName,
    /// Its top hash.
    pub top_hash: TopHash,
}

impl Package {
    /// Finds the revision of a package that a URI names.
    pub(super) async fn of(session: &Session, uri: &QuiltUri) -> Result<Self, ToolError> {
        let bucket = uri.bucket.parse().map_err(|problem| ToolError::invalid(format!("bucket: {problem}.")))?;
        Self::find(session, bucket, uri.name.clone(), &uri.revision).await
    }

    /// Finds a revision. A hash may be `latest`, a top hash, or the beginning of one.
    pub(super) async fn find(
        session: &Session,
        bucket: BucketName,
        name: PackageName,
        revision: &Revision,
    ) -> Result<Self, ToolError> {
        let s3 = session.s3().await?;
        let top_hash = match revision {
            Revision::Unspecified => follow(session, &s3, &bucket, &name, Pointer::Latest).await?,
            Revision::Hash(text) | Revision::Tag(text) if text == "latest" => {
                follow(session, &s3, &bucket, &name, Pointer::Latest).await?
            }
            Revision::Tag(seconds) => {
                let pointer = seconds.parse().map(Pointer::Revision).map_err(|_| {
                    ToolError::invalid(
                        "The tag of a package is latest, or the time of a revision in seconds since 1970.",
                    )
                })?;
                follow(session, &s3, &bucket, &name, pointer).await?
            }
            Revision::Hash(text) => match text.parse() {
                Ok(top_hash) => top_hash,
                Err(_) => search(session, &s3, &bucket, &name, text).await?,
            },
        };
        Ok(Self { session: session.clone(), s3, bucket, name, top_hash })
    }

    /// The revision as a package URI.
    pub(super) fn uri(&self) -> QuiltUri {
        let revision = Revision::Hash(self.top_hash.to_string());
        let (bucket, name) = (self.bucket.to_string(), self.name.clone());
        QuiltUri { bucket, name, revision, path: None, catalog: None }
    }

    /// Shows every row to `look`, until it is content.
    pub(super) async fn rows(&self, mut look: impl FnMut(Row) -> Look + Send) -> Result<(), ToolError> {
        let manifest = object(&self.bucket, &layout::manifest(&self.top_hash))?;
        let damaged = |problem: &dyn std::fmt::Display| {
            let message = format!("The manifest of {}@{} cannot be used: {problem}.", self.name, self.top_hash);
            ToolError::new(INVALID_MANIFEST, message)
        };
        let (mut reader, mut offset) = (ManifestReader::new(), 0);
        loop {
            let read = self.s3.get_range(&manifest, offset, PIECE).await;
            let read = read.map_err(|error| missing(&self.session, &error, &self.bucket, &self.name))?;
            reader.push(&read.bytes);
            offset += read.bytes.len() as u64;
            let is_whole = offset >= read.size;
            if is_whole {
                reader.end();
            } else if read.bytes.is_empty() {
                return Err(damaged(&"S3 sent no more of it"));
            }
            while let Some(row) = reader.next_row().map_err(|error| damaged(&error))? {
                if look(row) == Look::Enough {
                    return Ok(());
                }
            }
            if is_whole {
                return Ok(());
            }
        }
    }
}

/// Whether a reader of rows wants more of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// The next one.
    On,
    /// No more.
    Enough,
}

async fn follow(
    session: &Session,
    s3: &UserS3,
    bucket: &BucketName,
    name: &PackageName,
    pointer: Pointer,
) -> Result<TopHash, ToolError> {
    let key = layout::pointer(name, pointer);
    let read = s3.get_range(&object(bucket, &key)?, 0, 128).await;
    let read = read.map_err(|error| missing(session, &error, bucket, name))?;
    std::str::from_utf8(&read.bytes).ok().and_then(|text| text.parse().ok()).ok_or_else(|| {
        ToolError::new(INVALID_MANIFEST, format!("The pointer of {name} in s3://{bucket} holds no top hash."))
    })
}

async fn search(
    session: &Session,
    s3: &UserS3,
    bucket: &BucketName,
    name: &PackageName,
    prefix: &str,
) -> Result<TopHash, ToolError> {
    let is_hex = prefix.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if !is_hex || !(SHORTEST_PREFIX..64).contains(&prefix.len()) {
        let shown: String = prefix.chars().filter(|c| !c.is_control()).take(80).collect();
        let message = format!(
            "`{shown}` is no revision; expected latest, a top hash, or at least {SHORTEST_PREFIX} digits of its beginning."
        );
        return Err(ToolError::invalid(message));
    }
    let query = ListingQuery { prefix: layout::manifests(prefix), max_keys: 10, ..ListingQuery::default() };
    let listing = s3.list_objects(bucket, &query).await.map_err(|error| session.explain(&error))?;
    let mut hashes = listing.objects.iter().filter_map(|object| layout::manifest_at(&object.key));
    match (hashes.next(), hashes.next()) {
        (Some(hash), None) => Ok(hash),
        (Some(_), Some(_)) => {
            Err(ToolError::invalid(format!("More than one top hash begins with `{prefix}`; give more of its digits.")))
        }
        (None, _) => {
            let message = format!("No revision of {name} in s3://{bucket} has a top hash that begins with `{prefix}`.");
            Err(ToolError::new(code::NO_SUCH_PACKAGE, message))
        }
    }
}

fn missing(session: &Session, error: &S3Error, bucket: &BucketName, name: &PackageName) -> ToolError {
    if error.kind == S3ErrorKind::NoSuchKey {
        let message = format!("There is no package {name} in s3://{bucket}, or no such revision of it.");
        return ToolError::new(code::NO_SUCH_PACKAGE, message);
    }
    session.explain(error)
}

fn object(bucket: &BucketName, key: &str) -> Result<ObjectUri, ToolError> {
    let key =
        key.parse().map_err(|problem| ToolError::invalid(format!("The package's name cannot be used: {problem}.")))?;
    Ok(ObjectUri::latest(bucket.clone(), key))
}
