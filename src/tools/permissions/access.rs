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
    /// S3 allowed a write; or the catalog declares that writing is allowed, S3 was not asked about it, and no answer of S3
    /// contradicts the catalog.
    WriteAccess,
    /// Reading or listing is allowed.
    ReadAccess,
    /// Reading and listing are denied.
    NoAccess,
    /// None of the other levels is known to apply.
    Unknown,
}

/// The known permissions in one bucket.
#[derive(Debug, Clone, Default)]
pub struct BucketAccess {
    evidence: Vec<Evidence>,
    is_missing: bool,
}

impl BucketAccess {
    /// Returns the permissions that follow from this evidence, which has at most one piece for each operation.
    #[must_use]
    pub fn new(evidence: Vec<Evidence>) -> Self {
        Self {
            evidence,
            is_missing: false,
        }
    }

    /// Returns the permissions in a bucket that does not exist according to S3.
    #[must_use]
    pub fn missing_bucket(evidence: Vec<Evidence>) -> Self {
        Self {
            evidence,
            is_missing: true,
        }
    }

    /// Adds evidence.
    #[must_use]
    pub fn with_evidence(mut self, evidence: impl IntoIterator<Item = Evidence>) -> Self {
        self.evidence.extend(evidence);
        self
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
            let was_asked = self.evidence_of(Operation::Write).is_some();
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

    fn level(known: &[(Operation, Option<bool>)]) -> PermissionLevel {
        let evidence = known.iter().map(|(operation, result)| Evidence {
            operation: *operation,
            result: *result,
            method: String::new(),
            asked_of: EvidenceSource::S3,
            detail: String::new(),
            at: Timestamp::UNIX_EPOCH,
        });
        BucketAccess::new(evidence.collect()).level()
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
    fn what_s3_answered_outweighs_what_the_catalog_declares() {
        let yes = Some(true);
        let no = Some(false);
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
