//! Packages: create, browse, update, delete, compare, verify.
//!
//! Owns the tools' arguments and results, and the plan that makes logical keys of files. What happens on S3 is in the
//! `packages` room.

mod args;
mod browse;
mod create;
mod create_from_s3;
mod cursor;
mod delete;
mod diff;
mod explain;
mod globs;
mod list;
mod metadata;
mod outcome;
mod plan;
mod push;
mod questions;
mod templates;
mod update;
mod verify;
mod versions;
mod view;
mod workflows;

pub use browse::PackageBrowse;
pub use create::PackageCreate;
pub use create_from_s3::PackageCreateFromS3;
pub use delete::PackageDelete;
pub use diff::PackageDiff;
pub use list::PackageList;
pub use templates::PackageTemplates;
pub use update::PackageUpdate;
pub use verify::PackageVerify;
pub use versions::PackageVersions;
pub use workflows::WorkflowList;
