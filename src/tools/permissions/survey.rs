//! Permissions of the caller in many buckets, probed concurrently.
//!
//! **Invariants**: a bucket that does not answer uses up only its own time limit, as long as fewer than
//! [`MAX_CONCURRENT`] buckets hang; every bucket has an answer, in the order of the names.

use futures::StreamExt as _;

use super::access::BucketAccess;
use super::bucket_probe::BucketProbe;
use super::catalog::Declarations;
use super::evidence::{Evidence, EvidenceSource, Operation};
use super::probe_set::ProbeSet;
use super::{read, write};
use crate::aws::s3::{BucketName, UserS3};
use crate::tools::Session;

/// Maximum number of buckets that are probed at once.
const MAX_CONCURRENT: usize = 32;

/// Estimates the memory that a survey of this many buckets and its report take.
pub fn estimate_survey_bytes(buckets: usize) -> usize {
    const PROBE: usize = 64 * 1024;
    const REPORT: usize = 6 * 1024;
    buckets.min(MAX_CONCURRENT) * PROBE + buckets * REPORT
}

/// Returns the permissions in each of these buckets.
pub async fn survey(
    session: &Session,
    s3: &UserS3,
    names: &[String],
    probes: ProbeSet,
    declarations: &Declarations<'_>,
) -> Vec<BucketAccess> {
    // Each future takes about ten KiB, so it is created only when it can run.
    let surveys = names.iter().cloned().enumerate().map(|(index, name)| async move {
        (
            index,
            survey_bucket(session, s3, (&name, ""), probes, declarations).await,
        )
    });
    // Not `buffered`, because one bucket that hangs would delay those behind it.
    let mut answers: Vec<(usize, BucketAccess)> = futures::stream::iter(surveys)
        .buffer_unordered(MAX_CONCURRENT)
        .collect()
        .await;
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, access)| access).collect()
}

/// Returns the permissions below a prefix of a bucket.
pub(super) async fn survey_bucket(
    session: &Session,
    s3: &UserS3,
    (name, prefix): (&str, &str),
    probes: ProbeSet,
    declarations: &Declarations<'_>,
) -> BucketAccess {
    let bucket: BucketName = match name.parse() {
        Ok(bucket) => bucket,
        // The catalog or the settings may list a name that no bucket can have.
        Err(problem) => return unsupported_name(session, &problem),
    };
    let access = probe(&BucketProbe::begin(session, s3, &bucket, prefix), probes).await;
    let declared = declarations.about(name, &access, session.clock().now());
    access.with_evidence(declared).unless_shown(declarations.may_show(name))
}

/// Runs the probes. The result has one piece of evidence for each operation, in a fixed order.
async fn probe(probe: &BucketProbe<'_>, probes: ProbeSet) -> BucketAccess {
    let (access, write) = tokio::join!(read::probe(probe, probes), async {
        if probes.write {
            Some(write::probe(probe).await)
        } else {
            None
        }
    });
    access.with_evidence(write)
}

fn unsupported_name(session: &Session, problem: &str) -> BucketAccess {
    BucketAccess::new(vec![Evidence {
        operation: Operation::List,
        result: None,
        method: "none".to_owned(),
        asked_of: EvidenceSource::Settings,
        detail: format!("S3 was not asked: {problem}."),
        is_denied: false,
        at: session.clock().now(),
    }])
}
