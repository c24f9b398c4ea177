//! Filter of a package's entries: by a glob on their keys, and by the object that they are.

use quilt_format::{Entry, PhysicalKey};

use crate::aws::s3::ObjectUri;
use crate::tools::ToolError;
use crate::tools::globs::{self, Globs};

/// The entries that the arguments `match` and `uses` select.
#[derive(Debug)]
pub(super) struct EntryFilter {
    globs: Option<Globs>,
    uses: Option<ObjectUri>,
}

impl EntryFilter {
    /// Returns the filter; `None` if neither argument is given.
    pub(super) fn of(glob: Option<&str>, uses: Option<&ObjectUri>) -> Result<Option<Self>, ToolError> {
        let globs = globs::optional("match", glob.map(str::to_owned))?;
        let uses = uses.cloned();
        Ok((globs.is_some() || uses.is_some()).then_some(Self { globs, uses }))
    }

    pub(super) fn selects(&self, entry: &Entry) -> bool {
        let is_used = |uses: &ObjectUri| uses_object(uses, &entry.physical_key);
        self.uses.as_ref().is_none_or(is_used)
            && self
                .globs
                .as_ref()
                .is_none_or(|globs| globs.matches(entry.logical_key.as_str()))
    }
}

/// Reports whether a physical key is this object, in this version if one is named. A URI that ends in `/` names everything
/// below it.
fn uses_object(uses: &ObjectUri, physical_key: &PhysicalKey) -> bool {
    let PhysicalKey::S3 {
        bucket,
        key,
        version_id,
    } = physical_key
    else {
        return false;
    };
    let wanted = uses.key.as_str();
    let is_at_key = key == wanted || wanted.ends_with('/') && key.starts_with(wanted);
    let is_version = uses.version_id.is_none() || uses.version_id == *version_id;
    bucket == uses.bucket.as_str() && is_at_key && is_version
}
