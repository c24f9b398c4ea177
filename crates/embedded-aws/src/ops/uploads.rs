//! `ListParts` and `ListMultipartUploads`.

use s3s::S3Request;
use s3s::dto::{
    self, ChecksumType, CommonPrefix, ETag, Initiator, ListMultipartUploadsInput, ListMultipartUploadsOutput,
    ListPartsInput, ListPartsOutput, MultipartUpload, StorageClass,
};

use super::{KeyEncoding, OperationResult, S3Api, page_size, respond, wire_count, wire_len};
use crate::store::checksum::{Algorithm, Checksum};
use crate::store::list::{ListItem, ListStart, scan, take_page};
use crate::store::multipart::{Part, Upload};
use crate::store::object::wire_time;

impl S3Api {
    pub(crate) fn list_parts(&self, request: S3Request<ListPartsInput>) -> OperationResult<ListPartsOutput> {
        let input = request.input;
        let size = page_size(input.max_parts)?;
        let marker = input.part_number_marker.unwrap_or(0);
        let store = self.0.store();
        let upload = store.bucket(&input.bucket)?.upload(&input.key, &input.upload_id)?;
        let following = upload.parts.range(marker.saturating_add(1)..);
        let (parts, truncated) = take_page(following, size);
        let next = parts.last().filter(|_| truncated).map(|(number, _)| **number);
        respond(ListPartsOutput {
            parts: Some(
                parts
                    .into_iter()
                    .map(|(number, part)| part_entry(*number, part, upload))
                    .collect(),
            ),
            checksum_algorithm: upload.algorithm.map(Algorithm::dto),
            checksum_type: upload.algorithm.map(|_| checksum_type(upload)),
            initiator: Some(initiator(upload)),
            owner: Some(self.owner()),
            storage_class: Some(storage_class(upload)),
            is_truncated: Some(truncated),
            max_parts: Some(wire_count(size)),
            next_part_number_marker: next,
            part_number_marker: Some(marker),
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            ..ListPartsOutput::default()
        })
    }

    pub(crate) fn list_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> OperationResult<ListMultipartUploadsOutput> {
        let input = request.input;
        let encoding = KeyEncoding::new(input.encoding_type)?;
        let prefix = input.prefix.unwrap_or_default();
        let delimiter = input.delimiter.filter(|delimiter| !delimiter.is_empty());
        let size = page_size(input.max_uploads)?;
        let key_marker = input.key_marker.as_deref().filter(|marker| !marker.is_empty());
        let id_marker = input.upload_id_marker.as_deref().filter(|marker| !marker.is_empty());
        let start = match (key_marker, id_marker) {
            (Some(key), Some(_)) => ListStart::At(key.to_owned()),
            (marker, _) => ListStart::marker(marker, &prefix, delimiter.as_deref()),
        };
        let store = self.0.store();
        let uploads = &store.bucket(&input.bucket)?.uploads;
        let items = scan(uploads, &prefix, delimiter.as_deref(), &start, |_| true).flat_map(|item| match item {
            ListItem::Prefix(prefix) => vec![Err(prefix)],
            ListItem::Key(key, uploads) => uploads
                .iter()
                .filter(|(id, _)| key_marker != Some(key) || id_marker.is_none_or(|marker| id.as_str() > marker))
                .map(|(id, upload)| Ok((key, id, upload)))
                .collect(),
        });
        let (items, truncated) = take_page(items, size);
        let next = items.last().filter(|_| truncated).map(|item| match item {
            Ok((key, id, _)) => (encoding.key(key), Some((*id).clone())),
            Err(prefix) => (encoding.key(prefix), None),
        });
        let mut entries = Vec::new();
        let mut prefixes = Vec::new();
        for item in items {
            match item {
                Ok((key, id, upload)) => entries.push(self.upload_entry(encoding.key(key), id, upload)),
                Err(prefix) => prefixes.push(CommonPrefix {
                    prefix: Some(encoding.key(prefix)),
                }),
            }
        }
        drop(store);
        let (next_key_marker, next_upload_id_marker) = next.map_or((None, None), |(key, id)| (Some(key), id));
        respond(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            uploads: Some(entries),
            common_prefixes: Some(prefixes),
            delimiter: delimiter.map(|delimiter| encoding.key(&delimiter)),
            is_truncated: Some(truncated),
            key_marker: Some(encoding.key(input.key_marker.as_deref().unwrap_or_default())),
            max_uploads: Some(wire_count(size)),
            next_key_marker,
            next_upload_id_marker,
            prefix: Some(encoding.key(&prefix)),
            request_charged: None,
            upload_id_marker: input.upload_id_marker,
            encoding_type: encoding.0,
        })
    }

    fn upload_entry(&self, key: String, id: &str, upload: &Upload) -> MultipartUpload {
        MultipartUpload {
            checksum_algorithm: upload.algorithm.map(Algorithm::dto),
            checksum_type: upload.algorithm.map(|_| checksum_type(upload)),
            initiated: Some(wire_time(upload.initiated)),
            initiator: Some(initiator(upload)),
            key: Some(key),
            owner: Some(self.owner()),
            storage_class: Some(storage_class(upload)),
            upload_id: Some(id.to_owned()),
        }
    }
}

fn part_entry(number: i32, part: &Part, upload: &Upload) -> dto::Part {
    let checksum = part.digests.checksum.as_ref().filter(|_| upload.algorithm.is_some());
    let checksum = Checksum::to_dto(checksum);
    dto::Part {
        checksum_crc32: checksum.checksum_crc32,
        checksum_crc32c: checksum.checksum_crc32c,
        checksum_crc64nvme: checksum.checksum_crc64nvme,
        checksum_sha1: checksum.checksum_sha1,
        checksum_sha256: checksum.checksum_sha256,
        e_tag: Some(ETag::Strong(part.digests.etag())),
        last_modified: Some(wire_time(part.modified)),
        part_number: Some(number),
        size: Some(wire_len(part.payload.len())),
    }
}

fn checksum_type(upload: &Upload) -> ChecksumType {
    ChecksumType::from_static(if upload.composite {
        ChecksumType::COMPOSITE
    } else {
        ChecksumType::FULL_OBJECT
    })
}

fn initiator(upload: &Upload) -> Initiator {
    Initiator {
        display_name: None,
        id: Some(upload.initiator.clone()),
    }
}

fn storage_class(upload: &Upload) -> StorageClass {
    let class = upload.attributes.storage_class.clone();
    StorageClass::from(class.unwrap_or_else(|| StorageClass::STANDARD.to_owned()))
}
