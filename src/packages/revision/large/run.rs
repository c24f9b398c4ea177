//! The run over all entries of a large revision.

use quilt_format::Entry;
use tokio::time::Instant;

use crate::aws::AwsErrorKind;
use crate::packages::manifest::ManifestSink;
use crate::packages::revision::changes::Merge;
use crate::packages::revision::context::Context;
use crate::packages::revision::removal::Removal;
use crate::packages::{Differences, PackageError};

/// Maximum number of entries that are kept for the result and its warnings.
const MAX_SHOWN_ENTRIES: usize = 1000;
/// Entries after which the task yields to others.
const ENTRIES_PER_TURN: u64 = 256;

/// The run over all entries.
pub(super) struct Run<'a> {
    pub context: &'a Context,
    pub sink: ManifestSink,
    pub merge: Merge<'a>,
    /// Whether what is ready can be kept for a later call.
    pub may_stop: bool,
    /// Entries that this call has added.
    pub added: u64,
    /// The first of them.
    pub shown: Vec<Entry>,
}

/// What a run has made.
pub(super) struct Finished {
    /// Whether it has reached the last entry.
    pub is_complete: bool,
    /// The error that has ended it before, if it was one.
    pub problem: Option<PackageError>,
    pub sink: ManifestSink,
    pub differences: Differences,
    /// Removals that have matched no entry.
    pub missing: Vec<Removal>,
    pub added: u64,
    pub shown: Vec<Entry>,
}

impl Run<'_> {
    /// Writes entries until the end or `stop_at`, or until an object cannot be had that another call may get.
    pub(super) async fn until(mut self, stop_at: Instant) -> Result<Finished, PackageError> {
        let mut problem = None;
        let is_complete = loop {
            let Ok(next) = tokio::time::timeout_at(stop_at, self.merge.next()).await else {
                break false;
            };
            let merged = match next {
                Ok(None) => break true,
                Ok(Some(merged)) => merged,
                Err(PackageError::S3(error))
                    if self.may_stop
                        && self.added > 0
                        && (error.is_retryable() || error.kind == AwsErrorKind::NoSuchKey) =>
                {
                    problem = Some(PackageError::S3(error));
                    break false;
                }
                Err(error) => return Err(error),
            };
            // The entry is in the manifest, also if there is no time to send it.
            let pushed = tokio::time::timeout_at(stop_at, self.sink.push(&merged.entry)).await;
            if let Ok(pushed) = pushed {
                pushed?;
            }
            if merged.is_added {
                self.added += 1;
                if self.shown.len() < MAX_SHOWN_ENTRIES {
                    self.shown.push(merged.entry);
                }
            }
            let entries = self.sink.entries();
            if entries.is_multiple_of(ENTRIES_PER_TURN) {
                (self.context.progress)(entries, 0);
                tokio::task::yield_now().await;
                if Instant::now() >= stop_at {
                    break false;
                }
            }
        };
        Ok(Finished {
            is_complete,
            problem,
            sink: self.sink,
            missing: self.merge.missing(),
            differences: self.merge.differences,
            added: self.added,
            shown: self.shown,
        })
    }
}
