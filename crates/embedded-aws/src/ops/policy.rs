//! Bucket policies: stored as written, evaluated as parsed.

use std::sync::Arc;

use s3s::dto::{
    DeleteBucketPolicyInput, DeleteBucketPolicyOutput, GetBucketPolicyInput, GetBucketPolicyOutput,
    PutBucketPolicyInput, PutBucketPolicyOutput,
};
use s3s::{S3ErrorCode, S3Request};

use super::{Answer, Api, answer};
use crate::error::error;
use crate::policy::{InvalidPolicy, Kind, parse};
use crate::state::lock;
use crate::store::bucket::BucketPolicy;

impl BucketPolicy {
    /// A policy from its text.
    pub(crate) fn read(text: String) -> Result<Self, InvalidPolicy> {
        let value = serde_json::from_str(&text).unwrap_or_default();
        Ok(Self {
            document: Arc::new(parse(Kind::Bucket, &value)?),
            text,
        })
    }
}

impl Api {
    pub(crate) fn put_policy(&self, request: S3Request<PutBucketPolicyInput>) -> Answer<PutBucketPolicyOutput> {
        let input = request.input;
        let policy = BucketPolicy::read(input.policy).map_err(|cause| {
            error(
                S3ErrorCode::MalformedPolicy,
                format!("Policies must be valid JSON: {cause}"),
            )
        })?;
        lock(&self.0.store).bucket_mut(&input.bucket)?.policy = Some(policy);
        answer(PutBucketPolicyOutput {})
    }

    pub(crate) fn get_policy(&self, request: &S3Request<GetBucketPolicyInput>) -> Answer<GetBucketPolicyOutput> {
        let policy = lock(&self.0.store)
            .bucket(&request.input.bucket)?
            .policy
            .as_ref()
            .map(|policy| policy.text.clone());
        let absent = || error(S3ErrorCode::NoSuchBucketPolicy, "The bucket policy does not exist");
        answer(GetBucketPolicyOutput {
            policy: Some(policy.ok_or_else(absent)?),
        })
    }

    pub(crate) fn delete_policy(
        &self,
        request: &S3Request<DeleteBucketPolicyInput>,
    ) -> Answer<DeleteBucketPolicyOutput> {
        lock(&self.0.store).bucket_mut(&request.input.bucket)?.policy = None;
        answer(DeleteBucketPolicyOutput {})
    }
}
