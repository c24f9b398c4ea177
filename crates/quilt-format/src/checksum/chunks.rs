//! `sha2-256-chunked` from chunks that are hashed one by one, concurrently or by another process.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};

use super::{HashKind, ObjectHash, chunk_size};

/// The SHA-256 of a chunk.
pub type ChunkDigest = [u8; 32];

/// Computes the digest of a chunk from bytes that come in pieces.
#[derive(Debug, Clone, Default)]
pub struct ChunkHasher(Sha256);

impl ChunkHasher {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes.
    #[must_use]
    pub fn finish(self) -> ChunkDigest {
        self.0.finalize().into()
    }
}

/// The first and last byte of each chunk of an object. An empty object has none.
pub fn chunks(size: u64) -> impl Iterator<Item = (u64, u64)> + Send {
    let chunk = chunk_size(size);
    (0..size.div_ceil(chunk)).map(move |number| (number * chunk, ((number + 1) * chunk).min(size) - 1))
}

/// The checksum of an object from the digests of its chunks in their order.
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

/// The digest of a part whose `ChecksumSHA256` S3 told.
#[must_use]
pub fn chunk_digest(checksum: &str) -> Option<ChunkDigest> {
    BASE64_STANDARD.decode(checksum).ok()?.try_into().ok()
}
