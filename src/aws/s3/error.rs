//! Errors of S3: its codes and statuses, redirects to a bucket's region, requester-pays buckets.

use crate::aws::{AwsError, AwsErrorKind};

impl AwsError {
    /// Returns the bucket that the request was about.
    #[must_use]
    pub fn bucket(&self) -> Option<&str> {
        self.resource.as_deref()?.strip_prefix("s3://")?.split('/').next()
    }

    /// Returns whether S3 answers only callers who offer to pay for the request, and says so. To a caller of another
    /// account it may say no more than that access is denied.
    #[must_use]
    pub fn asks_requester_to_pay(&self) -> bool {
        let says_so = |text: &String| text.to_ascii_lowercase().contains("requester pays");
        self.kind == AwsErrorKind::AccessDenied && self.message.as_ref().is_some_and(says_so)
    }

    /// Returns whether the version that the request names is a delete marker, which cannot be read.
    #[must_use]
    pub fn is_delete_marker(&self) -> bool {
        self.kind == AwsErrorKind::NoSuchKey && self.code.as_deref() == Some("MethodNotAllowed")
    }

    /// Returns whether S3 says that the bucket is in another region.
    #[must_use]
    pub fn is_redirect(&self) -> bool {
        let says_so = matches!(
            self.code.as_deref(),
            Some("AuthorizationHeaderMalformed" | "IllegalLocationConstraintException")
        );
        // A HEAD has no code; a signature for another region makes it a bare 400.
        self.status == Some(301) || says_so || self.is_bare_bad_request()
    }

    /// Returns whether this is a 400 without a code: of a HEAD that may have been refused for its region or its session.
    pub(super) fn is_bare_bad_request(&self) -> bool {
        self.status == Some(400) && self.code.is_none()
    }
}

/// Returns what a code or status means that S3 does not share with other services.
pub(super) fn error_kind(code: Option<&str>, status: Option<u16>) -> Option<AwsErrorKind> {
    code.and_then(kind_of_code).or(match status {
        Some(304) => Some(AwsErrorKind::NotModified),
        Some(404 | 405) => Some(AwsErrorKind::NoSuchKey),
        Some(412) => Some(AwsErrorKind::PreconditionFailed),
        Some(416) => Some(AwsErrorKind::InvalidRange),
        _ => None,
    })
}

fn kind_of_code(code: &str) -> Option<AwsErrorKind> {
    use AwsErrorKind as K;
    Some(match code {
        "InvalidToken" | "TokenRefreshRequired" => K::StaleCredentials,
        "AllAccessDisabled" | "AccountProblem" | "KMS.AccessDeniedException" => K::AccessDenied,
        "NoSuchBucket" => K::NoSuchBucket,
        // MethodNotAllowed is what a read of a delete marker gets.
        "NoSuchKey" | "NoSuchVersion" | "NotFound" | "MethodNotAllowed" => K::NoSuchKey,
        "PreconditionFailed" => K::PreconditionFailed,
        "ConditionalRequestConflict" | "OperationAborted" => K::Conflict,
        "InvalidRange" => K::InvalidRange,
        "InvalidObjectState" => K::Archived,
        "SlowDown" => K::Throttled,
        "RequestTimeout" => K::Timeout,
        _ => return None,
    })
}
