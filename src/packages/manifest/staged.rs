//! Object of a large manifest under a provisional key, from which S3 copies it to the key of its hash.

use std::fmt;
use std::sync::Arc;

use tokio_util::task::TaskTracker;

use crate::aws::AwsError;
use crate::aws::s3::{CopySource, ObjectUri, UserS3, WriteCondition};
use crate::packages::upload::OpenUpload;
use crate::telemetry::{in_call_scope, text};

/// Bytes that one request copies at most.
const MAX_COPIED_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// A manifest under a provisional key, which is deleted when the last handle is dropped. Its top hash, and so its own key, is
/// known only after its last row.
#[derive(Clone)]
pub struct StagedManifest(Arc<Staged>);

struct Staged {
    s3: UserS3,
    tasks: TaskTracker,
    source: CopySource,
    size: u64,
}

impl StagedManifest {
    pub(super) fn new(s3: UserS3, tasks: TaskTracker, source: CopySource, size: u64) -> Self {
        Self(Arc::new(Staged {
            s3,
            tasks,
            source,
            size,
        }))
    }

    /// Returns the object and its `ETag`.
    pub(super) fn source(&self) -> &CopySource {
        &self.0.source
    }

    /// Size in bytes.
    pub(super) fn size(&self) -> u64 {
        self.0.size
    }

    /// Copies the manifest to `object` within S3, if the condition holds.
    pub(in crate::packages) async fn copy_to(
        &self,
        object: &ObjectUri,
        condition: &WriteCondition,
    ) -> Result<(), AwsError> {
        let Staged {
            s3,
            tasks,
            source,
            size,
        } = &*self.0;
        let upload = OpenUpload::begin(s3, tasks, object, None).await?;
        let mut parts = Vec::new();
        let mut first = 0;
        for number in 1.. {
            let end = size.min(&(first + MAX_COPIED_BYTES)).to_owned();
            parts.push(upload.copy_part(source, (first, end - 1), number).await?);
            first = end;
            if first == *size {
                break;
            }
        }
        upload.complete(&parts, condition).await?;
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        let (s3, source) = (self.s3.clone(), self.source.clone());
        self.tasks.spawn(in_call_scope(async move {
            if let Err(error) = s3.delete(&source.object, source.etag.as_deref()).await {
                let object = source.object.to_string();
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
