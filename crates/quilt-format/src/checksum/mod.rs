//! Checksums of objects: the three that manifests hold, computed from bytes or taken from S3's own.
//!
//! The rules are those of quilt3's `checksums.py`. Does not fetch anything.
//!
//! Invariant: a checksum that comes out of here is the one that quilt3 computes of the same bytes.

mod chunks;
mod hasher;
mod s3;

use std::fmt;

pub use chunks::{ChunkDigest, ChunkHasher, chunk_digest, chunks, from_chunks};
pub use hasher::{ObjectHasher, SizeMismatch};
pub use s3::{from_crc64nvme, from_sha256};

use super::json::{Object, Value};

/// Objects of this size and more are uploaded in parts (`CHECKSUM_MULTIPART_THRESHOLD`), and smallest size of a chunk.
pub const CHUNK: u64 = 8 * 1024 * 1024;

/// Most parts of an upload (`CHECKSUM_MAX_PARTS`).
const MAX_CHUNKS: u64 = 10_000;

/// The size of the chunks of an object, and so of the parts of its upload: 8 MiB, doubled while there would be more than
/// 10,000 (`get_checksum_chunksize`).
#[must_use]
pub fn chunk_size(size: u64) -> u64 {
    let mut chunk = CHUNK;
    while size.div_ceil(chunk) > MAX_CHUNKS {
        chunk *= 2;
    }
    chunk
}

/// Which checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HashKind {
    /// The SHA-256 of the SHA-256 of every chunk, in base64. The default.
    Sha256Chunked,
    /// The CRC-64/NVME of the whole, its eight bytes big endian in base64. Written by servers.
    Crc64Nvme,
    /// The SHA-256 of the whole, in hexadecimal digits. Written by quilt3 before version 6.
    Sha256,
}

impl HashKind {
    /// Its name in manifests.
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
    /// How it was computed.
    pub kind: HashKind,
    /// What came out, as manifests spell it.
    pub value: String,
}

/// A checksum of a manifest that cannot be checked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownHash {
    /// Use a newer version, or build the package anew.
    #[error("the hash type `{0}` is not known; known are sha2-256-chunked, CRC64NVME and SHA256")]
    Kind(String),
    /// Build the package anew.
    #[error("the hash is not an object with a `type` and a `value` that are strings")]
    Shape,
}

impl ObjectHash {
    /// Reads the `hash` of an entry.
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

    /// The `hash` of an entry.
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
