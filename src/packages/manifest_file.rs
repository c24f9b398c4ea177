//! A manifest that the caller may read, with its index: the way to its entries, of which no more are read than needed.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use quilt_format::TopHash;
use quilt_format::manifest::Index;

use super::{PackageError, Rows};
use crate::s3::{ObjectUri, S3Error, S3ErrorKind, UserS3};

/// Bytes that are read first where a page is wanted, and bytes that are read at once where everything is.
const FIRST: u64 = 128 * 1024;
/// Most bytes read at once.
pub(super) const CHUNK: u64 = 2 * 1024 * 1024;

/// A revision's manifest.
#[derive(Debug, Clone)]
pub struct ManifestFile {
    /// The name under which it was found.
    pub hash: TopHash,
    /// Where what stands in it.
    pub index: Arc<Index>,
    pub(super) content: Content,
}

/// Where the bytes that the index speaks of are.
#[derive(Debug, Clone)]
pub(super) enum Content {
    Memory(Bytes),
    S3(Box<OnS3>),
}

/// A manifest that is read from S3 as it is needed.
#[derive(Debug, Clone)]
pub(super) struct OnS3 {
    pub s3: UserS3,
    pub object: ObjectUri,
    pub etag: String,
}

impl ManifestFile {
    /// The entries from `start` up to `end`, for those who will take some of them.
    #[must_use]
    pub fn page(&self, start: u64, end: u64) -> Rows {
        // Most pages need one small read; who wants more gets larger ones.
        let sizes = [FIRST, 4 * FIRST].into_iter().chain(std::iter::repeat(8 * FIRST));
        self.rows(start, end, sizes, 1)
    }

    /// The entries from `start` up to `end`, for those who will take all of them.
    #[must_use]
    pub fn scan(&self, start: u64, end: u64) -> Rows {
        self.rows(start, end, std::iter::repeat(CHUNK), 2)
    }

    /// All entries.
    #[must_use]
    pub fn all(&self) -> Rows {
        self.scan(self.index.whole.start, self.index.whole.end)
    }

    /// Whether the manifest has exactly these bytes.
    pub(super) async fn has_bytes(&self, bytes: &[u8]) -> Result<bool, PackageError> {
        match &self.content {
            Content::Memory(own) => Ok(own == bytes),
            Content::S3(place) => {
                let OnS3 { s3, object, etag } = &**place;
                if self.index.whole.end != bytes.len() as u64 {
                    return Ok(false);
                }
                let (mut place, mut is_same) = (0, true);
                let whole = (0, self.index.whole.end.saturating_sub(1));
                let compare = |piece: &[u8]| {
                    is_same &= bytes.get(place..place + piece.len()) == Some(piece);
                    place += piece.len();
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
                let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
                let range = place(start)..place(end).max(place(start));
                Rows::new(self.hash.clone(), start, stream::iter([Ok(bytes.slice(range))]))
            }
            Content::S3(place) => {
                let place = place.clone();
                let ranges = ranges(start, end, sizes);
                let chunks = stream::iter(ranges).map(move |range| {
                    let OnS3 { s3, object, etag } = (*place).clone();
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

/// First and last bytes of pieces of these sizes.
pub(super) fn ranges(start: u64, end: u64, mut sizes: impl Iterator<Item = u64>) -> impl Iterator<Item = (u64, u64)> {
    let mut next = start;
    std::iter::from_fn(move || {
        let first = next;
        next = end.min(first + sizes.next().filter(|_| first < end)?);
        Some((first, next - 1))
    })
}

/// What it means that an object is no longer the one that was asked about.
pub(super) fn replaced(error: S3Error, object: &ObjectUri) -> PackageError {
    match error.kind {
        S3ErrorKind::PreconditionFailed => PackageError::Changed {
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
