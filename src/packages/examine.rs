//! From a hash to its manifest: read once, whatever its size, then known; and asked of S3 every time with the caller's own
//! credentials, for what one caller has read may not be for another.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt as _, stream};
use quilt_format::manifest::{Index, Indexer};
use quilt_format::{Manifest, ManifestError, TopHash, layout};

use super::cache::Known;
use super::manifest_file::{CHUNK, Content, OnS3, ranges, replaced};
use super::{ManifestFile, PackageBucket, PackageError};
use crate::s3::{ObjectUri, ReadQuery, S3ErrorKind};

/// Manifests up to this size are kept in memory whole; of larger ones the index is.
const KEPT: u64 = 2 * 1024 * 1024;
/// Larger manifests are parsed away from the async workers.
const INLINE: u64 = 1024 * 1024;
/// Largest manifest that is sorted in memory, when it is not in tree order. No release of quilt3 writes such.
const SORTABLE: u64 = 16 * 1024 * 1024;
/// Most memory for an index; only a manifest made for it needs more.
const INDEX: usize = 32 * 1024 * 1024;
/// Memory for an index that is part of what reading a manifest takes in any case.
const SMALL_INDEX: usize = 2 * 1024 * 1024;
/// How many times its size a manifest takes while it is sorted.
const SORTING: usize = 9;

impl PackageBucket {
    /// The manifest of a revision, if it is what its name says.
    pub async fn open(&self, hash: &TopHash) -> Result<ManifestFile, PackageError> {
        let file = self.examine(hash).await?;
        if file.index.top_hash == *hash {
            Ok(file)
        } else {
            Err(PackageError::Poisoned {
                hash: hash.clone(),
                recomputed: file.index.top_hash.clone(),
            })
        }
    }

    /// The manifest of a revision, whatever it hashes to.
    pub async fn examine(&self, hash: &TopHash) -> Result<ManifestFile, PackageError> {
        let object = self.object(&layout::manifest(hash))?;
        let missing = |error: PackageError| {
            if error.is(S3ErrorKind::NoSuchKey) {
                PackageError::NoSuchRevision {
                    bucket: self.bucket.clone(),
                    wanted: hash.to_string(),
                }
            } else {
                error
            }
        };
        if let Some(known) = self.manifests.get(&self.bucket, hash).await {
            let query = ReadQuery {
                if_none_match: Some(known.etag.clone()),
                ..ReadQuery::default()
            };
            match self.s3.open(&object, &query).await {
                Err(error) if error.kind == S3ErrorKind::NotModified => return Ok(self.file(hash, &object, &known)),
                Err(error) => return Err(missing(error.into())),
                // Other bytes under the same name: metadata of directories is not part of the hash.
                Ok(_) => {}
            }
        }
        let known = Arc::new(self.read(hash, &object).await.map_err(missing)?);
        self.manifests.keep(&self.bucket, hash, known.clone()).await;
        Ok(self.file(hash, &object, &known))
    }

    fn file(&self, hash: &TopHash, object: &ObjectUri, known: &Known) -> ManifestFile {
        let content = match &known.content {
            Some(bytes) => Content::Memory(bytes.clone()),
            None => Content::S3(Box::new(OnS3 {
                s3: self.s3.clone(),
                object: object.clone(),
                etag: known.etag.clone(),
            })),
        };
        ManifestFile {
            hash: hash.clone(),
            index: known.index.clone(),
            content,
        }
    }

    /// Reads a manifest from end to end.
    async fn read(&self, hash: &TopHash, object: &ObjectUri) -> Result<Known, PackageError> {
        let wrong = |problem| PackageError::Manifest {
            hash: hash.clone(),
            problem: Box::new(problem),
        };
        let query = ReadQuery {
            range: Some((0, CHUNK - 1)),
            ..ReadQuery::default()
        };
        let opened = match self.s3.open(object, &query).await {
            Err(error) if error.kind == S3ErrorKind::InvalidRange => return Err(wrong(ManifestError::Empty)),
            answer => answer?,
        };
        let (size, etag) = (opened.size, opened.etag.clone().unwrap_or_default());
        let if_match = etag.as_str();
        let read = |range| async move {
            self.s3
                .read_range(object, Some(if_match), range)
                .await
                .map_err(|error| replaced(error, object))
        };
        let length = size.min(CHUNK);
        let first = match opened.collect(usize::try_from(CHUNK).unwrap_or(usize::MAX)).await {
            Ok(bytes) if bytes.len() as u64 == length => bytes,
            _ => read((0, length.saturating_sub(1))).await?,
        };
        let rest = stream::iter(ranges(length, size, std::iter::repeat(CHUNK)))
            .map(read)
            .buffered(2);
        let mut chunks = std::pin::pin!(stream::iter([Ok(first)]).chain(rest));

        let mut indexer = Indexer::default();
        let mut paid = SMALL_INDEX;
        let mut kept = (size <= KEPT).then(BytesMut::new);
        while let Some(chunk) = chunks.next().await {
            let chunk: Bytes = chunk?;
            let pushed;
            (indexer, pushed) = if size > INLINE {
                let chunk = chunk.clone();
                self.cpu.run(move |_| pushed_to(indexer, &chunk)).await?
            } else {
                pushed_to(indexer, &chunk)
            };
            match pushed {
                Ok(()) => {}
                Err(ManifestError::OutOfOrder { .. }) if size <= SORTABLE => {
                    let size_in_memory = usize::try_from(size).unwrap_or(usize::MAX);
                    self.memory.hold_more(size_in_memory.saturating_mul(SORTING)).await?;
                    let bytes = if size == 0 {
                        Bytes::new()
                    } else {
                        read((0, size - 1)).await?
                    };
                    let (memory, etag) = (self.memory.clone(), if_match.to_owned());
                    let sorted = self.cpu.run(move |_| {
                        let _memory = memory;
                        sorted(&bytes, etag)
                    });
                    return sorted.await?.map_err(wrong);
                }
                Err(ManifestError::OutOfOrder { .. }) => {
                    let message = format!(
                        "the manifest of revision {hash} is not in order, and with {size} bytes too large to be sorted here"
                    );
                    return Err(PackageError::TooLarge(message));
                }
                Err(problem) => return Err(wrong(problem)),
            }
            if indexer.weight() > INDEX {
                let message =
                    format!("the manifest of revision {hash} has more metadata of directories than fits here");
                return Err(PackageError::TooLarge(message));
            }
            if indexer.weight() > paid {
                self.memory.hold_more(paid).await?;
                paid *= 2;
            }
            if let Some(kept) = &mut kept {
                kept.extend_from_slice(&chunk);
            }
        }
        let index = indexer.finish().map_err(wrong)?;
        Ok(known(index, kept.map(BytesMut::freeze), if_match.to_owned()))
    }
}

/// The index with more of the manifest.
fn pushed_to(mut indexer: Indexer, chunk: &[u8]) -> (Indexer, Result<(), ManifestError>) {
    let pushed = indexer.push(chunk);
    (indexer, pushed)
}

/// A manifest whose rows are not in tree order, as if they were.
fn sorted(bytes: &[u8], etag: String) -> Result<Known, ManifestError> {
    let unsorted = Manifest::read(bytes)?;
    // What was read can be written, but for numbers that Python reads and JSON has not.
    let (bytes, _) = unsorted.write().map_err(|_| ManifestError::Row {
        line: 1,
        problem: "it holds NaN or Infinity",
    })?;
    let mut indexer = Indexer::default();
    indexer.push(&bytes)?;
    Ok(known(indexer.finish()?, Some(bytes.into()), etag))
}

fn known(index: Index, content: Option<Bytes>, etag: String) -> Known {
    let weight = index.weight() + content.as_ref().map_or(0, Bytes::len);
    Known {
        etag,
        index: Arc::new(index),
        content,
        weight,
    }
}
