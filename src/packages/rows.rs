//! Entries of a manifest, read as they are needed.

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt as _, stream};
use quilt_format::manifest::{ManifestReader, Row};
use quilt_format::{Entry, TopHash};

use super::PackageError;

/// Rows that are parsed, and hashed by those who write them again, before other tasks have their turn.
const TURN: u32 = 256;

/// The entries of a stretch of a manifest, in tree order. Holds the bytes that came and were not taken.
pub struct Rows {
    chunks: BoxStream<'static, Result<Bytes, PackageError>>,
    reader: ManifestReader,
    hash: TopHash,
    ended: bool,
    /// Rows since others had their turn.
    taken: u32,
}

impl Rows {
    /// The entries of bytes that begin at `offset` of the manifest of this revision.
    pub(super) fn new(
        hash: TopHash,
        offset: u64,
        chunks: impl stream::Stream<Item = Result<Bytes, PackageError>> + Send + 'static,
    ) -> Self {
        Self {
            chunks: chunks.boxed(),
            reader: ManifestReader::resuming(offset),
            hash,
            ended: false,
            taken: 0,
        }
    }

    /// Where the next entry begins.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.reader.offset()
    }

    /// The next entry.
    pub async fn next(&mut self) -> Result<Option<Entry>, PackageError> {
        self.taken += 1;
        if self.taken >= TURN {
            self.taken = 0;
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
