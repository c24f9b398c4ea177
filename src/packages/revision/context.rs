//! State that all stages of one pipeline share, and what its two kinds hand to them.

use std::sync::Arc;

use quilt_format::json::Value;
use quilt_format::{Entry, Header, PackageName};

use super::commit::{Commit, CommitReport};
use super::existing::ExistingPackage;
use crate::packages::manifest::BuiltManifest;
use crate::packages::objects::Hashing;
use crate::packages::workflow::{CandidateInfo, SelectedWorkflow};
use crate::packages::{Differences, PackageBucket, PackageError};

/// Callback that receives the progress of a pipeline, as `(done, total)`.
pub type Progress = Arc<dyn Fn(u64, u64) + Send + Sync>;

pub(super) struct Context {
    pub packages: PackageBucket,
    pub hashing: Hashing,
    pub name: PackageName,
    pub message: Option<String>,
    pub copy: bool,
    pub dry_run: bool,
    /// How many objects the plan has; each counts twice, inspected and resolved.
    pub objects: u64,
    pub progress: Progress,
}

impl Context {
    pub(super) fn report(&self, done: u64) {
        (self.progress)(done, 2 * self.objects);
    }

    /// Returns what a workflow checks of the package beside its entries.
    pub(super) fn candidate(&self, user_meta: Option<&Value>) -> CandidateInfo {
        CandidateInfo {
            name: self.name.clone(),
            message: self.message.clone(),
            user_meta: user_meta.cloned(),
        }
    }

    /// Commits a manifest as the next revision of `parent`.
    pub(super) async fn commit(
        &self,
        manifest: &BuiltManifest,
        parent: Option<ExistingPackage>,
    ) -> Result<CommitReport, PackageError> {
        let commit = Commit {
            name: self.name.clone(),
            top_hash: manifest.top_hash.clone(),
            manifest: manifest.content.clone(),
            is_copy: self.copy,
            parent,
        };
        self.packages.commit(commit).await
    }
}

/// The header of the new revision, and the workflow that it has to pass.
pub(super) struct Opening {
    pub header: Header,
    pub workflow: SelectedWorkflow,
}

/// A manifest with the entries that the plan has put into it, in tree order.
pub(super) struct Assembled {
    pub manifest: BuiltManifest,
    pub entries: Vec<Entry>,
}

/// Outcome of the last stage.
#[derive(Default)]
pub(super) struct Conclusion {
    pub report: CommitReport,
    pub diff: Option<Differences>,
    /// Why the revision could not be compared with the one before.
    pub comparison_error: Option<PackageError>,
}
