//! The S3 operations. Each family turns a request's input into calls on the store and the result into the answer;
//! `service` hands them to the HTTP layer. An operation may rely on the gate having let the request through.

mod attributes;
mod body;
mod buckets;
mod complete;
mod copy;
mod delete;
mod list;
mod list_versions;
mod multipart;
mod policy;
mod read;
mod service;
mod tagging;
mod uploads;
mod write;

use std::sync::Arc;

use s3s::dto::{self, Owner};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

use super::access::{Pass, bucket_arn};
use super::store::object::{Found, Tags};
use crate::state::{State, lock};

/// The embedded S3, as the HTTP layer sees it.
pub(crate) struct Api(pub Arc<State>);

impl Api {
    /// The version a request names, or the refusal that AWS gives for its absence: who may not list a bucket does not
    /// learn whether a key exists.
    fn find<T>(&self, request: &S3Request<T>, bucket: &str, key: &str, version: Option<&str>) -> S3Result<Found> {
        let (found, policy) = {
            let store = lock(&self.0.store);
            let bucket = store.bucket(bucket)?;
            (
                bucket.find(key, version),
                bucket.policy.as_ref().map(|policy| Arc::clone(&policy.document)),
            )
        };
        found.or_else(|refusal| {
            if matches!(refusal.code(), S3ErrorCode::NoSuchKey | S3ErrorCode::NoSuchVersion) {
                Pass::of(&request.extensions).may("s3:ListBucket", &bucket_arn(bucket), policy.as_deref())?;
            }
            Err(refusal)
        })
    }

    /// The account, as an owner. AWS identifies it by 64 hexadecimal digits.
    fn owner(&self) -> Owner {
        Owner {
            display_name: None,
            id: Some(format!("{:0>64}", self.0.options.account_id)),
        }
    }
}

/// A refusal or an answer without further headers.
type Answer<T> = S3Result<S3Response<T>>;

#[expect(clippy::unnecessary_wraps, reason = "it ends operations, which answer a result")]
fn answer<T>(output: T) -> Answer<T> {
    Ok(S3Response::new(output))
}

/// A length or count on the wire.
fn wire_len(len: u64) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}

/// A small count on the wire.
fn wire_count(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// How many lines a page may have: what the client asks for, at most a thousand.
fn page_size(asked: Option<i32>) -> S3Result<usize> {
    usize::try_from(asked.unwrap_or(1000))
        .map(|size| size.min(1000))
        .map_err(|_| super::error::invalid_argument("Argument maxKeys must be an integer between 0 and 2147483647"))
}

/// Tags as a header writes them: `key=value&key=value`.
fn header_tags(header: Option<&str>) -> Tags {
    url::form_urlencoded::parse(header.unwrap_or_default().as_bytes())
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect()
}

/// Encodes a key as a listing with `encoding-type=url` wants it.
struct KeyEncoding(Option<dto::EncodingType>);

impl KeyEncoding {
    fn of(asked: Option<dto::EncodingType>) -> S3Result<Self> {
        match &asked {
            Some(kind) if kind.as_str() != dto::EncodingType::URL => Err(invalid_encoding()),
            _ => Ok(Self(asked)),
        }
    }

    fn key(&self, key: &str) -> String {
        const KEPT: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
            .remove(b'-')
            .remove(b'_')
            .remove(b'.')
            .remove(b'~')
            .remove(b'/')
            .remove(b'*');
        match self.0 {
            Some(_) => percent_encoding::utf8_percent_encode(key, KEPT).to_string(),
            None => key.to_owned(),
        }
    }
}

fn invalid_encoding() -> S3Error {
    super::error::invalid_argument("Invalid Encoding Method specified in Request")
}
