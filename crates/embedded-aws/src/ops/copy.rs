//! `CopyObject`, and the source that `UploadPartCopy` shares with it. A copy shares the source's segments.

use s3s::dto::{CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, MetadataDirective, TaggingDirective};
use s3s::{S3Request, S3Result};

use super::read::check;
use super::write::{checked, header_condition};
use super::{Answer, Api, answer, header_tags};
use crate::error::{invalid_argument, invalid_request, precondition_failed};
use crate::state::lock;
use crate::store::checksum::{Algorithm, Checksum, digest};
use crate::store::condition::ReadCondition;
use crate::store::object::{Attributes, Found, Object, wire_time};

impl Api {
    /// The version that a copy reads, if its conditions hold. The gate has let the caller read it.
    pub(crate) fn source<T>(
        &self,
        request: &S3Request<T>,
        source: &CopySource,
        condition: &ReadCondition,
    ) -> S3Result<Found> {
        let CopySource::Bucket {
            bucket,
            key,
            version_id,
        } = source
        else {
            return Err(invalid_argument("Only a bucket can be the source of a copy here"));
        };
        let found = self.find(request, bucket, key, version_id.as_deref())?;
        // A copy knows no "not modified": AWS calls every condition that does not hold a failed one.
        check(condition, &found).map_err(|_| precondition_failed())?;
        Ok(found)
    }

    pub(crate) fn copy(&self, request: &S3Request<CopyObjectInput>) -> Answer<CopyObjectOutput> {
        let input = &request.input;
        let condition = ReadCondition {
            if_match: input.copy_source_if_match.clone(),
            if_none_match: input.copy_source_if_none_match.clone(),
            if_modified_since: input.copy_source_if_modified_since.clone(),
            if_unmodified_since: input.copy_source_if_unmodified_since.clone(),
        };
        let source = self.source(request, &input.copy_source, &condition)?;
        let directive = |directive: Option<&str>, word: &str| directive == Some(word);
        let replace = directive(
            input.metadata_directive.as_ref().map(MetadataDirective::as_str),
            MetadataDirective::REPLACE,
        );
        refuse_pointless(input, replace)?;
        let attributes = if replace {
            replaced(input)?
        } else {
            kept(&source.object.attributes, input)
        };
        let retag = directive(
            input.tagging_directive.as_ref().map(TaggingDirective::as_str),
            TaggingDirective::REPLACE,
        );
        let tags = if retag {
            header_tags(input.tagging.as_deref())
        } else {
            source.tags.clone()
        };
        let object = copied(&source.object, asked_algorithm(input)?, attributes);
        let (etag, checksum) = (object.etag(), Checksum::told(object.checksum.as_ref()));
        let condition = header_condition(&request.headers)?;
        let now = self.0.now();
        let version_id = lock(&self.0.store)
            .bucket_mut(&input.bucket)?
            .write(&input.key, &condition, now, object, tags)?;
        answer(CopyObjectOutput {
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

fn asked_algorithm(input: &CopyObjectInput) -> S3Result<Option<Algorithm>> {
    let Some(asked) = &input.checksum_algorithm else {
        return Ok(None);
    };
    let algorithm = Algorithm::parse(asked.as_str());
    algorithm
        .map(Some)
        .ok_or_else(|| invalid_request("Checksum algorithm provided is unsupported."))
}

/// A copy is one object again: what was uploaded in parts gets the digests of the whole.
fn copied(source: &Object, asked: Option<Algorithm>, attributes: Attributes) -> Object {
    let kept = source
        .checksum
        .as_ref()
        .map_or(Algorithm::Crc64Nvme, |checksum| checksum.algorithm);
    let same = source.parts.is_empty() && asked.is_none_or(|asked| asked == kept);
    let (etag, checksum) = if same {
        (source.etag.clone(), source.checksum.clone())
    } else {
        let digests = digest(asked.unwrap_or(kept), &source.payload);
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

fn refuse_pointless(input: &CopyObjectInput, replace: bool) -> S3Result<()> {
    let CopySource::Bucket {
        bucket,
        key,
        version_id,
    } = &input.copy_source
    else {
        return Ok(());
    };
    let itself = **bucket == *input.bucket && **key == *input.key && version_id.is_none();
    let changes = replace || input.storage_class.is_some() || input.server_side_encryption.is_some();
    if itself && !changes {
        return Err(invalid_request(
            "This copy request is illegal because it is trying to copy an object to itself without changing the \
             object's metadata, storage class, website redirect location or encryption attributes.",
        ));
    }
    Ok(())
}

fn kept(source: &Attributes, input: &CopyObjectInput) -> Attributes {
    // A storage class is never inherited.
    let storage_class = input.storage_class.as_ref().map(|class| class.as_str().to_owned());
    Attributes {
        storage_class,
        website_redirect: input.website_redirect_location.clone(),
        ..source.clone()
    }
}

fn replaced(input: &CopyObjectInput) -> S3Result<Attributes> {
    checked(Attributes {
        content_type: input.content_type.clone(),
        cache_control: input.cache_control.clone(),
        content_disposition: input.content_disposition.clone(),
        content_encoding: input.content_encoding.clone(),
        content_language: input.content_language.clone(),
        expires: input.expires.clone(),
        storage_class: input.storage_class.as_ref().map(|class| class.as_str().to_owned()),
        website_redirect: input.website_redirect_location.clone(),
        metadata: input.metadata.clone().unwrap_or_default(),
    })
}
