//! Whether a package is what its manifest says: the objects behind its entries, one by one.

use futures::StreamExt as _;
use quilt_format::Entry;
use quilt_format::checksum::ObjectHash;
use tokio::time::Instant;

use super::place::object_of;
use super::{Hashing, ManifestFile, PackageBucket, PackageError};
use crate::s3::{S3Error, S3ErrorKind};

/// Objects that are looked at at once.
const AT_ONCE: usize = 16;

/// What was found out about an entry's object.
#[derive(Debug)]
pub enum Verdict {
    /// It is there, with the size and the checksum of the entry.
    Good,
    /// It is not there.
    Missing,
    /// It is another one; in what.
    Mismatch(String),
    /// S3 did not let the caller look, or failed.
    Refused(S3Error),
    /// It cannot be checked; why.
    Uncheckable(String),
}

impl PackageBucket {
    /// Checks the objects of a manifest until `deadline` and tells of each as it was checked; `false` if time ran out before all were checked.
    pub async fn check_objects(
        &self,
        file: &ManifestFile,
        hashing: &Hashing,
        deadline: Instant,
        mut tell: impl FnMut(&Entry, Verdict),
    ) -> Result<bool, PackageError> {
        let mut rows = file.all();
        let mut running = futures::stream::FuturesUnordered::new();
        let mut more = true;
        loop {
            while more && running.len() < AT_ONCE {
                match rows.next().await? {
                    Some(entry) => running.push(async move {
                        let verdict = verdict(hashing, &entry).await;
                        (entry, verdict)
                    }),
                    None => more = false,
                }
            }
            match tokio::time::timeout_at(deadline, running.next()).await {
                Ok(Some((entry, verdict))) => tell(&entry, verdict),
                Ok(None) => return Ok(true),
                Err(_elapsed) => return Ok(false),
            }
        }
    }
}

async fn verdict(hashing: &Hashing, entry: &Entry) -> Verdict {
    let object = match object_of(&entry.physical_key) {
        Ok(object) => object,
        Err(problem) => return Verdict::Uncheckable(problem),
    };
    let looked = match hashing.look(&object).await {
        Ok(looked) => looked,
        Err(error) if matches!(error.kind, S3ErrorKind::NoSuchKey | S3ErrorKind::NoSuchBucket) => {
            return Verdict::Missing;
        }
        Err(error) => return Verdict::Refused(error),
    };
    if looked.size != entry.size {
        return Verdict::Mismatch(format!("it has {} bytes and not {}", looked.size, entry.size));
    }
    let expected = match ObjectHash::read(&entry.hash) {
        Ok(expected) => expected,
        Err(problem) => return Verdict::Uncheckable(problem.to_string()),
    };
    let found = match hashing.known(&looked, expected.kind).await {
        Some(known) => known,
        None => match hashing.read(&looked, expected.kind).await {
            Ok(read) => read,
            Err(PackageError::S3(error)) => return Verdict::Refused(*error),
            Err(other) => return Verdict::Uncheckable(other.to_string()),
        },
    };
    if found == expected {
        Verdict::Good
    } else {
        Verdict::Mismatch(format!(
            "its {} is {} and not {}",
            found.kind, found.value, expected.value
        ))
    }
}
