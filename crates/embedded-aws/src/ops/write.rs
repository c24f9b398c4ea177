//! `PutObject`, and what it shares with other ways to write: attributes from headers, and their limits.

use hyper::HeaderMap;
use s3s::dto::{self, PutObjectInput, PutObjectOutput};
use s3s::{S3ErrorCode, S3Request, S3Result};

use super::body::{Claims, receive};
use super::{Answer, Api, answer, header_tags, wire_len};
use crate::error::error;
use crate::state::lock;
use crate::store::checksum::Checksum;
use crate::store::condition::WriteCondition;
use crate::store::object::{Attributes, Object};

/// Most bytes that user metadata may have, names and values together.
const METADATA_LIMIT: usize = 2048;

impl Api {
    pub(crate) async fn put(&self, request: S3Request<PutObjectInput>) -> Answer<PutObjectOutput> {
        let input = request.input;
        // A bucket that is not there should not cost an upload.
        lock(&self.0.store).bucket(&input.bucket)?;
        let values = dto::Checksum {
            checksum_crc32: input.checksum_crc32,
            checksum_crc32c: input.checksum_crc32c,
            checksum_crc64nvme: input.checksum_crc64nvme,
            checksum_sha1: input.checksum_sha1,
            checksum_sha256: input.checksum_sha256,
            checksum_type: None,
        };
        let attributes = checked(Attributes {
            content_type: input.content_type,
            cache_control: input.cache_control,
            content_disposition: input.content_disposition,
            content_encoding: input.content_encoding,
            content_language: input.content_language,
            expires: input.expires,
            storage_class: input.storage_class.map(|class| class.as_str().to_owned()),
            website_redirect: input.website_redirect_location,
            metadata: input.metadata.unwrap_or_default(),
        })?;
        let claims = Claims::new(&request.headers, values, input.content_md5)?;
        let (payload, digests) = receive(
            input.body,
            input.content_length,
            request.trailing_headers,
            &claims,
            false,
        )
        .await?;
        let size = payload.len();
        let object = Object {
            payload,
            etag: digests.etag(),
            checksum: digests.checksum,
            parts: vec![],
            attributes,
        };
        let (etag, checksum) = (object.etag(), Checksum::told(object.checksum.as_ref()));
        let condition = WriteCondition {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
        };
        let tags = header_tags(input.tagging.as_deref());
        let now = self.0.now();
        let version_id = lock(&self.0.store)
            .bucket_mut(&input.bucket)?
            .write(&input.key, &condition, now, object, tags)?;
        answer(PutObjectOutput {
            e_tag: Some(etag),
            checksum_crc32: checksum.checksum_crc32,
            checksum_crc32c: checksum.checksum_crc32c,
            checksum_crc64nvme: checksum.checksum_crc64nvme,
            checksum_sha1: checksum.checksum_sha1,
            checksum_sha256: checksum.checksum_sha256,
            checksum_type: checksum.checksum_type,
            size: request
                .headers
                .contains_key("x-amz-write-offset-bytes")
                .then(|| wire_len(size)),
            version_id,
            ..PutObjectOutput::default()
        })
    }
}

/// Attributes as S3 keeps them: within the limits, and without the transfer's own encoding.
pub(crate) fn checked(mut attributes: Attributes) -> S3Result<Attributes> {
    let metadata = attributes
        .metadata
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum::<usize>();
    if metadata > METADATA_LIMIT {
        let message = "Your metadata headers exceed the maximum allowed metadata size";
        return Err(error(S3ErrorCode::MetadataTooLarge, message));
    }
    attributes.content_encoding = attributes.content_encoding.and_then(|encoding| {
        let kept: Vec<&str> = encoding
            .split(',')
            .map(str::trim)
            .filter(|part| *part != "aws-chunked")
            .collect();
        Some(kept.join(",")).filter(|kept| !kept.is_empty())
    });
    Ok(attributes)
}

/// `If-Match` and `If-None-Match` from the headers themselves, for operations whose input leaves them out.
pub(crate) fn header_condition(headers: &HeaderMap) -> S3Result<WriteCondition> {
    let read = |name: &str| {
        let value = headers.get(name)?;
        let parsed = dto::ETagCondition::parse_http_header(value.as_bytes());
        Some(parsed.map_err(|_| super::super::error::invalid_argument("The entity tag is malformed")))
    };
    Ok(WriteCondition {
        if_match: read("if-match").transpose()?,
        if_none_match: read("if-none-match").transpose()?,
    })
}
