//! What can be wrong with a manifest.

use crate::json::ParseError;
use crate::physical_key::InvalidPhysicalKey;

/// Why a manifest cannot be used. Lines count from one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Check that this is a manifest.
    #[error("the manifest is empty; its first line should be the header")]
    Empty,
    /// Check that this is a manifest, and not a Parquet file of an older tool.
    #[error("line {line} of the manifest is not UTF-8")]
    NotUtf8 {
        /// The line.
        line: u64,
    },
    /// Check that this is a manifest.
    #[error("line {line} of the manifest is not JSON: {problem}")]
    NotJson {
        /// The line.
        line: u64,
        /// Why.
        problem: ParseError,
    },
    /// Raise the limit if the manifest was written with a higher `QUILT_MANIFEST_MAX_RECORD_SIZE`; else keep less metadata.
    #[error("line {line} of the manifest has more than {limit} bytes")]
    RecordTooLarge {
        /// The line.
        line: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// Build the package anew: the row lacks what every manifest has.
    #[error("line {line} of the manifest: {problem}")]
    Row {
        /// The line.
        line: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// Build the package anew: the entry's bytes cannot be found.
    #[error("line {line} of the manifest: {problem}")]
    PhysicalKey {
        /// The line.
        line: u64,
        /// Why.
        problem: InvalidPhysicalKey,
    },
    /// Build the package anew, with one of the two.
    #[error("lines {first} and {second} of the manifest have the same logical key `{key}`")]
    Duplicate {
        /// The key.
        key: String,
        /// The line that has it first.
        first: u64,
        /// The line that has it again.
        second: u64,
    },
    /// Build the package anew: a tree cannot hold both.
    #[error(
        "the logical key `{file}` of line {file_line} of the manifest is a file, but line {directory_line} makes it a \
         directory"
    )]
    FileAndDirectory {
        /// The key that is both.
        file: String,
        /// The line of the entry.
        file_line: u64,
        /// The line of something below it.
        directory_line: u64,
    },
    /// Read the manifest again from its beginning with something that sorts ([`super::ManifestHasher::sorting`]).
    #[error("line {line} of the manifest is out of order; the manifest has to be sorted before it can be hashed")]
    OutOfOrder {
        /// The first line that should stand further up.
        line: u64,
    },
}
