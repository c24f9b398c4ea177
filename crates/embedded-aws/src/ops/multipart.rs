//! Multipart uploads: creation, parts, copied parts and abortion. Completion and listings have modules of their own.

use s3s::dto::{
    self, AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumType, CopyPartResult,
    CreateMultipartUploadInput, CreateMultipartUploadOutput, ETag, UploadPartCopyInput, UploadPartCopyOutput,
    UploadPartInput, UploadPartOutput,
};
use s3s::{S3Request, S3Result};

use super::body::{DigestClaims, receive};
use super::encryption::require_key;
use super::write::validate_attributes;
use super::{OperationResult, S3Api, header_tags, respond};
use crate::access::Authorization;
use crate::error::{invalid_argument, invalid_request};
use crate::keys::opaque_id;
use crate::store::checksum::{Algorithm, Checksum, Digests, digest};
use crate::store::condition::ReadCondition;
use crate::store::multipart::{Part, Upload};
use crate::store::object::{Attributes, wire_time};
use crate::store::payload::Payload;

/// Maximum part number; the minimum is 1.
const MAX_PART_NUMBER: i32 = 10_000;

impl S3Api {
    pub(crate) fn begin_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> OperationResult<CreateMultipartUploadOutput> {
        let input = request.input;
        let algorithm = match &input.checksum_algorithm {
            None => None,
            Some(requested) => Some(
                Algorithm::parse(requested.as_str())
                    .ok_or_else(|| invalid_request("Checksum algorithm provided is unsupported."))?,
            ),
        };
        let composite = is_composite(algorithm, input.checksum_type.as_ref())?;
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
        let upload = Upload {
            initiated: self.0.now(),
            initiator: Authorization::from_extensions(&request.extensions).caller.arn,
            attributes,
            tags: header_tags(input.tagging.as_deref()),
            algorithm,
            composite,
            parts: std::collections::BTreeMap::new(),
        };
        let id = opaque_id();
        let mut store = self.0.store();
        store
            .bucket_mut(&input.bucket)?
            .uploads
            .entry(input.key.clone())
            .or_default()
            .insert(id.clone(), upload);
        drop(store);
        let kind = if composite {
            ChecksumType::COMPOSITE
        } else {
            ChecksumType::FULL_OBJECT
        };
        respond(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id),
            checksum_algorithm: algorithm.map(Algorithm::dto),
            checksum_type: algorithm.map(|_| ChecksumType::from_static(kind)),
            ..CreateMultipartUploadOutput::default()
        })
    }

    pub(crate) async fn upload_part(&self, request: S3Request<UploadPartInput>) -> OperationResult<UploadPartOutput> {
        let input = request.input;
        check_part_number(input.part_number)?;
        let expected = self
            .0
            .store()
            .bucket(&input.bucket)?
            .upload(&input.key, &input.upload_id)?
            .algorithm;
        let values = dto::Checksum {
            checksum_crc32: input.checksum_crc32,
            checksum_crc32c: input.checksum_crc32c,
            checksum_crc64nvme: input.checksum_crc64nvme,
            checksum_sha1: input.checksum_sha1,
            checksum_sha256: input.checksum_sha256,
            checksum_type: None,
        };
        let claims = DigestClaims::new(&request.headers, values, input.content_md5)?;
        match (expected, claims.algorithm) {
            (Some(expected), sent) if sent != Some(expected) => {
                let sent = sent.map_or_else(|| "null".to_owned(), |sent| sent.name().to_lowercase());
                return Err(invalid_request(format!(
                    "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {sent}",
                    expected.name().to_lowercase()
                )));
            }
            _ => {}
        }
        let (payload, digests) = receive(
            input.body,
            input.content_length,
            request.trailing_headers,
            &claims,
            expected.is_none(),
        )
        .await?;
        let etag = digests.etag();
        let checksum = Checksum::to_dto(digests.checksum.as_ref());
        self.store_part(
            &input.bucket,
            &input.key,
            &input.upload_id,
            input.part_number,
            payload,
            digests,
        )?;
        respond(UploadPartOutput {
            e_tag: Some(ETag::Strong(etag)),
            checksum_crc32: checksum.checksum_crc32,
            checksum_crc32c: checksum.checksum_crc32c,
            checksum_crc64nvme: checksum.checksum_crc64nvme,
            checksum_sha1: checksum.checksum_sha1,
            checksum_sha256: checksum.checksum_sha256,
            ..UploadPartOutput::default()
        })
    }

    pub(crate) fn copy_part(&self, request: &S3Request<UploadPartCopyInput>) -> OperationResult<UploadPartCopyOutput> {
        let input = &request.input;
        check_part_number(input.part_number)?;
        let expected = self
            .0
            .store()
            .bucket(&input.bucket)?
            .upload(&input.key, &input.upload_id)?
            .algorithm;
        let condition = ReadCondition {
            if_match: input.copy_source_if_match.clone(),
            if_none_match: input.copy_source_if_none_match.clone(),
            if_modified_since: input.copy_source_if_modified_since.clone(),
            if_unmodified_since: input.copy_source_if_unmodified_since.clone(),
        };
        let source = self.copy_source(request, &input.copy_source, &condition)?;
        let payload = match input.copy_source_range.as_deref() {
            None => source.object.payload.clone(),
            Some(range) => source_range(&source.object.payload, range)?,
        };
        let digests = digest(expected.unwrap_or(Algorithm::Crc64Nvme), &payload);
        let etag = digests.etag();
        let checksum = Checksum::to_dto(digests.checksum.as_ref());
        self.store_part(
            &input.bucket,
            &input.key,
            &input.upload_id,
            input.part_number,
            payload,
            digests,
        )?;
        respond(UploadPartCopyOutput {
            copy_part_result: Some(CopyPartResult {
                checksum_crc32: checksum.checksum_crc32,
                checksum_crc32c: checksum.checksum_crc32c,
                checksum_crc64nvme: checksum.checksum_crc64nvme.filter(|_| expected.is_some()),
                checksum_sha1: checksum.checksum_sha1,
                checksum_sha256: checksum.checksum_sha256,
                e_tag: Some(ETag::Strong(etag)),
                last_modified: Some(wire_time(self.0.now())),
            }),
            copy_source_version_id: source.version_id,
            ..UploadPartCopyOutput::default()
        })
    }

    fn store_part(
        &self,
        bucket: &str,
        key: &str,
        id: &str,
        number: i32,
        payload: Payload,
        digests: Digests,
    ) -> S3Result<()> {
        let part = Part {
            payload,
            digests,
            modified: self.0.now(),
        };
        self.0
            .store()
            .bucket_mut(bucket)?
            .upload_mut(key, id)?
            .parts
            .insert(number, part);
        Ok(())
    }

    pub(crate) fn abort(
        &self,
        request: &S3Request<AbortMultipartUploadInput>,
    ) -> OperationResult<AbortMultipartUploadOutput> {
        let input = &request.input;
        self.0
            .store()
            .bucket_mut(&input.bucket)?
            .remove_upload(&input.key, &input.upload_id)?;
        respond(AbortMultipartUploadOutput::default())
    }
}

/// Returns whether the object's checksum will be a composite of its parts' checksums. A full-object checksum requires a
/// CRC, and CRC-64 is always one.
fn is_composite(algorithm: Option<Algorithm>, requested: Option<&ChecksumType>) -> S3Result<bool> {
    let requested = requested.map(ChecksumType::as_str);
    let (composite, fixed) = match algorithm {
        None | Some(Algorithm::Crc64Nvme) => (false, true),
        Some(Algorithm::Sha1 | Algorithm::Sha256) => (true, true),
        Some(Algorithm::Crc32 | Algorithm::Crc32c) => (requested != Some(ChecksumType::FULL_OBJECT), false),
    };
    let name = if composite {
        ChecksumType::COMPOSITE
    } else {
        ChecksumType::FULL_OBJECT
    };
    match (requested, algorithm) {
        (Some(requested), Some(algorithm)) if fixed && requested != name => Err(invalid_request(format!(
            "The {requested} checksum type cannot be used with the {} checksum algorithm.",
            algorithm.name().to_lowercase()
        ))),
        (Some(_), None) => Err(invalid_request(
            "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
        )),
        _ => Ok(composite),
    }
}

fn check_part_number(number: i32) -> S3Result<()> {
    if (1..=MAX_PART_NUMBER).contains(&number) {
        return Ok(());
    }
    Err(invalid_argument(
        "Part number must be an integer between 1 and 10000, inclusive",
    ))
}

fn source_range(payload: &Payload, range: &str) -> S3Result<Payload> {
    let malformed = || {
        invalid_argument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are \
                          the zero-based offsets of the first and last bytes to copy",
        )
    };
    let Ok(dto::Range::Int {
        first,
        last: Some(last),
    }) = dto::Range::parse(range)
    else {
        return Err(malformed());
    };
    if last >= payload.len() {
        let message = format!(
            "Range specified is not valid for source object of size: {}",
            payload.len()
        );
        return Err(invalid_argument(message));
    }
    Ok(payload.slice(first..last.saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksum_type_follows_the_algorithm() {
        let full = ChecksumType::from_static(ChecksumType::FULL_OBJECT);
        let composite = ChecksumType::from_static(ChecksumType::COMPOSITE);
        assert!(!is_composite(None, None).unwrap());
        assert!(is_composite(Some(Algorithm::Sha256), None).unwrap());
        assert!(is_composite(Some(Algorithm::Crc32), None).unwrap());
        assert!(!is_composite(Some(Algorithm::Crc32), Some(&full)).unwrap());
        assert!(is_composite(Some(Algorithm::Sha1), Some(&full)).is_err());
        assert!(is_composite(Some(Algorithm::Crc64Nvme), Some(&composite)).is_err());
    }
}
