//! Deletion of revisions and packages: of their pointers. Manifests and data stay, as in quilt3 (`delete_package`), because
//! other packages may share them.

use futures::{StreamExt as _, TryStreamExt as _};
use quilt_format::layout::{self, Pointer};
use quilt_format::{PackageName, TopHash};

use super::revision::{HistoryEntry, Latest};
use super::{PackageBucket, PackageError};
use crate::aws::s3::{Put, WriteCondition};
use crate::aws::{AwsError, AwsErrorKind};

/// Pointers that are deleted concurrently.
const MAX_DELETES: usize = 16;

/// A planned deletion.
#[derive(Debug, Clone)]
pub struct Deletion {
    name: PackageName,
    latest: Option<Latest>,
    /// The revision that `latest` will name, where the package stays.
    next_latest: Option<TopHash>,
    seconds: Vec<u64>,
}

impl Deletion {
    /// Returns the keys of the pointers, `latest` first if it is deleted too.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let latest = (self.latest.is_some() && self.next_latest.is_none()).then_some(Pointer::Latest);
        let revisions = self.seconds.iter().map(|seconds| Pointer::Revision(*seconds));
        latest
            .into_iter()
            .chain(revisions)
            .map(|pointer| layout::pointer(&self.name, pointer))
            .collect()
    }

    /// Returns the latest revision before the deletion.
    #[must_use]
    pub fn latest(&self) -> Option<&Latest> {
        self.latest.as_ref()
    }

    /// Returns the latest revision after the deletion; none if the package will be gone.
    #[must_use]
    pub fn latest_after(&self) -> Option<&TopHash> {
        self.next_latest.as_ref()
    }
}

impl PackageBucket {
    /// Plans the deletion of a revision, or of the whole package.
    pub async fn plan_deletion(
        &self,
        name: &PackageName,
        revision: Option<&TopHash>,
    ) -> Result<Deletion, PackageError> {
        let latest = self.latest(name).await?;
        let history = self.history(name).await?;
        if latest.is_none() && history.is_empty() {
            return Err(PackageError::NoSuchPackage {
                bucket: self.bucket.clone(),
                name: name.clone(),
            });
        }
        let all: Vec<u64> = history.iter().map(|(seconds, _)| *seconds).collect();
        let Some(revision) = revision else {
            return Ok(Deletion {
                name: name.clone(),
                latest,
                next_latest: None,
                seconds: all,
            });
        };
        let (deleted, kept): (Vec<HistoryEntry>, Vec<HistoryEntry>) = self
            .revisions(name, all)
            .await?
            .into_iter()
            .partition(|found| found.hash == *revision);
        let is_latest = latest.as_ref().is_some_and(|latest| latest.hash == *revision);
        if deleted.is_empty() && !is_latest {
            return Err(PackageError::Invalid(format!(
                "revision {revision} is not in the history of {name}"
            )));
        }
        let next_latest = match &latest {
            Some(latest) if !is_latest => Some(latest.hash.clone()),
            // As in quilt3: the newest revision that is kept, also if the package was rolled back to an older one.
            _ => kept.first().map(|newest| newest.hash.clone()),
        };
        let seconds = deleted.into_iter().map(|found| found.seconds).collect();
        Ok(Deletion {
            name: name.clone(),
            latest,
            next_latest,
            seconds,
        })
    }

    /// Deletes as planned. `latest` is moved or deleted first, and only if it is unchanged: no new revision can be lost, and
    /// an interrupted deletion can be repeated.
    pub async fn delete(&self, deletion: &Deletion) -> Result<(), PackageError> {
        let object = self.object(&layout::pointer(&deletion.name, Pointer::Latest))?;
        let outcome = match (&deletion.latest, &deletion.next_latest) {
            (Some(latest), None) => self.s3.delete(&object, Some(&latest.etag)).await,
            (Some(latest), Some(next_latest)) if latest.hash != *next_latest => {
                let body = next_latest.as_str().to_owned().into();
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
            .buffer_unordered(MAX_DELETES)
            .try_collect()
            .await
    }
}

fn conflict(error: AwsError, deletion: &Deletion) -> PackageError {
    match error.kind {
        AwsErrorKind::PreconditionFailed | AwsErrorKind::Conflict => PackageError::Conflict {
            name: deletion.name.clone(),
            expected: deletion.latest.as_ref().map(|latest| latest.hash.clone()),
            found: None,
        },
        _ => error.into(),
    }
}
