//! `GetObject` and `HeadObject`: the same lookup, conditions, ranges and headers; only the body differs.

use std::ops::Range;

use jiff::Timestamp;
use s3s::dto::{self, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, StreamingBlob};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

use super::encryption::{require_key, server_side_encryption};
use super::{OperationResult, S3Api, wire_count, wire_len};
use crate::error::{error, invalid_argument, precondition_failed, with_headers};
use crate::store::checksum::Checksum;
use crate::store::condition::{ReadCondition, ReadVerdict};
use crate::store::object::{Object, ObjectSnapshot, wire_time};

/// The bytes that a response contains.
struct Selection {
    range: Range<u64>,
    /// `Content-Range`, unless the whole object is selected.
    content_range: Option<String>,
    parts_count: Option<i32>,
    checksum: Option<Checksum>,
}

impl S3Api {
    pub(crate) fn get(&self, request: &S3Request<GetObjectInput>) -> OperationResult<GetObjectOutput> {
        let input = &request.input;
        let found = self.find(request, &input.bucket, &input.key, input.version_id.as_deref())?;
        self.check_readable(&found, "The operation is not valid for the object's storage class")?;
        require_key(
            &request.extensions,
            "kms:Decrypt",
            found.object.attributes.kms_key.as_deref(),
        )?;
        let condition = ReadCondition {
            if_match: input.if_match.clone(),
            if_none_match: input.if_none_match.clone(),
            if_modified_since: input.if_modified_since.clone(),
            if_unmodified_since: input.if_unmodified_since.clone(),
        };
        let selection = select(&found, &condition, input.range, input.part_number)?;
        let body = found.object.payload.slice(selection.range.clone());
        let head = head_output(&found, selection, input.checksum_mode.is_some(), self.0.now());
        let output = GetObjectOutput {
            body: Some(StreamingBlob::new(body.stream())),
            accept_ranges: head.accept_ranges,
            cache_control: head.cache_control,
            checksum_crc32: head.checksum_crc32,
            checksum_crc32c: head.checksum_crc32c,
            checksum_crc64nvme: head.checksum_crc64nvme,
            checksum_sha1: head.checksum_sha1,
            checksum_sha256: head.checksum_sha256,
            checksum_type: head.checksum_type,
            content_disposition: head.content_disposition,
            content_encoding: head.content_encoding,
            content_language: head.content_language,
            content_length: head.content_length,
            content_range: head.content_range,
            content_type: head.content_type,
            e_tag: head.e_tag,
            expires: head.expires,
            last_modified: head.last_modified,
            metadata: head.metadata,
            parts_count: head.parts_count,
            restore: head.restore,
            server_side_encryption: head.server_side_encryption,
            ssekms_key_id: head.ssekms_key_id,
            storage_class: head.storage_class,
            tag_count: Some(wire_count(found.tags.len())).filter(|count| *count > 0),
            version_id: head.version_id,
            website_redirect_location: head.website_redirect_location,
            ..GetObjectOutput::default()
        };
        Ok(S3Response::with_headers(output, found.headers))
    }

    pub(crate) fn head(&self, request: &S3Request<HeadObjectInput>) -> OperationResult<HeadObjectOutput> {
        let input = &request.input;
        let found = self.find(request, &input.bucket, &input.key, input.version_id.as_deref())?;
        if input.checksum_mode.is_some() {
            require_key(
                &request.extensions,
                "kms:Decrypt",
                found.object.attributes.kms_key.as_deref(),
            )?;
        }
        let condition = ReadCondition {
            if_match: input.if_match.clone(),
            if_none_match: input.if_none_match.clone(),
            if_modified_since: input.if_modified_since.clone(),
            if_unmodified_since: input.if_unmodified_since.clone(),
        };
        let selection = select(&found, &condition, input.range, input.part_number)?;
        let mut output = head_output(&found, selection, input.checksum_mode.is_some(), self.0.now());
        let overrides = [
            (&input.response_cache_control, &mut output.cache_control),
            (&input.response_content_disposition, &mut output.content_disposition),
            (&input.response_content_encoding, &mut output.content_encoding),
            (&input.response_content_language, &mut output.content_language),
            (&input.response_content_type, &mut output.content_type),
        ];
        for (requested, value) in overrides {
            if requested.is_some() {
                value.clone_from(requested);
            }
        }
        if input.response_expires.is_some() {
            output.expires.clone_from(&input.response_expires);
        }
        Ok(S3Response::with_headers(output, found.headers))
    }
}

fn head_output(found: &ObjectSnapshot, selection: Selection, with_checksum: bool, now: Timestamp) -> HeadObjectOutput {
    let attributes = &found.object.attributes;
    let checksum = Checksum::to_dto(selection.checksum.as_ref().filter(|_| with_checksum));
    let class = attributes
        .storage_class
        .clone()
        .filter(|class| class != dto::StorageClass::STANDARD);
    HeadObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        archive_status: found
            .archive
            .current_tier(now)
            .map(|tier| dto::ArchiveStatus::from(tier.to_owned())),
        cache_control: attributes.cache_control.clone(),
        checksum_crc32: checksum.checksum_crc32,
        checksum_crc32c: checksum.checksum_crc32c,
        checksum_crc64nvme: checksum.checksum_crc64nvme,
        checksum_sha1: checksum.checksum_sha1,
        checksum_sha256: checksum.checksum_sha256,
        checksum_type: checksum.checksum_type,
        content_disposition: attributes.content_disposition.clone(),
        content_encoding: attributes.content_encoding.clone(),
        content_language: attributes.content_language.clone(),
        content_length: Some(wire_len(selection.range.end - selection.range.start)),
        content_range: selection.content_range,
        content_type: Some(
            attributes
                .content_type
                .clone()
                .unwrap_or_else(|| "binary/octet-stream".to_owned()),
        ),
        e_tag: Some(found.object.etag()),
        expires: attributes.expires.clone(),
        last_modified: Some(wire_time(found.modified)),
        metadata: Some(attributes.metadata.clone()),
        parts_count: selection.parts_count,
        restore: found.archive.restore_header(now),
        server_side_encryption: Some(server_side_encryption(attributes)),
        ssekms_key_id: attributes.kms_key.clone(),
        storage_class: class.map(dto::StorageClass::from),
        version_id: found.version_id.clone(),
        website_redirect_location: attributes.website_redirect.clone(),
        ..HeadObjectOutput::default()
    }
}

fn select(
    found: &ObjectSnapshot,
    condition: &ReadCondition,
    range: Option<dto::Range>,
    part: Option<i32>,
) -> S3Result<Selection> {
    check_read_condition(condition, found)?;
    let object = &found.object;
    let size = object.payload.len();
    match (range, part) {
        (Some(_), Some(_)) => Err(invalid_argument(
            "Cannot specify both Range header and partNumber query parameter",
        )),
        (Some(range), None) => {
            let range = resolve_range(range, size).ok_or_else(|| unsatisfiable(size))?;
            let content_range = Some(format!("bytes {}-{}/{size}", range.start, range.end - 1));
            Ok(Selection {
                range,
                content_range,
                parts_count: None,
                checksum: None,
            })
        }
        (None, Some(number)) => select_part(object, number),
        (None, None) => Ok(Selection {
            range: 0..size,
            content_range: None,
            parts_count: None,
            checksum: object.checksum.clone(),
        }),
    }
}

/// Returns an error if the conditions of a read do not hold.
pub(crate) fn check_read_condition(condition: &ReadCondition, found: &ObjectSnapshot) -> S3Result<()> {
    match condition.check(&found.object.etag, found.modified) {
        ReadVerdict::Proceed => Ok(()),
        ReadVerdict::Failed => Err(precondition_failed()),
        ReadVerdict::NotModified => {
            let etag = format!("\"{}\"", found.object.etag);
            let modified = found.modified.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            let not_modified = error(S3ErrorCode::NotModified, "Not Modified");
            let version = found.version_id.as_deref().map(|id| ("x-amz-version-id", id));
            Err(with_headers(
                not_modified,
                [("etag", etag.as_str()), ("last-modified", modified.as_str())]
                    .into_iter()
                    .chain(version),
            ))
        }
    }
}

/// Returns the bytes in a range, cut to the object's end, or `None` if the range contains none.
fn resolve_range(range: dto::Range, size: u64) -> Option<Range<u64>> {
    let range = match range {
        dto::Range::Int { first, last } => first..last.map_or(size, |last| last.saturating_add(1).min(size)),
        dto::Range::Suffix { length } => size.saturating_sub(length)..size,
    };
    (range.start < range.end).then_some(range)
}

fn unsatisfiable(size: u64) -> S3Error {
    let invalid_range = error(S3ErrorCode::InvalidRange, "The requested range is not satisfiable");
    with_headers(invalid_range, [("content-range", format!("bytes */{size}").as_str())])
}

fn select_part(object: &Object, number: i32) -> S3Result<Selection> {
    let size = object.payload.len();
    let invalid_part = || error(S3ErrorCode::InvalidPart, "The requested partnumber is not satisfiable");
    let position = usize::try_from(number)
        .ok()
        .and_then(|number| number.checked_sub(1))
        .ok_or_else(invalid_part)?;
    let (range, checksum) = if object.parts.is_empty() && position == 0 {
        (0..size, object.checksum.clone())
    } else {
        let part = object.parts.get(position).ok_or_else(invalid_part)?;
        let start: u64 = object.parts.iter().take(position).map(|part| part.size).sum();
        (start..start + part.size, part.checksum.clone())
    };
    let content_range = (size > 0).then(|| format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1)));
    let parts_count = Some(wire_count(object.parts.len())).filter(|count| *count > 0);
    Ok(Selection {
        range,
        content_range,
        parts_count,
        checksum,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_or_refused() {
        let int = |first, last| resolve_range(dto::Range::Int { first, last }, 10);
        assert_eq!(int(1, Some(3)), Some(1..4));
        assert_eq!(int(8, Some(99)), Some(8..10));
        assert_eq!(int(9, None), Some(9..10));
        assert_eq!(int(10, None), None);
        let suffix = |length, size| resolve_range(dto::Range::Suffix { length }, size);
        assert_eq!(suffix(3, 10), Some(7..10));
        assert_eq!(suffix(99, 10), Some(0..10));
        assert_eq!((suffix(0, 10), suffix(5, 0)), (None, None));
    }
}
