//! One request to S3 in the caller's name, with the two repetitions that are ours and not the SDK's: in the bucket's own
//! region, and with newer credentials.

use aws_sdk_s3::config::Builder;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use super::error::{Reach, classify, reach};
use super::{BucketName, S3Error, S3ErrorKind, UserS3};
use crate::telemetry::{Dependency, observed};
use crate::upstream::Asker;

/// What a request is about, for its error.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    /// The IAM action that the request needs.
    pub action: &'static str,
    pub bucket: Option<&'a BucketName>,
    pub key: Option<&'a str>,
}

impl UserS3 {
    /// Sends the request that `request` makes of a configuration override. Never use a response of another function: only
    /// the override given here carries the caller's identity.
    pub(super) async fn call<T, E, Fut>(
        &self,
        target: Target<'_>,
        request: impl Fn(Builder) -> Fut,
    ) -> Result<T, S3Error>
    where
        E: ProvideErrorMetadata,
        Fut: Future<Output = Result<T, SdkError<E>>>,
    {
        let (mut may_redirect, mut may_renew) = (true, true);
        loop {
            let credentials = self.signing().credentials;
            let access_key_id = credentials.access_key_id().to_owned();
            let region = self.region_of(target.bucket).await;
            let permit = match self.breaker(&region).ask(Asker::of(&access_key_id)) {
                Ok(permit) => permit,
                Err(resting) => return Err(S3Error::not_asked(target, &region, resting)),
            };
            let request = Box::pin(request(self.identity(credentials, region.clone())));
            let bucket = target.bucket.map(BucketName::as_str);
            let ended = |error: &SdkError<E>| classify(error, target).ended();
            let error = match observed(Dependency::S3, target.action, bucket, ended, request).await {
                Ok(answer) => {
                    permit.answered();
                    return Ok(answer);
                }
                Err(error) => error,
            };
            match reach(&error) {
                Reach::Answered => permit.answered(),
                Reach::Gone => permit.silent(),
                // Single buckets may hang while their endpoint is well.
                Reach::Unknown => drop(permit),
            }
            let error = classify(&error, target);
            match (&error.bucket_region, target.bucket) {
                (Some(actual), Some(bucket)) if error.is_redirect() && may_redirect && *actual != region => {
                    self.note_region(bucket, actual).await;
                    may_redirect = false;
                    continue;
                }
                _ => {}
            }
            if error.kind == S3ErrorKind::StaleCredentials && may_renew && self.renew(&access_key_id).await {
                may_renew = false;
                continue;
            }
            return Err(error);
        }
    }
}
