//! Checksums derived from those that S3 stores with an object, without reading its bytes.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};

use super::{CHUNK, HashKind, ObjectHash, chunk_size};

/// Derives `sha2-256-chunked` from the `ChecksumSHA256` of an object, or returns `None` if the bytes have to be read.
///
/// The checksum of an object below 8 MiB is the digest of its only chunk and is hashed once more
/// (`_simple_s3_to_quilt_checksum`). The checksum of a larger object can be used if it is composite (`…-N`) and the parts of
/// the upload were exactly the chunks. Only `GetObjectAttributes` reports the sizes of the parts, so `part_sizes` must be
/// given (as in `try_get_compliant_sha256_chunked` of Quilt's package lambda).
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
            // The hash of no chunks is the hash of no bytes.
            None if size == 0 => digest,
            None => Sha256::digest(&digest).to_vec(),
            // S3 has already hashed the digest of the one part.
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

/// Derives `CRC64NVME` from the `ChecksumCRC64NVME` of an object, which always covers the whole object.
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
