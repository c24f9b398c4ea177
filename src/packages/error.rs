//! Why something with packages did not work.

use quilt_format::manifest::WriteError;
use quilt_format::workflow::{ChoiceError, ConfigError, UnusableWorkflow, Violation};
use quilt_format::{ManifestError, PackageName, TopHash};

use crate::blocking::CpuError;
use crate::memory::Refused;
use crate::s3::{BucketName, S3Error, S3ErrorKind};

/// Why something with packages did not work, in the caller's words.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// S3 refused or failed; its error says what to do.
    #[error("{0}")]
    S3(Box<S3Error>),
    /// Look at the names that the bucket has.
    #[error("there is no package {name} in s3://{bucket}")]
    NoSuchPackage {
        /// The bucket.
        bucket: BucketName,
        /// The package.
        name: PackageName,
    },
    /// Look at the versions that the package has.
    #[error("s3://{bucket} has no manifest of a revision {wanted}")]
    NoSuchRevision {
        /// The bucket.
        bucket: BucketName,
        /// The top hash, or its beginning.
        wanted: String,
    },
    /// Give more digits.
    #[error("{prefix} is the beginning of several revisions' hashes, among them {} and {}", .two.0, .two.1)]
    Ambiguous {
        /// What was given.
        prefix: String,
        /// Two of those that begin so.
        two: Box<(TopHash, TopHash)>,
    },
    /// Correct the name, the hash or the key.
    #[error("{0}")]
    Invalid(String),
    /// Somebody wrote something else there; write the pointer anew.
    #[error("s3://{bucket}/{key} holds no top hash but `{shown}`")]
    Pointer {
        /// The bucket.
        bucket: BucketName,
        /// The pointer's key.
        key: String,
        /// Its beginning.
        shown: String,
    },
    /// The manifest cannot be used; build the package anew.
    #[error("the manifest of revision {hash} cannot be used: {problem}")]
    Manifest {
        /// Whose manifest.
        hash: TopHash,
        /// What is wrong with it.
        problem: Box<ManifestError>,
    },
    /// Do not trust it: somebody changed it, or a tool with another idea of the hash wrote it.
    #[error("the manifest at .quilt/packages/{hash} hashes to {recomputed} and not to its name; it is not used")]
    Poisoned {
        /// Its name.
        hash: TopHash,
        /// What it hashes to.
        recomputed: TopHash,
    },
    /// Do it with a client that has more memory.
    #[error("{0}")]
    TooLarge(String),
    /// There is no memory for it now, or none at all.
    #[error("{0}")]
    Memory(#[from] Refused),
    /// A computation found no place, or took too long.
    #[error("{0}")]
    Cpu(#[from] CpuError),
    /// Ask again: an object was replaced while it was read.
    #[error("s3://{bucket}/{key} was replaced while it was read")]
    Changed {
        /// The bucket.
        bucket: BucketName,
        /// The object's key.
        key: String,
    },
    /// Somebody else was there first. Look at what is there now, and decide anew.
    #[error(
        "{name} moved on to revision {} while this call prepared another from {}; nothing was changed",
        .found.as_ref().map_or("(none)", TopHash::as_str), .expected.as_ref().map_or("(none)", TopHash::as_str)
    )]
    Conflict {
        /// The package.
        name: PackageName,
        /// The revision that this call started from; none for a package that was new.
        expected: Option<TopHash>,
        /// The revision that is there now.
        found: Option<TopHash>,
    },
    /// The revision is there, and its entry in the history is not. Repeat the call.
    #[error("revision {hash} is the latest of {name} now, but its history entry could not be written: {problem}")]
    AfterCommit {
        /// The package.
        name: PackageName,
        /// The new revision.
        hash: TopHash,
        /// Why.
        problem: Box<PackageError>,
    },
    /// Ask whether it happened: S3 gave no answer, and would not say.
    #[error("it is not known whether revision {hash} became the latest of {name}: {problem}")]
    Unclear {
        /// The package.
        name: PackageName,
        /// The revision that was to be the latest.
        hash: TopHash,
        /// What S3 said.
        problem: Box<S3Error>,
    },
    /// Put less metadata into the package, or entries that are files and directories at once.
    #[error("{0}")]
    Write(Box<WriteError>),
    /// Do what the workflow demands, or choose another one.
    #[error("{0}")]
    Violation(Box<Violation>),
    /// Choose a workflow that there is.
    #[error("{0}")]
    Choice(Box<ChoiceError>),
    /// The bucket's owner has to repair the workflows.
    #[error("the workflows of s3://{bucket} cannot be used: {problem}")]
    Workflows {
        /// The bucket.
        bucket: BucketName,
        /// What is wrong.
        problem: Box<UnusableWorkflow>,
    },
}

impl PackageError {
    /// Whether it is this error of S3.
    #[must_use]
    pub fn is(&self, kind: S3ErrorKind) -> bool {
        matches!(self, Self::S3(error) if error.kind == kind)
    }

    pub(super) fn config(bucket: &BucketName, problem: ConfigError) -> Self {
        Self::Workflows {
            bucket: bucket.clone(),
            problem: Box::new(problem.into()),
        }
    }
}

impl From<S3Error> for PackageError {
    fn from(error: S3Error) -> Self {
        Self::S3(Box::new(error))
    }
}

impl From<WriteError> for PackageError {
    fn from(error: WriteError) -> Self {
        Self::Write(Box::new(error))
    }
}

impl From<Violation> for PackageError {
    fn from(violation: Violation) -> Self {
        Self::Violation(Box::new(violation))
    }
}

impl From<ChoiceError> for PackageError {
    fn from(error: ChoiceError) -> Self {
        Self::Choice(Box::new(error))
    }
}
