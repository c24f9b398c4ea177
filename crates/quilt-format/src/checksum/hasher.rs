//! Incremental computation of object checksums.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use crc_fast::CrcAlgorithm;
use sha2::{Digest as _, Sha256};

use super::{HashKind, ObjectHash, chunk_size};

/// Occurs when an object does not have the expected size, for example because it was replaced in the meantime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the object has {got} bytes and not {expected}")]
pub struct SizeMismatch {
    /// The size with which the hasher was created.
    pub expected: u64,
    /// The number of bytes that were added.
    pub got: u64,
}

/// Computes the checksum of an object incrementally. The size must be known in advance, because the chunks of
/// `sha2-256-chunked` depend on it.
pub struct ObjectHasher {
    kind: HashKind,
    size: u64,
    got: u64,
    state: State,
}

enum State {
    Chunked {
        /// The hash over the digests of the complete chunks.
        whole: Sha256,
        chunk: Sha256,
        /// The number of bytes that the current chunk still lacks.
        remaining: u64,
        chunk_size: u64,
    },
    Crc(crc_fast::Digest),
    Whole(Sha256),
}

impl std::fmt::Debug for ObjectHasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ObjectHasher")
            .field("kind", &self.kind)
            .field("size", &self.size)
            .field("got", &self.got)
            .finish_non_exhaustive()
    }
}

impl ObjectHasher {
    /// Creates a hasher for an object of `size` bytes.
    #[must_use]
    pub fn new(kind: HashKind, size: u64) -> Self {
        let chunk_size = chunk_size(size);
        let state = match kind {
            HashKind::Sha256Chunked => State::Chunked {
                whole: Sha256::new(),
                chunk: Sha256::new(),
                remaining: chunk_size,
                chunk_size,
            },
            HashKind::Crc64Nvme => State::Crc(crc_fast::Digest::new(CrcAlgorithm::Crc64Nvme)),
            HashKind::Sha256 => State::Whole(Sha256::new()),
        };
        Self {
            kind,
            size,
            got: 0,
            state,
        }
    }

    /// Adds the next bytes, in pieces of any size.
    pub fn update(&mut self, mut bytes: &[u8]) {
        self.got = self.got.saturating_add(bytes.len() as u64);
        match &mut self.state {
            State::Crc(crc) => crc.update(bytes),
            State::Whole(digest) => digest.update(bytes),
            State::Chunked {
                whole,
                chunk,
                remaining,
                chunk_size,
            } => {
                while !bytes.is_empty() {
                    let taken = usize::try_from(*remaining).unwrap_or(usize::MAX).min(bytes.len());
                    let (head, tail) = bytes.split_at(taken);
                    chunk.update(head);
                    *remaining -= taken as u64;
                    if *remaining == 0 {
                        whole.update(chunk.finalize_reset());
                        *remaining = *chunk_size;
                    }
                    bytes = tail;
                }
            }
        }
    }

    /// Returns the checksum, or an error if the number of bytes is not the expected size.
    pub fn finish(self) -> Result<ObjectHash, SizeMismatch> {
        if self.got != self.size {
            return Err(SizeMismatch {
                expected: self.size,
                got: self.got,
            });
        }
        let value = match self.state {
            State::Crc(crc) => BASE64_STANDARD.encode(crc.finalize().to_be_bytes()),
            State::Whole(digest) => hexadecimal(&digest.finalize()),
            State::Chunked {
                mut whole,
                chunk,
                remaining,
                chunk_size,
            } => {
                // An empty object has the hash of no chunks, not that of one empty chunk.
                if remaining < chunk_size {
                    whole.update(chunk.finalize());
                }
                BASE64_STANDARD.encode(whole.finalize())
            }
        };
        Ok(ObjectHash { kind: self.kind, value })
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
