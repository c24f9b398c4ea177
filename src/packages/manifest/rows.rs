//! Stream of a manifest's entries, read as they are needed.

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt as _, stream};
use quilt_format::manifest::{ManifestReader, Row};
use quilt_format::{Entry, TopHash};

use crate::packages::PackageError;

/// Rows after which the task yields to others.
const ROWS_PER_TURN: u32 = 256;

/// Entries of a part of a manifest, in tree order. Holds the bytes that were read and not parsed yet.
pub struct Rows {
    chunks: BoxStream<'static, Result<Bytes, PackageError>>,
    reader: ManifestReader,
    hash: TopHash,
    ended: bool,
    /// Rows since the task yielded.
    since_yield: u32,
}

impl Rows {
    /// Returns the entries of bytes that begin at `offset` of the manifest of this revision.
    pub(super) fn new(
        hash: TopHash,
        offset: u64,
        chunks: impl stream::Stream<Item = Result<Bytes, PackageError>> + Send + 'static,
    ) -> Self {
        Self {
            chunks: chunks.boxed(),
            reader: ManifestReader::resuming(offset).tolerant(),
            hash,
            ended: false,
            since_yield: 0,
        }
    }

    /// Returns the entries of bytes that begin with the header.
    pub(super) fn from_start(
        hash: TopHash,
        chunks: impl stream::Stream<Item = Result<Bytes, PackageError>> + Send + 'static,
    ) -> Self {
        Self {
            reader: ManifestReader::new(),
            ..Self::new(hash, 0, chunks)
        }
    }

    /// Returns the offset at which the next entry begins.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.reader.offset()
    }

    /// Reads the next entry, or `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Entry>, PackageError> {
        self.since_yield += 1;
        if self.since_yield >= ROWS_PER_TURN {
            self.since_yield = 0;
            tokio::task::yield_now().await;
        }
        loop {
            let row = self.reader.next_row();
            let row = row.map_err(|problem| PackageError::Manifest {
                hash: self.hash.clone(),
                problem: Box::new(problem),
            })?;
            match row {
                Some(Row::Entry(entry)) => return Ok(Some(entry)),
                Some(Row::Header(_) | Row::Directory(_)) => {}
                None if self.ended => return Ok(None),
                None => {
                    if let Some(chunk) = self.chunks.next().await {
                        self.reader.push(&chunk?);
                    } else {
                        self.reader.end();
                        self.ended = true;
                    }
                }
            }
        }
    }
}
