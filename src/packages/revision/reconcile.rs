//! Manifests of the same hash: which one stays when two packages have the same content at different places.
//!
//! The physical keys of a manifest are not part of its hash, so a manifest that is there already may point to other objects
//! than the new one, even to objects that are gone. What a commit calls a success can be read: then the manifest is replaced,
//! on the condition that it is still the one that was examined. Nothing that its hash says changes.

use std::collections::BTreeMap;

use futures::{StreamExt as _, stream};
use quilt_format::{Entry, TopHash, layout};

use crate::aws::AwsErrorKind;
use crate::aws::s3::{Put, WriteCondition};
use crate::packages::manifest::{ManifestContent, ManifestFile};
use crate::packages::physical_key::object_of;
use crate::packages::{PackageBucket, PackageError};

/// Attempts to write a manifest while S3 reports concurrent writes of it.
const MAX_ATTEMPTS: u32 = 3;
/// Objects that are examined concurrently.
const MAX_EXAMINED: usize = 64;
/// Objects that are examined at most. If more lie elsewhere, the manifest is replaced: the commit's objects were inspected.
const MAX_EXAMINED_OBJECTS: usize = 10_000;

/// What became of the manifest of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ManifestOutcome {
    #[default]
    Written,
    /// The same manifest was there.
    Same,
    /// One with other physical keys, or other metadata of directories, was there and was kept. Its objects exist, as far as
    /// the caller may see.
    KeptAnother,
    /// One that pointed elsewhere was there and was replaced: its objects are gone, the commit's were copied for the package, or
    /// there are too many to be examined.
    Replaced,
}

impl PackageBucket {
    /// Stores a manifest under its hash, with this metadata of its object. Returns `false` if the condition does not hold.
    pub(super) async fn store_manifest(
        &self,
        hash: &TopHash,
        content: &ManifestContent,
        condition: &WriteCondition,
        metadata: &BTreeMap<String, String>,
    ) -> Result<bool, PackageError> {
        let object = self.object(&layout::manifest(hash))?;
        let mut conflicts = 0;
        loop {
            let stored = match content {
                ManifestContent::Memory(bytes) => {
                    let put = Put {
                        body: bytes.clone(),
                        condition: condition.clone(),
                        metadata: metadata.clone(),
                        ..Put::default()
                    };
                    self.s3.put(&object, &put).await.map(drop)
                }
                ManifestContent::Staged(staged) => staged.copy_to(&object, condition, metadata).await,
                ManifestContent::Discarded => Ok(()),
            };
            match stored {
                Ok(()) => return Ok(true),
                Err(error) if error.kind == AwsErrorKind::PreconditionFailed => return Ok(false),
                Err(error) if error.kind == AwsErrorKind::Conflict && conflicts < MAX_ATTEMPTS => conflicts += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Decides between the manifest of a commit and the one of the same hash that is there. With `is_copy` the entries were
    /// copied below the package's own prefix, so that the manifest has to point there.
    pub(super) async fn reconcile(
        &self,
        hash: &TopHash,
        manifest: &ManifestContent,
        is_copy: bool,
    ) -> Result<ManifestOutcome, PackageError> {
        for _ in 0..MAX_ATTEMPTS {
            let file = match self.open(hash).await {
                Ok(file) => file,
                Err(PackageError::NoSuchRevision { .. }) if !matches!(manifest, ManifestContent::Discarded) => {
                    let is_new = WriteCondition::IsNew;
                    if self.store_manifest(hash, manifest, &is_new, &BTreeMap::new()).await? {
                        return Ok(ManifestOutcome::Written);
                    }
                    continue;
                }
                Err(error) => return Err(error),
            };
            if manifest.is_same_as(&file).await? {
                return Ok(ManifestOutcome::Same);
            }
            match self.examine_difference(manifest, is_copy, &file).await? {
                Difference::None => return Ok(ManifestOutcome::Same),
                Difference::Harmless => return Ok(ManifestOutcome::KeptAnother),
                Difference::Lost => {}
            }
            let condition = WriteCondition::Matches(file.etag.clone());
            if self
                .store_manifest(hash, manifest, &condition, &BTreeMap::new())
                .await?
            {
                return Ok(ManifestOutcome::Replaced);
            }
            // Another call has replaced it: examine that one.
        }
        Ok(ManifestOutcome::KeptAnother)
    }

    /// Compares where the entries of the two manifests lie, and examines the objects of the one that is there.
    async fn examine_difference(
        &self,
        manifest: &ManifestContent,
        is_copy: bool,
        file: &ManifestFile,
    ) -> Result<Difference, PackageError> {
        let mut ours = manifest.rows(self, &file.hash);
        let mut theirs = file.all();
        let mut is_different = manifest.is_memory();
        let mut elsewhere: Vec<Entry> = Vec::with_capacity(MAX_EXAMINED);
        let mut count = 0;
        loop {
            let (our, their) = (ours.next().await?, theirs.next().await?);
            let is_end = our.is_none() || their.is_none();
            if let (Some(our), Some(their)) = (our, their)
                && our.physical_key != their.physical_key
            {
                is_different = true;
                elsewhere.push(their);
            }
            if elsewhere.len() == MAX_EXAMINED || is_end {
                let examined = std::mem::take(&mut elsewhere);
                count += examined.len();
                let is_too_many = count > MAX_EXAMINED_OBJECTS;
                if !examined.is_empty() && (is_copy || is_too_many || self.is_any_lost(examined).await) {
                    return Ok(Difference::Lost);
                }
            }
            if is_end {
                return Ok(if is_different {
                    Difference::Harmless
                } else {
                    Difference::None
                });
            }
        }
    }

    /// Reports whether S3 says of any of these entries that its object does not exist.
    async fn is_any_lost(&self, entries: Vec<Entry>) -> bool {
        let lost = stream::iter(entries).map(|entry| async move {
            let Ok(object) = object_of(&entry.physical_key) else {
                return true;
            };
            matches!(
                self.s3.head(&object).await,
                Err(error) if matches!(error.kind, AwsErrorKind::NoSuchKey | AwsErrorKind::NoSuchBucket)
            )
        });
        let mut lost = lost.buffer_unordered(MAX_EXAMINED);
        while let Some(is_lost) = lost.next().await {
            if is_lost {
                return true;
            }
        }
        false
    }
}

/// How a manifest that is there differs from the one of a commit.
enum Difference {
    None,
    Harmless,
    /// It points to objects that are gone or too many to be examined, or to others than the copies that were made for the
    /// package.
    Lost,
}
