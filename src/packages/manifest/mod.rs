//! Manifests on S3: read once, cached, read by pages, and built.
//!
//! **Owns** the cache of manifests, their index, their rows, and the bytes of a new one. **Does not own** pointers: which
//! revision is meant is decided by `revision`.
//!
//! **Invariants**: a cached manifest is only used after S3 has confirmed with the caller's credentials that its `ETag` is
//! unchanged; no manifest is parsed into memory as a whole, except a small one that is out of order.

mod build;
mod cache;
mod file;
mod read;
mod rows;
mod sink;
mod staged;

pub use build::{BuiltManifest, ManifestContent};
pub(super) use cache::CachedManifest;
pub use cache::ManifestCache;
pub use file::ManifestFile;
pub(super) use file::replaced;
pub use rows::Rows;
pub(super) use sink::{ManifestSink, SINK_BYTES};
