//! Packages that exist, with or without a readable `latest`.

use std::fmt;

use quilt_format::layout::{self, Pointer, PointerKind};
use quilt_format::{PackageName, TopHash};

use super::listed::{ListedPointer, MAX_READS, newest_first};
use super::pointers::{Latest, UnreadablePointer};
use crate::aws::AwsErrorKind;
use crate::packages::{PackageBucket, PackageError};

/// A package that a creation finds under its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExistingPackage {
    /// `latest` names a revision.
    Revision(Latest),
    /// `latest` holds no top hash or is archived.
    UnreadableLatest(UnreadablePointer),
    /// There are pointers, of which this is the last one, but no `latest`.
    NoLatest(ListedPointer),
}

impl ExistingPackage {
    /// Returns the latest revision, if it can be read.
    #[must_use]
    pub fn revision(&self) -> Option<&Latest> {
        match self {
            Self::Revision(latest) => Some(latest),
            Self::UnreadableLatest(_) | Self::NoLatest(_) => None,
        }
    }

    /// Returns the hash of the latest revision, if it can be read.
    #[must_use]
    pub fn hash(&self) -> Option<&TopHash> {
        self.revision().map(|latest| &latest.hash)
    }

    /// Returns the `ETag` of `latest`, if there is one.
    #[must_use]
    pub fn etag(&self) -> Option<&str> {
        match self {
            Self::Revision(latest) => Some(&latest.etag),
            Self::UnreadableLatest(pointer) => Some(&pointer.etag),
            Self::NoLatest(_) => None,
        }
    }

    /// Identifies this write of `latest`, or of the last pointer where there is none.
    #[must_use]
    pub fn write_id(&self) -> String {
        match self {
            Self::Revision(latest) => latest.write_id(),
            Self::UnreadableLatest(pointer) => pointer.write_id(),
            Self::NoLatest(last) => format!("{} {}", last.key, last.etag),
        }
    }
}

/// A package whose latest revision is not known, because its pointer `latest` is missing or unreadable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LatestUnknown {
    pub name: PackageName,
    /// `latest`, if it is there.
    pub pointer: Option<UnreadablePointer>,
    /// The newest revision of its history.
    pub newest: Option<TopHash>,
}

impl fmt::Display for LatestUnknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(pointer) = &self.pointer {
            write!(f, "{pointer}, so ")?;
        }
        write!(f, "the package {} has no latest revision", self.name)?;
        match &self.newest {
            Some(newest) => write!(f, "; its newest is {newest}"),
            None => Ok(()),
        }
    }
}

impl PackageBucket {
    /// Returns the latest revision of a package that must exist.
    pub async fn existing(&self, name: &PackageName) -> Result<Latest, PackageError> {
        let missing = || PackageError::NoSuchPackage {
            bucket: self.bucket.clone(),
            name: name.clone(),
        };
        let found = self.find_package(name).await?.ok_or_else(missing)?;
        match found {
            ExistingPackage::Revision(latest) => Ok(latest),
            other => Err(PackageError::LatestUnknown(Box::new(
                self.latest_unknown(name, &other).await,
            ))),
        }
    }

    /// Finds the package of this name, whatever its `latest`; `None` if it has no pointer at all.
    pub async fn find_package(&self, name: &PackageName) -> Result<Option<ExistingPackage>, PackageError> {
        if let Some(found) = self.read_latest(name).await? {
            return Ok(Some(found));
        }
        let listed = match self.pointers(name).await {
            // A caller who may not list finds what `latest` names and no more.
            Err(error) if error.is(AwsErrorKind::AccessDenied) => return Ok(None),
            listed => listed?,
        };
        let is_pointer = |pointer: &ListedPointer| pointer.kind(name) != PointerKind::Other;
        let Some(last) = listed.into_iter().rfind(is_pointer) else {
            return Ok(None);
        };
        // A commit moves `latest` before it writes the history: what was written in between is seen now.
        let found = self.read_latest(name).await?;
        Ok(Some(found.unwrap_or(ExistingPackage::NoLatest(last))))
    }

    /// Reads `latest`; `None` if it is missing. Never returns [`ExistingPackage::NoLatest`].
    pub(in crate::packages) async fn read_latest(
        &self,
        name: &PackageName,
    ) -> Result<Option<ExistingPackage>, PackageError> {
        match self.pointer(&layout::pointer(name, Pointer::Latest)).await {
            Ok(latest) => Ok(Some(ExistingPackage::Revision(latest))),
            Err(PackageError::Pointer(pointer)) => Ok(Some(ExistingPackage::UnreadableLatest(*pointer))),
            Err(error) if error.is(AwsErrorKind::NoSuchKey) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Describes a package without a readable `latest`, as far as it can be read.
    pub(super) async fn latest_unknown(&self, name: &PackageName, found: &ExistingPackage) -> LatestUnknown {
        let pointer = match found {
            ExistingPackage::UnreadableLatest(pointer) => Some(pointer.clone()),
            ExistingPackage::Revision(_) | ExistingPackage::NoLatest(_) => None,
        };
        let mut newest = None;
        if let Ok(mut history) = self.history(name).await {
            history.truncate(MAX_READS);
            let read = self.read_pointers(history).await.unwrap_or_default();
            newest = read.into_iter().find_map(|read| read.revision.ok());
        }
        LatestUnknown {
            name: name.clone(),
            pointer,
            newest,
        }
    }

    /// Returns whether the package has a pointer of its own.
    pub(in crate::packages) async fn has_pointers(&self, name: &PackageName) -> Result<bool, PackageError> {
        let listed = self.pointers(name).await?;
        Ok(listed.iter().any(|pointer| pointer.kind(name) != PointerKind::Other))
    }

    /// Returns the second of the newest revision; none if the caller may not list.
    pub(super) async fn newest_seconds(&self, name: &PackageName) -> Result<Option<u64>, PackageError> {
        match self.pointers(name).await {
            Ok(listed) => Ok(newest_first(name, listed)
                .first()
                .and_then(|newest| newest.seconds(name))),
            Err(error) if error.is(AwsErrorKind::AccessDenied) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
