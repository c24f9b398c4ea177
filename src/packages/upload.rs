//! An upload in parts, open until it is completed.

use std::collections::BTreeMap;

use bytes::Bytes;
use tokio_util::task::TaskTracker;

use crate::aws::AwsError;
use crate::aws::s3::{CopySource, ObjectUri, PutOutcome, UserS3, WriteCondition};
use crate::telemetry::{in_call_scope, text};

/// An upload that is aborted unless it is completed, also when the call is dropped: open uploads cost their owner.
pub(super) struct OpenUpload {
    s3: UserS3,
    object: ObjectUri,
    id: String,
    tasks: TaskTracker,
    is_open: bool,
}

impl OpenUpload {
    pub(super) async fn begin(
        s3: &UserS3,
        tasks: &TaskTracker,
        object: &ObjectUri,
        content_type: Option<&str>,
        metadata: &BTreeMap<String, String>,
    ) -> Result<Self, AwsError> {
        let id = s3.begin_upload(object, content_type, metadata).await?;
        Ok(Self {
            s3: s3.clone(),
            object: object.clone(),
            id,
            tasks: tasks.clone(),
            is_open: true,
        })
    }

    /// Uploads a part.
    pub(super) fn upload_part(
        &self,
        number: i32,
        body: Bytes,
    ) -> impl Future<Output = Result<PutOutcome, AwsError>> + Send + use<> {
        let (s3, object, id) = (self.s3.clone(), self.object.clone(), self.id.clone());
        async move { s3.upload_part(&object, &id, number, body).await }
    }

    /// Copies the bytes `first..=last` of an object as a part.
    pub(super) async fn copy_part(
        &self,
        source: &CopySource,
        range: (u64, u64),
        number: i32,
    ) -> Result<PutOutcome, AwsError> {
        self.s3.copy_part(source, range, &self.object, &self.id, number).await
    }

    /// Makes the object, if the condition holds.
    pub(super) async fn complete(
        mut self,
        parts: &[PutOutcome],
        condition: &WriteCondition,
    ) -> Result<PutOutcome, AwsError> {
        let completed = self
            .s3
            .complete_upload(&self.object, &self.id, parts, condition)
            .await?;
        self.is_open = false;
        Ok(completed)
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
