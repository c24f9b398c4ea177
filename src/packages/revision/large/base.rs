//! State of the package before a large revision.

use futures::stream::BoxStream;
use quilt_format::json::Value;
use quilt_format::manifest::Directory;
use quilt_format::{Entry, Header};

use crate::packages::PackageError;
use crate::packages::manifest::ManifestFile;
use crate::packages::revision::changes::{Merge, remaining_directories};
use crate::packages::revision::context::Context;
use crate::packages::revision::create::NewPackage;
use crate::packages::revision::existing::ExistingPackage;
use crate::packages::revision::plan::{Creation, Update};
use crate::packages::revision::pointers::Latest;
use crate::packages::revision::removal::Removal;
use crate::packages::revision::update::next_header;

/// State of the package before a large revision.
pub(super) enum LargeBase {
    Creation {
        existing: Option<ExistingPackage>,
        /// The manifest of its latest revision, if it can be read.
        replaced: Option<Box<ManifestFile>>,
        comparison_error: Option<Box<PackageError>>,
        /// Metadata of directories, which only copies have.
        directories: Vec<Directory>,
    },
    Update {
        latest: Latest,
        file: ManifestFile,
        remove: Vec<Removal>,
    },
}

impl LargeBase {
    pub(super) async fn create(
        context: &Context,
        creation: Creation,
        workflow: Option<Value>,
    ) -> Result<(Self, Header), PackageError> {
        let packages = &context.packages;
        let existing = packages.find_package(&context.name).await?;
        // A package that cannot be read can still be replaced.
        let (replaced, comparison_error) = match existing.as_ref().and_then(ExistingPackage::revision) {
            None => (None, None),
            Some(latest) => match packages.open(&latest.hash).await {
                Ok(file) => (Some(Box::new(file)), None),
                Err(error) => (None, Some(Box::new(error))),
            },
        };
        let NewPackage { header, directories } = NewPackage::of(context, creation, workflow);
        let base = Self::Creation {
            existing,
            replaced,
            comparison_error,
            directories,
        };
        Ok((base, header))
    }

    pub(super) async fn update(
        context: &Context,
        update: Update,
        workflow: Option<Value>,
    ) -> Result<(Self, Header), PackageError> {
        let packages = &context.packages;
        let latest = packages.existing(&context.name).await?;
        if let Some(expected) = update.expected
            && expected != latest.hash
        {
            return Err(PackageError::UnexpectedRevision {
                name: context.name.clone(),
                expected,
                found: latest.hash,
            });
        }
        let file = packages.open(&latest.hash).await?;
        let header = next_header(context, &file.index.header, &update.metadata, workflow);
        let base = Self::Update {
            latest,
            file,
            remove: update.remove,
        };
        Ok((base, header))
    }

    pub(super) fn existing(&self) -> Option<ExistingPackage> {
        match self {
            Self::Creation { existing, .. } => existing.clone(),
            Self::Update { latest, .. } => Some(ExistingPackage::Revision(latest.clone())),
        }
    }

    /// Merges the entries of the package with new ones.
    pub(super) fn merge<'a>(&'a self, adds: BoxStream<'a, Result<Entry, PackageError>>) -> Merge<'a> {
        match self {
            Self::Creation { replaced, .. } => Merge::new(replaced.as_ref().map(|file| file.all()), false, adds),
            Self::Update { file, remove, .. } => Merge::new(Some(file.all()), true, adds).removing(remove),
        }
    }

    pub(super) fn directories(&self) -> Vec<Directory> {
        match self {
            Self::Creation { directories, .. } => directories.clone(),
            Self::Update { file, remove, .. } => remaining_directories(file, remove).collect(),
        }
    }

    /// Identifies the arguments of a call, by their fingerprint, and the revision that it begins with.
    pub(super) fn origin(&self, fingerprint: &str) -> String {
        match self {
            Self::Creation { .. } => fingerprint.to_owned(),
            Self::Update { latest, .. } => format!("{fingerprint}-{}", latest.hash),
        }
    }
}
