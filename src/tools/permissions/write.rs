//! Asks whether the caller may write to a bucket: of the operator's policy first, which the tools that write obey, then of
//! S3 by an upload in parts that is opened and aborted.

use super::ask::Inquiry;
use super::evidence::{Evidence, Operation, Witness};
use super::verdict::verdict;
use crate::credentials::{AmbientPolicy, Source};
use crate::s3::{ObjectUri, S3ErrorKind};

const METHOD: &str = "CreateMultipartUpload and AbortMultipartUpload";

/// The one piece of evidence about writing.
pub(super) async fn ask(inquiry: &Inquiry<'_>) -> Evidence {
    let session = inquiry.session;
    if session.credential_source() == Some(Source::Ambient) && session.ambient_policy() != AmbientPolicy::Full {
        return Evidence {
            operation: Operation::Write,
            result: Some(false),
            method: "QUILT_MCP_AMBIENT".to_owned(),
            asked_of: Witness::Settings,
            detail:
                "The call acts with the server's own credentials, with which the tools of this server do not write. \
                     S3 was not asked."
                    .to_owned(),
            at: inquiry.now(),
        };
    }
    // A key of its own, so that no two probes end each other's upload.
    let key = format!("quilt-mcp-write-probe/{}", uuid::Uuid::new_v4());
    let key = match key.parse() {
        Ok(key) => key,
        Err(problem) => return inquiry.s3_said(Operation::Write, METHOD.to_owned(), (None, problem)),
    };
    let object = ObjectUri::latest(inquiry.bucket.clone(), key);
    let method = format!("{METHOD} of {object}");
    // In a task of its own: a client that leaves, or a limit that is over, must not leave an upload open.
    let probe = session.spawn({
        let (s3, object) = (inquiry.s3.clone(), object.clone());
        async move { s3.probe_write(&object).await }
    });
    let said = match tokio::time::timeout_at(inquiry.until, probe).await {
        Ok(Ok(Ok(None))) => (
            Some(true),
            "S3 opened an upload and aborted it; nothing was stored.".to_owned(),
        ),
        Ok(Ok(Ok(Some(left)))) => {
            let detail = format!(
                "S3 opened an upload, and it could not be aborted: {} The upload {} of {object} stays open, empty, until \
                 somebody who may aborts it.",
                verdict(session, &left.error).1,
                left.upload_id
            );
            (Some(true), detail)
        }
        Ok(Ok(Err(error))) => {
            let (result, detail) = verdict(session, &error);
            let is_lost = matches!(error.kind, S3ErrorKind::Timeout | S3ErrorKind::Network);
            let rest = match result {
                Some(false) if error.kind == S3ErrorKind::AccessDenied => {
                    " Other keys may be another matter.".to_owned()
                }
                _ if is_lost => format!(" S3 may have opened an upload of {object} all the same."),
                _ => String::new(),
            };
            (result, detail + &rest)
        }
        Ok(Err(_panic)) => (None, "The probe failed by a mistake of this server.".to_owned()),
        Err(_elapsed) => {
            let detail = format!(
                "{} The probe of {object} goes on, and aborts its upload.",
                inquiry.late()
            );
            (None, detail)
        }
    };
    inquiry.s3_said(Operation::Write, method, said)
}
