//! `CopyObject`, and the source lookup that `UploadPartCopy` shares with it. A copy shares the segments of its source.

use s3s::dto::{CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, MetadataDirective, TaggingDirective};
use s3s::{S3Request, S3Result};

use super::encryption::require_key;
use super::read::check_read_condition;
use super::write::{validate_attributes, write_condition_from_headers};
use super::{OperationResult, S3Api, header_tags, respond};
use crate::error::{invalid_argument, invalid_request, precondition_failed};
use crate::store::checksum::{Algorithm, Checksum, digest};
use crate::store::condition::ReadCondition;
use crate::store::object::{Attributes, Object, ObjectSnapshot, wire_time};

impl S3Api {
    /// Returns the version that a copy reads, if its conditions hold. The access check has required the permission to read
    /// it.
    pub(crate) fn copy_source<T>(
        &self,
        request: &S3Request<T>,
        source: &CopySource,
        condition: &ReadCondition,
    ) -> S3Result<ObjectSnapshot> {
        let CopySource::Bucket {
            bucket,
            key,
            version_id,
        } = source
        else {
            return Err(invalid_argument("Only a bucket can be the source of a copy here"));
        };
        let found = self.find(request, bucket, key, version_id.as_deref())?;
        self.check_readable(&found, "Operation is not valid for the source object's storage class")?;
        require_key(
            &request.extensions,
            "kms:Decrypt",
            found.object.attributes.kms_key.as_deref(),
        )?;
        // A copy has no "not modified": AWS reports every condition that does not hold as failed.
        check_read_condition(condition, &found).map_err(|_| precondition_failed())?;
        Ok(found)
    }

    pub(crate) fn copy(&self, request: &S3Request<CopyObjectInput>) -> OperationResult<CopyObjectOutput> {
        let input = &request.input;
        let condition = ReadCondition {
            if_match: input.copy_source_if_match.clone(),
            if_none_match: input.copy_source_if_none_match.clone(),
            if_modified_since: input.copy_source_if_modified_since.clone(),
            if_unmodified_since: input.copy_source_if_unmodified_since.clone(),
        };
        let source = self.copy_source(request, &input.copy_source, &condition)?;
        let replace_metadata =
            input.metadata_directive.as_ref().map(MetadataDirective::as_str) == Some(MetadataDirective::REPLACE);
        reject_no_op_copy(input, replace_metadata)?;
        let attributes = if replace_metadata {
            replaced_attributes(input)?
        } else {
            inherited_attributes(&source.object.attributes, input)
        };
        let kms_key = self.kms_key(input.server_side_encryption.as_ref(), input.ssekms_key_id.as_deref());
        let attributes = Attributes { kms_key, ..attributes };
        require_key(
            &request.extensions,
            "kms:GenerateDataKey",
            attributes.kms_key.as_deref(),
        )?;
        let replace_tags =
            input.tagging_directive.as_ref().map(TaggingDirective::as_str) == Some(TaggingDirective::REPLACE);
        let tags = if replace_tags {
            header_tags(input.tagging.as_deref())
        } else {
            source.tags.clone()
        };
        let object = copy_object(&source.object, requested_algorithm(input)?, attributes);
        let etag = object.etag();
        let checksum = Checksum::to_dto(object.checksum.as_ref());
        let condition = write_condition_from_headers(&request.headers)?;
        let now = self.0.now();
        let version_id = self
            .0
            .store()
            .bucket_mut(&input.bucket)?
            .write(&input.key, &condition, now, object, tags)?;
        respond(CopyObjectOutput {
            copy_object_result: Some(CopyObjectResult {
                checksum_crc32: checksum.checksum_crc32,
                checksum_crc32c: checksum.checksum_crc32c,
                checksum_crc64nvme: checksum.checksum_crc64nvme,
                checksum_sha1: checksum.checksum_sha1,
                checksum_sha256: checksum.checksum_sha256,
                checksum_type: checksum.checksum_type,
                e_tag: Some(etag),
                last_modified: Some(wire_time(now)),
            }),
            copy_source_version_id: source.version_id,
            version_id,
            ..CopyObjectOutput::default()
        })
    }
}

fn requested_algorithm(input: &CopyObjectInput) -> S3Result<Option<Algorithm>> {
    let Some(requested) = &input.checksum_algorithm else {
        return Ok(None);
    };
    let algorithm = Algorithm::parse(requested.as_str());
    algorithm
        .map(Some)
        .ok_or_else(|| invalid_request("Checksum algorithm provided is unsupported."))
}

/// Copies an object. The copy of a multipart object has no parts, so its entity tag and checksum are computed anew.
fn copy_object(source: &Object, requested: Option<Algorithm>, attributes: Attributes) -> Object {
    let current = source
        .checksum
        .as_ref()
        .map_or(Algorithm::Crc64Nvme, |checksum| checksum.algorithm);
    let same = source.parts.is_empty() && requested.is_none_or(|requested| requested == current);
    let (etag, checksum) = if same {
        (source.etag.clone(), source.checksum.clone())
    } else {
        let digests = digest(requested.unwrap_or(current), &source.payload);
        (digests.etag(), digests.checksum)
    };
    Object {
        payload: source.payload.clone(),
        etag,
        checksum,
        parts: vec![],
        attributes,
    }
}

/// Rejects the copy of an object onto itself that changes nothing.
fn reject_no_op_copy(input: &CopyObjectInput, replace_metadata: bool) -> S3Result<()> {
    let CopySource::Bucket {
        bucket,
        key,
        version_id,
    } = &input.copy_source
    else {
        return Ok(());
    };
    let itself = **bucket == *input.bucket && **key == *input.key && version_id.is_none();
    let changes = replace_metadata || input.storage_class.is_some() || input.server_side_encryption.is_some();
    if itself && !changes {
        return Err(invalid_request(
            "This copy request is illegal because it is trying to copy an object to itself without changing the \
             object's metadata, storage class, website redirect location or encryption attributes.",
        ));
    }
    Ok(())
}

fn inherited_attributes(source: &Attributes, input: &CopyObjectInput) -> Attributes {
    // The storage class is never inherited.
    let storage_class = input.storage_class.as_ref().map(|class| class.as_str().to_owned());
    Attributes {
        storage_class,
        website_redirect: input.website_redirect_location.clone(),
        ..source.clone()
    }
}

fn replaced_attributes(input: &CopyObjectInput) -> S3Result<Attributes> {
    validate_attributes(Attributes {
        content_type: input.content_type.clone(),
        cache_control: input.cache_control.clone(),
        content_disposition: input.content_disposition.clone(),
        content_encoding: input.content_encoding.clone(),
        content_language: input.content_language.clone(),
        expires: input.expires.clone(),
        storage_class: input.storage_class.as_ref().map(|class| class.as_str().to_owned()),
        website_redirect: input.website_redirect_location.clone(),
        kms_key: None,
        metadata: input.metadata.clone().unwrap_or_default(),
    })
}
