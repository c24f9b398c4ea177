//! Deletion of revisions and packages: of their pointers. Manifests and data stay, as in quilt3 (`delete_package`), because
//! other packages may share them.

use futures::{StreamExt as _, TryStreamExt as _};
use quilt_format::layout::{self, Pointer, PointerKind};
use quilt_format::{PackageName, TopHash};

use super::revision::{ExistingPackage, ListedPointer, ReadPointer};
use super::{PackageBucket, PackageError};
use crate::aws::s3::{Put, WriteCondition};
use crate::aws::{AwsError, AwsErrorKind};

/// Pointers that are deleted concurrently.
const MAX_DELETES: usize = 16;

/// A planned deletion.
#[derive(Debug, Clone)]
pub struct Deletion {
    name: PackageName,
    /// `latest` as it was read; none if it is missing.
    latest: Option<ExistingPackage>,
    change: LatestChange,
    /// The other keys that are deleted.
    pointers: Vec<ListedPointer>,
    /// Whether any key stays.
    is_partial: bool,
}

/// Change of `latest`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum LatestChange {
    Keep,
    Delete,
    /// To the newest revision that is kept.
    Move(TopHash),
}

impl Deletion {
    /// Returns the keys of the pointers, `latest` first if it is deleted too.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let is_deleted = self.latest.is_some() && self.change == LatestChange::Delete;
        let latest = is_deleted.then(|| layout::pointer(&self.name, Pointer::Latest));
        let others = self.pointers.iter().map(|pointer| pointer.key.clone());
        latest.into_iter().chain(others).collect()
    }

    /// Returns the number of revisions of the history that are deleted.
    #[must_use]
    pub fn revisions(&self) -> usize {
        let is_revision = |pointer: &&ListedPointer| pointer.seconds(&self.name).is_some();
        self.pointers.iter().filter(is_revision).count()
    }

    /// Identifies the writes of what is deleted, and of `latest`.
    pub fn write_ids(&self) -> impl Iterator<Item = String> + '_ {
        let latest = self.latest.as_ref().map(ExistingPackage::write_id).unwrap_or_default();
        let others = self
            .pointers
            .iter()
            .map(|pointer| format!("{} {}", pointer.key, pointer.etag));
        std::iter::once(latest).chain(others)
    }

    /// Returns the latest revision before the deletion, if it is known.
    #[must_use]
    pub fn latest_before(&self) -> Option<&TopHash> {
        self.latest.as_ref()?.hash()
    }

    /// Returns the latest revision after the deletion; none if there is none.
    #[must_use]
    pub fn latest_after(&self) -> Option<&TopHash> {
        match &self.change {
            LatestChange::Keep => self.latest_before(),
            LatestChange::Delete => None,
            LatestChange::Move(next) => Some(next),
        }
    }

    /// Returns whether pointers of the package stay.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.is_partial
    }
}

impl PackageBucket {
    /// Plans the deletion of a revision, or of the whole package: of every key below its pointers.
    pub async fn plan_deletion(
        &self,
        name: &PackageName,
        revision: Option<&TopHash>,
    ) -> Result<Deletion, PackageError> {
        let latest = self.read_latest(name).await?;
        let listed = self.pointers(name).await?;
        if latest.is_none() && listed.is_empty() {
            return Err(PackageError::NoSuchPackage {
                bucket: self.bucket.clone(),
                name: name.clone(),
            });
        }
        let (latest_key, others): (Vec<ListedPointer>, Vec<ListedPointer>) = listed
            .into_iter()
            .partition(|pointer| pointer.kind(name) == PointerKind::Latest);
        if latest.is_none() && !latest_key.is_empty() {
            // Written since it was read.
            return Err(conflict(name, None));
        }
        match revision {
            None => Ok(Deletion {
                name: name.clone(),
                latest,
                change: LatestChange::Delete,
                pointers: others,
                is_partial: false,
            }),
            Some(revision) => self.plan_revision(name, revision, latest, others).await,
        }
    }

    /// Plans the deletion of a revision: of every pointer that names it, tags too, as in quilt3 (`delete_package_version`).
    async fn plan_revision(
        &self,
        name: &PackageName,
        revision: &TopHash,
        latest: Option<ExistingPackage>,
        others: Vec<ListedPointer>,
    ) -> Result<Deletion, PackageError> {
        let all = others.len();
        let pointers = others
            .into_iter()
            .filter(|pointer| pointer.kind(name) != PointerKind::Other)
            .collect();
        let read = self.read_pointers(pointers).await?;
        let (deleted, kept): (Vec<ReadPointer>, Vec<ReadPointer>) =
            read.into_iter().partition(|pointer| pointer.names(revision));
        let is_latest = latest.as_ref().and_then(ExistingPackage::hash) == Some(revision);
        if deleted.is_empty() && !is_latest {
            return Err(PackageError::Invalid(format!(
                "revision {revision} is not in the history of {name}"
            )));
        }
        let change = match next_latest(name, &kept) {
            _ if !is_latest => LatestChange::Keep,
            Some(next) => LatestChange::Move(next),
            None => LatestChange::Delete,
        };
        let is_partial = deleted.len() < all || (latest.is_some() && change == LatestChange::Keep);
        Ok(Deletion {
            name: name.clone(),
            latest,
            change,
            pointers: deleted.into_iter().map(|deleted| deleted.pointer).collect(),
            is_partial,
        })
    }

    /// Deletes as planned. `latest` is moved or deleted first, and only if it is unchanged: no new revision can be lost, and
    /// an interrupted deletion can be repeated.
    pub async fn delete(&self, deletion: &Deletion) -> Result<(), PackageError> {
        let object = self.object(&layout::pointer(&deletion.name, Pointer::Latest))?;
        let etag = deletion.latest.as_ref().and_then(ExistingPackage::etag);
        let outcome = match (etag, &deletion.change) {
            (None, _) | (_, LatestChange::Keep) => Ok(()),
            (Some(etag), LatestChange::Delete) => self.s3.delete(&object, Some(etag)).await,
            (Some(etag), LatestChange::Move(next)) => {
                let put = Put {
                    body: next.as_str().to_owned().into(),
                    condition: WriteCondition::Matches(etag.to_owned()),
                    ..Put::default()
                };
                self.s3.put(&object, &put).await.map(drop)
            }
        };
        outcome.map_err(|error| failed(error, deletion))?;
        let gone = deletion.pointers.clone().into_iter().map(|pointer| async move {
            let object = self.object(&pointer.key)?;
            Ok::<_, PackageError>(self.s3.delete(&object, None).await?)
        });
        futures::stream::iter(gone)
            .buffer_unordered(MAX_DELETES)
            .try_collect()
            .await
    }
}

/// Returns the revision that is the latest if only these pointers are kept: the newest by time, also if the package was
/// rolled back to an older one, or else, as in quilt3, the one of the last tag.
fn next_latest(name: &PackageName, kept: &[ReadPointer]) -> Option<TopHash> {
    let readable = || kept.iter().filter(|read| read.hash().is_some());
    let newest = readable()
        .filter(|read| read.pointer.seconds(name).is_some())
        .max_by(|a, b| a.pointer.key.cmp(&b.pointer.key));
    let last = || readable().max_by(|a, b| a.pointer.key.cmp(&b.pointer.key));
    newest.or_else(last).and_then(ReadPointer::hash).cloned()
}

fn failed(error: AwsError, deletion: &Deletion) -> PackageError {
    match error.kind {
        AwsErrorKind::PreconditionFailed | AwsErrorKind::Conflict => {
            conflict(&deletion.name, deletion.latest_before().cloned())
        }
        _ => error.into(),
    }
}

fn conflict(name: &PackageName, expected: Option<TopHash>) -> PackageError {
    PackageError::Conflict {
        name: name.clone(),
        expected,
        found: None,
    }
}
