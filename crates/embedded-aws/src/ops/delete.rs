//! `DeleteObject` and `DeleteObjects`. The latter names its keys in its body, which the gate has not read: each key is
//! authorised here, and a refusal concerns that key alone.

use std::sync::Arc;

use s3s::dto::{
    self, DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, ETagCondition,
    ObjectIdentifier,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result};

use super::{Answer, Api, answer};
use crate::access::{Pass, object_arn};
use crate::action::delete_action;
use crate::error::error;
use crate::state::lock;
use crate::store::condition::WriteCondition;
use crate::store::versions::Deletion;

/// Most keys that one request may name.
const MOST_KEYS: usize = 1000;

impl Api {
    pub(crate) fn delete(&self, request: S3Request<DeleteObjectInput>) -> Answer<DeleteObjectOutput> {
        let input = request.input;
        let condition = WriteCondition {
            if_match: input.if_match,
            if_none_match: None,
        };
        let deletion = self.delete_key(&input.bucket, &input.key, input.version_id.as_deref(), &condition)?;
        answer(DeleteObjectOutput {
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
        lock(&self.0.store)
            .bucket_mut(bucket)?
            .delete(key, version, condition, now)
    }

    pub(crate) fn delete_many(&self, request: S3Request<DeleteObjectsInput>) -> Answer<DeleteObjectsOutput> {
        let pass = Pass::of(&request.extensions);
        let DeleteObjectsInput { bucket, delete, .. } = request.input;
        if delete.objects.is_empty() || delete.objects.len() > MOST_KEYS {
            let message = "The XML you provided was not well-formed or did not validate against our published schema";
            return Err(error(S3ErrorCode::MalformedXML, message));
        }
        let policy = lock(&self.0.store)
            .bucket(&bucket)?
            .policy
            .as_ref()
            .map(|policy| Arc::clone(&policy.document));
        let quiet = delete.quiet.unwrap_or(false);
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        for object in delete.objects {
            let version = object.version_id.as_deref();
            let action = delete_action(version.is_some());
            let condition = WriteCondition {
                if_match: object.e_tag.clone().map(ETagCondition::ETag),
                if_none_match: None,
            };
            let outcome = pass
                .may(action, &object_arn(&bucket, &object.key), policy.as_deref())
                .and_then(|()| self.delete_key(&bucket, &object.key, version, &condition));
            match outcome {
                Ok(_) if quiet => {}
                Ok(deletion) => deleted.push(success(object, deletion)),
                Err(refusal) => errors.push(failure(object, &refusal)),
            }
        }
        answer(DeleteObjectsOutput {
            deleted: Some(deleted).filter(|deleted| !deleted.is_empty()),
            errors: Some(errors).filter(|errors| !errors.is_empty()),
            ..DeleteObjectsOutput::default()
        })
    }
}

fn success(object: ObjectIdentifier, deletion: Deletion) -> DeletedObject {
    let marker_id = deletion.version_id.filter(|_| deletion.marker);
    DeletedObject {
        delete_marker: deletion.marker.then_some(true),
        delete_marker_version_id: marker_id,
        key: Some(object.key),
        version_id: object.version_id,
    }
}

fn failure(object: ObjectIdentifier, refusal: &S3Error) -> dto::Error {
    dto::Error {
        code: Some(refusal.code().as_str().to_owned()),
        key: Some(object.key),
        message: refusal.message().map(str::to_owned),
        version_id: object.version_id,
    }
}
