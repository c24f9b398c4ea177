//! The commit of a revision.
//!
//! 1. The manifest is written under its hash if nothing is there; what is there already is verified and kept.
//! 2. The latest revision, if there is one, is in the history, or is added to it: a commit that broke off is mended by
//!    the next one.
//! 3. `latest` is moved from the revision that was seen there. This is the commit: before it nothing is visible, and
//!    whoever lost the race changed nothing.
//! 4. The history entry is written, at a second behind that of its parent, so that history and commits have one order.
//!
//! From 3 on the work goes on although the client has left. quilt3 8.0.0 writes the history entry before `latest` and
//! both without conditions, so its lost races lose updates (`packages.py: push_manifest`); what is written is the same.

use bytes::Bytes;
use quilt_format::layout::{self, Pointer};
use quilt_format::{PackageName, TopHash};

use super::{Latest, PackageBucket, PackageError};
use crate::s3::{Put, S3Error, S3ErrorKind, WriteCondition};
use crate::telemetry::following;

/// How often `latest` is tried to be moved when S3 does not say whether it was.
const TRIES: u32 = 3;

/// A revision that is ready to be committed.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The package.
    pub name: PackageName,
    /// The revision.
    pub top_hash: TopHash,
    /// Its manifest.
    pub manifest: Bytes,
    /// The revision that it comes after; none for a package that is new.
    pub parent: Option<Latest>,
}

/// What else there is to say about a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Committed {
    /// A manifest of this hash was there already, with other physical keys or metadata of directories. It was kept: these
    /// are not part of the hash, and other packages may point to it.
    pub kept_another_manifest: bool,
    /// The revision before was not in the history, and was added.
    pub mended_parent: bool,
    /// The revision was the latest already; nothing but its history entry can have been missing.
    pub was_there: bool,
}

impl PackageBucket {
    /// Commits a revision.
    pub async fn commit(&self, draft: Draft) -> Result<Committed, PackageError> {
        if draft
            .parent
            .as_ref()
            .is_some_and(|parent| parent.hash == draft.top_hash)
        {
            let parent = draft.parent.as_ref();
            let mended_parent = self.mend_parent(&draft.name, parent).await?.1;
            return Ok(Committed {
                mended_parent,
                was_there: true,
                ..Committed::default()
            });
        }
        let kept_another_manifest = self.write_manifest(&draft).await?;
        let (from, mended_parent) = self.mend_parent(&draft.name, draft.parent.as_ref()).await?;
        let this = self.clone();
        // What outlives the call holds no more memory than it needs.
        let draft = Draft {
            manifest: Bytes::new(),
            ..draft
        };
        let visible = self.tasks.spawn(following(async move {
            this.move_latest(&draft).await?;
            let from = from.max(this.seconds());
            let added = this.add_to_history(&draft.name, &draft.top_hash, from).await;
            added.map(drop).map_err(|problem| PackageError::AfterCommit {
                name: draft.name,
                hash: draft.top_hash,
                problem: Box::new(problem),
            })
        }));
        match visible.await {
            Ok(outcome) => outcome?,
            // The task was not cancelled, for nobody can, so it panicked; let the call end as if it had.
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
        Ok(Committed {
            kept_another_manifest,
            mended_parent,
            was_there: false,
        })
    }

    /// The first second that the history has free behind the parent, and whether the parent had to be added.
    async fn mend_parent(&self, name: &PackageName, parent: Option<&Latest>) -> Result<(u64, bool), PackageError> {
        let Some(parent) = parent else { return Ok((0, false)) };
        match self.mend_history(name, parent).await {
            Ok(mended) => Ok((mended.newest.map_or(0, |newest| newest + 1), mended.was_missing)),
            // Whoever may write but not list goes on without: what the history lacks it lacks.
            Err(error) if error.is(S3ErrorKind::AccessDenied) => Ok((0, false)),
            Err(error) => Err(error),
        }
    }

    /// Writes the manifest; `true` if another one of the same hash was kept.
    async fn write_manifest(&self, draft: &Draft) -> Result<bool, PackageError> {
        let object = self.object(&layout::manifest(&draft.top_hash))?;
        let put = Put {
            body: draft.manifest.clone(),
            condition: WriteCondition::IsNew,
            ..Put::default()
        };
        let mut tries = 0;
        loop {
            match self.s3.put(&object, &put).await {
                Ok(_) => return Ok(false),
                Err(error) if error.kind == S3ErrorKind::PreconditionFailed => break,
                Err(error) if error.kind == S3ErrorKind::Conflict && tries < TRIES => tries += 1,
                Err(error) => return Err(error.into()),
            }
        }
        let file = self.open(&draft.top_hash).await?;
        Ok(!file.has_bytes(&draft.manifest).await?)
    }

    /// Moves `latest` from the parent to the draft.
    async fn move_latest(&self, draft: &Draft) -> Result<(), PackageError> {
        let object = self.object(&layout::pointer(&draft.name, Pointer::Latest))?;
        let condition = match &draft.parent {
            Some(parent) => WriteCondition::Matches(parent.etag.clone()),
            None => WriteCondition::IsNew,
        };
        let body = Bytes::from(draft.top_hash.as_str().to_owned());
        let put = Put {
            body,
            condition,
            once: true,
            ..Put::default()
        };
        let mut tries = 1;
        loop {
            let Err(error) = self.s3.put(&object, &put).await else {
                return Ok(());
            };
            let is_refused = matches!(error.kind, S3ErrorKind::PreconditionFailed | S3ErrorKind::NoSuchKey);
            if !is_refused && !error.is_retryable() {
                return Err(error.into());
            }
            // A first attempt that was refused did not move it. Any other may have, or one before it whose answer got lost.
            let may_have_moved = tries > 1 || !is_refused;
            let found = match self.latest(&draft.name).await {
                Ok(found) => found,
                Err(_) if may_have_moved => return Err(unclear_of(draft, error)),
                Err(_) => None,
            };
            let is_ours = found.as_ref().is_some_and(|found| found.hash == draft.top_hash);
            let is_parents =
                found.as_ref().map(|found| &found.etag) == draft.parent.as_ref().map(|parent| &parent.etag);
            if is_ours && may_have_moved {
                return Ok(());
            }
            if is_ours || !is_parents {
                return Err(PackageError::Conflict {
                    name: draft.name.clone(),
                    expected: draft.parent.as_ref().map(|parent| parent.hash.clone()),
                    found: found.map(|found| found.hash),
                });
            }
            // Nothing has moved: another write was under way, or this one got lost.
            if tries == TRIES {
                return Err(error.into());
            }
            tries += 1;
        }
    }
}

fn unclear_of(draft: &Draft, problem: S3Error) -> PackageError {
    PackageError::Unclear {
        name: draft.name.clone(),
        hash: draft.top_hash.clone(),
        problem: Box::new(problem),
    }
}
