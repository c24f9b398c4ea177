//! Deletion of revisions and packages: of their pointers. Manifests and data stay, as in quilt3 (`delete_package`), for
//! other packages may share them.

use futures::{StreamExt as _, TryStreamExt as _};
use quilt_format::layout::{self, Pointer};
use quilt_format::{PackageName, TopHash};

use super::{Latest, PackageBucket, PackageError, Revision};
use crate::s3::{Put, S3Error, S3ErrorKind, WriteCondition};

/// Pointers deleted at once.
const AT_ONCE: usize = 16;

/// What a deletion deletes.
#[derive(Debug, Clone)]
pub struct Deletion {
    name: PackageName,
    latest: Option<Latest>,
    /// What `latest` is to name afterwards, where it stays.
    turn_to: Option<TopHash>,
    seconds: Vec<u64>,
}

impl Deletion {
    /// The keys of the pointers, `latest` first where it goes too.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let latest = (self.latest.is_some() && self.turn_to.is_none()).then_some(Pointer::Latest);
        let revisions = self.seconds.iter().map(|seconds| Pointer::Revision(*seconds));
        latest
            .into_iter()
            .chain(revisions)
            .map(|pointer| layout::pointer(&self.name, pointer))
            .collect()
    }

    /// The latest revision before.
    #[must_use]
    pub fn latest(&self) -> Option<&TopHash> {
        self.latest.as_ref().map(|latest| &latest.hash)
    }

    /// The latest revision afterwards; none if the package is gone then.
    #[must_use]
    pub fn latest_after(&self) -> Option<&TopHash> {
        self.turn_to.as_ref()
    }
}

impl PackageBucket {
    /// What has to go for a revision to be deleted, or the whole package.
    pub async fn plan_deletion(
        &self,
        name: &PackageName,
        revision: Option<&TopHash>,
    ) -> Result<Deletion, PackageError> {
        let latest = self.latest(name).await?;
        let moments = self.moments(name).await?;
        if latest.is_none() && moments.is_empty() {
            return Err(PackageError::NoSuchPackage {
                bucket: self.bucket.clone(),
                name: name.clone(),
            });
        }
        let all: Vec<u64> = moments.iter().map(|(seconds, _)| *seconds).collect();
        let Some(revision) = revision else {
            return Ok(Deletion {
                name: name.clone(),
                latest,
                turn_to: None,
                seconds: all,
            });
        };
        let (go, stay): (Vec<Revision>, Vec<Revision>) = self
            .revisions(name, all)
            .await?
            .into_iter()
            .partition(|found| found.hash == *revision);
        let is_latest = latest.as_ref().is_some_and(|latest| latest.hash == *revision);
        if go.is_empty() && !is_latest {
            return Err(PackageError::Invalid(format!(
                "revision {revision} is not in the history of {name}"
            )));
        }
        let turn_to = match &latest {
            Some(latest) if !is_latest => Some(latest.hash.clone()),
            // As quilt3 does: to the newest of those that stay, also after somebody had turned back to an older one.
            _ => stay.first().map(|newest| newest.hash.clone()),
        };
        let seconds = go.into_iter().map(|found| found.seconds).collect();
        Ok(Deletion {
            name: name.clone(),
            latest,
            turn_to,
            seconds,
        })
    }

    /// Deletes what was planned. `latest` is turned or deleted first, and only if it is still what it was: then nobody's
    /// new revision can be lost, and what breaks off can be repeated.
    pub async fn delete(&self, deletion: &Deletion) -> Result<(), PackageError> {
        let object = self.object(&layout::pointer(&deletion.name, Pointer::Latest))?;
        let outcome = match (&deletion.latest, &deletion.turn_to) {
            (Some(latest), None) => self.s3.delete(&object, Some(&latest.etag)).await,
            (Some(latest), Some(turn_to)) if latest.hash != *turn_to => {
                let body = turn_to.as_str().to_owned().into();
                let condition = WriteCondition::Matches(latest.etag.clone());
                self.s3
                    .put(
                        &object,
                        &Put {
                            body,
                            condition,
                            ..Put::default()
                        },
                    )
                    .await
                    .map(drop)
            }
            _ => Ok(()),
        };
        outcome.map_err(|error| conflict(error, deletion))?;
        let gone = deletion.seconds.clone().into_iter().map(|seconds| async move {
            let object = self.object(&layout::pointer(&deletion.name, Pointer::Revision(seconds)))?;
            Ok::<_, PackageError>(self.s3.delete(&object, None).await?)
        });
        futures::stream::iter(gone)
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }
}

fn conflict(error: S3Error, deletion: &Deletion) -> PackageError {
    match error.kind {
        S3ErrorKind::PreconditionFailed | S3ErrorKind::Conflict => PackageError::Conflict {
            name: deletion.name.clone(),
            expected: deletion.latest.as_ref().map(|latest| latest.hash.clone()),
            found: None,
        },
        _ => error.into(),
    }
}
