//! Object of a large manifest under a provisional key, from which S3 copies it to the key of its hash.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio_util::task::TaskTracker;

use super::file::ranges;
use crate::aws::AwsError;
use crate::aws::s3::{CopySource, ObjectUri, PutOutcome, UserS3, WriteCondition};
use crate::packages::upload::OpenUpload;
use crate::telemetry::{in_call_scope, text};

/// Bytes that one request copies.
const COPIED_BYTES: u64 = 64 * 1024 * 1024;
/// Parts that are copied concurrently.
const MAX_COPIES: usize = 8;

/// A manifest under a provisional key, which is deleted when the last handle is dropped. Its top hash, and so its own key, is
/// known only after its last row.
#[derive(Clone)]
pub struct StagedManifest(Arc<Staged>);

struct Staged {
    cleanup: Cleanup,
    source: CopySource,
    size: u64,
}

/// Deletes an object when it is dropped.
pub(super) struct Cleanup {
    s3: UserS3,
    tasks: TaskTracker,
    object: ObjectUri,
}

impl StagedManifest {
    pub(super) fn new(cleanup: Cleanup, source: CopySource, size: u64) -> Self {
        Self(Arc::new(Staged { cleanup, source, size }))
    }

    /// Returns the object and its `ETag`.
    pub(super) fn source(&self) -> &CopySource {
        &self.0.source
    }

    /// Size in bytes.
    pub(super) fn size(&self) -> u64 {
        self.0.size
    }

    /// Copies the manifest to `object` within S3, with this metadata, if the condition holds.
    pub(in crate::packages) async fn copy_to(
        &self,
        object: &ObjectUri,
        condition: &WriteCondition,
        metadata: &BTreeMap<String, String>,
    ) -> Result<(), AwsError> {
        let Staged { cleanup, source, size } = &*self.0;
        let upload = OpenUpload::begin(&cleanup.s3, &cleanup.tasks, object, None, metadata).await?;
        let ranges = ranges(0, *size, std::iter::repeat(COPIED_BYTES));
        let copies = stream::iter(ranges.zip(1..)).map(|(range, number)| upload.copy_part(source, range, number));
        let parts: Vec<PutOutcome> = copies.buffered(MAX_COPIES).try_collect().await?;
        upload.complete(&parts, condition).await?;
        Ok(())
    }
}

impl Cleanup {
    pub(super) fn new(s3: UserS3, tasks: TaskTracker, object: ObjectUri) -> Self {
        Self { s3, tasks, object }
    }
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        let (s3, object) = (self.s3.clone(), self.object.clone());
        self.tasks.spawn(in_call_scope(async move {
            if let Err(error) = s3.delete(&object, None).await {
                let object = object.to_string();
                tracing::warn!(error = text::error(&error), object, "a staged manifest was left behind");
            }
        }));
    }
}

impl fmt::Debug for StagedManifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StagedManifest({}, {} bytes)", self.0.source.object, self.0.size)
    }
}
