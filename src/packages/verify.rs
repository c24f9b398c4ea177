//! Verification of the objects behind a package's entries.

use futures::StreamExt as _;
use quilt_format::Entry;
use quilt_format::checksum::ObjectHash;
use tokio::time::Instant;

use super::manifest::ManifestFile;
use super::objects::Hashing;
use super::physical_key::object_of;
use super::{PackageBucket, PackageError};
use crate::aws::{AwsError, AwsErrorKind};

/// Objects that are checked concurrently.
const MAX_CHECKS: usize = 16;

/// Outcome of the check of an entry's object.
#[derive(Debug)]
pub enum ObjectStatus {
    /// The object has the size and the checksum of the entry.
    Valid,
    /// The object, or its bucket, does not exist.
    Missing,
    /// The object differs from the entry, as the text says.
    Mismatch(String),
    /// S3 denied the check, or failed.
    Failed(AwsError),
    /// The entry cannot be checked, for the reason that the text gives.
    Unverifiable(String),
}

impl PackageBucket {
    /// Checks the objects of a manifest until `deadline` and reports each. Returns `false` if the time ran out.
    pub async fn check_objects(
        &self,
        file: &ManifestFile,
        hashing: &Hashing,
        deadline: Instant,
        mut report: impl FnMut(&Entry, ObjectStatus),
    ) -> Result<bool, PackageError> {
        let mut rows = file.all();
        let mut running = futures::stream::FuturesUnordered::new();
        let mut more = true;
        loop {
            while more && running.len() < MAX_CHECKS {
                match rows.next().await? {
                    Some(entry) => running.push(async move {
                        let status = status(hashing, &entry).await;
                        (entry, status)
                    }),
                    None => more = false,
                }
            }
            match tokio::time::timeout_at(deadline, running.next()).await {
                Ok(Some((entry, status))) => report(&entry, status),
                Ok(None) => return Ok(true),
                Err(_elapsed) => return Ok(false),
            }
        }
    }
}

async fn status(hashing: &Hashing, entry: &Entry) -> ObjectStatus {
    let object = match object_of(&entry.physical_key) {
        Ok(object) => object,
        Err(problem) => return ObjectStatus::Unverifiable(problem),
    };
    let pinned = match hashing.inspect(&object).await {
        Ok(pinned) => pinned,
        Err(error) if matches!(error.kind, AwsErrorKind::NoSuchKey | AwsErrorKind::NoSuchBucket) => {
            return ObjectStatus::Missing;
        }
        Err(error) => return ObjectStatus::Failed(error),
    };
    if pinned.size != entry.size {
        return ObjectStatus::Mismatch(format!("it has {} bytes and not {}", pinned.size, entry.size));
    }
    let expected = match ObjectHash::read(&entry.hash) {
        Ok(expected) => expected,
        Err(problem) => return ObjectStatus::Unverifiable(problem.to_string()),
    };
    let found = match hashing.stored(&pinned, expected.kind).await {
        Some(stored) => stored,
        None => match hashing.read(&pinned, expected.kind).await {
            Ok(read) => read,
            Err(PackageError::S3(error)) => return ObjectStatus::Failed(*error),
            Err(other) => return ObjectStatus::Unverifiable(other.to_string()),
        },
    };
    if found == expected {
        ObjectStatus::Valid
    } else {
        ObjectStatus::Mismatch(format!(
            "its {} is {} and not {}",
            found.kind, found.value, expected.value
        ))
    }
}
