//! The one answer to "what may this caller do with this bucket?", for every tool that speaks of rights.
//!
//! It is nothing but its evidence. Three values for each operation: `true` and `false` are established, `null` means that
//! nobody knows. Invariant: the level is derived here and nowhere else, and what S3 answered outweighs what the catalog
//! declares. That somebody administers the catalog is not known here at all.

use schemars::JsonSchema;
use serde::Serialize;

use super::evidence::{Evidence, Operation};

/// What is established about a bucket, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PermissionLevel {
    /// S3 allowed a write; or the catalog declares it, S3 was not asked about it, and S3 bears the catalog out as far as it
    /// was asked.
    WriteAccess,
    /// Reading or listing is allowed.
    ReadAccess,
    /// Reading and listing are denied.
    NoAccess,
    /// None of these is established.
    Unknown,
}

/// What is known about one bucket.
#[derive(Debug, Clone, Default)]
pub struct BucketAccess {
    evidence: Vec<Evidence>,
    is_missing: bool,
}

impl BucketAccess {
    /// The answer that follows from this evidence, at most one piece for each operation.
    #[must_use]
    pub fn new(evidence: Vec<Evidence>) -> Self {
        Self {
            evidence,
            is_missing: false,
        }
    }

    /// The answer about a bucket that S3 says there is not.
    #[must_use]
    pub fn of_nothing(evidence: Vec<Evidence>) -> Self {
        Self {
            evidence,
            is_missing: true,
        }
    }

    /// The same with further evidence.
    #[must_use]
    pub fn with(mut self, evidence: impl IntoIterator<Item = Evidence>) -> Self {
        self.evidence.extend(evidence);
        self
    }

    /// Whether S3 says that there is no such bucket.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.is_missing
    }

    /// `ListObjectsV2` of the whole bucket.
    #[must_use]
    pub fn can_list(&self) -> Option<bool> {
        self.result(Operation::List)
    }

    /// Reading a byte of a key that exists.
    #[must_use]
    pub fn can_read(&self) -> Option<bool> {
        self.result(Operation::Read)
    }

    /// A write that stores nothing; `None` also when that was not asked for.
    #[must_use]
    pub fn can_write(&self) -> Option<bool> {
        self.result(Operation::Write)
    }

    /// The evidence, to be given away.
    #[must_use]
    pub fn into_evidence(self) -> Vec<Evidence> {
        self.evidence
    }

    /// Whether anything is established as allowed.
    #[must_use]
    pub fn is_accessible(&self) -> bool {
        matches!(self.level(), PermissionLevel::WriteAccess | PermissionLevel::ReadAccess)
    }

    /// The level that follows from what is established.
    #[must_use]
    pub fn level(&self) -> PermissionLevel {
        let (list, read, write) = (self.can_list(), self.can_read(), self.can_write());
        if write == Some(true) {
            return PermissionLevel::WriteAccess;
        }
        let lists_packages = self.result(Operation::ListPackages);
        if [list, read, lists_packages].contains(&Some(true)) {
            let was_asked = self.about(Operation::Write).is_some();
            let is_contradicted = [list, read].contains(&Some(false));
            let is_declared = self.result(Operation::WriteDeclared) == Some(true);
            return if is_declared && !was_asked && !is_contradicted {
                PermissionLevel::WriteAccess
            } else {
                PermissionLevel::ReadAccess
            };
        }
        if list == Some(false) && read == Some(false) {
            PermissionLevel::NoAccess
        } else {
            PermissionLevel::Unknown
        }
    }

    fn about(&self, operation: Operation) -> Option<&Evidence> {
        self.evidence.iter().find(|evidence| evidence.operation == operation)
    }

    fn result(&self, operation: Operation) -> Option<bool> {
        self.about(operation)?.result
    }
}

#[cfg(test)]
mod tests {
    use Operation::{List, ListPackages, Read, Write, WriteDeclared};
    use PermissionLevel::{NoAccess, ReadAccess, Unknown, WriteAccess};
    use jiff::Timestamp;

    use super::super::evidence::Witness;
    use super::*;

    fn level(known: &[(Operation, Option<bool>)]) -> PermissionLevel {
        let evidence = known.iter().map(|(operation, result)| Evidence {
            operation: *operation,
            result: *result,
            method: String::new(),
            asked_of: Witness::S3,
            detail: String::new(),
            at: Timestamp::UNIX_EPOCH,
        });
        BucketAccess::new(evidence.collect()).level()
    }

    #[test]
    fn the_level_says_no_more_than_what_is_established() {
        let (yes, no) = (Some(true), Some(false));
        assert_eq!(level(&[]), Unknown);
        assert_eq!(level(&[(List, yes), (Read, None)]), ReadAccess);
        assert_eq!(level(&[(List, no), (Read, yes)]), ReadAccess);
        assert_eq!(level(&[(List, no), (ListPackages, yes), (Read, None)]), ReadAccess);
        assert_eq!(level(&[(List, no), (Read, no)]), NoAccess);
        assert_eq!(
            level(&[(List, no), (Read, None)]),
            Unknown,
            "nobody knows about reading"
        );
        assert_eq!(level(&[(List, None), (Read, None)]), Unknown);
        assert_eq!(
            level(&[(List, no), (Read, None), (Write, yes)]),
            WriteAccess,
            "who may only write"
        );
        assert_eq!(level(&[(Write, no)]), Unknown, "nothing else was asked");
    }

    #[test]
    fn what_s3_answered_outweighs_what_the_catalog_declares() {
        let (yes, no) = (Some(true), Some(false));
        assert_eq!(
            level(&[(List, yes), (Read, yes), (WriteDeclared, yes)]),
            WriteAccess,
            "S3 was not asked to write"
        );
        assert_eq!(
            level(&[(List, yes), (Read, None), (WriteDeclared, yes)]),
            WriteAccess,
            "an empty bucket"
        );
        assert_eq!(
            level(&[(List, yes), (Read, yes), (Write, no), (WriteDeclared, yes)]),
            ReadAccess
        );
        assert_eq!(
            level(&[(List, yes), (Read, yes), (Write, None), (WriteDeclared, yes)]),
            ReadAccess
        );
        assert_eq!(
            level(&[(List, yes), (Read, no), (WriteDeclared, yes)]),
            ReadAccess,
            "S3 denies a part of it"
        );
        assert_eq!(level(&[(List, no), (Read, no), (WriteDeclared, yes)]), NoAccess);
        assert_eq!(
            level(&[(List, None), (Read, None), (WriteDeclared, yes)]),
            Unknown,
            "S3 did not answer"
        );
        assert_eq!(level(&[(List, yes), (Read, yes), (WriteDeclared, no)]), ReadAccess);
        assert_eq!(
            level(&[(List, yes), (Read, yes), (Write, yes), (WriteDeclared, no)]),
            WriteAccess
        );
    }
}
