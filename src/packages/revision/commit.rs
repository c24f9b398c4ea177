//! Commit of a revision, in four steps.
//!
//! 1. The manifest is written under its hash. One that is there already is verified and kept, unless it points to objects
//!    that are gone: where the bytes lie is not part of the hash, and the other package of the same content is repaired too.
//! 2. The parent's history entry is added if it is missing: each commit repairs an interrupted one before it.
//! 3. `latest` moves from the parent to the new revision. Before this step nothing is visible, and a commit that loses the
//!    race has changed nothing.
//! 4. The history entry is written, at a later second than the parent's, so that history and commits have one order.
//!
//! Steps 3 and 4 run to completion if the client disconnects. quilt3 8.0.0 writes the history entry before `latest` and
//! both without conditions, so that concurrent pushes lose updates (`packages.py: push_manifest`); the objects it writes
//! are the same.

use std::collections::BTreeMap;

use bytes::Bytes;
use quilt_format::layout::{self, Pointer};
use quilt_format::{PackageName, TopHash};

use super::existing::ExistingPackage;
use super::reconcile::ManifestOutcome;
use crate::aws::s3::{Put, WriteCondition};
use crate::aws::{AwsError, AwsErrorKind};
use crate::packages::manifest::ManifestContent;
use crate::packages::{PackageBucket, PackageError};
use crate::telemetry::in_call_scope;

/// Attempts to move `latest` while S3 does not say whether it has moved.
const MAX_ATTEMPTS: u32 = 3;

/// A revision to commit.
#[derive(Debug, Clone)]
pub(super) struct Commit {
    pub name: PackageName,
    pub top_hash: TopHash,
    pub manifest: ManifestContent,
    /// Whether the entries were copied below the package's own prefix, so that the manifest has to point there.
    pub is_copy: bool,
    /// The package that it continues; none for a new one.
    pub parent: Option<ExistingPackage>,
}

impl Commit {
    /// Returns the revision that it follows, if that is known.
    fn parent_hash(&self) -> Option<&TopHash> {
        self.parent.as_ref()?.hash()
    }
}

/// Circumstances of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CommitReport {
    pub manifest: ManifestOutcome,
    /// The history entry of the revision before was missing and was added.
    pub repaired_parent: bool,
    /// The revision was the latest already; at most its history entry was missing.
    pub was_there: bool,
}

impl PackageBucket {
    /// Commits a revision.
    pub(super) async fn commit(&self, commit: Commit) -> Result<CommitReport, PackageError> {
        if commit.parent_hash() == Some(&commit.top_hash) {
            let manifest = self
                .reconcile(&commit.top_hash, &commit.manifest, commit.is_copy)
                .await?;
            let parent = commit.parent.as_ref();
            let repaired_parent = self.repair_parent(&commit.name, parent).await?.1;
            return Ok(CommitReport {
                manifest,
                repaired_parent,
                was_there: true,
            });
        }
        let manifest = self.write_manifest(&commit).await?;
        let (from, repaired_parent) = self.repair_parent(&commit.name, commit.parent.as_ref()).await?;
        let this = self.clone();
        // The task may outlive the call, so it does not hold the manifest.
        let commit = Commit {
            manifest: ManifestContent::Discarded,
            ..commit
        };
        let visible = async move {
            this.move_latest(&commit).await?;
            let from = from.max(this.seconds());
            let added = this.add_to_history(&commit.name, &commit.top_hash, from).await;
            added.map(drop).map_err(|problem| PackageError::AfterCommit {
                name: commit.name,
                hash: commit.top_hash,
                problem: Box::new(problem),
            })
        };
        self.run_to_end(visible).await?;
        Ok(CommitReport {
            manifest,
            repaired_parent,
            was_there: false,
        })
    }

    /// Runs work that goes on to its end if the client disconnects.
    pub(super) async fn run_to_end<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        match self.tasks.spawn(in_call_scope(work)).await {
            Ok(outcome) => outcome,
            // No code cancels the task, so it panicked.
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }

    /// Returns the first free second of the history after the parent, and whether the parent had to be added.
    pub(super) async fn repair_parent(
        &self,
        name: &PackageName,
        parent: Option<&ExistingPackage>,
    ) -> Result<(u64, bool), PackageError> {
        let (newest, was_missing) = match parent {
            None => (None, false),
            Some(ExistingPackage::Revision(parent)) => match self.repair_history(name, parent).await {
                Ok(state) => (state.newest, state.was_missing),
                // A caller who may write but not list commits without the repair.
                Err(error) if error.is(AwsErrorKind::AccessDenied) => (None, false),
                Err(error) => return Err(error),
            },
            Some(_) => (self.newest_seconds(name).await?, false),
        };
        Ok((self.next_seconds(newest), was_missing))
    }

    /// Writes the manifest, unless one of the same hash is there that can stay.
    async fn write_manifest(&self, commit: &Commit) -> Result<ManifestOutcome, PackageError> {
        if self
            .store_manifest(
                &commit.top_hash,
                &commit.manifest,
                &WriteCondition::IsNew,
                &BTreeMap::new(),
            )
            .await?
        {
            return Ok(ManifestOutcome::Written);
        }
        self.reconcile(&commit.top_hash, &commit.manifest, commit.is_copy).await
    }

    /// Moves `latest` from the parent to the new revision.
    pub(super) async fn move_latest(&self, commit: &Commit) -> Result<(), PackageError> {
        let object = self.object(&layout::pointer(&commit.name, Pointer::Latest))?;
        let parent_etag = commit.parent.as_ref().and_then(ExistingPackage::etag);
        let condition = match parent_etag {
            Some(etag) => WriteCondition::Matches(etag.to_owned()),
            None => WriteCondition::IsNew,
        };
        let body = Bytes::from(commit.top_hash.as_str().to_owned());
        let put = Put {
            body,
            condition,
            once: true,
            ..Put::default()
        };
        let mut attempt = 1;
        loop {
            let Err(error) = self.s3.put(&object, &put).await else {
                return Ok(());
            };
            let is_refused = matches!(error.kind, AwsErrorKind::PreconditionFailed | AwsErrorKind::NoSuchKey);
            if !is_refused && !error.is_retryable() {
                return Err(error.into());
            }
            // A refused first attempt has not moved it. Any other may have, or an earlier one whose response was lost.
            let may_have_moved = attempt > 1 || !is_refused;
            let found = match self.read_latest(&commit.name).await {
                Ok(found) => found,
                Err(_) if may_have_moved => return Err(unclear_of(commit, error)),
                Err(_) => None,
            };
            let is_ours = found.as_ref().and_then(ExistingPackage::hash) == Some(&commit.top_hash);
            let is_parents = found.as_ref().and_then(ExistingPackage::etag) == parent_etag;
            if is_ours && may_have_moved {
                return Ok(());
            }
            if is_ours || !is_parents {
                return Err(PackageError::Conflict {
                    name: commit.name.clone(),
                    expected: commit.parent_hash().cloned(),
                    found: found.as_ref().and_then(ExistingPackage::hash).cloned(),
                });
            }
            // Nothing has moved: another write was in progress, or this one was lost.
            if attempt == MAX_ATTEMPTS {
                return Err(error.into());
            }
            attempt += 1;
        }
    }
}

fn unclear_of(commit: &Commit, problem: AwsError) -> PackageError {
    PackageError::Unclear {
        name: commit.name.clone(),
        hash: commit.top_hash.clone(),
        problem: Box::new(problem),
    }
}
