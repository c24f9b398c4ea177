//! Encryption with keys of KMS, which have rights of their own. Key policies do not exist: as with AWS's default key policy,
//! the caller's policies decide. A key that is not named is the AWS managed key of S3, which every caller may use.

use hyper::http::Extensions;
use s3s::S3Result;
use s3s::dto::ServerSideEncryption;

use super::S3Api;
use crate::access::Authorization;
use crate::store::object::Attributes;

impl S3Api {
    /// Returns the ARN of the KMS key that a write names.
    pub(crate) fn kms_key(&self, encryption: Option<&ServerSideEncryption>, key: Option<&str>) -> Option<String> {
        let key = key.filter(|_| encryption.is_some_and(|kind| kind.as_str() != ServerSideEncryption::AES256))?;
        if key.starts_with("arn:") {
            return Some(key.to_owned());
        }
        let options = &self.0.options;
        Some(format!(
            "arn:aws:kms:{}:{}:key/{key}",
            options.region, options.account_id
        ))
    }
}

/// Returns `AccessDenied` unless the caller may use the key for `action`.
pub(crate) fn require_key(extensions: &Extensions, action: &str, key: Option<&str>) -> S3Result<()> {
    key.map_or(Ok(()), |key| {
        Authorization::from_extensions(extensions).require(action, key, None)
    })
}

/// Returns the encryption that responses report.
pub(crate) fn server_side_encryption(attributes: &Attributes) -> ServerSideEncryption {
    ServerSideEncryption::from_static(if attributes.kms_key.is_some() {
        ServerSideEncryption::AWS_KMS
    } else {
        ServerSideEncryption::AES256
    })
}
