//! Checksums of objects: from S3 where it stores one, else from the objects' bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use quilt_format::checksum::{
    ChunkHasher, HashKind, ObjectHash, ObjectHasher, chunks, from_chunks, from_crc64nvme, from_sha256,
};
use tokio::sync::Semaphore;

use super::checksum_cache::{CallerChecksums, HashedContent};
use crate::aws::AwsError;
use crate::aws::s3::{Checksums, ObjectUri, UserS3};
use crate::packages::PackageError;
use crate::packages::manifest::replaced;

/// Objects and chunks that one call reads concurrently.
const MAX_READS: usize = 8;

/// Kind of checksum that new entries get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChecksumPreference {
    /// `sha2-256-chunked`, as quilt3 writes it.
    #[default]
    Sha256Chunked,
    /// `CRC64NVME` where S3 keeps it, as catalogs with `crc64Checksums` write it; else `sha2-256-chunked`.
    Crc64Nvme,
}

/// An object pinned to the version and `ETag` that `HeadObject` returned; reads of another content fail.
#[derive(Debug, Clone)]
pub struct PinnedObject {
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

impl PinnedObject {
    /// Describes a copy of it, whose `ETag` and checksums are unknown.
    pub(super) fn copied_to(&self, object: ObjectUri) -> Self {
        Self {
            object,
            etag: None,
            checksums: Checksums::default(),
            ..self.clone()
        }
    }
}

/// Inspects and hashes objects for one call. Clones share its bounds and its count.
#[derive(Debug, Clone)]
pub struct Hashing {
    s3: UserS3,
    reads: Arc<Semaphore>,
    bytes_read: Arc<AtomicU64>,
    checksums: CallerChecksums,
}

impl Hashing {
    /// Acts as the caller of this handle on S3, whose checksums these are.
    #[must_use]
    pub fn new(s3: UserS3, checksums: CallerChecksums) -> Self {
        Self {
            s3,
            checksums,
            reads: Arc::new(Semaphore::new(MAX_READS)),
            bytes_read: Arc::default(),
        }
    }

    /// Returns how many bytes were read so far.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// Asks S3 for an object's version, size and checksums.
    pub(in crate::packages) async fn inspect(&self, object: &ObjectUri) -> Result<PinnedObject, AwsError> {
        let head = self.s3.head(object).await?;
        let version_id = head.version_id.or_else(|| object.version_id.clone());
        Ok(PinnedObject {
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

    /// Returns the checksum of this kind, if S3 stores it.
    pub(in crate::packages) async fn stored(&self, pinned: &PinnedObject, kind: HashKind) -> Option<ObjectHash> {
        match kind {
            HashKind::Crc64Nvme => from_crc64nvme(pinned.checksums.get("CRC64NVME")?),
            HashKind::Sha256 => None,
            HashKind::Sha256Chunked => {
                let sum = pinned.checksums.get("SHA256")?;
                let parts: Option<u64> = sum.split_once('-').and_then(|(_, parts)| parts.parse().ok());
                // The parts' sizes are only asked for if there are as many parts as chunks. A caller who may not ask
                // reads the bytes.
                let sizes = match parts {
                    Some(parts) if parts == (chunks(pinned.size).count() as u64) => {
                        self.s3.part_sizes(&pinned.object).await.ok().flatten()
                    }
                    _ => None,
                };
                from_sha256(pinned.size, sum, sizes.as_deref())
            }
        }
    }

    /// Returns the checksum of a new entry, from the object's bytes if S3 stores none and this caller's calls
    /// have not read them before.
    pub(super) async fn hash(
        &self,
        pinned: &PinnedObject,
        preference: ChecksumPreference,
    ) -> Result<ObjectHash, PackageError> {
        if let Some(stored) = self.preferred(pinned, preference).await {
            return Ok(stored);
        }
        let content = HashedContent {
            object: pinned.object.clone(),
            etag: pinned.etag.clone(),
            size: pinned.size,
            kind: HashKind::Sha256Chunked,
        };
        if let Some(known) = self.checksums.get(&content).await {
            return Ok(known);
        }
        let hash = self.read(pinned, content.kind).await?;
        self.checksums.insert(&content, &hash).await;
        Ok(hash)
    }

    /// Returns the checksum of a new entry, if S3 stores it.
    pub(super) async fn preferred(&self, pinned: &PinnedObject, preference: ChecksumPreference) -> Option<ObjectHash> {
        if preference == ChecksumPreference::Crc64Nvme
            && let Some(stored) = self.stored(pinned, HashKind::Crc64Nvme).await
        {
            return Some(stored);
        }
        self.stored(pinned, HashKind::Sha256Chunked).await
    }

    /// Reads an object and hashes it.
    pub(in crate::packages) async fn read(
        &self,
        pinned: &PinnedObject,
        kind: HashKind,
    ) -> Result<ObjectHash, PackageError> {
        if kind == HashKind::Sha256Chunked {
            let digests = stream::iter(chunks(pinned.size)).map(|range| async move {
                let mut chunk = ChunkHasher::default();
                self.stream(pinned, range, |bytes| chunk.update(bytes)).await?;
                Ok::<_, PackageError>(chunk.finish())
            });
            let digests: Vec<_> = digests.buffered(MAX_READS).try_collect().await?;
            return Ok(from_chunks(&digests));
        }
        let mut hasher = ObjectHasher::new(kind, pinned.size);
        if pinned.size > 0 {
            self.stream(pinned, (0, pinned.size - 1), |bytes| hasher.update(bytes))
                .await?;
        }
        // The stream has yielded exactly the requested bytes, or failed.
        hasher
            .finish()
            .map_err(|problem| PackageError::Invalid(problem.to_string()))
    }

    async fn stream(
        &self,
        pinned: &PinnedObject,
        range: (u64, u64),
        mut sink: impl FnMut(&[u8]) + Send,
    ) -> Result<(), PackageError> {
        let _permit = self.reads.acquire().await;
        let counted = |bytes: &[u8]| {
            self.bytes_read.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            sink(bytes);
        };
        let read = self
            .s3
            .stream_range(&pinned.object, pinned.etag.as_deref(), range, counted)
            .await;
        read.map_err(|error| replaced(error, &pinned.object))
    }
}
