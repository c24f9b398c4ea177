//! Copies of objects below a package's own prefix, made within S3.
//!
//! Objects of 8 MiB and more are copied in parts of the size that the format hashes in chunks, so that the checksums which
//! S3 computes on the way are those that the entry needs (`quilt3.data_transfer`, `_copy_remote_file`).

use futures::{StreamExt as _, TryStreamExt as _, stream};
use quilt_format::checksum::{CHUNK, ObjectHash, chunk_digest, chunks, from_chunks, from_sha256};
use tokio_util::task::TaskTracker;

use super::hashing::PinnedObject;
use crate::aws::s3::{Copied, CopySource, ObjectUri, UserS3};
use crate::packages::manifest::replaced;
use crate::packages::{PackageBucket, PackageError};
use crate::telemetry::{in_call_scope, text};

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
            let upload = OpenUpload::begin(&self.s3, &self.tasks, &target, pinned).await?;
            let parts = stream::iter(chunks(pinned.size).zip(1..)).map(|(range, number)| {
                let source = &source;
                let upload = &upload;
                async move {
                    upload
                        .s3
                        .copy_part(source, range, &upload.object, &upload.id, number)
                        .await
                }
            });
            let parts: Vec<Copied> = parts.buffered(MAX_PARTS).try_collect().await.map_err(explain)?;
            let digests: Option<Vec<_>> = parts.iter().map(|part| chunk_digest(part.sha256.as_deref()?)).collect();
            let copied = upload.complete(&parts).await?;
            (copied, digests.map(|digests| from_chunks(&digests)))
        };
        Ok((
            ObjectUri {
                version_id: copied.outcome.version_id,
                ..target
            },
            hash,
        ))
    }
}

/// An upload that is aborted unless it is completed, also when the call is dropped: open uploads cost their owner.
struct OpenUpload {
    s3: UserS3,
    object: ObjectUri,
    id: String,
    tasks: TaskTracker,
    is_open: bool,
}

impl OpenUpload {
    async fn begin(
        s3: &UserS3,
        tasks: &TaskTracker,
        object: &ObjectUri,
        pinned: &PinnedObject,
    ) -> Result<Self, PackageError> {
        let id = s3.begin_upload(object, pinned.content_type.as_deref()).await?;
        Ok(Self {
            s3: s3.clone(),
            object: object.clone(),
            id,
            tasks: tasks.clone(),
            is_open: true,
        })
    }

    async fn complete(mut self, parts: &[Copied]) -> Result<Copied, PackageError> {
        let copied = self.s3.complete_upload(&self.object, &self.id, parts).await?;
        self.is_open = false;
        Ok(copied)
    }
}

impl Drop for OpenUpload {
    fn drop(&mut self) {
        if !self.is_open {
            return;
        }
        let s3 = self.s3.clone();
        let object = self.object.clone();
        let id = std::mem::take(&mut self.id);
        self.tasks.spawn(in_call_scope(async move {
            if let Err(error) = s3.abort_upload(&object, &id).await {
                let upload = text::bounded(&id, text::MAX_ERROR_BYTES);
                tracing::warn!(error = text::error(&error), bucket = %object.bucket, upload, "an upload was left open");
            }
        }));
    }
}
