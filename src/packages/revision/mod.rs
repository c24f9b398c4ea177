//! The pipeline that writes a revision, for creations and updates alike, and the pointers that make it visible.
//!
//! [`Plan`] → [`Inspected`] → [`Validated`] → [`Built`] → [`Committed`]: each stage is a type, so that no stage can be left
//! out. What differs between [`Creation`] and [`Update`] is in `create` and `update`.
//!
//! **Owns** the order of effects, the memory that the pipeline reserves, and its progress. **Does not own** the deadline of a
//! call and the user's consent: its caller bounds the stages before the commit, and decides between validation and build
//! whether an existing package may be replaced.
//!
//! **Invariants**: nothing is written before the package is validated; objects, copies and the manifest are written before
//! `latest` moves; a dry run, or a creation that may not replace a package, writes nothing.

mod behind_latest;
mod changes;
mod commit;
mod context;
mod create;
mod existing;
mod history;
mod large;
mod listed;
mod pipeline;
mod plan;
mod pointers;
mod reconcile;
mod removal;
mod roll_back;
mod texts;
mod update;

pub use commit::CommitReport;
pub use context::Progress;
pub use existing::{ExistingPackage, LatestUnknown};
pub use large::{LargeOutcome, LargePlan, LargeRevision, PlannedObjects, Stopped};
pub use listed::{ListedPointer, ReadPointer, newest_first};
pub use pipeline::{BuildPolicy, Built, Committed, Inspected, Validated};
pub use plan::{Change, Creation, MetadataChange, Plan, SourceParts, Update};
pub use pointers::{Latest, UnreadablePointer};
pub use reconcile::ManifestOutcome;
pub use removal::Removal;
pub use roll_back::RollBack;
pub use texts::{TextFile, TextKind};
