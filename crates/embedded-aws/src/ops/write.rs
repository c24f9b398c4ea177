//! `PutObject`, and the attributes and conditions that it shares with other writes.

use hyper::HeaderMap;
use s3s::dto::{self, PutObjectInput, PutObjectOutput};
use s3s::{S3ErrorCode, S3Request, S3Result};

use super::body::{DigestClaims, receive};
use super::encryption::require_key;
use super::{OperationResult, S3Api, header_tags, respond, wire_len};
use crate::error::{error, invalid_argument};
use crate::store::checksum::Checksum;
use crate::store::condition::WriteCondition;
use crate::store::object::{Attributes, Object};

/// Maximum size of user metadata in bytes, names and values together.
const MAX_METADATA_BYTES: usize = 2048;

impl S3Api {
    pub(crate) async fn put(&self, request: S3Request<PutObjectInput>) -> OperationResult<PutObjectOutput> {
        let input = request.input;
        // Fails before the upload if the bucket does not exist.
        self.0.store().bucket(&input.bucket)?;
        let values = dto::Checksum {
            checksum_crc32: input.checksum_crc32,
            checksum_crc32c: input.checksum_crc32c,
            checksum_crc64nvme: input.checksum_crc64nvme,
            checksum_sha1: input.checksum_sha1,
            checksum_sha256: input.checksum_sha256,
            checksum_type: None,
        };
        let attributes = validate_attributes(Attributes {
            content_type: input.content_type,
            cache_control: input.cache_control,
            content_disposition: input.content_disposition,
            content_encoding: input.content_encoding,
            content_language: input.content_language,
            expires: input.expires,
            storage_class: input.storage_class.map(|class| class.as_str().to_owned()),
            website_redirect: input.website_redirect_location,
            kms_key: self.kms_key(input.server_side_encryption.as_ref(), input.ssekms_key_id.as_deref()),
            metadata: input.metadata.unwrap_or_default(),
        })?;
        require_key(
            &request.extensions,
            "kms:GenerateDataKey",
            attributes.kms_key.as_deref(),
        )?;
        let claims = DigestClaims::new(&request.headers, values, input.content_md5)?;
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
        let etag = object.etag();
        let checksum = Checksum::to_dto(object.checksum.as_ref());
        let condition = WriteCondition {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
        };
        let tags = header_tags(input.tagging.as_deref());
        let now = self.0.now();
        let version_id = self
            .0
            .store()
            .bucket_mut(&input.bucket)?
            .write(&input.key, &condition, now, object, tags)?;
        respond(PutObjectOutput {
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

/// Checks the size of the metadata and removes the transfer's own encoding (`aws-chunked`).
pub(crate) fn validate_attributes(mut attributes: Attributes) -> S3Result<Attributes> {
    let metadata = attributes
        .metadata
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum::<usize>();
    if metadata > MAX_METADATA_BYTES {
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

/// Parses `If-Match` and `If-None-Match` from the headers, for operations whose input omits them.
pub(crate) fn write_condition_from_headers(headers: &HeaderMap) -> S3Result<WriteCondition> {
    let read = |name: &str| {
        let value = headers.get(name)?;
        let parsed = dto::ETagCondition::parse_http_header(value.as_bytes());
        Some(parsed.map_err(|_| invalid_argument("The entity tag is malformed")))
    };
    Ok(WriteCondition {
        if_match: read("if-match").transpose()?,
        if_none_match: read("if-none-match").transpose()?,
    })
}
