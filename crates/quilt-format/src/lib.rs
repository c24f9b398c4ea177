//! The Quilt package format, equal to that of the Python client quilt3, byte for byte.
//!
//! A Quilt package is a manifest: JSON lines that name objects on S3, with their sizes, checksums and metadata. The SHA-256
//! over a canonical form of these lines, the top hash, names a revision of the package. This crate reads, writes, hashes,
//! compares and validates manifests. It consists of pure functions over bytes and iterators: no network, no file system, no
//! clock, no AWS type. The caller fetches the bytes and stores them.
//!
//! ```
//! use quilt_format::manifest::ManifestHasher;
//! use quilt_format::{LogicalKey, Manifest};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let text = concat!(
//!     r#"{"version": "v0", "message": "first revision"}"#,
//!     "\n",
//!     r#"{"logical_key": "data/a.csv", "physical_keys": ["s3://bucket/data/a.csv?versionId=1"], "size": 3, "#,
//!     r#""hash": {"type": "SHA256", "value": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}, "#,
//!     r#""meta": {}}"#,
//!     "\n",
//! );
//!
//! // In one pass, in pieces of any size, without holding the manifest in memory:
//! let mut hasher = ManifestHasher::streaming();
//! for piece in text.as_bytes().chunks(16) {
//!     hasher.push(piece)?;
//! }
//! let hashed = hasher.finish()?;
//!
//! // Or as a value that can be changed and written again:
//! let mut manifest = Manifest::read(text.as_bytes())?;
//! assert_eq!(manifest.top_hash()?, hashed.top_hash);
//! let entry = manifest.remove(&"data/a.csv".parse::<LogicalKey>()?).ok_or("no such entry")?;
//! assert_eq!(entry.size, 3);
//! let (bytes, top_hash) = manifest.write()?;
//! assert_eq!(Manifest::read(&bytes)?.top_hash()?, top_hash);
//! # Ok(())
//! # }
//! ```
//!
//! | module | contents |
//! |---|---|
//! | [`manifest`] | reading, writing, hashing and indexing manifests |
//! | [`checksum`] | the checksums of objects: `sha2-256-chunked`, `CRC64NVME` and `SHA256`, computed or taken from S3 |
//! | [`workflow`] | the configuration of workflows, the choice of one, and the validation of a package |
//! | [`diff`] | the differences between two packages |
//! | [`layout`] | the keys of manifests and pointers in a bucket |
//! | [`json`] | JSON with the numbers, strings and spellings of Python's `json` |
//! | [`percent`] | percent-encoding as Python's `urllib.parse` does it |
//!
//! The types that all of them use are at the root: [`PackageName`], [`LogicalKey`], [`PhysicalKey`], [`QuiltUri`],
//! [`TopHash`].
//!
//! # Compatibility
//!
//! Invariant: what is hashed or written here is what quilt3 8.0.0 hashes and writes. Facts about the format name the file
//! and function of quilt3 that they come from. Where this crate is stricter, the documentation of [`manifest`] and
//! [`workflow`] says so. The integration tests of the workspace (`tests/it/quilt_format.rs`, `tests/it/quilt_workflows.rs`)
//! compare it with quilt3 itself.

#![warn(missing_docs)]

pub mod checksum;
pub mod diff;
pub mod json;
pub mod layout;
mod logical_key;
pub mod manifest;
mod name;
pub mod percent;
mod physical_key;
mod quilt_uri;
mod top_hash;
pub mod workflow;

pub use logical_key::{InvalidKey, LogicalKey};
pub use manifest::{Entry, Header, Manifest, ManifestError};
pub use name::{InvalidName, PackageName};
pub use physical_key::{InvalidPhysicalKey, PhysicalKey};
pub use quilt_uri::{InvalidQuiltUri, QuiltUri, Revision};
pub use top_hash::{InvalidTopHash, TopHash};
