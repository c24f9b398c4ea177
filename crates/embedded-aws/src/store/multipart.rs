//! Multipart uploads: their parts, and the assembly of the parts into an object. Assembly combines digests; no byte is
//! copied or read again.

use std::collections::BTreeMap;

use jiff::Timestamp;
use s3s::{S3ErrorCode, S3Result, dto};

use super::checksum::{Algorithm, Checksum, Digests, composite, full_object, multipart_etag};
use super::object::{Attributes, Object, PartRecord, Tags};
use super::payload::Payload;
use crate::error::{error, invalid_request};

/// Minimum size of every part but the last.
const MIN_PART_BYTES: u64 = 5 * 1024 * 1024;

/// An uploaded part.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub payload: Payload,
    pub digests: Digests,
    pub modified: Timestamp,
}

/// An open multipart upload.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub initiated: Timestamp,
    /// The ARN of the caller that created it.
    pub initiator: String,
    pub attributes: Attributes,
    pub tags: Tags,
    /// `None` when the client chose no algorithm: S3 then computes a CRC-64 of the whole object.
    pub algorithm: Option<Algorithm>,
    /// Whether the object's checksum is a checksum of its parts' checksums.
    pub composite: bool,
    pub parts: BTreeMap<i32, Part>,
}

/// A part in the list of `CompleteMultipartUpload`.
#[derive(Debug, Clone)]
pub(crate) struct CompletedPart {
    pub number: i32,
    pub etag: Option<String>,
    pub checksum: dto::Checksum,
}

impl Upload {
    /// Assembles the listed parts into an object.
    pub fn assemble(&self, listed: &[CompletedPart]) -> S3Result<Object> {
        if listed.is_empty() {
            return Err(error(S3ErrorCode::MalformedXML, "You must specify at least one part"));
        }
        let mut parts: Vec<(i32, &Part)> = Vec::with_capacity(listed.len());
        for part in listed {
            if parts.last().is_some_and(|(previous, _)| *previous >= part.number) {
                let message = "The list of parts was not in ascending order. Parts must be ordered by part number.";
                return Err(error(S3ErrorCode::InvalidPartOrder, message));
            }
            parts.push((part.number, self.find_part(part)?));
        }
        if parts
            .iter()
            .rev()
            .skip(1)
            .any(|(_, part)| part.payload.len() < MIN_PART_BYTES)
        {
            let message = "Your proposed upload is smaller than the minimum allowed size";
            return Err(error(S3ErrorCode::EntityTooSmall, message));
        }
        let md5s: Vec<[u8; 16]> = parts.iter().map(|(_, part)| part.digests.md5).collect();
        Ok(Object {
            payload: Payload::concat(parts.iter().map(|(_, part)| &part.payload)),
            etag: multipart_etag(&md5s),
            checksum: self.checksum(&parts),
            parts: parts.iter().map(|(number, part)| self.record(*number, part)).collect(),
            attributes: self.attributes.clone(),
        })
    }

    fn find_part(&self, listed: &CompletedPart) -> S3Result<&Part> {
        let part = self
            .parts
            .get(&listed.number)
            .filter(|part| listed.etag.as_ref().is_some_and(|etag| *etag == part.digests.etag()));
        let part = part.ok_or_else(invalid_part)?;
        if let Some(checksum) = &part.digests.checksum {
            match checksum.algorithm.value_in(&listed.checksum) {
                Some(value) if value != checksum.value => return Err(invalid_part()),
                None if self.composite && self.algorithm.is_some() => {
                    return Err(invalid_request(format!(
                        "The upload was created using a {} checksum. The complete request must include the checksum \
                         for each part. It was missing for part {} in the request.",
                        checksum.algorithm.name().to_lowercase(),
                        listed.number
                    )));
                }
                _ => {}
            }
        }
        Ok(part)
    }

    fn checksum(&self, parts: &[(i32, &Part)]) -> Option<Checksum> {
        match self.algorithm {
            Some(algorithm) if self.composite => {
                let sums: Vec<&Checksum> = parts
                    .iter()
                    .map(|(_, part)| part.digests.checksum.as_ref())
                    .collect::<Option<_>>()?;
                composite(algorithm, &sums)
            }
            Some(algorithm) if algorithm != Algorithm::Crc64Nvme => {
                let sums: Vec<_> = parts
                    .iter()
                    .map(|(_, part)| Some((part.digests.checksum.as_ref()?, part.payload.len())))
                    .collect::<Option<_>>()?;
                full_object(algorithm, &sums)
            }
            _ => {
                let sums: Vec<_> = parts
                    .iter()
                    .map(|(_, part)| Some((part.digests.crc64()?, part.payload.len())))
                    .collect::<Option<_>>()?;
                full_object(Algorithm::Crc64Nvme, &sums)
            }
        }
    }

    fn record(&self, number: i32, part: &Part) -> PartRecord {
        // S3 reports the checksums of parts only if the upload chose an algorithm.
        let checksum = part.digests.checksum.clone().filter(|_| self.algorithm.is_some());
        PartRecord {
            number,
            size: part.payload.len(),
            checksum,
        }
    }
}

fn invalid_part() -> s3s::S3Error {
    error(
        S3ErrorCode::InvalidPart,
        "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified \
         entity tag may not match the part's entity tag.",
    )
}

/// The open uploads of a bucket, by key and upload ID.
pub(crate) type Uploads = BTreeMap<String, BTreeMap<String, Upload>>;
