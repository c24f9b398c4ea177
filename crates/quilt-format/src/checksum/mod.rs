//! Checksums of objects: the three kinds that manifests contain, computed from bytes or derived from the checksums of S3.
//!
//! The rules are those of quilt3's `checksums.py`.
//!
//! **Invariant.** Every checksum equals the one that quilt3 computes of the same bytes.

mod chunks;
mod hasher;
mod s3;

use std::fmt;

pub use chunks::{ChunkDigest, ChunkHasher, chunk_digest, chunks, from_chunks};
pub use hasher::{ObjectHasher, SizeMismatch};
pub use s3::{from_crc64nvme, from_sha256};

use super::json::{Object, Value};

/// The minimum size of a chunk, and the size from which on quilt3 uploads objects in parts
/// (`CHECKSUM_MULTIPART_THRESHOLD`).
pub const CHUNK: u64 = 8 * 1024 * 1024;

/// The maximum number of parts of an upload (`CHECKSUM_MAX_PARTS`).
const MAX_CHUNKS: u64 = 10_000;

/// Returns the chunk size of an object, which is also the part size of its upload: 8 MiB, doubled until the object has at
/// most 10,000 chunks (`get_checksum_chunksize`).
#[must_use]
pub fn chunk_size(size: u64) -> u64 {
    let mut chunk = CHUNK;
    while size.div_ceil(chunk) > MAX_CHUNKS {
        chunk *= 2;
    }
    chunk
}

/// The kind of a checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HashKind {
    /// The SHA-256 over the SHA-256 digests of all chunks, in base64. This is quilt3's default.
    Sha256Chunked,
    /// The CRC-64/NVME of the whole object, big-endian in base64. Written by Quilt's servers.
    Crc64Nvme,
    /// The SHA-256 of the whole object, in hexadecimal digits. Written by quilt3 before version 6.
    Sha256,
}

impl HashKind {
    /// Returns the name of the kind in manifests.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256Chunked => "sha2-256-chunked",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha256 => "SHA256",
        }
    }
}

impl fmt::Display for HashKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The checksum of an object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectHash {
    /// The kind of the checksum.
    pub kind: HashKind,
    /// The value in the encoding of manifests, which depends on the kind.
    pub value: String,
}

/// An error for a checksum in a manifest that cannot be verified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownHash {
    /// Occurs when the type is not one of [`HashKind`].
    #[error("the hash type `{0}` is unknown; known types are sha2-256-chunked, CRC64NVME and SHA256")]
    Kind(String),
    /// Occurs when the hash is not an object with the strings `type` and `value`.
    #[error("the hash is not an object with a `type` and a `value` that are strings")]
    Shape,
}

impl ObjectHash {
    /// Parses the `hash` of an entry.
    pub fn read(hash: &Value) -> Result<Self, UnknownHash> {
        let text = |name| hash.as_object()?.get(name)?.as_str();
        let (Some(kind), Some(value)) = (text("type"), text("value")) else {
            return Err(UnknownHash::Shape);
        };
        let kind = [HashKind::Sha256Chunked, HashKind::Crc64Nvme, HashKind::Sha256]
            .into_iter()
            .find(|known| known.as_str() == kind)
            .ok_or_else(|| UnknownHash::Kind(kind.chars().take(80).collect()))?;
        Ok(Self {
            kind,
            value: value.to_owned(),
        })
    }

    /// Converts the checksum to the `hash` of an entry.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let fields = [
            ("type", Value::from(self.kind.as_str())),
            ("value", Value::from(self.value.as_str())),
        ];
        Value::Object(fields.into_iter().collect::<Object>())
    }
}

#[cfg(test)]
mod tests;
