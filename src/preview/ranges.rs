//! The preview of an object: which of its ranges are read, in which order, and what is made of them.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::format::{self, Label, NotATable};
use super::parquet::{self, ParquetError};
use super::table::{Limits, Table};
use super::text::{self, MAX_TEXT_BYTES, Start, TextError};
use crate::blocking::{CpuError, CpuPool};

/// Bytes of the first read, which tells what the object is.
pub const START_BYTES: u64 = 64 * 1024;
/// Bytes of packed content that are read at most, beside what fits unpacked.
const PACKED_OVERHEAD: u64 = 64 * 1024;
/// Memory for each byte of text: unpacked, decoded, and split.
const TEXT_FACTOR: usize = 6;

/// An object whose ranges are read, always of the same content.
pub trait ByteRanges: Sync {
    type Error: Send;

    /// Reads a range that lies within the object.
    fn read(&self, range: Range<u64>) -> impl Future<Output = Result<Bytes, Self::Error>> + Send;

    /// Reserves memory, in total.
    fn reserve(&self, bytes: usize) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// What is known of an object after its first bytes were read.
#[derive(Debug)]
pub struct Object {
    /// The first bytes, at most [`START_BYTES`].
    pub start: Bytes,
    pub size: u64,
    pub key: String,
    pub content_type: Option<String>,
}

/// Why an object has no preview.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError<E> {
    /// Occurs when a range cannot be read, or memory cannot be reserved.
    #[error("the object cannot be read")]
    Read(E),
    /// Occurs when the content is something else than a table.
    #[error("the object is no table")]
    NotATable(NotATable),
    /// Occurs when the content is damaged, or beyond a bound; the text is the predicate of a sentence.
    #[error("the object {0}")]
    Content(String),
    /// Occurs when decoding finds no place on the CPU pool, or takes too long.
    #[error(transparent)]
    Cpu(#[from] CpuError),
}

/// Reads the first rows of an object.
pub async fn read<R: ByteRanges>(
    ranges: &R,
    object: Object,
    limits: Limits,
    cpu: &CpuPool,
) -> Result<Table, PreviewError<R::Error>> {
    if object.size == 0 {
        return Err(PreviewError::NotATable(NotATable::Empty));
    }
    if format::is_parquet(&object.start) {
        return parquet::read(ranges, object.size, limits, cpu).await;
    }
    if let Some(binary) = format::binary_format(&object.start) {
        return Err(PreviewError::NotATable(binary));
    }
    let label = Arc::new(Label::new(&object.key, object.content_type.as_deref()));
    let max_bytes = if format::is_gzip(&object.start) {
        MAX_TEXT_BYTES as u64 + PACKED_OVERHEAD
    } else {
        MAX_TEXT_BYTES as u64
    };
    let mut bytes = object.start;
    loop {
        let have = bytes.len() as u64;
        let is_last = have >= object.size.min(max_bytes);
        // Packed content may be small and unpack to all that is looked at.
        let unpacked = if format::is_gzip(&bytes) {
            MAX_TEXT_BYTES
        } else {
            bytes.len()
        };
        ranges
            .reserve(bytes.len() + unpacked * TEXT_FACTOR)
            .await
            .map_err(PreviewError::Read)?;
        let continues = have < object.size;
        let (input, its_label) = (bytes.clone(), label.clone());
        let outcome = cpu.run(move |_| {
            let start = Start {
                bytes: &input,
                continues,
            };
            text::preview(start, &its_label, limits, is_last)
        });
        match outcome.await? {
            Ok(table) => return Ok(table),
            Err(TextError::NeedsMore) if !is_last => {
                let end = object.size.min(max_bytes);
                let more = ranges.read(have..end).await.map_err(PreviewError::Read)?;
                if more.is_empty() {
                    return Err(PreviewError::Content("ended before its size".to_owned()));
                }
                bytes = [bytes, more].concat().into();
            }
            Err(TextError::NotATable(not)) => return Err(PreviewError::NotATable(not)),
            Err(other) => return Err(PreviewError::Content(other.to_string())),
        }
    }
}

impl<E> From<ParquetError> for PreviewError<E> {
    fn from(error: ParquetError) -> Self {
        Self::Content(error.to_string())
    }
}
