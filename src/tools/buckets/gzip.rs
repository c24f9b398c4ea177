//! Gzip content, unpacked in pieces. A small object can unpack to any size, so the bytes read, unpacked and kept are bounded.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;

use crate::aws::AwsError;
use crate::aws::s3::{ObjectUri, ReadQuery, UserS3};

/// Maximum offset of a piece in the unpacked content: everything before it is unpacked and discarded.
pub(super) const MAX_OFFSET: u64 = 16 * 1024 * 1024;
/// Bytes that a packed piece may have more than its content, beside a thousandth of it.
const OVERHEAD: u64 = 64 * 1024;

/// A piece of the unpacked content.
pub(super) struct Unpacked {
    pub bytes: Vec<u8>,
    /// Whether the content continues after the piece.
    pub continues: bool,
}

/// A failure to unpack a piece.
pub(super) enum UnpackError {
    S3(AwsError),
    /// The content is not gzip to its end.
    Damaged,
    /// The piece begins, or is packed, beyond the bound.
    TooFar,
}

/// Returns whether an object with these first bytes is gzip.
pub(super) fn is_gzip(start: &[u8]) -> bool {
    start.starts_with(&[0x1f, 0x8b, 0x08])
}

/// Unpacks at most `length` bytes from `offset` on, which counts unpacked bytes.
pub(super) async fn unpack(s3: &UserS3, object: &ObjectUri, offset: u64, length: u64) -> Result<Unpacked, UnpackError> {
    if offset > MAX_OFFSET {
        return Err(UnpackError::TooFar);
    }
    let unpacked = offset.saturating_add(length);
    let last = unpacked + unpacked / 1000 + OVERHEAD;
    let query = ReadQuery {
        range: Some((0, last)),
        ..ReadQuery::default()
    };
    let mut opened = s3.open(object, &query).await.map_err(UnpackError::S3)?;
    let window = Window {
        skip: offset,
        room: usize::try_from(length).unwrap_or(usize::MAX),
        bytes: Vec::new(),
        is_full: false,
    };
    let mut decoder = MultiGzDecoder::new(window);
    while let Some(packed) = opened.next().await.map_err(UnpackError::S3)? {
        if decoder.write_all(&packed).is_err() {
            return decoder.get_mut().take_full().ok_or(UnpackError::Damaged);
        }
    }
    if opened.size > last + 1 {
        return Err(UnpackError::TooFar);
    }
    let is_complete = decoder.try_finish().is_ok();
    let window = decoder.get_mut();
    match window.take_full() {
        Some(unpacked) => Ok(unpacked),
        None if is_complete => Ok(Unpacked {
            bytes: std::mem::take(&mut window.bytes),
            continues: false,
        }),
        None => Err(UnpackError::Damaged),
    }
}

/// A writer that keeps one piece of what is written, and fails behind it.
struct Window {
    skip: u64,
    room: usize,
    bytes: Vec<u8>,
    is_full: bool,
}

impl Window {
    /// Returns the piece if content follows it.
    fn take_full(&mut self) -> Option<Unpacked> {
        self.is_full.then(|| Unpacked {
            bytes: std::mem::take(&mut self.bytes),
            continues: true,
        })
    }
}

impl Write for Window {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(buffer.len());
        self.skip -= skipped as u64;
        let content = buffer.get(skipped..).unwrap_or_default();
        let kept = content.get(..self.room - self.bytes.len()).unwrap_or(content);
        self.bytes.extend_from_slice(kept);
        self.is_full |= kept.len() < content.len();
        if self.is_full {
            return Err(io::Error::other("the piece is complete"));
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
