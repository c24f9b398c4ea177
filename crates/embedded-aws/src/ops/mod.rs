//! S3 operations, in one module per family.
//!
//! An operation translates its input to calls on the store and the result to its output. [`service`] binds the operations
//! to s3s. Operations run after the access check and evaluate policies only for what the check could not know.

mod attributes;
mod body;
mod buckets;
mod complete;
mod copy;
mod delete;
mod encryption;
mod list;
mod list_versions;
mod multipart;
mod policy;
mod read;
mod restore;
mod service;
mod tagging;
mod uploads;
mod write;

use std::sync::Arc;

use s3s::dto::{self, Owner};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

use super::access::{Authorization, bucket_arn};
use super::store::object::{ObjectSnapshot, Tags};
use crate::state::State;

/// The implementation of the S3 API.
pub(crate) struct S3Api(pub Arc<State>);

impl S3Api {
    /// Returns the version that a request names. If it does not exist, a caller without `s3:ListBucket` receives
    /// `AccessDenied`, so that it does not learn whether a key exists.
    fn find<T>(
        &self,
        request: &S3Request<T>,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> S3Result<ObjectSnapshot> {
        let (found, policy) = {
            let store = self.0.store();
            let bucket = store.bucket(bucket)?;
            (
                bucket.find(key, version),
                bucket.policy.as_ref().map(|policy| Arc::clone(&policy.document)),
            )
        };
        found.or_else(|error| {
            if matches!(error.code(), S3ErrorCode::NoSuchKey | S3ErrorCode::NoSuchVersion) {
                Authorization::from_extensions(&request.extensions).require(
                    "s3:ListBucket",
                    &bucket_arn(bucket),
                    policy.as_deref(),
                )?;
            }
            Err(error)
        })
    }

    /// Returns the account as the owner of a bucket or object. AWS identifies owners by 64 hexadecimal digits.
    fn owner(&self) -> Owner {
        Owner {
            display_name: None,
            id: Some(format!("{:0>64}", self.0.options.account_id)),
        }
    }
}

/// The response of an operation.
type OperationResult<T> = S3Result<S3Response<T>>;

#[expect(
    clippy::unnecessary_wraps,
    reason = "operations end with it, and they return a result"
)]
fn respond<T>(output: T) -> OperationResult<T> {
    Ok(S3Response::new(output))
}

/// Converts a length to the wire type.
fn wire_len(len: u64) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}

/// Converts a count to the wire type.
fn wire_count(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Returns the number of items on a page: as many as the client requests, at most 1000.
fn page_size(requested: Option<i32>) -> S3Result<usize> {
    usize::try_from(requested.unwrap_or(1000))
        .map(|size| size.min(1000))
        .map_err(|_| super::error::invalid_argument("Argument maxKeys must be an integer between 0 and 2147483647"))
}

/// Parses tags in the form of the `x-amz-tagging` header: `key=value&key=value`.
fn header_tags(header: Option<&str>) -> Tags {
    url::form_urlencoded::parse(header.unwrap_or_default().as_bytes())
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect()
}

/// The encoding of keys in a listing: percent-encoded with `encoding-type=url`, else unchanged.
struct KeyEncoding(Option<dto::EncodingType>);

impl KeyEncoding {
    fn new(requested: Option<dto::EncodingType>) -> S3Result<Self> {
        match &requested {
            Some(kind) if kind.as_str() != dto::EncodingType::URL => Err(invalid_encoding()),
            _ => Ok(Self(requested)),
        }
    }

    fn key(&self, key: &str) -> String {
        const ENCODED: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
            .remove(b'-')
            .remove(b'_')
            .remove(b'.')
            .remove(b'~')
            .remove(b'/')
            .remove(b'*');
        match self.0 {
            Some(_) => percent_encoding::utf8_percent_encode(key, ENCODED).to_string(),
            None => key.to_owned(),
        }
    }
}

fn invalid_encoding() -> S3Error {
    super::error::invalid_argument("Invalid Encoding Method specified in Request")
}
