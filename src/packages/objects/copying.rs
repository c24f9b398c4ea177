//! Copies of objects below a package's own prefix, made within S3.
//!
//! Objects of 8 MiB and more are copied in parts of the size that the format hashes in chunks, so that the checksums which
//! S3 computes on the way are those that the entry needs (`quilt3.data_transfer`, `_copy_remote_file`).

use std::collections::BTreeMap;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use quilt_format::checksum::{CHUNK, ObjectHash, chunk_digest, chunks, from_chunks, from_sha256};

use super::hashing::PinnedObject;
use crate::aws::s3::{CopySource, ObjectUri, PutOutcome, WriteCondition};
use crate::packages::manifest::replaced;
use crate::packages::upload::OpenUpload;
use crate::packages::{PackageBucket, PackageError};

/// Parts of one object that are copied concurrently.
const MAX_PARTS: usize = 8;

impl PackageBucket {
    /// Copies an object to another key of this bucket. Returns the copy, and its checksum if S3 has computed it.
    pub(super) async fn copy(
        &self,
        pinned: &PinnedObject,
        key: &str,
    ) -> Result<(ObjectUri, Option<ObjectHash>), PackageError> {
        let source = CopySource {
            object: pinned.object.clone(),
            etag: pinned.etag.clone(),
        };
        let target = self.object(key)?;
        let explain = |error| replaced(error, &pinned.object);
        let (copied, hash) = if pinned.size < CHUNK {
            let copied = self.s3.copy(&source, &target).await.map_err(explain)?;
            let hash = copied
                .sha256
                .as_deref()
                .and_then(|sum| from_sha256(pinned.size, sum, None));
            (copied, hash)
        } else {
            let upload = OpenUpload::begin(
                &self.s3,
                &self.tasks,
                &target,
                pinned.content_type.as_deref(),
                &BTreeMap::new(),
            )
            .await?;
            let parts = stream::iter(chunks(pinned.size).zip(1..)).map(|(range, number)| {
                let source = &source;
                let upload = &upload;
                async move { upload.copy_part(source, range, number).await }
            });
            let parts: Vec<PutOutcome> = parts.buffered(MAX_PARTS).try_collect().await.map_err(explain)?;
            let digests: Option<Vec<_>> = parts.iter().map(|part| chunk_digest(part.sha256.as_deref()?)).collect();
            let copied = upload.complete(&parts, &WriteCondition::None).await?;
            (copied, digests.map(|digests| from_chunks(&digests)))
        };
        Ok((
            ObjectUri {
                version_id: copied.version_id,
                ..target
            },
            hash,
        ))
    }
}
