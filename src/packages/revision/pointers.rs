//! Pointers: the latest revision of a package, and the revision that an argument or a URI names.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use quilt_format::layout::{self, Pointer};
use quilt_format::{PackageName, Revision, TopHash};

use super::behind_latest;
use crate::aws::AwsErrorKind;
use crate::aws::s3::{BucketName, ListingQuery, ObjectUri, ReadQuery};
use crate::packages::{PackageBucket, PackageError};
use crate::telemetry::text::without_controls;

/// Fewest digits of an abbreviated hash, as in quilt3 (`resolve_top_hash`).
const MIN_HASH_DIGITS: usize = 6;
/// Bytes of a pointer that are read: 64 digits and some white space.
const MAX_POINTER_BYTES: usize = 200;
/// How long before a pointer its history entry may be dated: clocks differ.
pub(super) const MAX_CLOCK_SKEW: Duration = Duration::from_hours(1);

/// The latest revision of a package, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Latest {
    pub hash: TopHash,
    /// The pointer's `ETag`, which the commit requires to be unchanged.
    pub(in crate::packages) etag: String,
    /// Time at which the pointer was written.
    pub modified: Option<Timestamp>,
    /// Version of the pointer's object, in a versioned bucket.
    version_id: Option<String>,
}

impl Latest {
    /// Identifies this write of the pointer: a package that is made anew with the same content has another one.
    #[must_use]
    pub fn write_id(&self) -> String {
        write_id(
            self.hash.as_str(),
            &self.etag,
            self.modified,
            self.version_id.as_deref(),
        )
    }
}

/// A pointer whose object holds no top hash or is archived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadablePointer {
    bucket: BucketName,
    key: String,
    /// The beginning of its content; none if it is archived.
    shown: Option<String>,
    pub(in crate::packages) etag: String,
    /// Time at which the pointer was written.
    pub modified: Option<Timestamp>,
    version_id: Option<String>,
}

impl UnreadablePointer {
    /// Identifies this write of the pointer.
    #[must_use]
    pub fn write_id(&self) -> String {
        write_id("", &self.etag, self.modified, self.version_id.as_deref())
    }
}

impl fmt::Display for UnreadablePointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{} ", self.bucket, self.key)?;
        match self.shown.as_deref() {
            None => f.write_str("is archived and has to be restored before it can be read"),
            Some("") => f.write_str("is empty"),
            Some(shown) => write!(f, "holds no top hash but `{shown}`"),
        }
    }
}

fn write_id(hash: &str, etag: &str, modified: Option<Timestamp>, version_id: Option<&str>) -> String {
    let modified = modified.map(|at| at.to_string()).unwrap_or_default();
    format!("{hash} {etag} {modified} {}", version_id.unwrap_or_default())
}

impl PackageBucket {
    /// Returns the latest revision; `None` if there is no pointer `latest`. If the caller may not list the bucket, S3 denies
    /// the read of a missing pointer, and that denial is the error.
    pub async fn latest(&self, name: &PackageName) -> Result<Option<Latest>, PackageError> {
        let key = layout::pointer(name, Pointer::Latest);
        match self.pointer(&key).await {
            Ok(latest) => Ok(Some(latest)),
            Err(error) if error.is(AwsErrorKind::NoSuchKey) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads a pointer. One that holds no top hash or is archived is [`PackageError::Pointer`].
    pub(super) async fn pointer(&self, key: &str) -> Result<Latest, PackageError> {
        let object = self.object(key)?;
        let opened = match self.s3.open(&object, &ReadQuery::default()).await {
            Err(error) if error.kind == AwsErrorKind::Archived => return Err(self.archived_pointer(&object).await?),
            opened => opened?,
        };
        let etag = opened.etag.clone().unwrap_or_default();
        let modified = opened.last_modified;
        let version_id = opened.version_id.clone();
        let body = opened.collect(MAX_POINTER_BYTES).await?;
        let text = String::from_utf8_lossy(&body);
        match text.parse() {
            Ok(hash) => Ok(Latest {
                hash,
                etag,
                modified,
                version_id,
            }),
            Err(_) => Err(PackageError::Pointer(Box::new(UnreadablePointer {
                bucket: self.bucket.clone(),
                key: key.to_owned(),
                shown: Some(without_controls(text.trim(), 80)),
                etag,
                modified,
                version_id,
            }))),
        }
    }

    /// Makes the error of an archived pointer.
    async fn archived_pointer(&self, object: &ObjectUri) -> Result<PackageError, PackageError> {
        let head = self.s3.head(object).await?;
        Ok(PackageError::Pointer(Box::new(UnreadablePointer {
            bucket: self.bucket.clone(),
            key: object.key.to_string(),
            shown: None,
            etag: head.etag.unwrap_or_default(),
            modified: head.last_modified,
            version_id: head.version_id,
        })))
    }

    /// Returns the revision that a URI names.
    pub async fn revision(&self, name: &PackageName, revision: &Revision) -> Result<TopHash, PackageError> {
        match revision {
            Revision::Unspecified => self.resolve(name, "latest").await,
            Revision::Hash(wanted) => self.resolve(name, wanted).await,
            Revision::Tag(tag) if tag == "latest" => self.resolve(name, tag).await,
            Revision::Tag(tag) => match self.pointer(&layout::tag(name, tag)).await {
                Err(error) if error.is(AwsErrorKind::NoSuchKey) => Err(PackageError::NoSuchRevision {
                    bucket: self.bucket.clone(),
                    wanted: tag.clone(),
                }),
                pointer => Ok(pointer?.hash),
            },
        }
    }

    /// Returns the revision that `latest`, `latest~N`, a top hash, or the beginning of one names. As in quilt3, it is not checked that a
    /// hash belongs to the name: only pointers say so, and those of deleted revisions are gone.
    pub async fn resolve(&self, name: &PackageName, wanted: &str) -> Result<TopHash, PackageError> {
        let wanted = wanted.trim();
        if wanted.is_empty() || wanted == "latest" {
            return Ok(self.existing(name).await?.hash);
        }
        if let Some(places) = behind_latest::places(wanted) {
            return self.behind_latest(name, places?).await;
        }
        if let Ok(hash) = wanted.parse() {
            return Ok(hash);
        }
        let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if !(MIN_HASH_DIGITS..64).contains(&wanted.len()) || !wanted.bytes().all(is_digit) {
            let shown: String = wanted.chars().take(80).collect();
            let message = format!("`{shown}` names no revision; expected latest, latest~N, or 6 to 64 of 0-9 a-f");
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

    /// Returns the current time as pointers are named by it.
    pub(super) fn seconds(&self) -> u64 {
        u64::try_from(self.clock.now().as_second()).unwrap_or_default()
    }
}
