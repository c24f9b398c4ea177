//! `CompleteMultipartUpload`: the named parts become the object, under the conditions of any other write.

use s3s::dto::{self, CompleteMultipartUploadInput, CompleteMultipartUploadOutput, ETag};
use s3s::{S3ErrorCode, S3Request, S3Result};

use super::{Answer, Api, answer};
use crate::error::{error, invalid_request};
use crate::state::lock;
use crate::store::checksum::Checksum;
use crate::store::condition::WriteCondition;
use crate::store::multipart::Named;
use crate::store::object::Object;

impl Api {
    pub(crate) fn complete(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> Answer<CompleteMultipartUploadOutput> {
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
        let named = parts.into_iter().map(named).collect::<S3Result<Vec<_>>>()?;
        let condition = WriteCondition {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
        };
        let now = self.0.now();
        let mut store = lock(&self.0.store);
        let bucket = store.bucket_mut(&input.bucket)?;
        let upload = bucket.upload(&input.key, &input.upload_id)?;
        let object = upload.assemble(&named)?;
        check_whole(&object, &claimed, input.mpu_object_size)?;
        let (etag, tags) = (object.etag(), upload.tags.clone());
        let checksum = Checksum::told(object.checksum.as_ref());
        let version_id = bucket.write(&input.key, &condition, now, object, tags)?;
        bucket.end_upload(&input.key, &input.upload_id)?;
        drop(store);
        answer(CompleteMultipartUploadOutput {
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

fn named(part: dto::CompletedPart) -> S3Result<Named> {
    let missing = || {
        error(
            S3ErrorCode::MalformedXML,
            "The XML you provided was not well-formed or did not validate against our published schema",
        )
    };
    let number = part.part_number.ok_or_else(missing)?;
    let checksum = dto::Checksum {
        checksum_crc32: part.checksum_crc32,
        checksum_crc32c: part.checksum_crc32c,
        checksum_crc64nvme: part.checksum_crc64nvme,
        checksum_sha1: part.checksum_sha1,
        checksum_sha256: part.checksum_sha256,
        checksum_type: None,
    };
    Ok(Named {
        number,
        etag: part.e_tag.map(ETag::into_value),
        checksum,
    })
}

/// Compares what the client claims about the whole.
fn check_whole(object: &Object, claimed: &dto::Checksum, size: Option<i64>) -> S3Result<()> {
    if size.is_some_and(|size| u64::try_from(size).ok() != Some(object.payload.len())) {
        return Err(invalid_request(
            "The provided 'x-amz-mp-object-size' header does not match what was computed.",
        ));
    }
    let Some(checksum) = &object.checksum else {
        return Ok(());
    };
    let claimed = checksum.algorithm.value_in(claimed);
    let bare = checksum.value.split('-').next();
    if claimed.is_some_and(|claimed| claimed != checksum.value && Some(claimed) != bare) {
        let name = checksum.algorithm.name();
        return Err(error(
            S3ErrorCode::BadDigest,
            format!("The {name} you specified did not match the calculated checksum."),
        ));
    }
    Ok(())
}
