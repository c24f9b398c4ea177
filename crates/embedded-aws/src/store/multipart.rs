//! Uploads in parts: what is kept until they are completed, and how their parts become an object. Assembling looks at
//! digests only; no byte is copied or read again.

use std::collections::BTreeMap;

use jiff::Timestamp;
use s3s::{S3ErrorCode, S3Result, dto};

use super::checksum::{Algorithm, Checksum, Digests, composite, full_object, multipart_etag};
use super::object::{Attributes, Object, PartRecord, Tags};
use super::payload::Payload;
use crate::error::{error, invalid_request};

/// Every part but the last must have this size.
const MIN_PART: u64 = 5 * 1024 * 1024;

/// A part as it was uploaded.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub payload: Payload,
    pub digests: Digests,
    pub modified: Timestamp,
}

/// An upload that is not completed.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub initiated: Timestamp,
    /// ARN of who began it.
    pub initiator: String,
    pub attributes: Attributes,
    pub tags: Tags,
    /// `None` when the client named no algorithm: S3 then makes a CRC-64 of the whole.
    pub algorithm: Option<Algorithm>,
    /// Whether the object's checksum is one of its parts' checksums.
    pub composite: bool,
    pub parts: BTreeMap<i32, Part>,
}

/// A part as the completing request names it.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub number: i32,
    pub etag: Option<String>,
    pub checksum: dto::Checksum,
}

impl Upload {
    /// The object that the named parts make.
    pub fn assemble(&self, named: &[Named]) -> S3Result<Object> {
        if named.is_empty() {
            return Err(error(S3ErrorCode::MalformedXML, "You must specify at least one part"));
        }
        let mut parts: Vec<(i32, &Part)> = Vec::with_capacity(named.len());
        for name in named {
            if parts.last().is_some_and(|(before, _)| *before >= name.number) {
                let message = "The list of parts was not in ascending order. Parts must be ordered by part number.";
                return Err(error(S3ErrorCode::InvalidPartOrder, message));
            }
            parts.push((name.number, self.part(name)?));
        }
        if parts
            .iter()
            .rev()
            .skip(1)
            .any(|(_, part)| part.payload.len() < MIN_PART)
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

    fn part(&self, name: &Named) -> S3Result<&Part> {
        let part = self
            .parts
            .get(&name.number)
            .filter(|part| name.etag.as_ref().is_some_and(|etag| *etag == part.digests.etag()));
        let part = part.ok_or_else(invalid_part)?;
        if let Some(checksum) = &part.digests.checksum {
            match checksum.algorithm.value_in(&name.checksum) {
                Some(value) if value != checksum.value => return Err(invalid_part()),
                None if self.composite && self.algorithm.is_some() => {
                    return Err(invalid_request(format!(
                        "The upload was created using a {} checksum. The complete request must include the checksum \
                         for each part. It was missing for part {} in the request.",
                        checksum.algorithm.name().to_lowercase(),
                        name.number
                    )));
                }
                _ => {}
            }
        }
        Ok(part)
    }

    fn checksum(&self, parts: &[(i32, &Part)]) -> Option<Checksum> {
        let own = |part: &'_ Part| part.digests.checksum.clone();
        match self.algorithm {
            Some(algorithm) if self.composite => {
                let sums: Vec<Checksum> = parts.iter().map(|(_, part)| own(part)).collect::<Option<_>>()?;
                composite(algorithm, &sums.iter().collect::<Vec<_>>())
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
        // S3 tells the parts' checksums only of an upload that named an algorithm.
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

/// The uploads of a bucket: by key, then by upload id.
pub(crate) type Uploads = BTreeMap<String, BTreeMap<String, Upload>>;
