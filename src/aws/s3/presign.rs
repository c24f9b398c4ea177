//! Presigned URLs of objects. The holder of one may read the object until it expires, so none is logged.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use jiff::{SignedDuration, Timestamp};

use super::head::read_operation;
use super::{ObjectUri, UserS3};
use crate::aws::{AwsError, AwsErrorKind};
use crate::clock::to_system_time;

/// A presigned URL and its expiry.
#[derive(Clone)]
pub struct Presigned {
    pub url: String,
    /// When it expires: never later than the credentials that signed it.
    pub expires_at: Timestamp,
    /// Whether the expiry of the credentials made it shorter than asked.
    pub capped: bool,
}

impl std::fmt::Debug for Presigned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Presigned")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl UserS3 {
    /// Returns a URL of an object that is valid for `asked`, starting `now`, or as long as the credentials are.
    pub async fn presign(&self, object: &ObjectUri, asked: Duration, now: Timestamp) -> Result<Presigned, AwsError> {
        let signing = self.signing();
        let left = signing
            .expires_at
            .map(|end| Duration::try_from(end.duration_since(now)).unwrap_or_default());
        // S3 counts from the whole second of the signature, in whole seconds.
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let granted = left.map_or(asked, |left| left.min(asked));
        let granted = Duration::from_secs(granted.as_secs().max(1));
        let operation = read_operation(object);
        let invalid = |words| AwsError::new(AwsErrorKind::InvalidRequest, operation).with_message(words);
        let config = PresigningConfig::builder()
            .start_time(to_system_time(now))
            .expires_in(granted)
            .build();
        let config = config.map_err(|_| invalid("the link's life is out of range"))?;
        let request = self
            .presigning_client()
            .get_object()
            .bucket(object.bucket.as_str())
            .key(object.key.as_str())
            .set_version_id(object.version_id.clone())
            .customize()
            .config_override(self.signed_with(signing, operation.resource))
            .presigned(config)
            .await
            .map_err(|_| invalid("the link could not be signed"))?;
        let life = SignedDuration::try_from(granted).unwrap_or_default();
        let expires_at = now.saturating_add(life).unwrap_or(now);
        Ok(Presigned {
            url: request.uri().to_owned(),
            expires_at,
            capped: left.is_some_and(|left| left < asked),
        })
    }
}
