//! Plan of a revision, as the tools make it of a call's arguments.

use quilt_format::json::Object;
use quilt_format::manifest::Directory;
use quilt_format::workflow::Choice;
use quilt_format::{Header, PackageName, TopHash};

use super::removal::Removal;
use super::texts::TextFile;
use crate::packages::objects::PlannedObject;

/// A revision that is to be written.
#[derive(Debug)]
pub struct Plan<'a> {
    pub name: PackageName,
    /// Objects that become entries, in tree order.
    pub objects: Vec<PlannedObject>,
    /// Texts that become entries beside them.
    pub texts: Vec<TextFile>,
    pub message: Option<String>,
    pub workflow: Choice<'a>,
    /// Whether the objects are copied below the package's own prefix.
    pub copy: bool,
    /// Whether nothing is to be written.
    pub dry_run: bool,
    pub change: Change,
}

/// How the revision follows from the one before it.
#[derive(Debug)]
pub enum Change {
    Create(Creation),
    Update(Update),
}

/// A package made of the plan's objects alone.
#[derive(Debug, Default)]
pub struct Creation {
    pub user_meta: Option<Object>,
    /// What a copy takes over from its source beside the entries.
    pub source: Option<Box<SourceParts>>,
}

/// Parts of a revision that a copy of it keeps, beside its entries.
#[derive(Debug)]
pub struct SourceParts {
    /// The header with the metadata and the message of the copy. Its workflow is that of the source and is not used.
    pub header: Header,
    pub directories: Vec<Directory>,
    /// Estimated memory of both.
    pub bytes: usize,
}

impl Creation {
    /// Estimates the memory of what a copy takes over.
    pub(super) fn estimate_bytes(&self) -> usize {
        self.source.as_ref().map_or(0, |source| source.bytes)
    }
}

/// The next revision of a package that exists: the plan's objects are added, and everything else stays.
#[derive(Debug)]
pub struct Update {
    /// The revision that the update starts from; by default the latest.
    pub expected: Option<TopHash>,
    pub remove: Vec<Removal>,
    pub metadata: MetadataChange,
}

/// Change of the package's metadata.
#[derive(Debug)]
pub enum MetadataChange {
    Keep,
    /// Sets these keys and keeps the others.
    Merge(Object),
    Replace(Object),
    /// Takes all of it away.
    Remove,
}
