//! The history: pointers named by the second of their revision.
//!
//! A commit moves `latest` first and writes the history entry after it, so an entry may be missing when something broke in
//! between. Whoever commits next, or repeats the call, adds it: see [`PackageBucket::mend_history`].

use futures::{StreamExt as _, TryStreamExt as _, stream};
use quilt_format::layout::{self, Pointer};
use quilt_format::{PackageName, TopHash};

use super::pointers::CLOCKS_DIFFER;
use super::{Latest, PackageBucket, PackageError};
use crate::s3::{ListedObject, ListingQuery, Put, S3ErrorKind, WriteCondition};

/// Pointers read at once.
const AT_ONCE: usize = 16;
/// Seconds that are tried for a new pointer before giving up: as many commits of one package in one second.
const TRIES: u64 = 120;

/// A revision in the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// When it was pushed, in seconds since 1970.
    pub seconds: u64,
    /// Its top hash.
    pub hash: TopHash,
}

/// What is known of a package's latest revision in its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mended {
    /// The newest entry's second.
    pub newest: Option<u64>,
    /// Whether the entry was missing and was written now.
    pub was_missing: bool,
}

impl PackageBucket {
    /// The seconds of all revisions, newest first, with the `ETag`s of their pointers.
    pub async fn moments(&self, name: &PackageName) -> Result<Vec<(u64, String)>, PackageError> {
        self.moments_after(name, None).await
    }

    async fn moments_after(
        &self,
        name: &PackageName,
        start_after: Option<String>,
    ) -> Result<Vec<(u64, String)>, PackageError> {
        let mut query = ListingQuery {
            prefix: layout::pointers(name),
            max_keys: 1000,
            start_after,
            ..ListingQuery::default()
        };
        let mut found = Vec::new();
        loop {
            let page = self.s3.list_objects(&self.bucket, &query).await?;
            found.extend(page.objects.into_iter().filter_map(moment));
            query.continuation_token = page.next_continuation_token;
            if query.continuation_token.is_none() {
                break;
            }
        }
        found.sort_by_key(|(seconds, _)| std::cmp::Reverse(*seconds));
        Ok(found)
    }

    /// The revisions of these seconds, in their order.
    pub async fn revisions(&self, name: &PackageName, seconds: Vec<u64>) -> Result<Vec<Revision>, PackageError> {
        let read = seconds.into_iter().map(|seconds| async move {
            let (hash, ..) = self.pointer(&layout::pointer(name, Pointer::Revision(seconds))).await?;
            Ok(Revision { seconds, hash })
        });
        stream::iter(read).buffered(AT_ONCE).try_collect().await
    }

    /// Sees to it that the latest revision stands in the history. Costs one listing where all is well.
    pub(super) async fn mend_history(&self, name: &PackageName, latest: &Latest) -> Result<Mended, PackageError> {
        let well = |newest: Option<u64>| Mended {
            newest,
            was_missing: false,
        };
        let recent = latest
            .modified
            .and_then(|modified| modified.checked_sub(CLOCKS_DIFFER).ok());
        if let Some(seconds) = recent.and_then(|recent| u64::try_from(recent.as_second()).ok()) {
            let start = layout::pointer(name, Pointer::Revision(seconds));
            let moments = self.moments_after(name, Some(start)).await?;
            if self.is_among(name, latest, &moments).await? {
                return Ok(well(moments.first().map(|(seconds, _)| *seconds)));
            }
        }
        // It is older after somebody turned back to it, or it is not there.
        let moments = self.moments(name).await?;
        let newest = moments.first().map(|(seconds, _)| *seconds);
        if self.is_among(name, latest, &moments).await? {
            return Ok(well(newest));
        }
        let from = newest.map_or(0, |newest| newest + 1).max(self.seconds());
        let added = self.add_to_history(name, &latest.hash, from).await?;
        Ok(Mended {
            newest: Some(added),
            was_missing: true,
        })
    }

    /// Whether the latest revision is one of these. Equal pointers have equal `ETag`s unless a key of one's own encrypts
    /// them; then they are read.
    async fn is_among(
        &self,
        name: &PackageName,
        latest: &Latest,
        moments: &[(u64, String)],
    ) -> Result<bool, PackageError> {
        if moments.iter().any(|(_, etag)| *etag == latest.etag) {
            return Ok(true);
        }
        let seconds: Vec<u64> = moments.iter().map(|(second, _)| *second).collect();
        let read = stream::iter(seconds)
            .map(|second| async move { self.pointer(&layout::pointer(name, Pointer::Revision(second))).await });
        let mut read = read.buffered(AT_ONCE);
        while let Some(pointer) = read.next().await {
            match pointer {
                Ok((hash, ..)) if hash == latest.hash => return Ok(true),
                // Somebody else's broken or deleted pointer is not ours to judge here.
                Ok(_) | Err(PackageError::Pointer { .. }) => {}
                Err(error) if error.is(S3ErrorKind::NoSuchKey) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Writes a history entry at the first free second from `from` on, and tells which.
    pub(super) async fn add_to_history(
        &self,
        name: &PackageName,
        hash: &TopHash,
        from: u64,
    ) -> Result<u64, PackageError> {
        for seconds in from..from + TRIES {
            let key = layout::pointer(name, Pointer::Revision(seconds));
            let object = self.object(&key)?;
            let put = Put {
                body: hash.as_str().to_owned().into(),
                condition: WriteCondition::IsNew,
                ..Put::default()
            };
            match self.s3.put(&object, &put).await {
                Ok(_) => return Ok(seconds),
                Err(error) if matches!(error.kind, S3ErrorKind::PreconditionFailed | S3ErrorKind::Conflict) => {
                    // The same entry may be there already: of a first attempt whose answer got lost, or mended by others.
                    if self.pointer(&key).await.is_ok_and(|(found, ..)| found == *hash) {
                        return Ok(seconds);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(PackageError::Invalid(format!(
            "{TRIES} seconds from {from} on were taken by other revisions"
        )))
    }
}

fn moment(object: ListedObject) -> Option<(u64, String)> {
    match layout::pointer_at(&object.key)? {
        (_, Pointer::Revision(seconds)) => Some((seconds, object.etag.unwrap_or_default())),
        (_, Pointer::Latest) => None,
    }
}
