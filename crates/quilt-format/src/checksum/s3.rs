//! Checksums that S3 keeps already, so that no byte has to be read.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};

use super::{CHUNK, HashKind, ObjectHash, chunk_size};

/// `sha2-256-chunked` from the `ChecksumSHA256` of an object.
///
/// Below 8 MiB that is the digest of the whole, and has to be hashed again (`_simple_s3_to_quilt_checksum`). From there
/// on it has to be composite, `…-N`, and then it is the value, if the parts of the upload were exactly the chunks; that
/// only `GetObjectAttributes` tells, so `part_sizes` has to be given (as `try_get_compliant_sha256_chunked` of Quilt's
/// package lambda demands). `None` means that the bytes have to be read.
#[must_use]
pub fn from_sha256(size: u64, checksum: &str, part_sizes: Option<&[u64]>) -> Option<ObjectHash> {
    let (digest, parts) = match checksum.split_once('-') {
        Some((digest, parts)) => (digest, Some(parts)),
        None => (checksum, None),
    };
    let digest = BASE64_STANDARD
        .decode(digest)
        .ok()
        .filter(|digest| digest.len() == 32)?;
    let value = if size < CHUNK {
        match parts {
            // The hash of no chunks is that of no bytes.
            None if size == 0 => digest,
            None => Sha256::digest(&digest).to_vec(),
            // One part below 8 MiB: S3 hashed it twice already.
            Some(_) if size > 0 && parts_are_chunks(size, parts?, part_sizes?) => digest,
            Some(_) => return None,
        }
    } else if parts_are_chunks(size, parts?, part_sizes?) {
        digest
    } else {
        return None;
    };
    Some(ObjectHash {
        kind: HashKind::Sha256Chunked,
        value: BASE64_STANDARD.encode(value),
    })
}

/// `CRC64NVME` from the `ChecksumCRC64NVME` of an object, which is always that of the whole.
#[must_use]
pub fn from_crc64nvme(checksum: &str) -> Option<ObjectHash> {
    BASE64_STANDARD.decode(checksum).ok().filter(|crc| crc.len() == 8)?;
    Some(ObjectHash {
        kind: HashKind::Crc64Nvme,
        value: checksum.to_owned(),
    })
}

fn parts_are_chunks(size: u64, parts: &str, part_sizes: &[u64]) -> bool {
    let chunk = chunk_size(size);
    let Some((last, full)) = part_sizes.split_last() else {
        return false;
    };
    let count = part_sizes.len() as u64;
    parts.parse() == Ok(count)
        && full.iter().all(|part| *part == chunk)
        && (1..=chunk).contains(last)
        && (count - 1)
            .checked_mul(chunk)
            .and_then(|before| before.checked_add(*last))
            == Some(size)
}
