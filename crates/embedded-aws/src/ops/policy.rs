//! Bucket policies, returned as they were written.

use s3s::dto::{
    DeleteBucketPolicyInput, DeleteBucketPolicyOutput, GetBucketPolicyInput, GetBucketPolicyOutput,
    PutBucketPolicyInput, PutBucketPolicyOutput,
};
use s3s::{S3ErrorCode, S3Request};

use super::{OperationResult, S3Api, respond};
use crate::error::error;
use crate::store::bucket::BucketPolicy;

impl S3Api {
    pub(crate) fn put_policy(
        &self,
        request: S3Request<PutBucketPolicyInput>,
    ) -> OperationResult<PutBucketPolicyOutput> {
        let input = request.input;
        let policy = BucketPolicy::parse(input.policy).map_err(|cause| {
            error(
                S3ErrorCode::MalformedPolicy,
                format!("Policies must be valid JSON: {cause}"),
            )
        })?;
        self.0.store().bucket_mut(&input.bucket)?.policy = Some(policy);
        respond(PutBucketPolicyOutput {})
    }

    pub(crate) fn get_policy(
        &self,
        request: &S3Request<GetBucketPolicyInput>,
    ) -> OperationResult<GetBucketPolicyOutput> {
        let policy = self
            .0
            .store()
            .bucket(&request.input.bucket)?
            .policy
            .as_ref()
            .map(|policy| policy.text.clone());
        let absent = || error(S3ErrorCode::NoSuchBucketPolicy, "The bucket policy does not exist");
        respond(GetBucketPolicyOutput {
            policy: Some(policy.ok_or_else(absent)?),
        })
    }

    pub(crate) fn delete_policy(
        &self,
        request: &S3Request<DeleteBucketPolicyInput>,
    ) -> OperationResult<DeleteBucketPolicyOutput> {
        self.0.store().bucket_mut(&request.input.bucket)?.policy = None;
        respond(DeleteBucketPolicyOutput {})
    }
}
