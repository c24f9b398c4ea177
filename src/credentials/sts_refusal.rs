//! Errors of STS for a session of a role: whose they are, and whether the same request may succeed later.

use super::{Attempt, Outcome, Source};
use crate::aws::{AwsError, AwsErrorKind, Denial};
use crate::error_code::ErrorCode;

/// The signature of a request for a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signed {
    /// By the server's own identity: `AssumeRole`.
    ByServer,
    /// Not at all: `AssumeRoleWithWebIdentity`, whose proof is the caller's token.
    No,
}

/// Codes that are about the signature of a request, and so about the identity that signs.
const SIGNATURE_CODES: [&str; 9] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidToken",
    "MissingAuthenticationToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// Actions that the role's trust policy and the server's own policy must both allow besides `sts:AssumeRole`.
const ACTIONS_OF_BOTH: [&str; 2] = ["sts:SetSourceIdentity", "sts:TagSession"];

/// Describes an error of STS for a session of this role, and logs it. An answer of STS is a refusal, except one to ask again
/// later; everything else is a failure.
pub(super) fn attempt(error: &AwsError, role_arn: &str, signed: Signed) -> Attempt {
    let (outcome, code, message) = describe(error, role_arn, signed);
    tracing::warn!(
        role = role_arn,
        sts_code = error.code,
        request_id = error.request_id,
        "{message}"
    );
    Attempt::none(Source::Jwt, outcome, code, message)
}

fn describe(error: &AwsError, role_arn: &str, signed: Signed) -> (Outcome, ErrorCode, String) {
    if let Some(seconds) = error.retry_after_seconds {
        let message = format!("STS has not been answering lately and is asked again in {seconds} s");
        return (Outcome::Failed, ErrorCode::RequestFailed, message);
    }
    if error.kind == AwsErrorKind::Timeout {
        return (
            Outcome::Failed,
            ErrorCode::Timeout,
            "STS did not answer in time".to_owned(),
        );
    }
    let said = said(error);
    let failed = |message| (Outcome::Failed, ErrorCode::AssumeRoleFailed, message);
    let refused = |message| (Outcome::Denied, ErrorCode::AssumeRoleFailed, message);
    let code = error.code.as_deref().unwrap_or_default();
    let is_answer = error.status.is_some_and(|status| (400..500).contains(&status));
    let is_passing = error.kind == AwsErrorKind::Throttled || code == "IDPCommunicationError";
    if !is_answer || is_passing {
        return failed(format!("STS could not assume {role_arn} ({said})"));
    }
    if error.kind == AwsErrorKind::ClockSkew {
        let clock = error.clock_difference().unwrap_or_else(|| "is wrong".to_owned());
        return refused(format!(
            "STS does not accept the time of the server's clock, which {clock} ({said}); the operator must set the clock"
        ));
    }
    if signed == Signed::ByServer && SIGNATURE_CODES.contains(&code) {
        return refused(format!(
            "STS does not accept the server's own AWS identity, with which it would assume {role_arn} ({said}); the operator \
             must renew it, not this caller"
        ));
    }
    if code == "RegionDisabledException" {
        return refused(format!(
            "STS is not enabled in the server's region for this account ({said}); the operator must enable it or set AWS_REGION"
        ));
    }
    let hint = error.message.as_deref().and_then(hint).unwrap_or_default();
    refused(format!("STS refused {role_arn} to this caller ({said}){hint}"))
}

/// Returns STS's code and sentence, which names ARNs and no secrets.
fn said(error: &AwsError) -> String {
    match (&error.code, &error.message) {
        (Some(code), Some(message)) => format!("{code}: {}", message.trim().trim_end_matches('.')),
        (Some(code), None) => code.clone(),
        (None, Some(message)) => message.clone(),
        (None, None) => error
            .status
            .map_or_else(|| "no answer".to_owned(), |status| format!("status {status}")),
    }
}

fn hint(message: &str) -> Option<String> {
    let action = Denial::parse(message)?.action;
    ACTIONS_OF_BOTH.contains(&action.as_str()).then(|| {
        format!("; the trust policy of the role and the policy of the server's own identity must both allow {action}")
    })
}
