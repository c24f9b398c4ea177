//! The `permissions` toolset: the caller's permissions, determined by requests to S3.
//!
//! **Owns** [`access::BucketAccess`], the permissions in one bucket, for every tool that reports permissions: [`survey()`]
//! probes buckets in S3, [`catalog`] reads the declarations of the catalog, and [`evidence`] records their answers.
//!
//! **Invariant**: no tool judges permissions on its own.

pub mod access;
mod bucket_probe;
pub mod catalog;
mod check;
mod discover;
mod evidence;
mod identity;
mod probe_set;
mod read;
mod recommendations;
pub mod report;
mod survey;
mod verdict;
pub mod visible_buckets;
mod write;

pub use check::BucketAccessCheck;
pub use discover::PermissionsDiscover;
pub use identity::role_names;
pub use probe_set::ProbeSet;
pub use recommendations::PermissionsRecommendations;
pub use survey::{estimate_survey_bytes, survey};
