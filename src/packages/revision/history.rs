//! History of a package: pointers named by the second of their revision.
//!
//! A commit moves `latest` first and writes the history entry after it, so the entry is missing if the commit is interrupted
//! in between. The next commit, or a repeated one, adds it: see [`PackageBucket::repair_history`].

use futures::{StreamExt as _, TryStreamExt as _, stream};
use quilt_format::layout::{self, Pointer};
use quilt_format::{PackageName, TopHash};

use super::listed::{ListedPointer, MAX_READS, newest_first};
use super::pointers::{Latest, MAX_CLOCK_SKEW};
use crate::aws::AwsErrorKind;
use crate::aws::s3::{Put, WriteCondition};
use crate::packages::{PackageBucket, PackageError};

/// Seconds that are tried for a new pointer, one for each concurrent commit of the package.
const MAX_SECONDS: u64 = 120;

/// State of a history after the latest revision was found in it, or added to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HistoryState {
    /// Second of the newest entry.
    pub newest: Option<u64>,
    /// Whether the entry of the latest revision was missing and was added.
    pub was_missing: bool,
}

impl PackageBucket {
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
            let recent = newest_first(name, self.pointers_after(name, Some(start)).await?);
            if self.is_among(latest, &recent).await? {
                return Ok(complete(newest_of(name, &recent)));
            }
        }
        // The entry is older if the package was rolled back, or it is missing.
        let history = self.history(name).await?;
        let newest = newest_of(name, &history);
        if self.is_among(latest, &history).await? {
            return Ok(complete(newest));
        }
        let from = self.next_seconds(newest);
        let added = self.add_to_history(name, &latest.hash, from).await?;
        Ok(HistoryState {
            newest: Some(added),
            was_missing: true,
        })
    }

    /// Reports whether the latest revision is one of these. Equal pointers have equal `ETag`s unless they are encrypted with
    /// a KMS key; then they are read. Pointers that name no revision do not matter here.
    pub(in crate::packages) async fn is_among(
        &self,
        latest: &Latest,
        history: &[ListedPointer],
    ) -> Result<bool, PackageError> {
        if history.iter().any(|pointer| pointer.etag == latest.etag) {
            return Ok(true);
        }
        let read = stream::iter(history.to_vec()).map(|pointer| self.read_pointer(pointer));
        let mut read = read.buffered(MAX_READS);
        while let Some(pointer) = read.try_next().await? {
            if pointer.is_some_and(|pointer| pointer.names(&latest.hash)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns the second from which on a history entry may be written: now, or after the newest one. Only times of ten
    /// digits are pointers of revisions, so the last of them has no successor.
    pub(super) fn next_seconds(&self, newest: Option<u64>) -> u64 {
        let after = newest.map_or(0, |newest| newest + 1);
        let after = if after + MAX_SECONDS > layout::MAX_SECONDS {
            0
        } else {
            after
        };
        after.max(self.seconds())
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

fn newest_of(name: &PackageName, history: &[ListedPointer]) -> Option<u64> {
    history.first().and_then(|newest| newest.seconds(name))
}
