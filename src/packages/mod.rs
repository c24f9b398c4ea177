//! The packages of a bucket, as one caller.
//!
//! Owns what the format (`quilt_format`) and S3 (`s3`) have to do with each other: pointers and history, the commit of a revision,
//! manifests of any size read by pages, checksums and copies of objects, workflows, verification. Owns no tool: names of
//! arguments, results and codes are theirs.
//!
//! Invariants: everything is asked of S3 with the caller's own credentials, also what is in memory already; a revision
//! is visible when `latest` names it, and `latest` is only ever moved from the revision that was seen there; what is not
//! committed is not visible; memory is bounded, whatever the size of objects and manifests that exist.

mod browse;
mod bucket;
mod cache;
mod commit;
mod compare;
mod copying;
mod delete;
mod error;
mod examine;
mod hashing;
mod history;
mod list;
mod manifest_file;
mod place;
mod pointers;
mod prepare;
mod revise;
mod room;
mod rows;
mod verify;
mod workflow;

pub use browse::{Listed, Place};
pub use bucket::PackageBucket;
pub use cache::ManifestCache;
pub use commit::{Committed, Draft};
pub use compare::{ChangeCounts, Comparison};
pub use delete::Deletion;
pub use error::PackageError;
pub use hashing::{Hashing, Looked, Preference};
pub use history::Revision;
pub use manifest_file::ManifestFile;
pub use place::{object_of, physical_key_of};
pub use pointers::Latest;
pub use prepare::{Planned, Report, Seen};
pub use revise::{Changes, Prepared, Removal, Revised, compose, entries_after, revise};
pub use room::{OBJECTS, Use, room_of_file, room_of_files, room_of_revision};
pub use rows::Rows;
pub use verify::Verdict;
pub use workflow::{Judged, WorkflowGate};
