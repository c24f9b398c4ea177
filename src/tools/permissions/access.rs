//! Permissions of the caller in one bucket, for every tool that reports permissions.
//!
//! They consist of evidence only. An operation has three values: `true` and `false` are known, `null` means unknown.
//!
//! **Invariants**: the level is derived here and nowhere else; answers of S3 take precedence over declarations of the
//! catalog; administrators of the catalog have no special treatment.

use schemars::JsonSchema;
use serde::Serialize;

use super::evidence::{Evidence, Operation};

/// The permissions in a bucket, as one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PermissionLevel {
    /// S3 allowed a write.
    WriteAccess,
    /// Reading or listing is allowed.
    ReadAccess,
    /// Listing and reading were asked about and denied, and the catalog does not show the bucket.
    NoAccess,
    /// None of the other levels is known to apply.
    Unknown,
}

/// The known permissions in one bucket.
#[derive(Debug, Clone, Default)]
pub struct BucketAccess {
    evidence: Vec<Evidence>,
    is_missing: bool,
    /// Whether the catalog may show the bucket to the caller.
    may_be_shown: bool,
}

impl BucketAccess {
    /// Returns the permissions that follow from this evidence, which has at most one piece for each operation.
    #[must_use]
    pub fn new(evidence: Vec<Evidence>) -> Self {
        Self {
            evidence,
            is_missing: false,
            may_be_shown: false,
        }
    }

    /// Returns the permissions in a bucket that does not exist according to S3.
    #[must_use]
    pub fn missing_bucket(evidence: Vec<Evidence>) -> Self {
        Self {
            evidence,
            is_missing: true,
            may_be_shown: false,
        }
    }

    /// Adds evidence.
    #[must_use]
    pub fn with_evidence(mut self, evidence: impl IntoIterator<Item = Evidence>) -> Self {
        self.evidence.extend(evidence);
        self
    }

    /// Says whether the catalog may show the bucket to the caller. Then a denial of a key that may not exist does not
    /// establish `NoAccess`.
    #[must_use]
    pub fn unless_shown(mut self, may_be_shown: bool) -> Self {
        self.may_be_shown = may_be_shown;
        self
    }

    /// What the catalog declares about writing. It is not an answer of S3.
    #[must_use]
    pub fn write_declared(&self) -> Option<bool> {
        self.result(Operation::WriteDeclared)
    }

    /// Whether the bucket does not exist according to S3.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.is_missing
    }

    /// Whether `ListObjectsV2` of the whole bucket is allowed.
    #[must_use]
    pub fn can_list(&self) -> Option<bool> {
        self.result(Operation::List)
    }

    /// Whether an existing key can be read.
    #[must_use]
    pub fn can_read(&self) -> Option<bool> {
        self.result(Operation::Read)
    }

    /// Whether an upload can be opened; `None` also if that was not probed.
    #[must_use]
    pub fn can_write(&self) -> Option<bool> {
        self.result(Operation::Write)
    }

    #[must_use]
    pub fn into_evidence(self) -> Vec<Evidence> {
        self.evidence
    }

    /// Whether at least one operation is known to be allowed.
    #[must_use]
    pub fn is_accessible(&self) -> bool {
        matches!(self.level(), PermissionLevel::WriteAccess | PermissionLevel::ReadAccess)
    }

    /// Derives the level.
    #[must_use]
    pub fn level(&self) -> PermissionLevel {
        let list = self.can_list();
        let read = self.can_read();
        let write = self.can_write();
        if write == Some(true) {
            return PermissionLevel::WriteAccess;
        }
        let lists_packages = self.result(Operation::ListPackages);
        if [list, read, lists_packages].contains(&Some(true)) {
            return PermissionLevel::ReadAccess;
        }
        let read_is_denied = read == Some(false)
            || !self.may_be_shown && self.evidence_of(Operation::Read).is_some_and(|read| read.is_denied);
        if list == Some(false) && read_is_denied {
            PermissionLevel::NoAccess
        } else {
            PermissionLevel::Unknown
        }
    }

    fn evidence_of(&self, operation: Operation) -> Option<&Evidence> {
        self.evidence.iter().find(|evidence| evidence.operation == operation)
    }

    fn result(&self, operation: Operation) -> Option<bool> {
        self.evidence_of(operation)?.result
    }
}

#[cfg(test)]
mod tests {
    use Operation::{List, ListPackages, Read, Write, WriteDeclared};
    use PermissionLevel::{NoAccess, ReadAccess, Unknown, WriteAccess};
    use jiff::Timestamp;

    use super::super::evidence::EvidenceSource;
    use super::*;

    fn access(known: &[(Operation, Option<bool>)]) -> BucketAccess {
        let evidence = known.iter().map(|(operation, result)| Evidence {
            operation: *operation,
            result: *result,
            method: String::new(),
            asked_of: EvidenceSource::S3,
            detail: String::new(),
            is_denied: *operation == Read && result.is_none(),
            at: Timestamp::UNIX_EPOCH,
        });
        BucketAccess::new(evidence.collect())
    }

    fn level(known: &[(Operation, Option<bool>)]) -> PermissionLevel {
        access(known).unless_shown(true).level()
    }

    #[test]
    fn the_level_says_no_more_than_what_is_established() {
        let yes = Some(true);
        let no = Some(false);
        assert_eq!(level(&[]), Unknown);
        assert_eq!(level(&[(List, yes), (Read, None)]), ReadAccess);
        assert_eq!(level(&[(List, no), (Read, yes)]), ReadAccess);
        assert_eq!(level(&[(List, no), (ListPackages, yes), (Read, None)]), ReadAccess);
        assert_eq!(level(&[(List, no), (Read, no)]), NoAccess);
        assert_eq!(level(&[(List, no), (Read, None)]), Unknown, "reading is unknown");
        assert_eq!(level(&[(List, None), (Read, None)]), Unknown);
        assert_eq!(
            level(&[(List, no), (Read, None), (Write, yes)]),
            WriteAccess,
            "only writing is allowed"
        );
        assert_eq!(level(&[(Write, no)]), Unknown, "nothing else was asked");
    }

    #[test]
    fn a_denied_key_that_may_not_exist_counts_where_the_catalog_does_not_show_the_bucket() {
        let denied = [(List, Some(false)), (Read, None)];
        assert_eq!(access(&denied).level(), NoAccess);
        assert_eq!(access(&denied).unless_shown(true).level(), Unknown);
        assert_eq!(access(&[(List, Some(false))]).level(), Unknown, "no read was probed");
        assert_eq!(access(&[(List, None), (Read, None)]).level(), Unknown);
    }

    #[test]
    fn what_the_catalog_declares_stands_apart() {
        let yes = Some(true);
        let declared = access(&[(List, yes), (Read, yes), (WriteDeclared, yes)]);
        assert_eq!((declared.level(), declared.write_declared()), (ReadAccess, yes));
        let denied = access(&[(List, yes), (Read, yes), (Write, Some(false)), (WriteDeclared, yes)]);
        assert_eq!((denied.level(), denied.can_write()), (ReadAccess, Some(false)));
        let allowed = access(&[(List, yes), (Write, yes), (WriteDeclared, Some(false))]);
        assert_eq!(allowed.level(), WriteAccess);
        assert_eq!(access(&[(List, yes)]).write_declared(), None);
    }
}
