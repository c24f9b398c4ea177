//! What an error of S3 says about a right: only a refusal is a no, everything else leaves the question open.

use crate::s3::{Denial, S3Error, S3ErrorKind};
use crate::tools::Session;

/// A value and the sentence that goes with it.
pub(super) type Verdict = (Option<bool>, String);

/// Reads an error of a request about something that is known to exist.
pub(super) fn verdict(session: &Session, error: &S3Error) -> Verdict {
    let bucket = error.bucket.as_deref().unwrap_or_default();
    if error.asks_requester_to_pay() {
        let words = "The bucket is a requester-pays one: S3 answers only who offers to pay for the request, which this \
                     server does not do.";
        return (Some(false), words.to_owned());
    }
    match error.kind {
        S3ErrorKind::AccessDenied => (Some(false), denial(error)),
        S3ErrorKind::NoSuchBucket => (Some(false), format!("There is no bucket {bucket}.")),
        _ if error.is_redirect() => {
            let place = error.bucket_region().map_or_else(
                || "another region, which S3 does not name".to_owned(),
                |region| format!("the region {region}, and S3 did not answer there either"),
            );
            (None, format!("The bucket {bucket} is in {place}."))
        }
        _ => (None, session.explain(error).message),
    }
}

/// Reads an error of a read of a key that may not exist: to somebody who may not list, S3 answers 403 for it.
pub(super) fn verdict_on_guess(session: &Session, error: &S3Error) -> Verdict {
    match error.kind {
        S3ErrorKind::AccessDenied if !error.asks_requester_to_pay() => (
            None,
            format!(
                "{} No key is known to exist, and such an answer proves nothing.",
                denial(error)
            ),
        ),
        S3ErrorKind::NoSuchKey => (None, "No key is known to exist that could be read.".to_owned()),
        _ => verdict(session, error),
    }
}

/// S3's own words about who was refused what and by which kind of policy, or that it has none.
fn denial(error: &S3Error) -> String {
    let object = match (&error.bucket, &error.key) {
        (Some(bucket), Some(key)) => format!("s3://{bucket}/{key}"),
        (Some(bucket), None) => format!("s3://{bucket}"),
        _ => "S3".to_owned(),
    };
    match error.message.as_deref().and_then(Denial::parse) {
        Some(denial) => {
            let resource = denial.resource.as_deref().unwrap_or(&object);
            let reason = denial
                .reason
                .as_deref()
                .map(|reason| format!(" {reason}"))
                .unwrap_or_default();
            format!(
                "S3 denied {} on {resource} to {}{reason}.",
                denial.action, denial.principal
            )
        }
        None => format!(
            "S3 denied {} on {object} ({}).",
            error.action,
            error.words().trim_end_matches('.')
        ),
    }
}
