//! `sha2-256-chunked` from chunks that are hashed separately, for example concurrently.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};

use super::{HashKind, ObjectHash, chunk_size};

/// The SHA-256 of a chunk.
pub type ChunkDigest = [u8; 32];

/// Computes the digest of a chunk incrementally.
#[derive(Debug, Clone, Default)]
pub struct ChunkHasher(Sha256);

impl ChunkHasher {
    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the digest of all bytes.
    #[must_use]
    pub fn finish(self) -> ChunkDigest {
        self.0.finalize().into()
    }
}

/// Returns the offsets of the first and last byte of each chunk of an object. An empty object has no chunks.
pub fn chunks(size: u64) -> impl Iterator<Item = (u64, u64)> + Send {
    let chunk = chunk_size(size);
    (0..size.div_ceil(chunk)).map(move |number| (number * chunk, ((number + 1) * chunk).min(size) - 1))
}

/// Combines the digests of an object's chunks, in order, to the checksum of the object.
#[must_use]
pub fn from_chunks(digests: &[ChunkDigest]) -> ObjectHash {
    let mut whole = Sha256::new();
    for digest in digests {
        whole.update(digest);
    }
    ObjectHash {
        kind: HashKind::Sha256Chunked,
        value: BASE64_STANDARD.encode(whole.finalize()),
    }
}

/// Decodes the `ChecksumSHA256` that S3 reports for a part. Returns `None` if it is not a SHA-256.
#[must_use]
pub fn chunk_digest(checksum: &str) -> Option<ChunkDigest> {
    BASE64_STANDARD.decode(checksum).ok()?.try_into().ok()
}
