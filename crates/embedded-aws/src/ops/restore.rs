//! `RestoreObject`, and the refusal to read an archived object.

use hyper::StatusCode;
use s3s::dto::{RestoreObjectInput, RestoreObjectOutput, Tier};
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result};

use super::{OperationResult, S3Api};
use crate::error::error;
use crate::store::object::ObjectSnapshot;

impl S3Api {
    /// Returns `InvalidObjectState` with this message if the object has to be restored first.
    pub(crate) fn check_readable(&self, found: &ObjectSnapshot, message: &'static str) -> S3Result<()> {
        let class = found.object.attributes.storage_class.as_deref();
        if found.archive.blocks_reads(class, self.0.now()) {
            return Err(error(S3ErrorCode::InvalidObjectState, message));
        }
        Ok(())
    }

    pub(crate) fn restore(&self, request: &S3Request<RestoreObjectInput>) -> OperationResult<RestoreObjectOutput> {
        let input = &request.input;
        let version_id = input.version_id.as_deref();
        let found = self.find(request, &input.bucket, &input.key, version_id)?;
        let restore = input.restore_request.as_ref();
        let tier = restore.and_then(|restore| {
            let job = restore.glacier_job_parameters.as_ref().map(|job| &job.tier);
            restore.tier.as_ref().or(job).map(Tier::as_str)
        });
        let class = found.object.attributes.storage_class.as_deref();
        let days = restore.and_then(|restore| restore.days);
        let now = self.0.now();
        let mut store = self.0.store();
        let version = store.bucket_mut(&input.bucket)?.version_mut(&input.key, version_id)?;
        let was_complete = version.archive.restore(class, days, tier, now)?;
        drop(store);
        let status = if was_complete {
            StatusCode::OK
        } else {
            StatusCode::ACCEPTED
        };
        Ok(S3Response::with_status(RestoreObjectOutput::default(), status))
    }
}
