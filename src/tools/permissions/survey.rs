//! Asks about many buckets at once.
//!
//! Invariants: a bucket that does not answer costs its own limit and nobody else's, as long as no more of them hang than
//! are asked at once; every bucket gets an answer, in the order in which they were given, and what is known is told.

use futures::StreamExt as _;

use super::access::BucketAccess;
use super::ask::{Inquiry, Questions};
use super::catalog::Declarations;
use super::evidence::{Evidence, Operation, Witness};
use crate::s3::{BucketName, UserS3};
use crate::tools::Session;

/// Buckets asked about at once.
const AT_ONCE: usize = 32;

/// Memory for questions about so many buckets and for what is told of them.
pub fn room_of_survey(buckets: usize) -> usize {
    const QUESTION: usize = 64 * 1024;
    const REPORT: usize = 6 * 1024;
    buckets.min(AT_ONCE) * QUESTION + buckets * REPORT
}

/// What is known about each of these buckets.
pub async fn survey(
    session: &Session,
    s3: &UserS3,
    names: &[String],
    questions: Questions,
    declarations: &Declarations<'_>,
) -> Vec<BucketAccess> {
    // Each future is made when its turn comes: one of them takes some ten KiB.
    let asked = names
        .iter()
        .cloned()
        .enumerate()
        .map(|(index, name)| async move { (index, ask(session, s3, &name, questions, declarations).await) });
    // Not in order while they are under way: then one that hangs would hold up those behind it.
    let mut answers: Vec<(usize, BucketAccess)> =
        futures::stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, access)| access).collect()
}

async fn ask(
    session: &Session,
    s3: &UserS3,
    name: &str,
    questions: Questions,
    declarations: &Declarations<'_>,
) -> BucketAccess {
    let bucket: BucketName = match name.parse() {
        Ok(bucket) => bucket,
        // Such as one of the old names with capitals: S3 may have it, and this server cannot ask.
        Err(problem) => return unaskable(session, &problem),
    };
    let access = Inquiry::begin(session, s3, &bucket).ask(questions).await;
    let declared = declarations.about(name, &access, session.clock().now());
    access.with(declared)
}

fn unaskable(session: &Session, problem: &str) -> BucketAccess {
    BucketAccess::new(vec![Evidence {
        operation: Operation::List,
        result: None,
        method: "none".to_owned(),
        asked_of: Witness::Settings,
        detail: format!("S3 was not asked: {problem}."),
        at: session.clock().now(),
    }])
}
