//! Checksums of bytes that come in pieces.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use crc_fast::CrcAlgorithm;
use sha2::{Digest as _, Sha256};

use super::{HashKind, ObjectHash, chunk_size};

/// The object was not as large as was said. Ask for its size again: it may have been replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the object has {got} bytes and not {expected}")]
pub struct SizeMismatch {
    /// The size that was said.
    pub expected: u64,
    /// How many bytes came, at least.
    pub got: u64,
}

/// Computes the checksum of an object. The chunks of `sha2-256-chunked` depend on the size, so it is needed before.
pub struct ObjectHasher {
    kind: HashKind,
    size: u64,
    got: u64,
    state: State,
}

enum State {
    Chunked {
        /// Over the digests of the chunks that are full.
        whole: Sha256,
        chunk: Sha256,
        /// How many bytes the chunk still takes.
        room: u64,
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
    /// For an object of `size` bytes.
    #[must_use]
    pub fn new(kind: HashKind, size: u64) -> Self {
        let chunk_size = chunk_size(size);
        let state = match kind {
            HashKind::Sha256Chunked => State::Chunked {
                whole: Sha256::new(),
                chunk: Sha256::new(),
                room: chunk_size,
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

    /// Takes the next bytes; how they are cut makes no difference.
    pub fn update(&mut self, mut bytes: &[u8]) {
        self.got = self.got.saturating_add(bytes.len() as u64);
        match &mut self.state {
            State::Crc(crc) => crc.update(bytes),
            State::Whole(digest) => digest.update(bytes),
            State::Chunked {
                whole,
                chunk,
                room,
                chunk_size,
            } => {
                while !bytes.is_empty() {
                    let taken = usize::try_from(*room).unwrap_or(usize::MAX).min(bytes.len());
                    let (now, later) = bytes.split_at(taken);
                    chunk.update(now);
                    *room -= taken as u64;
                    if *room == 0 {
                        whole.update(chunk.finalize_reset());
                        *room = *chunk_size;
                    }
                    bytes = later;
                }
            }
        }
    }

    /// The checksum, if as many bytes came as were said.
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
                room,
                chunk_size,
            } => {
                // The hash of no chunks, not of one that is empty, when there are no bytes.
                if room < chunk_size {
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
