//! Checksums of objects: those that S3 keeps already, and only where it keeps none the bytes themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use quilt_format::checksum::{
    ChunkHasher, HashKind, ObjectHash, ObjectHasher, chunks, from_chunks, from_crc64nvme, from_sha256,
};
use tokio::sync::Semaphore;

use super::PackageError;
use super::manifest_file::replaced;
use crate::s3::{Checksums, ObjectUri, S3Error, UserS3};

/// Objects and chunks that are read at once, for one call.
const READS: usize = 8;

/// Which checksum new entries get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Preference {
    /// `sha2-256-chunked`, as quilt3 writes it.
    #[default]
    Sha256Chunked,
    /// `CRC64NVME` where S3 keeps it, as catalogs with `crc64Checksums` write it; else `sha2-256-chunked`.
    Crc64Nvme,
}

/// An object as it was when it was looked at: what is read of it from now on is of this one, or fails.
#[derive(Debug, Clone)]
pub struct Looked {
    /// The object, with its version where the bucket has versions.
    pub object: ObjectUri,
    /// `ETag`, without its quotes.
    pub etag: Option<String>,
    /// Size in bytes.
    pub size: u64,
    /// MIME type.
    pub content_type: Option<String>,
    checksums: Checksums,
}

impl Looked {
    /// A copy of it, of which nothing else is known.
    pub(super) fn copied_to(&self, object: ObjectUri) -> Self {
        Self {
            object,
            etag: None,
            checksums: Checksums::default(),
            ..self.clone()
        }
    }
}

/// Looks at objects and hashes them, for one call. Cheap to clone; clones share the bounds and the count.
#[derive(Debug, Clone)]
pub struct Hashing {
    s3: UserS3,
    reads: Arc<Semaphore>,
    bytes_read: Arc<AtomicU64>,
}

impl Hashing {
    /// As this caller.
    #[must_use]
    pub fn new(s3: UserS3) -> Self {
        Self {
            s3,
            reads: Arc::new(Semaphore::new(READS)),
            bytes_read: Arc::default(),
        }
    }

    /// How many bytes were read so far.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// What S3 says about an object.
    pub async fn look(&self, object: &ObjectUri) -> Result<Looked, S3Error> {
        let head = self.s3.head(object).await?;
        let version_id = head.version_id.or_else(|| object.version_id.clone());
        Ok(Looked {
            object: ObjectUri {
                version_id,
                ..object.clone()
            },
            etag: head.etag,
            size: head.size,
            content_type: head.content_type,
            checksums: head.checksums,
        })
    }

    /// The checksum of this kind, if S3 keeps it.
    pub async fn known(&self, looked: &Looked, kind: HashKind) -> Option<ObjectHash> {
        match kind {
            HashKind::Crc64Nvme => from_crc64nvme(looked.checksums.get("CRC64NVME")?),
            HashKind::Sha256 => None,
            HashKind::Sha256Chunked => {
                let sum = looked.checksums.get("SHA256")?;
                let parts: Option<u64> = sum.split_once('-').and_then(|(_, parts)| parts.parse().ok());
                // Only an upload of as many parts as there are chunks is worth another question. Who may not ask it
                // reads the bytes.
                let sizes = match parts {
                    Some(parts) if parts == (chunks(looked.size).count() as u64) => {
                        self.s3.part_sizes(&looked.object).await.ok().flatten()
                    }
                    _ => None,
                };
                from_sha256(looked.size, sum, sizes.as_deref())
            }
        }
    }

    /// The checksum of an object that a new entry gets, and whether it had to be read for it.
    pub async fn hash(&self, looked: &Looked, preference: Preference) -> Result<ObjectHash, PackageError> {
        match self.preferred(looked, preference).await {
            Some(known) => Ok(known),
            None => self.read(looked, HashKind::Sha256Chunked).await,
        }
    }

    /// The checksum that a new entry gets without reading the object.
    pub async fn preferred(&self, looked: &Looked, preference: Preference) -> Option<ObjectHash> {
        if preference == Preference::Crc64Nvme
            && let Some(known) = self.known(looked, HashKind::Crc64Nvme).await
        {
            return Some(known);
        }
        self.known(looked, HashKind::Sha256Chunked).await
    }

    /// Reads an object and hashes it.
    pub async fn read(&self, looked: &Looked, kind: HashKind) -> Result<ObjectHash, PackageError> {
        if kind == HashKind::Sha256Chunked {
            let digests = stream::iter(chunks(looked.size)).map(|range| async move {
                let mut chunk = ChunkHasher::default();
                self.stream(looked, range, |bytes| chunk.update(bytes)).await?;
                Ok::<_, PackageError>(chunk.finish())
            });
            let digests: Vec<_> = digests.buffered(READS).try_collect().await?;
            return Ok(from_chunks(&digests));
        }
        let mut hasher = ObjectHasher::new(kind, looked.size);
        if looked.size > 0 {
            self.stream(looked, (0, looked.size - 1), |bytes| hasher.update(bytes))
                .await?;
        }
        // The stream gave as many bytes as it was asked for, or failed.
        hasher
            .finish()
            .map_err(|problem| PackageError::Invalid(problem.to_string()))
    }

    async fn stream(
        &self,
        looked: &Looked,
        range: (u64, u64),
        mut take: impl FnMut(&[u8]) + Send,
    ) -> Result<(), PackageError> {
        let _turn = self.reads.acquire().await;
        let counted = |bytes: &[u8]| {
            self.bytes_read.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            take(bytes);
        };
        let read = self
            .s3
            .stream_range(&looked.object, looked.etag.as_deref(), range, counted)
            .await;
        read.map_err(|error| replaced(error, &looked.object))
    }
}
