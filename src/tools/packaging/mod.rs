//! Package tools: create, browse, update, delete, compare, verify.
//!
//! **Owns** the tools' arguments, results and confirmations, and the assignment of logical keys to files. **Does not own** the
//! use cases: `packages` has them.

mod args;
mod browse;
mod confirmations;
mod copy;
mod create;
mod create_from_s3;
mod delete;
mod diff;
mod diff_page;
mod entry_filter;
mod explain;
mod from_query;
mod large;
mod list;
mod logical_keys;
mod metadata;
mod metadata_diff;
mod output;
mod package_view;
mod prefix;
mod question;
mod readme_links;
mod review;
mod rollback;
mod summary_view;
mod templates;
mod texts;
mod update;
mod verify;
mod versions;
mod view;
mod workflows;
mod write;

use super::cursor;

pub(super) use args::ExistingName;
pub use browse::PackageBrowse;
pub use copy::PackageCopy;
pub use create::PackageCreate;
pub use create_from_s3::PackageCreateFromS3;
pub use delete::PackageDelete;
pub use diff::PackageDiff;
pub use list::PackageList;
pub use rollback::PackageRollback;
pub use templates::PackageTemplates;
pub use update::PackageUpdate;
pub use verify::PackageVerify;
pub use versions::PackageVersions;
pub use workflows::WorkflowList;
