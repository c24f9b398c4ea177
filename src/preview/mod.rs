//! Previews of tables: the first rows of CSV, TSV, JSON Lines and Parquet, read by ranges.
//!
//! **Owns** the formats: how content is recognized, decoded and cut, and which ranges are read.
//!
//! **Does not own** where the bytes come from ([`ByteRanges`]), and what a caller is told to do instead.
//!
//! **Invariants.** Content is hostile: at most [`MAX_READ_BYTES`] are read, no length in the content is allocated before it is
//! compared with a bound, and at most [`MAX_MEMORY_BYTES`] are in use at a time. Decoding runs on the CPU pool. A cell has at
//! most the characters that [`Limits`] allow, and says when it was cut.

mod cell;
mod format;
mod parquet;
mod ranges;
mod table;
mod text;

pub use cell::Cell;
pub use format::NotATable;
pub use ranges::{ByteRanges, Object, PreviewError, START_BYTES, read};
pub use table::{Column, Format, Limits, Table};

/// Maximum number of bytes that a preview reads.
pub const MAX_READ_BYTES: u64 = 8 * 1024 * 1024;
/// Maximum memory of a preview, in bytes.
pub const MAX_MEMORY_BYTES: usize = 32 * 1024 * 1024;

/// The readers of content in memory, for fuzz targets.
pub mod content {
    pub use super::format::Label;
    pub use super::parquet::preview_bytes as parquet;
    pub use super::text::{Start, preview as text};
}
