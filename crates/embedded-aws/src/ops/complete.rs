//! `CompleteMultipartUpload`: assembly of the listed parts into an object, under the same conditions as any other write.

use s3s::dto::{self, CompleteMultipartUploadInput, CompleteMultipartUploadOutput, ETag};
use s3s::{S3ErrorCode, S3Request, S3Result};

use super::{OperationResult, S3Api, respond};
use crate::error::{error, invalid_request};
use crate::store::checksum::Checksum;
use crate::store::condition::WriteCondition;
use crate::store::multipart::CompletedPart;
use crate::store::object::Object;

impl S3Api {
    pub(crate) fn complete(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> OperationResult<CompleteMultipartUploadOutput> {
        let input = request.input;
        let claimed = dto::Checksum {
            checksum_crc32: input.checksum_crc32,
            checksum_crc32c: input.checksum_crc32c,
            checksum_crc64nvme: input.checksum_crc64nvme,
            checksum_sha1: input.checksum_sha1,
            checksum_sha256: input.checksum_sha256,
            checksum_type: None,
        };
        let parts = input
            .multipart_upload
            .and_then(|upload| upload.parts)
            .unwrap_or_default();
        let parts = parts.into_iter().map(completed_part).collect::<S3Result<Vec<_>>>()?;
        let condition = WriteCondition {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
        };
        let now = self.0.now();
        let mut store = self.0.store();
        let bucket = store.bucket_mut(&input.bucket)?;
        let upload = bucket.upload(&input.key, &input.upload_id)?;
        let object = upload.assemble(&parts)?;
        verify_object(&object, &claimed, input.mpu_object_size)?;
        let etag = object.etag();
        let tags = upload.tags.clone();
        let checksum = Checksum::to_dto(object.checksum.as_ref());
        let version_id = bucket.write(&input.key, &condition, now, object, tags)?;
        bucket.remove_upload(&input.key, &input.upload_id)?;
        drop(store);
        respond(CompleteMultipartUploadOutput {
            location: Some(format!("https://{}.s3.amazonaws.com/{}", input.bucket, input.key)),
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(etag),
            checksum_crc32: checksum.checksum_crc32,
            checksum_crc32c: checksum.checksum_crc32c,
            checksum_crc64nvme: checksum.checksum_crc64nvme,
            checksum_sha1: checksum.checksum_sha1,
            checksum_sha256: checksum.checksum_sha256,
            checksum_type: checksum.checksum_type,
            version_id,
            ..CompleteMultipartUploadOutput::default()
        })
    }
}

fn completed_part(part: dto::CompletedPart) -> S3Result<CompletedPart> {
    let malformed = || {
        error(
            S3ErrorCode::MalformedXML,
            "The XML you provided was not well-formed or did not validate against our published schema",
        )
    };
    let number = part.part_number.ok_or_else(malformed)?;
    let checksum = dto::Checksum {
        checksum_crc32: part.checksum_crc32,
        checksum_crc32c: part.checksum_crc32c,
        checksum_crc64nvme: part.checksum_crc64nvme,
        checksum_sha1: part.checksum_sha1,
        checksum_sha256: part.checksum_sha256,
        checksum_type: None,
    };
    Ok(CompletedPart {
        number,
        etag: part.e_tag.map(ETag::into_value),
        checksum,
    })
}

/// Verifies the size and checksum that the client expects of the assembled object.
fn verify_object(object: &Object, claimed: &dto::Checksum, size: Option<i64>) -> S3Result<()> {
    if size.is_some_and(|size| u64::try_from(size).ok() != Some(object.payload.len())) {
        return Err(invalid_request(
            "The provided 'x-amz-mp-object-size' header does not match what was computed.",
        ));
    }
    let Some(checksum) = &object.checksum else {
        return Ok(());
    };
    let claimed = checksum.algorithm.value_in(claimed);
    let without_suffix = checksum.value.split('-').next();
    if claimed.is_some_and(|claimed| claimed != checksum.value && Some(claimed) != without_suffix) {
        let name = checksum.algorithm.name();
        return Err(error(
            S3ErrorCode::BadDigest,
            format!("The {name} you specified did not match the calculated checksum."),
        ));
    }
    Ok(())
}
