//! Pointers of a package as S3 lists them. Their keys are kept as they are, and never made anew from what they mean.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use quilt_format::layout::{self, PointerKind};
use quilt_format::{PackageName, TopHash};

use super::pointers::UnreadablePointer;
use crate::aws::AwsErrorKind;
use crate::aws::s3::{ListedObject, ListingQuery};
use crate::packages::{PackageBucket, PackageError};

/// Pointers that are read concurrently.
pub(super) const MAX_READS: usize = 16;

/// A key below the pointers of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPointer {
    pub key: String,
    /// The object's `ETag`; empty if the listing has none.
    pub etag: String,
}

impl ListedPointer {
    fn of(object: ListedObject) -> Self {
        Self {
            key: object.key,
            etag: object.etag.unwrap_or_default(),
        }
    }

    /// Returns the kind of the pointer, one of this package.
    #[must_use]
    pub fn kind(&self, name: &PackageName) -> PointerKind<'_> {
        layout::pointer_kind(name, &self.key)
    }

    /// Returns the second of a revision.
    #[must_use]
    pub fn seconds(&self, name: &PackageName) -> Option<u64> {
        match self.kind(name) {
            PointerKind::Revision(seconds) => Some(seconds),
            _ => None,
        }
    }

    /// Returns the name of a tag.
    #[must_use]
    pub fn tag(&self, name: &PackageName) -> Option<&str> {
        match self.kind(name) {
            PointerKind::Tag(tag) => Some(tag),
            _ => None,
        }
    }
}

/// A pointer that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadPointer {
    pub pointer: ListedPointer,
    /// The revision that it names, or why it names none.
    pub revision: Result<TopHash, Box<UnreadablePointer>>,
}

impl ReadPointer {
    /// Returns the revision that it names, if it can be read.
    #[must_use]
    pub fn hash(&self) -> Option<&TopHash> {
        self.revision.as_ref().ok()
    }

    /// Returns whether it names this revision.
    #[must_use]
    pub fn names(&self, hash: &TopHash) -> bool {
        self.hash() == Some(hash)
    }
}

impl PackageBucket {
    /// Lists the keys below the pointers of a package, in their order.
    pub async fn pointers(&self, name: &PackageName) -> Result<Vec<ListedPointer>, PackageError> {
        self.pointers_after(name, None).await
    }

    /// Lists the pointers of revisions, newest first.
    pub async fn history(&self, name: &PackageName) -> Result<Vec<ListedPointer>, PackageError> {
        Ok(newest_first(name, self.pointers(name).await?))
    }

    pub(super) async fn pointers_after(
        &self,
        name: &PackageName,
        start_after: Option<String>,
    ) -> Result<Vec<ListedPointer>, PackageError> {
        let mut query = ListingQuery {
            prefix: layout::pointers(name),
            max_keys: 1000,
            start_after,
            ..ListingQuery::default()
        };
        let mut found = Vec::new();
        loop {
            let page = self.s3.list_objects(&self.bucket, &query).await?;
            found.extend(page.objects.into_iter().map(ListedPointer::of));
            query.continuation_token = page.next_continuation_token;
            if query.continuation_token.is_none() {
                return Ok(found);
            }
        }
    }

    /// Reads pointers, in their order. One that names no revision is returned with its problem; one that is deleted by now is
    /// left out.
    pub async fn read_pointers(&self, pointers: Vec<ListedPointer>) -> Result<Vec<ReadPointer>, PackageError> {
        let read = pointers.into_iter().map(|pointer| self.read_pointer(pointer));
        let read: Vec<Option<ReadPointer>> = stream::iter(read).buffered(MAX_READS).try_collect().await?;
        Ok(read.into_iter().flatten().collect())
    }

    pub(super) async fn read_pointer(&self, pointer: ListedPointer) -> Result<Option<ReadPointer>, PackageError> {
        let revision = match self.pointer(&pointer.key).await {
            Ok(read) => Ok(read.hash),
            Err(PackageError::Pointer(unreadable)) => Err(unreadable),
            Err(error) if error.is(AwsErrorKind::NoSuchKey) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(ReadPointer { pointer, revision }))
    }
}

/// Returns the pointers of revisions, newest first.
#[must_use]
pub fn newest_first(name: &PackageName, mut pointers: Vec<ListedPointer>) -> Vec<ListedPointer> {
    pointers.retain(|pointer| pointer.seconds(name).is_some());
    // Ten digits each: the order of the keys is that of the times.
    pointers.sort_by(|a, b| b.key.cmp(&a.key));
    pointers
}
