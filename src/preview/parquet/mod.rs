//! Parquet: the footer and the first pages of the first row group, by ranges.
//!
//! The `parquet` crate decodes levels and values. Footers, page headers and codecs are read here: the crate reads all row groups
//! of a footer, recurses as deep as the schema says, allocates by counts that it finds, and unpacks without a bound.
//!
//! **Invariants.** Metadata is skipped, not stored, unless the preview needs it. A page is unpacked only if its header says
//! a size within the bound, and decoded only if its header and its encoding claim no more values than its bytes can have. A
//! column whose first page does not fit shows its type, and says why it has no values.

mod assemble;
mod codec;
mod column;
mod footer;
mod page;
mod pages;
mod read;
mod schema;
mod table;
mod thrift;
mod value;

pub use read::{preview_bytes, read};

/// Why a file has no preview. The text is the predicate of a sentence about the object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParquetError {
    /// Occurs when the last bytes are not those of a Parquet file.
    #[error("begins as Parquet and does not end as Parquet: it is cut off, or still being written")]
    NoFooter,
    /// Occurs when the footer is encrypted.
    #[error("is Parquet with an encrypted footer")]
    Encrypted,
    /// Occurs when the footer is longer than the file.
    #[error("is damaged Parquet: its footer would have {length} bytes, and the object has {size}")]
    FooterBeyondFile { length: u64, size: u64 },
    /// Occurs when the footer cannot be read.
    #[error("is damaged Parquet: its footer cannot be read")]
    DamagedFooter,
    /// Occurs when even the schema is longer than what is read of a footer.
    #[error("is Parquet with a schema of more than 3145728 bytes, which is the most that a preview reads")]
    LongFooter,
}
