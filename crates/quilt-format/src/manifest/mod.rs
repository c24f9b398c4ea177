//! Manifests: reading, writing and hashing, line by line.
//!
//! A manifest is JSON lines (`packages.py: Package._load`, `_dump`): a header, rows of directories that have metadata, and
//! the entries. Bytes come in pieces of any size and are never asked for, so the same code serves files and networks.
//!
//! Invariant: a top hash that comes out of here is the one that quilt3 computes, or there is none. An error
//! names its line.
//!
//! # Where this is stricter than quilt3 8.0.0, on purpose
//!
//! - Lines longer than [`MAX_RECORD`] are refused unless a higher limit is given; quilt3 refuses only to write them.
//! - A row without physical keys whose key has no `/` is refused; quilt3 lets it replace the whole package's metadata.
//! - Metadata of a directory whose name is an entry's is refused in every order of the two; quilt3 overwrites the entry's
//!   metadata when the entry comes first.
//! - A logical key must be a string of characters; quilt3 takes a list of segments, and lone surrogates.
//! - A size must be an integer from 0 to 2^64 - 1; quilt3 hashes whatever stands there.
//! - A physical key whose escapes are not UTF-8, or whose bucket has brackets or is not ASCII, is refused; quilt3 reads
//!   the first as the name of another object.
//! - JSON may be nested [`MAX_DEPTH`](super::json::parse::MAX_DEPTH) deep; quilt3's bound depends on its caller's stack.

mod error;
mod hasher;
mod index;
mod lines;
mod order;
mod package;
mod reader;
mod row;
mod writer;
mod written;

pub use error::ManifestError;
pub use hasher::{Hashed, ManifestHasher, TopHasher};
pub use index::{Index, Indexer, Span};
pub use package::{KeyConflict, Manifest, ManifestCollector};
pub use reader::ManifestReader;
pub use row::{Directory, Entry, Header, Row};
pub use writer::{ManifestWriter, WriteError};

/// Longest record in bytes of UTF-8, without the newline (`DEFAULT_MANIFEST_MAX_RECORD_SIZE` of quilt3).
pub const MAX_RECORD: usize = 1_000_000;

#[cfg(test)]
mod tests;
