//! Errors of operations on packages.

use quilt_format::manifest::WriteError;
use quilt_format::workflow::{ChoiceError, ConfigError, UnusableWorkflow, Violation};
use quilt_format::{LogicalKey, ManifestError, PackageName, TopHash};

use super::{ChangeCounts, LatestUnknown, Removal, UnreadablePointer};
use crate::aws::s3::{BucketName, ObjectUri};
use crate::aws::{AwsError, AwsErrorKind};
use crate::blocking::CpuError;
use crate::memory::ReservationError;

/// Failure of an operation on packages.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// S3 denied a request, or failed.
    #[error("{0}")]
    S3(Box<AwsError>),
    /// The bucket has no package of this name.
    #[error("there is no package {name} in s3://{bucket}")]
    NoSuchPackage { bucket: BucketName, name: PackageName },
    /// The bucket has no manifest of this hash, or no pointer of this time.
    #[error("s3://{bucket} has no manifest of a revision {wanted}")]
    NoSuchRevision {
        bucket: BucketName,
        /// The top hash, its beginning, or a time.
        wanted: String,
    },
    /// An abbreviated hash fits several revisions.
    #[error("the hash {prefix} is the beginning of several revisions' hashes, among them {} and {}", .two.0, .two.1)]
    Ambiguous {
        prefix: String,
        /// Two of the revisions.
        two: Box<(TopHash, TopHash)>,
    },
    /// A name, a hash or a key has no valid form, or names nothing that can be used.
    #[error("{0}")]
    Invalid(String),
    /// A pointer's object holds no top hash or is archived.
    #[error("{0}")]
    Pointer(Box<UnreadablePointer>),
    /// The package exists, but its `latest` is missing or unreadable.
    #[error("{0}")]
    LatestUnknown(Box<LatestUnknown>),
    /// A creation may not replace a package that has the name, and whose `latest` is missing or unreadable.
    #[error("the name is taken: {0}")]
    NameTaken(Box<LatestUnknown>),
    /// A manifest cannot be parsed.
    #[error("the manifest of revision {hash} cannot be used: {problem}")]
    Manifest { hash: TopHash, problem: Box<ManifestError> },
    /// A manifest does not hash to its name: it was changed, or written by a program that hashes otherwise.
    #[error("the manifest at .quilt/packages/{hash} hashes to {recomputed} and not to its name; it is not used")]
    Poisoned { hash: TopHash, recomputed: TopHash },
    /// The time of a call was over before anything was ready that a later call could go on with.
    #[error("the time of the call was over before everything was hashed and copied; the package was not changed")]
    OutOfTime,
    /// A manifest or a workflow's file exceeds a limit of this server.
    #[error("{0}")]
    TooLarge(String),
    /// The memory budget is exhausted, or smaller than the operation.
    #[error("{0}")]
    Memory(#[from] ReservationError),
    /// The pool for computations is full, or a computation exceeded its deadline.
    #[error("{0}")]
    Cpu(#[from] CpuError),
    /// An object was replaced while it was read.
    #[error("s3://{bucket}/{key} was replaced while it was read")]
    Changed { bucket: BucketName, key: String },
    /// Another commit moved `latest` first.
    #[error(
        "the package {name} moved on to revision {} while this call prepared another from {}; nothing was changed",
        .found.as_ref().map_or("(none)", TopHash::as_str), .expected.as_ref().map_or("(none)", TopHash::as_str)
    )]
    Conflict {
        name: PackageName,
        /// The revision that the commit started from; none for a new package.
        expected: Option<TopHash>,
        /// The revision that is the latest now.
        found: Option<TopHash>,
    },
    /// A creation may not replace the package that has the name.
    #[error(
        "the package {name} exists already{}; its revision is {found}",
        if *is_identical { ", with exactly this content" } else { "" }
    )]
    AlreadyExists {
        name: PackageName,
        /// Its latest revision.
        found: TopHash,
        /// Whether the creation would have written this revision.
        is_identical: bool,
        /// Differences of the new package from it, if they could be read.
        diff: Option<ChangeCounts>,
    },
    /// The object of an entry that is taken over from another revision cannot be read or copied.
    #[error("entry `{key}` cannot be copied: {problem}")]
    SourceEntry { key: LogicalKey, problem: Box<AwsError> },
    /// An object would be at the key of the readme or the summary, or below it.
    #[error("both the {text} and {object} would be the entry `{key}`")]
    SecondText {
        text: &'static str,
        object: ObjectUri,
        key: LogicalKey,
    },
    /// An update expected another latest revision.
    #[error("the package {name} is at revision {found} and not at the expected {expected}")]
    UnexpectedRevision {
        name: PackageName,
        expected: TopHash,
        found: TopHash,
    },
    /// An update removes an entry or a directory that the revision does not have.
    #[error("revision {revision} of {name} has no `{removal}`")]
    NothingToRemove {
        name: PackageName,
        revision: TopHash,
        removal: Removal,
    },
    /// The revision is the latest, but its history entry could not be written.
    #[error("revision {hash} is the latest of {name} now, but its history entry could not be written: {problem}")]
    AfterCommit {
        name: PackageName,
        hash: TopHash,
        problem: Box<PackageError>,
    },
    /// S3 gave no response to the move of `latest`, and could not be asked for the outcome.
    #[error("it is not known whether revision {hash} became the latest of {name}: {problem}")]
    Unclear {
        name: PackageName,
        /// The revision that was to become the latest.
        hash: TopHash,
        problem: Box<AwsError>,
    },
    /// Metadata cannot be written, or an entry is a file and a directory at once.
    #[error("{0}")]
    Write(Box<WriteError>),
    /// The package does not fulfil its workflow.
    #[error("{0}")]
    Violation(Box<Violation>),
    /// The bucket has no such workflow, or requires one.
    #[error("{0}")]
    Choice(Box<ChoiceError>),
    /// The bucket's workflow configuration, or one of its schemas, is invalid.
    #[error("the workflows of s3://{bucket} cannot be used: {problem}")]
    Workflows {
        bucket: BucketName,
        problem: Box<UnusableWorkflow>,
    },
}

impl PackageError {
    /// Reports whether S3 failed with this kind of error.
    #[must_use]
    pub fn is(&self, kind: AwsErrorKind) -> bool {
        matches!(self, Self::S3(error) if error.kind == kind)
    }

    pub(super) fn config(bucket: &BucketName, problem: ConfigError) -> Self {
        Self::Workflows {
            bucket: bucket.clone(),
            problem: Box::new(problem.into()),
        }
    }
}

impl From<AwsError> for PackageError {
    fn from(error: AwsError) -> Self {
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
