//! Probe of writing to a bucket. The operator's policy, which the tools that write obey, is checked first; then S3 is asked
//! by a multipart upload that is opened and aborted.

use super::bucket_probe::BucketProbe;
use super::evidence::{Evidence, EvidenceSource, Operation};
use super::verdict::{Verdict, verdict};
use crate::aws::s3::ObjectUri;
use crate::aws::{AwsError, AwsErrorKind};
use crate::credentials::{AmbientPolicy, Source};

const METHOD: &str = "CreateMultipartUpload and AbortMultipartUpload";

/// Probes writing.
pub(super) async fn probe(probe: &BucketProbe<'_>) -> Evidence {
    let session = probe.session;
    if session.credential_source() == Some(Source::Ambient) && session.ambient_policy() != AmbientPolicy::Full {
        return denied_by_policy(probe);
    }
    // A random key, so that concurrent probes do not abort each other's uploads.
    let key = format!("{}quilt-mcp-write-probe/{}", probe.prefix, uuid::Uuid::new_v4());
    let key = match key.parse() {
        Ok(key) => key,
        Err(problem) => return probe.s3_evidence(Operation::Write, METHOD.to_owned(), (None, problem)),
    };
    let object = ObjectUri::latest(probe.bucket.clone(), key);
    // A spawned task continues if the client disconnects or the deadline passes, so that no upload stays open.
    let task = session.spawn({
        let s3 = probe.s3.clone();
        let object = object.clone();
        async move { s3.probe_write(&object).await }
    });
    let verdict = match tokio::time::timeout_at(probe.deadline, task).await {
        Ok(Ok(Ok(None))) => (
            Some(true),
            "S3 opened an upload and aborted it; nothing was stored.".to_owned(),
        ),
        Ok(Ok(Ok(Some(left)))) => {
            let detail = format!(
                "S3 opened an upload, but it could not be aborted: {} The upload {} of {object} stays open, empty, until a \
                 caller who may abort it does so.",
                verdict(session, &left.error).1,
                left.upload_id
            );
            (Some(true), detail)
        }
        Ok(Ok(Err(error))) => verdict_on_write(probe, &object, &error),
        Ok(Err(_panic)) => (None, "The probe failed because of a bug in this server.".to_owned()),
        Err(_elapsed) => {
            let detail = format!(
                "{} The probe of {object} goes on, and aborts its upload.",
                probe.timeout_detail()
            );
            (None, detail)
        }
    };
    probe.s3_evidence(Operation::Write, format!("{METHOD} of {object}"), verdict)
}

fn denied_by_policy(probe: &BucketProbe<'_>) -> Evidence {
    let detail = "The call uses the server's own credentials, with which the tools of this server do not write. S3 was not \
                  asked.";
    Evidence {
        operation: Operation::Write,
        result: Some(false),
        method: "QUILT_MCP_AMBIENT".to_owned(),
        asked_of: EvidenceSource::Settings,
        detail: detail.to_owned(),
        is_denied: true,
        at: probe.now(),
    }
}

/// Reads an error of the upload.
fn verdict_on_write(probe: &BucketProbe<'_>, object: &ObjectUri, error: &AwsError) -> Verdict {
    let (result, detail) = verdict(probe.session, error);
    let is_lost = matches!(error.kind, AwsErrorKind::Timeout | AwsErrorKind::Network);
    let addition = match result {
        Some(false) if error.kind == AwsErrorKind::AccessDenied => " Other keys may have other permissions.".to_owned(),
        _ if is_lost => format!(" S3 may nevertheless have opened an upload of {object}."),
        _ => String::new(),
    };
    (result, detail + &addition)
}
