//! The Quilt package format, compatible byte for byte with the Python client quilt3.
//!
//! A [Quilt](https://docs.quilt.bio) package is a manifest: JSON lines that refer to objects on S3, with their sizes,
//! checksums and metadata. The SHA-256 over a canonical form of these lines, the *top hash*, identifies a revision of the
//! package. With this crate you can read, write, hash, compare and validate manifests. It consists of pure functions over
//! bytes and iterators and has no network, file system, clock or AWS types: you fetch the bytes and store them, in the way
//! that suits your program.
//!
//! # Reading a manifest and checking its top hash
//!
//! The name of a manifest's object is its top hash, so a manifest that was fetched can be verified before it is used:
//!
//! ```
//! use quilt_format::{Manifest, TopHash, layout};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = ".quilt/packages/2a5a67156ca9238c14d12042db51c5b52260fdd5511b61ea89b58929d6e1769b";
//! let bytes = b"{\"version\": \"v0\", \"message\": null}\n";
//!
//! let expected: TopHash = layout::manifest_at(key).ok_or("not the key of a manifest")?;
//! let manifest = Manifest::read(bytes)?;
//! assert_eq!(manifest.top_hash()?, expected);
//! assert_eq!(manifest.entries().len(), 0);
//! # Ok(())
//! # }
//! ```
//!
//! # Parsing URIs
//!
//! Packages are shared as `quilt+s3` URIs. The location of an entry's bytes is a [`PhysicalKey`]:
//!
//! ```
//! use quilt_format::{PhysicalKey, QuiltUri, Revision};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let uri: QuiltUri = "quilt+s3://example-bucket#package=team/results@5f3c1a&path=plots/a%20b.png".parse()?;
//! assert_eq!(uri.bucket, "example-bucket");
//! assert_eq!(uri.name.as_str(), "team/results");
//! assert_eq!(uri.revision, Revision::Hash("5f3c1a".to_owned()));
//! assert_eq!(uri.path.as_deref(), Some("plots/a b.png"));
//!
//! let key: PhysicalKey = "s3://example-bucket/plots/a%20b.png?versionId=v1".parse()?;
//! let PhysicalKey::S3 { key, version_id, .. } = key else { return Err("not an S3 object".into()) };
//! assert_eq!((key.as_str(), version_id.as_deref()), ("plots/a b.png", Some("v1")));
//! # Ok(())
//! # }
//! ```
//!
//! # Hashing large manifests, and changing small ones
//!
//! A manifest may have millions of entries. [`ManifestHasher`](manifest::ManifestHasher) computes the top hash in one pass
//! and keeps one entry in memory; [`Manifest`] is a value that can be changed and written again:
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
//! // Incrementally, in pieces of any size:
//! let mut hasher = ManifestHasher::streaming();
//! for piece in text.as_bytes().chunks(16) {
//!     hasher.push(piece)?;
//! }
//! let hashed = hasher.finish()?;
//!
//! // As a value:
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
//! # Modules
//!
//! | module | contents |
//! |---|---|
//! | [`manifest`] | reading, writing, hashing and indexing manifests |
//! | [`checksum`] | checksums of objects: `sha2-256-chunked`, `CRC64NVME` and `SHA256`, computed or derived from those of S3 |
//! | [`workflow`] | the workflow configuration of a bucket, the selection of a workflow, and the validation of a package |
//! | [`diff`] | the differences between two packages |
//! | [`layout`] | the keys of manifests and pointers in a bucket |
//! | [`json`] | JSON with the number, string and formatting rules of Python's `json` |
//! | [`percent`] | percent-encoding compatible with Python's `urllib.parse` |
//!
//! The types that all of them share are at the root: [`PackageName`], [`LogicalKey`], [`PhysicalKey`], [`QuiltUri`] and
//! [`TopHash`].
//!
//! # Compatibility
//!
//! Invariant: what is hashed or written here is what quilt3 8.0.0 hashes and writes. Facts about the format name the file
//! and function of quilt3 that they come from. Where this crate is stricter, the documentation of [`manifest`] and
//! [`workflow`] says so. The integration tests of the workspace (`tests/it/packages/format.rs`, `workflows_like_quilt3.rs`)
//! compare it with quilt3 itself.

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
