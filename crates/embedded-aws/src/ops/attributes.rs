//! `GetObjectAttributes`: the requested metadata of an object without its content.

use std::collections::HashSet;

use s3s::S3Request;
use s3s::dto::{
    GetObjectAttributesInput, GetObjectAttributesOutput, GetObjectAttributesParts, ObjectAttributes, ObjectPart,
    StorageClass,
};

use super::encryption::require_key;
use super::{OperationResult, S3Api, page_size, respond, wire_count, wire_len};
use crate::error::invalid_argument;
use crate::store::checksum::Checksum;
use crate::store::list::take_page;
use crate::store::object::{Object, PartRecord, wire_time};

impl S3Api {
    pub(crate) fn attributes(
        &self,
        request: &S3Request<GetObjectAttributesInput>,
    ) -> OperationResult<GetObjectAttributesOutput> {
        let input = &request.input;
        // s3s passes the comma-separated list of the header as one element.
        let requested: HashSet<&str> = input
            .object_attributes
            .iter()
            .flat_map(|list| list.as_str().split(','))
            .map(str::trim)
            .collect();
        let known = [
            ObjectAttributes::ETAG,
            ObjectAttributes::CHECKSUM,
            ObjectAttributes::OBJECT_PARTS,
            ObjectAttributes::STORAGE_CLASS,
            ObjectAttributes::OBJECT_SIZE,
        ];
        if requested.iter().any(|name| !known.contains(name)) {
            return Err(invalid_argument("Invalid attribute name specified."));
        }
        let found = self.find(request, &input.bucket, &input.key, input.version_id.as_deref())?;
        let object = &found.object;
        require_key(&request.extensions, "kms:Decrypt", object.attributes.kms_key.as_deref())?;
        let wants = |name: &str| requested.contains(name);
        let class = object
            .attributes
            .storage_class
            .clone()
            .unwrap_or_else(|| StorageClass::STANDARD.to_owned());
        let parts = if wants(ObjectAttributes::OBJECT_PARTS) {
            parts_page(
                object,
                input.part_number_marker.unwrap_or(0),
                page_size(input.max_parts)?,
            )
        } else {
            None
        };
        respond(GetObjectAttributesOutput {
            checksum: object
                .checksum
                .as_ref()
                .filter(|_| wants(ObjectAttributes::CHECKSUM))
                .map(|sum| Checksum::to_dto(Some(sum))),
            e_tag: wants(ObjectAttributes::ETAG).then(|| object.etag()),
            last_modified: Some(wire_time(found.modified)),
            object_parts: parts,
            object_size: wants(ObjectAttributes::OBJECT_SIZE).then(|| wire_len(object.payload.len())),
            storage_class: wants(ObjectAttributes::STORAGE_CLASS).then(|| StorageClass::from(class)),
            version_id: found.version_id.clone(),
            ..GetObjectAttributesOutput::default()
        })
    }
}

/// Returns the parts after `marker`. For parts without checksums AWS returns only their number.
fn parts_page(object: &Object, marker: i32, size: usize) -> Option<GetObjectAttributesParts> {
    if object.parts.is_empty() {
        return None;
    }
    let total_parts_count = Some(wire_count(object.parts.len()));
    if object.parts.iter().any(|part| part.checksum.is_none()) {
        return Some(GetObjectAttributesParts {
            total_parts_count,
            ..GetObjectAttributesParts::default()
        });
    }
    let (listed, truncated) = take_page(object.parts.iter().filter(|part| part.number > marker), size);
    Some(GetObjectAttributesParts {
        is_truncated: Some(truncated),
        max_parts: Some(wire_count(size)),
        next_part_number_marker: listed.last().map(|part| part.number),
        part_number_marker: Some(marker),
        parts: Some(listed.into_iter().map(object_part).collect()),
        total_parts_count,
    })
}

fn object_part(part: &PartRecord) -> ObjectPart {
    let checksum = Checksum::to_dto(part.checksum.as_ref());
    ObjectPart {
        checksum_crc32: checksum.checksum_crc32,
        checksum_crc32c: checksum.checksum_crc32c,
        checksum_crc64nvme: checksum.checksum_crc64nvme,
        checksum_sha1: checksum.checksum_sha1,
        checksum_sha256: checksum.checksum_sha256,
        part_number: Some(part.number),
        size: Some(wire_len(part.size)),
    }
}
