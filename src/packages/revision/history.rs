//! History of a package: pointers named by the second of their revision.
//!
//! A commit moves `latest` first and writes the history entry after it, so the entry is missing if the commit is interrupted
//! in between. The next commit, or a repeated one, adds it: see [`PackageBucket::repair_history`].

use futures::{StreamExt as _, TryStreamExt as _, stream};
use quilt_format::layout::{self, Pointer};
use quilt_format::{PackageName, TopHash};

use super::pointers::{Latest, MAX_CLOCK_SKEW};
use crate::aws::AwsErrorKind;
use crate::aws::s3::{ListedObject, ListingQuery, Put, WriteCondition};
use crate::packages::{PackageBucket, PackageError};

/// Pointers that are read concurrently.
const MAX_READS: usize = 16;
/// Seconds that are tried for a new pointer, one for each concurrent commit of the package.
const MAX_SECONDS: u64 = 120;

/// A revision in the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Time of its commit, in seconds since 1970.
    pub seconds: u64,
    pub hash: TopHash,
}

/// State of a history after the latest revision was found in it, or added to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HistoryState {
    /// Second of the newest entry.
    pub newest: Option<u64>,
    /// Whether the entry of the latest revision was missing and was added.
    pub was_missing: bool,
}

impl PackageBucket {
    /// Lists the seconds of all revisions, newest first, with the `ETag`s of their pointers.
    pub async fn history(&self, name: &PackageName) -> Result<Vec<(u64, String)>, PackageError> {
        self.history_after(name, None).await
    }

    async fn history_after(
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
            found.extend(page.objects.into_iter().filter_map(revision_time));
            query.continuation_token = page.next_continuation_token;
            if query.continuation_token.is_none() {
                break;
            }
        }
        found.sort_by_key(|(seconds, _)| std::cmp::Reverse(*seconds));
        Ok(found)
    }

    /// Reads the revisions of these seconds, in their order.
    pub async fn revisions(&self, name: &PackageName, seconds: Vec<u64>) -> Result<Vec<HistoryEntry>, PackageError> {
        let read = seconds.into_iter().map(|seconds| async move {
            let pointer = self.pointer(&layout::pointer(name, Pointer::Revision(seconds))).await?;
            Ok(HistoryEntry {
                seconds,
                hash: pointer.hash,
            })
        });
        stream::iter(read).buffered(MAX_READS).try_collect().await
    }

    /// Adds the latest revision to the history if it is missing. Costs one listing if it is not.
    pub(super) async fn repair_history(
        &self,
        name: &PackageName,
        latest: &Latest,
    ) -> Result<HistoryState, PackageError> {
        let complete = |newest: Option<u64>| HistoryState {
            newest,
            was_missing: false,
        };
        let recent = latest
            .modified
            .and_then(|modified| modified.checked_sub(MAX_CLOCK_SKEW).ok());
        if let Some(seconds) = recent.and_then(|recent| u64::try_from(recent.as_second()).ok()) {
            let start = layout::pointer(name, Pointer::Revision(seconds));
            let history = self.history_after(name, Some(start)).await?;
            if self.is_among(name, latest, &history).await? {
                return Ok(complete(history.first().map(|(seconds, _)| *seconds)));
            }
        }
        // The entry is older if the package was rolled back, or it is missing.
        let history = self.history(name).await?;
        let newest = history.first().map(|(seconds, _)| *seconds);
        if self.is_among(name, latest, &history).await? {
            return Ok(complete(newest));
        }
        let from = newest.map_or(0, |newest| newest + 1).max(self.seconds());
        let added = self.add_to_history(name, &latest.hash, from).await?;
        Ok(HistoryState {
            newest: Some(added),
            was_missing: true,
        })
    }

    /// Reports whether the latest revision is one of these. Equal pointers have equal `ETag`s unless they are encrypted with
    /// a KMS key; then they are read.
    async fn is_among(
        &self,
        name: &PackageName,
        latest: &Latest,
        history: &[(u64, String)],
    ) -> Result<bool, PackageError> {
        if history.iter().any(|(_, etag)| *etag == latest.etag) {
            return Ok(true);
        }
        let seconds: Vec<u64> = history.iter().map(|(second, _)| *second).collect();
        let read = stream::iter(seconds)
            .map(|second| async move { self.pointer(&layout::pointer(name, Pointer::Revision(second))).await });
        let mut read = read.buffered(MAX_READS);
        while let Some(pointer) = read.next().await {
            match pointer {
                Ok(pointer) if pointer.hash == latest.hash => return Ok(true),
                // Invalid or deleted pointers of other revisions do not matter here.
                Ok(_) | Err(PackageError::Pointer { .. }) => {}
                Err(error) if error.is(AwsErrorKind::NoSuchKey) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Writes a history entry at the first free second from `from` on, and returns that second.
    pub(super) async fn add_to_history(
        &self,
        name: &PackageName,
        hash: &TopHash,
        from: u64,
    ) -> Result<u64, PackageError> {
        for seconds in from..from + MAX_SECONDS {
            let key = layout::pointer(name, Pointer::Revision(seconds));
            let object = self.object(&key)?;
            let put = Put {
                body: hash.as_str().to_owned().into(),
                condition: WriteCondition::IsNew,
                ..Put::default()
            };
            match self.s3.put(&object, &put).await {
                Ok(_) => return Ok(seconds),
                Err(error) if matches!(error.kind, AwsErrorKind::PreconditionFailed | AwsErrorKind::Conflict) => {
                    // The same entry may exist: from an attempt whose response was lost, or added by another commit.
                    if self.pointer(&key).await.is_ok_and(|found| found.hash == *hash) {
                        return Ok(seconds);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(PackageError::Invalid(format!(
            "{MAX_SECONDS} seconds from {from} on were taken by other revisions"
        )))
    }
}

fn revision_time(object: ListedObject) -> Option<(u64, String)> {
    match layout::pointer_at(&object.key)? {
        (_, Pointer::Revision(seconds)) => Some((seconds, object.etag.unwrap_or_default())),
        (_, Pointer::Latest) => None,
    }
}
