//! Bucket operations: list, create, delete, head, location and versioning.

use std::collections::btree_map::Entry;

use s3s::dto::{
    self, BucketLocationConstraint, BucketVersioningStatus, CreateBucketInput, CreateBucketOutput, DeleteBucketInput,
    DeleteBucketOutput, GetBucketLocationInput, GetBucketLocationOutput, GetBucketVersioningInput,
    GetBucketVersioningOutput, HeadBucketInput, HeadBucketOutput, ListBucketsInput, ListBucketsOutput,
    PutBucketVersioningInput, PutBucketVersioningOutput,
};
use s3s::{S3ErrorCode, S3Request, S3Result};

use super::{OperationResult, S3Api, respond};
use crate::error::error;
use crate::store::bucket::Bucket;
use crate::store::object::wire_time;
use crate::store::versions::Versioning;

/// The region for which `LocationConstraint` is empty.
const LEGACY_REGION: &str = "us-east-1";

impl S3Api {
    pub(crate) fn list_buckets(&self, request: S3Request<ListBucketsInput>) -> OperationResult<ListBucketsOutput> {
        let input = request.input;
        let prefix = input.prefix.clone().unwrap_or_default();
        let max_buckets = input
            .max_buckets
            .and_then(|max| usize::try_from(max).ok())
            .unwrap_or(10_000);
        let store = self.0.store();
        let mut matching = store
            .buckets
            .iter()
            .filter(|(name, _)| name.starts_with(&prefix))
            .filter(|(name, _)| input.continuation_token.as_ref().is_none_or(|after| *name > after))
            .filter(|(_, bucket)| {
                input
                    .bucket_region
                    .as_deref()
                    .is_none_or(|region| *bucket.region == *region)
            });
        let buckets: Vec<dto::Bucket> = matching
            .by_ref()
            .take(max_buckets)
            .map(|(name, bucket)| dto::Bucket {
                bucket_region: Some(bucket.region.to_string()),
                creation_date: Some(wire_time(bucket.created)),
                name: Some(name.clone()),
            })
            .collect();
        let more = matching.next().is_some();
        let continuation_token = buckets.last().filter(|_| more).and_then(|bucket| bucket.name.clone());
        drop(store);
        respond(ListBucketsOutput {
            buckets: Some(buckets),
            continuation_token,
            owner: Some(self.owner()),
            prefix: input.prefix,
        })
    }

    pub(crate) fn create_bucket(&self, request: S3Request<CreateBucketInput>) -> OperationResult<CreateBucketOutput> {
        let signed_for = request
            .region
            .as_ref()
            .map_or(self.0.options.region.as_str(), |region| region.as_str());
        let constraint = request
            .input
            .create_bucket_configuration
            .and_then(|configuration| configuration.location_constraint);
        let region = new_bucket_region(signed_for, constraint.as_ref().map(BucketLocationConstraint::as_str))?;
        let name = request.input.bucket;
        match self.0.store().buckets.entry(name.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(Bucket::new(&region, self.0.now()));
            }
            // Every bucket belongs to the one account, which AWS lets recreate its bucket only in this region.
            Entry::Occupied(_) if region == LEGACY_REGION => {}
            Entry::Occupied(_) => {
                let message = "Your previous request to create the named bucket succeeded and you already own it.";
                return Err(error(S3ErrorCode::BucketAlreadyOwnedByYou, message));
            }
        }
        respond(CreateBucketOutput {
            location: Some(format!("/{name}")),
        })
    }

    pub(crate) fn delete_bucket(&self, request: &S3Request<DeleteBucketInput>) -> OperationResult<DeleteBucketOutput> {
        let mut store = self.0.store();
        if !store.bucket(&request.input.bucket)?.objects.is_empty() {
            return Err(error(
                S3ErrorCode::BucketNotEmpty,
                "The bucket you tried to delete is not empty",
            ));
        }
        store.buckets.remove(&request.input.bucket);
        respond(DeleteBucketOutput {})
    }

    pub(crate) fn head_bucket(&self, request: &S3Request<HeadBucketInput>) -> OperationResult<HeadBucketOutput> {
        let region = self.0.store().bucket(&request.input.bucket)?.region.to_string();
        respond(HeadBucketOutput {
            bucket_region: Some(region),
            ..HeadBucketOutput::default()
        })
    }

    pub(crate) fn location(
        &self,
        request: &S3Request<GetBucketLocationInput>,
    ) -> OperationResult<GetBucketLocationOutput> {
        let region = self.0.store().bucket(&request.input.bucket)?.region.to_string();
        let constraint = Some(region)
            .filter(|region| region != LEGACY_REGION)
            .map(BucketLocationConstraint::from);
        respond(GetBucketLocationOutput {
            location_constraint: constraint,
        })
    }

    pub(crate) fn set_versioning(
        &self,
        request: &S3Request<PutBucketVersioningInput>,
    ) -> OperationResult<PutBucketVersioningOutput> {
        let status = request
            .input
            .versioning_configuration
            .status
            .as_ref()
            .map(BucketVersioningStatus::as_str);
        let versioning = match status {
            Some(BucketVersioningStatus::ENABLED) => Versioning::Enabled,
            Some(BucketVersioningStatus::SUSPENDED) => Versioning::Suspended,
            _ => {
                let message = "The Versioning element must be specified";
                return Err(error(S3ErrorCode::IllegalVersioningConfigurationException, message));
            }
        };
        self.0.store().bucket_mut(&request.input.bucket)?.versioning = versioning;
        respond(PutBucketVersioningOutput {})
    }

    pub(crate) fn versioning(
        &self,
        request: &S3Request<GetBucketVersioningInput>,
    ) -> OperationResult<GetBucketVersioningOutput> {
        let status = match self.0.store().bucket(&request.input.bucket)?.versioning {
            Versioning::Never => None,
            Versioning::Enabled => Some(BucketVersioningStatus::ENABLED),
            Versioning::Suspended => Some(BucketVersioningStatus::SUSPENDED),
        };
        respond(GetBucketVersioningOutput {
            status: status.map(BucketVersioningStatus::from_static),
            ..GetBucketVersioningOutput::default()
        })
    }
}

/// Returns the region of a new bucket. Only `us-east-1` creates buckets in other regions; every other region requires a
/// location constraint that names itself.
fn new_bucket_region(signed_for: &str, constraint: Option<&str>) -> S3Result<String> {
    match constraint.filter(|region| !region.is_empty()) {
        None if signed_for == LEGACY_REGION => Ok(LEGACY_REGION.to_owned()),
        Some(region) if signed_for == LEGACY_REGION || region == signed_for => Ok(region.to_owned()),
        other => Err(error(
            S3ErrorCode::IllegalLocationConstraintException,
            format!(
                "The {} location constraint is incompatible for the region specific endpoint this request was sent to.",
                other.unwrap_or("unspecified")
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_made_where_it_is_asked_for() {
        assert_eq!(new_bucket_region("us-east-1", None).unwrap(), "us-east-1");
        assert_eq!(new_bucket_region("us-east-1", Some("eu-west-1")).unwrap(), "eu-west-1");
        assert_eq!(new_bucket_region("eu-west-1", Some("eu-west-1")).unwrap(), "eu-west-1");
        assert!(new_bucket_region("eu-west-1", None).is_err());
        assert!(new_bucket_region("eu-west-1", Some("us-west-2")).is_err());
    }
}
