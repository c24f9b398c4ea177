//! `DeleteObject` and `DeleteObjects`. The latter names its keys in its body, which the access check has not read: each key
//! is authorized here, and a denial affects that key only.

use std::sync::Arc;

use s3s::dto::{
    self, DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, ETagCondition,
    ObjectIdentifier,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result};

use super::{OperationResult, S3Api, respond};
use crate::access::{Authorization, object_arn};
use crate::action::delete_action;
use crate::error::error;
use crate::store::condition::WriteCondition;
use crate::store::versions::Deletion;

/// Maximum number of keys in one `DeleteObjects` request.
const MAX_KEYS_PER_REQUEST: usize = 1000;

impl S3Api {
    pub(crate) fn delete(&self, request: S3Request<DeleteObjectInput>) -> OperationResult<DeleteObjectOutput> {
        let input = request.input;
        let condition = WriteCondition {
            if_match: input.if_match,
            if_none_match: None,
        };
        let deletion = self.delete_key(&input.bucket, &input.key, input.version_id.as_deref(), &condition)?;
        respond(DeleteObjectOutput {
            delete_marker: deletion.marker.then_some(true),
            version_id: deletion.version_id,
            ..DeleteObjectOutput::default()
        })
    }

    fn delete_key(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        condition: &WriteCondition,
    ) -> S3Result<Deletion> {
        let now = self.0.now();
        self.0.store().bucket_mut(bucket)?.delete(key, version, condition, now)
    }

    pub(crate) fn delete_many(&self, request: S3Request<DeleteObjectsInput>) -> OperationResult<DeleteObjectsOutput> {
        let authorization = Authorization::from_extensions(&request.extensions);
        let DeleteObjectsInput { bucket, delete, .. } = request.input;
        if delete.objects.is_empty() || delete.objects.len() > MAX_KEYS_PER_REQUEST {
            let message = "The XML you provided was not well-formed or did not validate against our published schema";
            return Err(error(S3ErrorCode::MalformedXML, message));
        }
        let policy = self
            .0
            .store()
            .bucket(&bucket)?
            .policy
            .as_ref()
            .map(|policy| Arc::clone(&policy.document));
        let quiet = delete.quiet.unwrap_or(false);
        let mut deleted = Vec::new();
        let mut errors = Vec::new();
        for object in delete.objects {
            let version = object.version_id.as_deref();
            let action = delete_action(version.is_some());
            let condition = WriteCondition {
                if_match: object.e_tag.clone().map(ETagCondition::ETag),
                if_none_match: None,
            };
            let outcome = authorization
                .require(action, &object_arn(&bucket, &object.key), policy.as_deref())
                .and_then(|()| self.delete_key(&bucket, &object.key, version, &condition));
            match outcome {
                Ok(_) if quiet => {}
                Ok(deletion) => deleted.push(deleted_object(object, deletion)),
                Err(error) => errors.push(delete_error(object, &error)),
            }
        }
        respond(DeleteObjectsOutput {
            deleted: Some(deleted).filter(|deleted| !deleted.is_empty()),
            errors: Some(errors).filter(|errors| !errors.is_empty()),
            ..DeleteObjectsOutput::default()
        })
    }
}

fn deleted_object(object: ObjectIdentifier, deletion: Deletion) -> DeletedObject {
    let marker_id = deletion.version_id.filter(|_| deletion.marker);
    DeletedObject {
        delete_marker: deletion.marker.then_some(true),
        delete_marker_version_id: marker_id,
        key: Some(object.key),
        version_id: object.version_id,
    }
}

fn delete_error(object: ObjectIdentifier, error: &S3Error) -> dto::Error {
    dto::Error {
        code: Some(error.code().as_str().to_owned()),
        key: Some(object.key),
        message: error.message().map(str::to_owned),
        version_id: object.version_id,
    }
}
