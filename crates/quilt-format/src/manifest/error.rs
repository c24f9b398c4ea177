//! Errors of reading and hashing manifests.

use crate::json::ParseError;
use crate::physical_key::InvalidPhysicalKey;

/// An error of reading or hashing a manifest. Lines are counted from one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Occurs when there is no header.
    #[error("the manifest is empty; its first line should be the header")]
    Empty,
    /// Occurs when a line is not UTF-8, for example because the object is a Parquet file of an older tool.
    #[error("line {line} of the manifest is not UTF-8")]
    NotUtf8 {
        /// The line.
        line: u64,
    },
    /// Occurs when a line is not JSON.
    #[error("line {line} of the manifest is not JSON: {problem}")]
    NotJson {
        /// The line.
        line: u64,
        /// The problem.
        problem: ParseError,
    },
    /// Occurs when a line is longer than the limit. Raise the limit if the manifest was written with a higher
    /// `QUILT_MANIFEST_MAX_RECORD_SIZE`.
    #[error("line {line} of the manifest has more than {limit} bytes")]
    RecordTooLarge {
        /// The line.
        line: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// Occurs when a row lacks a required field or has one of the wrong type.
    #[error("line {line} of the manifest: {problem}")]
    Row {
        /// The line.
        line: u64,
        /// The problem.
        problem: &'static str,
    },
    /// Occurs when an entry has a field of the wrong type.
    #[error("line {line} of the manifest: the entry `{key}` {problem}")]
    Entry {
        /// The line.
        line: u64,
        /// The logical key.
        key: String,
        /// The problem.
        problem: &'static str,
    },
    /// Occurs when an entry has no hash or no size. quilt3 writes such entries for packages that are not built yet; they have no
    /// top hash.
    #[error("line {line} of the manifest: the entry `{key}` has {missing}")]
    NotBuilt {
        /// The line.
        line: u64,
        /// The logical key.
        key: String,
        /// What is missing.
        missing: &'static str,
    },
    /// Occurs when an entry's physical key cannot be parsed.
    #[error("line {line} of the manifest: {problem}")]
    PhysicalKey {
        /// The line.
        line: u64,
        /// The problem.
        problem: InvalidPhysicalKey,
    },
    /// Occurs when two entries have the same logical key.
    #[error("lines {first} and {second} of the manifest have the same logical key `{key}`")]
    Duplicate {
        /// The key.
        key: String,
        /// The line of the first entry with the key.
        first: u64,
        /// The line of the second one.
        second: u64,
    },
    /// Occurs when a key is both an entry and a directory.
    #[error(
        "the logical key `{file}` of line {file_line} of the manifest is a file, but line {directory_line} makes it a \
         directory"
    )]
    FileAndDirectory {
        /// The key that is both.
        file: String,
        /// The line of the entry.
        file_line: u64,
        /// The line of a row in the directory.
        directory_line: u64,
    },
    /// Occurs when rows that are processed in one pass are not in tree order. Read the manifest again with
    /// [`ManifestHasher::sorting`](super::ManifestHasher::sorting).
    #[error("line {line} of the manifest is out of order; the manifest has to be sorted before it can be hashed")]
    OutOfOrder {
        /// The first line that should come earlier.
        line: u64,
    },
}
