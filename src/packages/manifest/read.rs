//! Reading of a manifest by its hash: once, for any size, then from the cache; but asked of S3 every time with the caller's
//! own credentials, because one caller may not read what another has read.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt as _, stream};
use quilt_format::manifest::{Index, Indexer};
use quilt_format::{Manifest, ManifestError, TopHash, layout};

use super::ManifestFile;
use super::cache::CachedManifest;
use super::file::{CHUNK_BYTES, Content, OnS3, ranges, replaced};
use crate::aws::AwsErrorKind;
use crate::aws::s3::{ObjectUri, ReadQuery};
use crate::packages::{PackageBucket, PackageError};

/// Manifests up to this size are cached whole; of larger ones the index is.
const MAX_CACHED_BYTES: u64 = 2 * 1024 * 1024;
/// Larger manifests are parsed away from the async workers.
const MAX_INLINE_BYTES: u64 = 1024 * 1024;
/// Largest manifest that is sorted in memory, when it is not in tree order. No release of quilt3 writes such.
const MAX_SORTED_BYTES: u64 = 16 * 1024 * 1024;
/// Most memory for an index; only a manifest made for it needs more.
const MAX_INDEX_BYTES: usize = 32 * 1024 * 1024;
/// Memory for an index that every estimate of reading a manifest contains.
const ESTIMATED_INDEX_BYTES: usize = 2 * 1024 * 1024;
/// How many times its size a manifest takes while it is sorted.
const SORT_FACTOR: usize = 9;

impl PackageBucket {
    /// Opens the manifest of a revision, if it hashes to its name.
    pub async fn open(&self, hash: &TopHash) -> Result<ManifestFile, PackageError> {
        let file = self.open_to_browse(hash).await?;
        match &file.index.not_built {
            None => Ok(file),
            Some(problem) => Err(unusable(hash, problem.clone())),
        }
    }

    /// Opens the manifest of a revision, if it hashes to its name, or if it has entries without a hash or a size, of which there
    /// is no hash.
    pub async fn open_to_browse(&self, hash: &TopHash) -> Result<ManifestFile, PackageError> {
        let file = self.examine(hash).await?;
        if file.index.top_hash == *hash || file.index.not_built.is_some() {
            Ok(file)
        } else {
            Err(PackageError::Poisoned {
                hash: hash.clone(),
                recomputed: file.index.top_hash.clone(),
            })
        }
    }

    /// Opens the manifest of a revision, also if it does not hash to its name.
    pub async fn examine(&self, hash: &TopHash) -> Result<ManifestFile, PackageError> {
        let object = self.object(&layout::manifest(hash))?;
        let missing = |error: PackageError| {
            if error.is(AwsErrorKind::NoSuchKey) {
                PackageError::NoSuchRevision {
                    bucket: self.bucket.clone(),
                    wanted: hash.to_string(),
                }
            } else {
                error
            }
        };
        if let Some(cached) = self.manifests.get(&self.bucket, hash).await {
            let query = ReadQuery {
                if_none_match: Some(cached.etag.clone()),
                ..ReadQuery::default()
            };
            match self.s3.open(&object, &query).await {
                Err(error) if error.kind == AwsErrorKind::NotModified => return Ok(self.file(hash, &object, &cached)),
                Err(error) => return Err(missing(error.into())),
                // Other bytes under the same name: metadata of directories is not part of the hash.
                Ok(_) => {}
            }
        }
        let manifest = Arc::new(self.read(hash, &object).await.map_err(missing)?);
        self.manifests.insert(&self.bucket, hash, manifest.clone()).await;
        Ok(self.file(hash, &object, &manifest))
    }

    fn file(&self, hash: &TopHash, object: &ObjectUri, manifest: &CachedManifest) -> ManifestFile {
        let content = match &manifest.content {
            Some(bytes) => Content::Memory(bytes.clone()),
            None => Content::S3(Box::new(OnS3 {
                s3: self.s3.clone(),
                object: object.clone(),
                etag: manifest.etag.clone(),
            })),
        };
        ManifestFile {
            hash: hash.clone(),
            etag: manifest.etag.clone(),
            index: manifest.index.clone(),
            content,
        }
    }

    /// Reads a manifest from end to end.
    async fn read(&self, hash: &TopHash, object: &ObjectUri) -> Result<CachedManifest, PackageError> {
        let query = ReadQuery {
            range: Some((0, CHUNK_BYTES - 1)),
            ..ReadQuery::default()
        };
        let opened = match self.s3.open(object, &query).await {
            Err(error) if error.kind == AwsErrorKind::InvalidRange => {
                return Err(unusable(hash, ManifestError::Empty));
            }
            answer => answer?,
        };
        let scan = ManifestScan {
            packages: self,
            hash,
            object,
            size: opened.size,
            etag: opened.etag.clone().unwrap_or_default(),
        };
        let length = scan.size.min(CHUNK_BYTES);
        let first = match opened.collect(usize::try_from(CHUNK_BYTES).unwrap_or(usize::MAX)).await {
            Ok(bytes) if bytes.len() as u64 == length => bytes,
            _ => scan.read_range((0, length.saturating_sub(1))).await?,
        };
        scan.run(first).await
    }
}

/// One pass over a manifest, pinned to the `ETag` of its first read.
struct ManifestScan<'a> {
    packages: &'a PackageBucket,
    hash: &'a TopHash,
    object: &'a ObjectUri,
    size: u64,
    etag: String,
}

impl ManifestScan<'_> {
    async fn read_range(&self, range: (u64, u64)) -> Result<Bytes, PackageError> {
        let read = self.packages.s3.read_range(self.object, Some(&self.etag), range).await;
        read.map_err(|error| replaced(error, self.object))
    }

    /// Indexes the first chunk and those that follow it.
    async fn run(self, first: Bytes) -> Result<CachedManifest, PackageError> {
        let tail = ranges(self.size.min(CHUNK_BYTES), self.size, std::iter::repeat(CHUNK_BYTES));
        let tail = stream::iter(tail).map(|range| self.read_range(range)).buffered(2);
        let mut chunks = std::pin::pin!(stream::iter([Ok(first)]).chain(tail));

        let mut indexer = Indexer::default();
        let mut reserved = ESTIMATED_INDEX_BYTES;
        let mut content = (self.size <= MAX_CACHED_BYTES).then(BytesMut::new);
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk?;
            let pushed;
            (indexer, pushed) = self.push(indexer, &chunk).await?;
            match pushed {
                Ok(()) => {}
                Err(ManifestError::OutOfOrder { .. }) => return self.sort().await,
                Err(problem) => return Err(unusable(self.hash, problem)),
            }
            self.reserve_index(indexer.estimate_bytes(), &mut reserved).await?;
            if let Some(content) = &mut content {
                content.extend_from_slice(&chunk);
            }
        }
        let index = indexer.finish().map_err(|problem| unusable(self.hash, problem))?;
        Ok(cached(index, content.map(BytesMut::freeze), self.etag.clone()))
    }

    /// Indexes one more chunk, away from the async workers if the manifest is large.
    async fn push(
        &self,
        indexer: Indexer,
        chunk: &Bytes,
    ) -> Result<(Indexer, Result<(), ManifestError>), PackageError> {
        if self.size <= MAX_INLINE_BYTES {
            return Ok(push(indexer, chunk));
        }
        let chunk = chunk.clone();
        Ok(self.packages.cpu.run(move |_| push(indexer, &chunk)).await?)
    }

    /// Reserves more memory for an index that outgrows its estimate, up to [`MAX_INDEX_BYTES`].
    async fn reserve_index(&self, index_bytes: usize, reserved: &mut usize) -> Result<(), PackageError> {
        if index_bytes > MAX_INDEX_BYTES {
            let message = format!(
                "the manifest of revision {} has more metadata of directories than fits here",
                self.hash
            );
            return Err(PackageError::TooLarge(message));
        }
        if index_bytes > *reserved {
            self.packages.memory.reserve_more(*reserved).await?;
            *reserved *= 2;
        }
        Ok(())
    }

    /// Reads a manifest that is not in tree order as a whole and sorts it.
    async fn sort(&self) -> Result<CachedManifest, PackageError> {
        if self.size > MAX_SORTED_BYTES {
            let message = format!(
                "the manifest of revision {} is not in order, and with {} bytes too large to be sorted here",
                self.hash, self.size
            );
            return Err(PackageError::TooLarge(message));
        }
        let packages = self.packages;
        let size_in_memory = usize::try_from(self.size).unwrap_or(usize::MAX);
        packages
            .memory
            .reserve_more(size_in_memory.saturating_mul(SORT_FACTOR))
            .await?;
        let bytes = if self.size == 0 {
            Bytes::new()
        } else {
            self.read_range((0, self.size - 1)).await?
        };
        let memory = packages.memory.clone();
        let etag = self.etag.clone();
        let sorted = packages.cpu.run(move |_| {
            let _memory = memory;
            sorted(&bytes, etag)
        });
        sorted.await?.map_err(|problem| unusable(self.hash, problem))
    }
}

fn unusable(hash: &TopHash, problem: ManifestError) -> PackageError {
    PackageError::Manifest {
        hash: hash.clone(),
        problem: Box::new(problem),
    }
}

fn push(mut indexer: Indexer, chunk: &[u8]) -> (Indexer, Result<(), ManifestError>) {
    let pushed = indexer.push(chunk);
    (indexer, pushed)
}

/// Rewrites a manifest in tree order.
fn sorted(bytes: &[u8], etag: String) -> Result<CachedManifest, ManifestError> {
    let unsorted = Manifest::read(bytes)?;
    // Everything that was read can be written, except numbers that Python reads and JSON lacks.
    let (bytes, _) = unsorted.write().map_err(|_| ManifestError::Row {
        line: 1,
        problem: "it holds NaN or Infinity",
    })?;
    let mut indexer = Indexer::default();
    indexer.push(&bytes)?;
    Ok(cached(indexer.finish()?, Some(bytes.into()), etag))
}

fn cached(index: Index, content: Option<Bytes>, etag: String) -> CachedManifest {
    let estimated_bytes = index.estimate_bytes() + content.as_ref().map_or(0, Bytes::len);
    CachedManifest {
        etag,
        index: Arc::new(index),
        content,
        estimated_bytes,
    }
}
