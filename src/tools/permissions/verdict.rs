//! Verdicts on rights, read from errors of S3: only a refusal is a no, everything else leaves the question open.

use crate::aws::{AwsError, AwsErrorKind, Denial};
use crate::tools::Session;

/// A verdict, and the sentence that explains it.
pub(super) type Verdict = (Option<bool>, String);

/// Reads an error of a request about something that is known to exist.
pub(super) fn verdict(session: &Session, error: &AwsError) -> Verdict {
    let bucket = error.bucket().unwrap_or_default();
    if error.asks_requester_to_pay() {
        let detail = "The bucket is a requester-pays bucket: S3 answers only if the requester offers to pay, which this \
                      server does not do.";
        return (Some(false), detail.to_owned());
    }
    match error.kind {
        AwsErrorKind::AccessDenied => (Some(false), denial(error)),
        AwsErrorKind::NoSuchBucket => (Some(false), format!("There is no bucket {bucket}.")),
        _ if error.is_redirect() => {
            let place = error.region.as_ref().map_or_else(
                || "another region, which S3 does not name".to_owned(),
                |region| format!("the region {region}, and S3 did not answer there either"),
            );
            (None, format!("The bucket {bucket} is in {place}."))
        }
        _ => (None, session.explain(error).message),
    }
}

/// Reads an error of a read of a key that may not exist: to a caller who may not list, S3 answers 403 for it.
pub(super) fn verdict_on_guess(session: &Session, error: &AwsError) -> Verdict {
    match error.kind {
        AwsErrorKind::AccessDenied if !error.asks_requester_to_pay() => (
            None,
            format!(
                "{} No key is known to exist, so this answer is not evidence.",
                denial(error)
            ),
        ),
        AwsErrorKind::NoSuchKey => (None, "No key is known that could be read.".to_owned()),
        _ => verdict(session, error),
    }
}

/// Returns a denial as S3 explains it: principal, action and kind of policy, or its bare message.
fn denial(error: &AwsError) -> String {
    let object = error.subject();
    match error.message.as_deref().and_then(Denial::parse) {
        Some(denial) => {
            let resource = denial.resource.as_deref().unwrap_or(object);
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
            error.description().trim_end_matches('.')
        ),
    }
}
