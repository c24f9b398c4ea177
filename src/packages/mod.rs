//! Packages of one bucket, read and written as one caller.
//!
//! **Owns** the use cases: creating, updating, browsing, comparing, verifying and deleting packages, with what the format
//! (`quilt_format`) and S3 have to do with each other: pointers and history, commits, manifests of any size read by pages,
//! checksums and copies of objects, workflows, and the memory that all this reserves.
//!
//! **Does not own** tools: names of arguments, results and error codes are theirs.
//!
//! **Invariants**: every request to S3 is made with the caller's own credentials, also for content that is in memory
//! already; a revision becomes visible when `latest` names it, and not before; `latest` only moves from the revision that was
//! read there; memory is bounded for any size of objects and manifests.

mod browse;
mod bucket;
mod change_counts;
mod compare;
mod copy;
mod delete;
mod error;
mod estimate;
mod list;
mod manifest;
mod objects;
mod physical_key;
mod revision;
mod revision_times;
mod search;
mod summaries;
mod upload;
mod verify;
mod versions;
mod workflow;

pub use browse::{Listed, Subtree};
pub use bucket::{Caches, PackageBucket};
pub use change_counts::{ChangeCounts, Differences};
pub use compare::Comparison;
pub use copy::SourceRevision;
pub use delete::Deletion;
pub use error::PackageError;
pub use estimate::{CONNECTIONS_BYTES, ManifestAccess, estimate_object_bytes, estimate_planned_bytes};
pub use list::ListedPackage;
pub use manifest::{ManifestCache, ManifestFile, Rows};
pub use objects::{ChecksumCache, ChecksumPreference, Hashing, KnownContent, ListingMode, PlannedObject};
pub use physical_key::object_of;
pub use revision::{
    BuildPolicy, Built, Change, CommitReport, Committed, Creation, ExistingPackage, Inspected, LargeOutcome, LargePlan,
    LargeRevision, Latest, LatestUnknown, ListedPointer, ManifestOutcome, MetadataChange, Plan, PlannedObjects,
    Progress, ReadPointer, Removal, RollBack, SourceParts, Stopped, TextFile, TextKind, UnreadablePointer, Update,
    Validated, newest_first,
};
pub use search::Found;
pub use summaries::{SUMMARIES_BYTES, Summaries, Summary};
pub use verify::ObjectStatus;
pub use versions::{VersionPosition, VersionRow};
