//! Reading, writing, hashing and indexing of manifests, line by line.
//!
//! A manifest consists of JSON lines (`packages.py: Package._load`, `_dump`): a header, rows of directories that have
//! metadata, and the entries. Readers accept bytes in pieces of any size and perform no I/O, so they serve files and networks
//! alike.
//!
//! **Invariants.** A top hash is the one that quilt3 computes, or there is an error instead. Errors report their line.
//!
//! A row without `meta` is read as one with empty metadata, as quilt-rs reads it; quilt3 8.0.0 does not read it.
//!
//! # Where this is deliberately stricter than quilt3 8.0.0
//!
//! - Lines longer than [`MAX_RECORD`] are rejected unless a higher limit is set; quilt3 only refuses to write them.
//! - A row without physical keys whose key has no `/` is rejected; quilt3 replaces the metadata of the whole package with it.
//! - Metadata of a directory that has the path of an entry is rejected in either order; quilt3 overwrites the entry's
//!   metadata when the entry comes first.
//! - A logical key must be a string without lone surrogates; quilt3 accepts a list of segments, and lone surrogates.
//! - A size must be an integer from 0 to 2^64 - 1; quilt3 hashes any value.
//! - A physical key is rejected if its percent-encoding does not decode to UTF-8 or its bucket contains brackets or is not
//!   ASCII; quilt3 takes the former for the name of another object.
//! - JSON may be nested up to [`MAX_DEPTH`](super::json::parse::MAX_DEPTH) levels; quilt3's limit depends on the stack of its
//!   caller.

mod error;
mod fast_path;
mod hasher;
mod index;
mod lines;
mod order;
mod package;
mod reader;
mod row;
mod writer;

pub use error::ManifestError;
pub use hasher::{Hashed, ManifestHasher, TopHasher};
pub use index::{Index, Indexer, Span};
pub use package::{KeyConflict, Manifest, ManifestCollector};
pub use reader::ManifestReader;
pub use row::{Directory, Entry, Header, Row};
pub use writer::{ManifestWriter, WriteError};

/// The default maximum size of a record in bytes of UTF-8, without the newline (`DEFAULT_MANIFEST_MAX_RECORD_SIZE` of
/// quilt3).
pub const MAX_RECORD: usize = 1_000_000;

#[cfg(test)]
mod tests;
