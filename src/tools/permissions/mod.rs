//! The `permissions` toolset: what a caller may do, established by asking.
//!
//! Owns the one answer about a bucket, [`access::BucketAccess`], for every tool that speaks of rights, and what it is made
//! of: [`survey()`] asks S3 about many buckets, [`ask`] about one, [`catalog`] tells what the catalog declares, and
//! [`evidence`] is what each of them found. No tool has a way of its own to a verdict about rights.

pub mod access;
mod ask;
pub mod catalog;
mod check;
mod discover;
mod evidence;
mod identity;
mod recommendations;
pub mod report;
pub mod shown;
mod survey;
mod verdict;
mod write;

pub use ask::Questions;
pub use check::BucketAccessCheck;
pub use discover::PermissionsDiscover;
pub use identity::role_names;
pub use recommendations::PermissionsRecommendations;
pub use survey::{room_of_survey, survey};
