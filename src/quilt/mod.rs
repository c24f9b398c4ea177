//! The Quilt package format, equal to quilt3's byte for byte.
//!
//! Owns names, keys, URIs, manifests, top hashes, checksums, differences and workflows. Pure functions over bytes and
//! iterators: no network, no file, no clock, no AWS type, and no other room is imported.
//!
//! Invariant: what is hashed or written here is what quilt3 8.0.0 hashes and writes. Facts about the format name the file
//! and function of quilt3 that they come from; `tests/it/quilt_format.rs` compares with the real one.

pub mod checksum;
pub mod diff;
pub mod json;
pub mod layout;
mod logical_key;
pub mod manifest;
mod name;
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
