//! A manifest that the caller may read, with its index; its entries are read as far as they are needed.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use quilt_format::manifest::Index;
use quilt_format::{LogicalKey, TopHash};

use super::Rows;
use crate::aws::s3::{ObjectUri, UserS3};
use crate::aws::{AwsError, AwsErrorKind};
use crate::packages::PackageError;

/// Bytes of the first read of a page; most pages need no other.
const FIRST_READ_BYTES: u64 = 128 * 1024;
/// Bytes of a read where the whole manifest is wanted.
pub(super) const CHUNK_BYTES: u64 = 2 * 1024 * 1024;

/// A revision's manifest.
#[derive(Debug, Clone)]
pub struct ManifestFile {
    /// The name under which it was found.
    pub hash: TopHash,
    /// `ETag` of its object, without its quotes.
    pub etag: String,
    /// Offsets of its entries, sums over its directories, and its header.
    pub index: Arc<Index>,
    pub(super) content: Content,
}

/// Location of the bytes that the index describes.
#[derive(Debug, Clone)]
pub(super) enum Content {
    Memory(Bytes),
    S3(Box<OnS3>),
}

/// A manifest that is read from S3, pinned to its `ETag`.
#[derive(Debug, Clone)]
pub(super) struct OnS3 {
    pub s3: UserS3,
    pub object: ObjectUri,
    pub etag: String,
}

impl ManifestFile {
    /// Returns the entries from `start` up to `end`, read in small pieces at first.
    #[must_use]
    pub fn page(&self, start: u64, end: u64) -> Rows {
        let growing = [FIRST_READ_BYTES, 4 * FIRST_READ_BYTES];
        let sizes = growing.into_iter().chain(std::iter::repeat(8 * FIRST_READ_BYTES));
        self.rows(start, end, sizes, 1)
    }

    /// Returns the entries from `start` up to `end`, read in large pieces.
    #[must_use]
    pub fn scan(&self, start: u64, end: u64) -> Rows {
        self.rows(start, end, std::iter::repeat(CHUNK_BYTES), 2)
    }

    /// Returns all entries.
    #[must_use]
    pub fn all(&self) -> Rows {
        self.scan(self.index.whole.start, self.index.whole.end)
    }

    /// Returns the key of the last entry, if there is any.
    pub(in crate::packages) async fn last_key(&self) -> Result<Option<LogicalKey>, PackageError> {
        let mut rows = self.page(self.index.last_mark(), self.index.whole.end);
        let mut last = None;
        while let Some(entry) = rows.next().await? {
            last = Some(entry.logical_key);
        }
        Ok(last)
    }

    /// Reports whether the manifest has exactly these bytes.
    pub(in crate::packages) async fn has_bytes(&self, bytes: &[u8]) -> Result<bool, PackageError> {
        match &self.content {
            Content::Memory(own) => Ok(own == bytes),
            Content::S3(location) => {
                let OnS3 { s3, object, etag } = &**location;
                if self.index.whole.end != bytes.len() as u64 {
                    return Ok(false);
                }
                let mut offset = 0;
                let mut is_same = true;
                let whole = (0, self.index.whole.end.saturating_sub(1));
                let compare = |piece: &[u8]| {
                    is_same &= bytes.get(offset..offset + piece.len()) == Some(piece);
                    offset += piece.len();
                };
                s3.stream_range(object, Some(etag), whole, compare)
                    .await
                    .map_err(|error| replaced(error, object))?;
                Ok(is_same)
            }
        }
    }

    fn rows(&self, start: u64, end: u64, sizes: impl Iterator<Item = u64> + Send + 'static, ahead: usize) -> Rows {
        match &self.content {
            Content::Memory(bytes) => {
                let within = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                let range = within(start)..within(end).max(within(start));
                Rows::new(self.hash.clone(), start, stream::iter([Ok(bytes.slice(range))]))
            }
            Content::S3(location) => {
                let location = location.clone();
                let ranges = ranges(start, end, sizes);
                let chunks = stream::iter(ranges).map(move |range| {
                    let OnS3 { s3, object, etag } = (*location).clone();
                    async move {
                        s3.read_range(&object, Some(&etag), range)
                            .await
                            .map_err(|error| replaced(error, &object))
                    }
                });
                Rows::new(self.hash.clone(), start, chunks.buffered(ahead))
            }
        }
    }
}

/// Splits a range into pieces of these sizes, each given by its first and its last byte.
pub(super) fn ranges(start: u64, end: u64, mut sizes: impl Iterator<Item = u64>) -> impl Iterator<Item = (u64, u64)> {
    let mut next = start;
    std::iter::from_fn(move || {
        let first = next;
        next = end.min(first + sizes.next().filter(|_| first < end)?);
        Some((first, next - 1))
    })
}

/// Maps a failed `If-Match` to [`PackageError::Changed`].
pub(in crate::packages) fn replaced(error: AwsError, object: &ObjectUri) -> PackageError {
    match error.kind {
        AwsErrorKind::PreconditionFailed => PackageError::Changed {
            bucket: object.bucket.clone(),
            key: object.key.to_string(),
        },
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn ranges_cover_everything_once() {
        let ranges = |start, end| super::ranges(start, end, [3, 5].into_iter().cycle()).collect::<Vec<_>>();
        assert_eq!(ranges(10, 20), [(10, 12), (13, 17), (18, 19)]);
        assert_eq!(ranges(10, 10), []);
    }
}
