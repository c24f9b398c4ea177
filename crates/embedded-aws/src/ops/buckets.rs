//! Operations on buckets themselves: make, find, switch versioning, remove.

use std::collections::btree_map::Entry;

use s3s::dto::{
    self, BucketLocationConstraint, BucketVersioningStatus, CreateBucketInput, CreateBucketOutput, DeleteBucketInput,
    DeleteBucketOutput, GetBucketLocationInput, GetBucketLocationOutput, GetBucketVersioningInput,
    GetBucketVersioningOutput, HeadBucketInput, HeadBucketOutput, ListBucketsInput, ListBucketsOutput,
    PutBucketVersioningInput, PutBucketVersioningOutput,
};
use s3s::{S3ErrorCode, S3Request, S3Result};

use super::{Answer, Api, answer};
use crate::error::error;
use crate::state::lock;
use crate::store::bucket::Bucket;
use crate::store::object::wire_time;
use crate::store::versions::Versioning;

/// The region that a bucket's location leaves empty.
const CLASSIC: &str = "us-east-1";

impl Api {
    pub(crate) fn list_buckets(&self, request: S3Request<ListBucketsInput>) -> Answer<ListBucketsOutput> {
        let input = request.input;
        let prefix = input.prefix.clone().unwrap_or_default();
        let most = input
            .max_buckets
            .and_then(|most| usize::try_from(most).ok())
            .unwrap_or(10_000);
        let store = lock(&self.0.store);
        let mut wanted = store
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
        let buckets: Vec<dto::Bucket> = wanted
            .by_ref()
            .take(most)
            .map(|(name, bucket)| dto::Bucket {
                bucket_region: Some(bucket.region.to_string()),
                creation_date: Some(wire_time(bucket.created)),
                name: Some(name.clone()),
            })
            .collect();
        let more = wanted.next().is_some();
        let continuation_token = buckets.last().filter(|_| more).and_then(|bucket| bucket.name.clone());
        drop(store);
        answer(ListBucketsOutput {
            buckets: Some(buckets),
            continuation_token,
            owner: Some(self.owner()),
            prefix: input.prefix,
        })
    }

    pub(crate) fn create_bucket(&self, request: S3Request<CreateBucketInput>) -> Answer<CreateBucketOutput> {
        let signed_for = request
            .region
            .as_ref()
            .map_or(self.0.options.region.as_str(), |region| region.as_str());
        let asked = request
            .input
            .create_bucket_configuration
            .and_then(|configuration| configuration.location_constraint);
        let region = location(signed_for, asked.as_ref().map(BucketLocationConstraint::as_str))?;
        let name = request.input.bucket;
        match lock(&self.0.store).buckets.entry(name.clone()) {
            Entry::Vacant(place) => {
                place.insert(Bucket::new(&region, self.0.now()));
            }
            // One account owns everything here. AWS lets it create its bucket again in the oldest region only.
            Entry::Occupied(_) if region == CLASSIC => {}
            Entry::Occupied(_) => {
                let message = "Your previous request to create the named bucket succeeded and you already own it.";
                return Err(error(S3ErrorCode::BucketAlreadyOwnedByYou, message));
            }
        }
        answer(CreateBucketOutput {
            location: Some(format!("/{name}")),
        })
    }

    pub(crate) fn delete_bucket(&self, request: &S3Request<DeleteBucketInput>) -> Answer<DeleteBucketOutput> {
        let mut store = lock(&self.0.store);
        if !store.bucket(&request.input.bucket)?.objects.is_empty() {
            return Err(error(
                S3ErrorCode::BucketNotEmpty,
                "The bucket you tried to delete is not empty",
            ));
        }
        store.buckets.remove(&request.input.bucket);
        answer(DeleteBucketOutput {})
    }

    pub(crate) fn head_bucket(&self, request: &S3Request<HeadBucketInput>) -> Answer<HeadBucketOutput> {
        let region = lock(&self.0.store).bucket(&request.input.bucket)?.region.to_string();
        answer(HeadBucketOutput {
            bucket_region: Some(region),
            ..HeadBucketOutput::default()
        })
    }

    pub(crate) fn location(&self, request: &S3Request<GetBucketLocationInput>) -> Answer<GetBucketLocationOutput> {
        let region = lock(&self.0.store).bucket(&request.input.bucket)?.region.to_string();
        let constraint = Some(region)
            .filter(|region| region != CLASSIC)
            .map(BucketLocationConstraint::from);
        answer(GetBucketLocationOutput {
            location_constraint: constraint,
        })
    }

    pub(crate) fn set_versioning(
        &self,
        request: &S3Request<PutBucketVersioningInput>,
    ) -> Answer<PutBucketVersioningOutput> {
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
        lock(&self.0.store).bucket_mut(&request.input.bucket)?.versioning = versioning;
        answer(PutBucketVersioningOutput {})
    }

    pub(crate) fn versioning(
        &self,
        request: &S3Request<GetBucketVersioningInput>,
    ) -> Answer<GetBucketVersioningOutput> {
        let status = match lock(&self.0.store).bucket(&request.input.bucket)?.versioning {
            Versioning::Never => None,
            Versioning::Enabled => Some(BucketVersioningStatus::ENABLED),
            Versioning::Suspended => Some(BucketVersioningStatus::SUSPENDED),
        };
        answer(GetBucketVersioningOutput {
            status: status.map(BucketVersioningStatus::from_static),
            ..GetBucketVersioningOutput::default()
        })
    }
}

/// The region of a new bucket. Only the oldest region makes buckets elsewhere; another makes its own, by name.
fn location(signed_for: &str, asked: Option<&str>) -> S3Result<String> {
    let asked = asked.filter(|asked| !asked.is_empty());
    match asked {
        None if signed_for == CLASSIC => Ok(CLASSIC.to_owned()),
        Some(asked) if signed_for == CLASSIC || asked == signed_for => Ok(asked.to_owned()),
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
        assert_eq!(location("us-east-1", None).unwrap(), "us-east-1");
        assert_eq!(location("us-east-1", Some("eu-west-1")).unwrap(), "eu-west-1");
        assert_eq!(location("eu-west-1", Some("eu-west-1")).unwrap(), "eu-west-1");
        assert!(location("eu-west-1", None).is_err());
        assert!(location("eu-west-1", Some("us-west-2")).is_err());
    }
}
