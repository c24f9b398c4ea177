//! What an error of S3 means for the caller.

use std::error::Error;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;

use super::call::Target;
use crate::telemetry::Ended;
use crate::upstream::Resting;

/// The cases that callers can act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum S3ErrorKind {
    /// The caller may not. Ask for the right, or use another bucket.
    AccessDenied,
    /// There is no such bucket.
    NoSuchBucket,
    /// There is no such object, or no such version of it.
    NoSuchKey,
    /// A condition did not hold: somebody else was there first.
    PreconditionFailed,
    /// The object is still what the caller of the request has.
    NotModified,
    /// Another write to the same key is going on. Try again.
    Conflict,
    /// The range begins behind the object's end.
    InvalidRange,
    /// S3 asks to slow down. Try again later.
    Throttled,
    /// The session is over, and no newer one could be had. Log in again.
    StaleCredentials,
    /// AWS does not know the key, or the signature is wrong. Log in again.
    InvalidCredentials,
    /// The object is archived and must be restored first.
    Archived,
    /// No answer in time. Try again.
    Timeout,
    /// No connection, or it broke off. Try again.
    Network,
    /// S3 refused the request as wrong.
    InvalidRequest,
    /// Anything else, most often a fault of S3 itself.
    Other,
}

/// An error of S3, with what a person needs to understand it and nothing secret.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{action} failed: {}", self.words())]
pub struct S3Error {
    /// What it means.
    pub kind: S3ErrorKind,
    /// The IAM action that the request needed.
    pub action: &'static str,
    /// The bucket, where the request was about one.
    pub bucket: Option<String>,
    /// The key, where the request was about one.
    pub key: Option<String>,
    /// HTTP status, when an answer came.
    pub status: Option<u16>,
    /// S3's code. A HEAD's answer has none.
    pub code: Option<String>,
    /// S3's message.
    pub message: Option<String>,
    /// S3's id of the request, for a support case.
    pub request_id: Option<String>,
    pub(super) bucket_region: Option<String>,
}

impl S3Error {
    /// An error that no answer of S3 carries.
    pub(super) fn made_here(kind: S3ErrorKind, target: Target<'_>, words: &str) -> Self {
        Self {
            kind,
            action: target.action,
            bucket: target.bucket.map(ToString::to_string),
            key: target.key.map(str::to_owned),
            status: None,
            code: None,
            message: Some(words.to_owned()),
            request_id: None,
            bucket_region: None,
        }
    }

    /// The endpoint's breaker is open.
    pub(super) fn not_asked(target: Target<'_>, region: &str, resting: Resting) -> Self {
        let seconds = resting.seconds;
        let words = format!("S3 in {region} could not be reached lately and is asked again in {seconds} s");
        Self::made_here(S3ErrorKind::Network, target, &words)
    }

    /// Whether the same request may succeed a little later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        use S3ErrorKind as K;
        matches!(self.kind, K::Throttled | K::Timeout | K::Network | K::Conflict)
            || (self.kind == K::Other && self.status.is_none_or(|status| status >= 500))
    }

    /// Whether S3 answered at all.
    pub(super) fn ended(&self) -> Ended {
        match self.kind {
            S3ErrorKind::Timeout => Ended::Timeout,
            S3ErrorKind::Network | S3ErrorKind::Throttled => Ended::Failed,
            S3ErrorKind::Other if self.status.is_none_or(|status| status >= 500) => Ended::Failed,
            _ => Ended::Refused,
        }
    }

    /// The region that S3 named beside its refusal.
    #[must_use]
    pub fn bucket_region(&self) -> Option<&str> {
        self.bucket_region.as_deref()
    }

    /// S3 answers only those who offer to pay for the request, and says so. To a caller of another account it may say no
    /// more than that access is denied.
    #[must_use]
    pub fn asks_requester_to_pay(&self) -> bool {
        let says_so = |text: &String| text.to_ascii_lowercase().contains("requester pays");
        self.kind == S3ErrorKind::AccessDenied && self.message.as_ref().is_some_and(says_so)
    }

    /// S3 says that the bucket is elsewhere.
    #[must_use]
    pub fn is_redirect(&self) -> bool {
        self.status == Some(301) || matches!(self.code.as_deref(), Some("AuthorizationHeaderMalformed" | "IllegalLocationConstraintException"))
            // A HEAD has no code; a signature for another region makes it a bare 400.
            || self.is_bare_bad_request()
    }

    /// A 400 without a code: a HEAD that may have been refused for its region or for its session.
    pub(super) fn is_bare_bad_request(&self) -> bool {
        self.status == Some(400) && self.code.is_none()
    }

    /// S3's words, or ours when it had none.
    #[must_use]
    pub fn words(&self) -> String {
        match (&self.message, &self.code, self.status) {
            (Some(message), _, _) => message.clone(),
            (None, Some(code), _) => code.clone(),
            (None, None, Some(status)) => format!("S3 answered {status}"),
            (None, None, None) if self.kind == S3ErrorKind::Timeout => "S3 did not answer in time".to_owned(),
            (None, None, None) => "S3 could not be reached".to_owned(),
        }
    }
}

/// Reads an SDK error. Never formats it: its `Debug` prints raw headers, and its `Display` says nothing.
pub(super) fn classify<E: ProvideErrorMetadata>(error: &SdkError<E>, target: Target<'_>) -> S3Error {
    if let SdkError::ConstructionFailure(_) = error {
        let words =
            "the request could not be made of these values; a name or value holds characters that HTTP does not take";
        return S3Error::made_here(S3ErrorKind::InvalidRequest, target, words);
    }
    let raw = error.raw_response();
    let status = raw.map(|raw| raw.status().as_u16());
    let code = error.code().filter(|code| !code.is_empty()).map(str::to_owned);
    let kind = match error {
        SdkError::TimeoutError(_) => S3ErrorKind::Timeout,
        SdkError::DispatchFailure(failure) if failure.is_timeout() => S3ErrorKind::Timeout,
        SdkError::DispatchFailure(_) => S3ErrorKind::Network,
        _ if status == Some(304) => S3ErrorKind::NotModified,
        SdkError::ResponseError(_) if status.is_some_and(|status| status < 400) => S3ErrorKind::Network,
        _ => kind(code.as_deref(), status),
    };
    S3Error {
        kind,
        action: target.action,
        bucket: target.bucket.map(ToString::to_string),
        key: target.key.map(str::to_owned),
        status,
        message: error.message().filter(|text| !text.is_empty()).map(presentable),
        request_id: error.request_id().map(str::to_owned),
        bucket_region: raw
            .and_then(|raw| raw.headers().get("x-amz-bucket-region"))
            .map(str::to_owned),
        code,
    }
}

/// Whether an error's endpoint can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// It answered, whatever it said.
    Answered,
    /// There is no connection to it, or none that lasts.
    Gone,
    /// A connection was there, and no answer came in time; or the request was never sent.
    Unknown,
}

/// Reads from an SDK error, of all tries the last, whether the endpoint can be reached.
pub(super) fn reach<E>(error: &SdkError<E>) -> Reach {
    match error {
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            let mut cause = failure.as_connector_error().map(|error| error as &dyn Error);
            while let Some(error) = cause {
                // The SDK says only in words which of its times is over.
                if error.to_string().starts_with("HTTP connect timeout") {
                    return Reach::Gone;
                }
                cause = error.source();
            }
            Reach::Unknown
        }
        SdkError::DispatchFailure(failure)
            if failure.is_io()
                || failure
                    .as_connector_error()
                    .is_some_and(|error| error.as_other().is_some()) =>
        {
            Reach::Gone
        }
        SdkError::ServiceError(_) | SdkError::ResponseError(_) => Reach::Answered,
        _ => Reach::Unknown,
    }
}

fn kind(code: Option<&str>, status: Option<u16>) -> S3ErrorKind {
    use S3ErrorKind as K;
    match (code, status) {
        (Some("ExpiredToken" | "InvalidToken" | "TokenRefreshRequired"), _) => K::StaleCredentials,
        (Some("InvalidAccessKeyId" | "SignatureDoesNotMatch" | "RequestTimeTooSkewed"), _) => K::InvalidCredentials,
        (Some("AccessDenied" | "AllAccessDisabled" | "AccountProblem" | "KMS.AccessDeniedException"), _) => {
            K::AccessDenied
        }
        (Some("NoSuchBucket"), _) => K::NoSuchBucket,
        // MethodNotAllowed is what a read of a delete marker gets.
        (Some("NoSuchKey" | "NoSuchVersion" | "NotFound" | "MethodNotAllowed"), _) => K::NoSuchKey,
        (Some("PreconditionFailed"), _) => K::PreconditionFailed,
        (Some("ConditionalRequestConflict" | "OperationAborted"), _) => K::Conflict,
        (Some("InvalidRange"), _) => K::InvalidRange,
        (Some("InvalidObjectState"), _) => K::Archived,
        (Some("SlowDown" | "Throttling" | "ThrottlingException" | "RequestLimitExceeded"), _) => K::Throttled,
        (Some("RequestTimeout"), _) => K::Timeout,
        (_, Some(304)) => K::NotModified,
        (_, Some(403)) => K::AccessDenied,
        (_, Some(404 | 405)) => K::NoSuchKey,
        (_, Some(412)) => K::PreconditionFailed,
        (_, Some(416)) => K::InvalidRange,
        (_, Some(429 | 503)) => K::Throttled,
        (_, Some(400..=499)) => K::InvalidRequest,
        _ => K::Other,
    }
}

/// A message of S3 as it may be shown: one line, bounded.
fn presentable(message: &str) -> String {
    message
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(1000)
        .collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::error::ConnectorError;

    use super::*;

    /// The 20 seconds of a bucket that hangs are nobody's silence but its own.
    #[test]
    fn only_connections_tell_that_an_endpoint_is_gone() {
        let dispatch = |error: ConnectorError| reach(&SdkError::<()>::dispatch_failure(error));
        assert_eq!(
            reach(&SdkError::<()>::timeout_error("the operation's time is over")),
            Reach::Unknown
        );
        assert_eq!(
            dispatch(ConnectorError::timeout("HTTP read timeout occurred after 20s".into())),
            Reach::Unknown
        );
        assert_eq!(
            dispatch(ConnectorError::timeout("HTTP connect timeout occurred after 3s".into())),
            Reach::Gone
        );
        assert_eq!(dispatch(ConnectorError::io("refused".into())), Reach::Gone);
        assert_eq!(
            dispatch(ConnectorError::other("no credentials".into(), None)),
            Reach::Unknown
        );
    }

    #[test]
    fn a_head_without_a_code_is_judged_by_its_status() {
        assert_eq!(kind(None, Some(403)), S3ErrorKind::AccessDenied);
        assert_eq!(kind(None, Some(404)), S3ErrorKind::NoSuchKey);
        assert_eq!(kind(None, Some(400)), S3ErrorKind::InvalidRequest);
        assert_eq!(kind(None, Some(503)), S3ErrorKind::Throttled);
        assert_eq!(kind(Some("ExpiredToken"), Some(400)), S3ErrorKind::StaleCredentials);
        assert_eq!(kind(Some("InternalError"), Some(500)), S3ErrorKind::Other);
    }
}
