//! Pointers: which revision is the latest, and which one a caller means.

use std::time::Duration;

use jiff::Timestamp;
use quilt_format::layout::{self, Pointer};
use quilt_format::{PackageName, Revision, TopHash};

use super::{PackageBucket, PackageError};
use crate::s3::{ListingQuery, ReadQuery, S3ErrorKind};
use crate::telemetry::text::without_controls;

/// Fewest digits of an abbreviated hash, as in quilt3 (`resolve_top_hash`).
const SHORTEST: usize = 6;
/// Longest body of a pointer that is looked at: 64 digits and some white space.
const POINTER_BYTES: usize = 200;

/// The latest revision of a package, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Latest {
    /// The revision.
    pub hash: TopHash,
    /// The pointer's `ETag`, by which a commit sees that it is still the same.
    pub(super) etag: String,
    /// When the pointer was written.
    pub modified: Option<Timestamp>,
}

impl PackageBucket {
    /// The latest revision; `None` if there is no such package. Where the caller may not list the bucket, S3 refuses
    /// instead of saying that there is none, and that refusal is the error.
    pub async fn latest(&self, name: &PackageName) -> Result<Option<Latest>, PackageError> {
        let key = layout::pointer(name, Pointer::Latest);
        match self.pointer(&key).await {
            Ok((hash, etag, modified)) => Ok(Some(Latest { hash, etag, modified })),
            Err(error) if error.is(S3ErrorKind::NoSuchKey) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The latest revision of a package that has to be there.
    pub async fn existing(&self, name: &PackageName) -> Result<Latest, PackageError> {
        let missing = || PackageError::NoSuchPackage {
            bucket: self.bucket.clone(),
            name: name.clone(),
        };
        self.latest(name).await?.ok_or_else(missing)
    }

    /// What a pointer points to, its `ETag`, and when it was written.
    pub(super) async fn pointer(&self, key: &str) -> Result<(TopHash, String, Option<Timestamp>), PackageError> {
        let opened = self.s3.open(&self.object(key)?, &ReadQuery::default()).await?;
        let (etag, modified) = (opened.etag.clone().unwrap_or_default(), opened.last_modified);
        let body = opened.collect(POINTER_BYTES).await?;
        let text = String::from_utf8_lossy(&body);
        let wrong = || PackageError::Pointer {
            bucket: self.bucket.clone(),
            key: key.to_owned(),
            shown: without_controls(&text, 80),
        };
        Ok((text.parse().map_err(|_| wrong())?, etag, modified))
    }

    /// The revision that a URI means.
    pub async fn revision(&self, name: &PackageName, revision: &Revision) -> Result<TopHash, PackageError> {
        match revision {
            Revision::Unspecified => self.resolve(name, "latest").await,
            Revision::Hash(wanted) => self.resolve(name, wanted).await,
            Revision::Tag(tag) if tag == "latest" => self.resolve(name, tag).await,
            Revision::Tag(tag) => {
                let seconds = tag.parse().map_err(|_| {
                    let message = "the tag of a package is latest, or the time of a revision in seconds since 1970";
                    PackageError::Invalid(message.to_owned())
                })?;
                match self.pointer(&layout::pointer(name, Pointer::Revision(seconds))).await {
                    Err(error) if error.is(S3ErrorKind::NoSuchKey) => Err(PackageError::NoSuchRevision {
                        bucket: self.bucket.clone(),
                        wanted: tag.clone(),
                    }),
                    pointer => Ok(pointer?.0),
                }
            }
        }
    }

    /// The revision that a caller means by `latest`, a top hash, or the beginning of one. As in quilt3, a hash is not
    /// asked whether it belongs to the name: only pointers know, and those of deleted revisions are gone.
    pub async fn resolve(&self, name: &PackageName, wanted: &str) -> Result<TopHash, PackageError> {
        let wanted = wanted.trim();
        if wanted.is_empty() || wanted == "latest" {
            return Ok(self.existing(name).await?.hash);
        }
        if let Ok(hash) = wanted.parse() {
            return Ok(hash);
        }
        let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if !(SHORTEST..64).contains(&wanted.len()) || !wanted.bytes().all(is_digit) {
            let shown: String = wanted.chars().take(80).collect();
            let message = format!("`{shown}` names no revision; expected latest, or 6 to 64 of 0-9 a-f");
            return Err(PackageError::Invalid(message));
        }
        let query = ListingQuery {
            prefix: layout::manifests(wanted),
            max_keys: 1000,
            ..ListingQuery::default()
        };
        let page = self.s3.list_objects(&self.bucket, &query).await?;
        let mut found = page
            .objects
            .iter()
            .filter_map(|object| layout::manifest_at(&object.key));
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            (Some(one), Some(other)) => Err(PackageError::Ambiguous {
                prefix: wanted.to_owned(),
                two: Box::new((one, other)),
            }),
            (None, _) => Err(PackageError::NoSuchRevision {
                bucket: self.bucket.clone(),
                wanted: wanted.to_owned(),
            }),
        }
    }

    /// The time as pointers are named by it.
    pub(super) fn seconds(&self) -> u64 {
        u64::try_from(self.clock.now().as_second()).unwrap_or_default()
    }
}

/// How long before a pointer's own time its history entry may have been written: clocks differ.
pub(super) const CLOCKS_DIFFER: Duration = Duration::from_hours(1);
