//! Errors of AWS, of any service, as callers can act on them.

use quilt_format::percent;

use super::region;
use crate::resilience::CircuitOpen;
use crate::telemetry::UpstreamOutcome;

/// One request, as its error names it.
#[derive(Debug, Clone, Copy)]
pub struct Operation<'a> {
    /// The service's name in sentences, such as `S3`.
    pub service: &'static str,
    /// The IAM action that the request needs.
    pub action: &'static str,
    pub resource: Resource<'a>,
}

/// The resource that a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource<'a> {
    /// The service as a whole.
    Service,
    Bucket(&'a str),
    Object {
        bucket: &'a str,
        key: &'a str,
        version_id: Option<&'a str>,
    },
    /// Any other resource, by its name or ARN.
    Named(&'a str),
}

impl<'a> Resource<'a> {
    #[must_use]
    pub fn bucket(self) -> Option<&'a str> {
        match self {
            Self::Bucket(bucket) | Self::Object { bucket, .. } => Some(bucket),
            Self::Service | Self::Named(_) => None,
        }
    }

    fn name(self) -> Option<String> {
        match self {
            Self::Service => None,
            Self::Bucket(bucket) => Some(format!("s3://{bucket}")),
            // As the URI by which callers can name it again.
            Self::Object {
                bucket,
                key,
                version_id,
            } => {
                let version = version_id.map(|id| format!("?versionId={}", percent::quote_plus(id)));
                Some(format!(
                    "s3://{bucket}/{}{}",
                    percent::quote(key),
                    version.unwrap_or_default()
                ))
            }
            Self::Named(name) => Some(name.to_owned()),
        }
    }
}

/// The cases that callers can act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AwsErrorKind {
    /// Occurs when the caller lacks the right.
    AccessDenied,
    /// Occurs when the bucket does not exist.
    NoSuchBucket,
    /// Occurs when the object, or this version of it, does not exist.
    NoSuchKey,
    /// Occurs when a condition of a write or a read does not hold.
    PreconditionFailed,
    /// Occurs when the object is still the one that the request names.
    NotModified,
    /// Occurs when another write to the same key is in progress.
    Conflict,
    /// Occurs when the range begins behind the object's end.
    InvalidRange,
    /// Occurs when the service asks to slow down.
    Throttled,
    /// Occurs when the session has expired, and no newer one could be had.
    StaleCredentials,
    /// Occurs when AWS does not know the key, or the signature is wrong.
    InvalidCredentials,
    /// Occurs when the request's time is not AWS's: the server's clock is wrong.
    ClockSkew,
    /// Occurs when the object is archived and must be restored first.
    Archived,
    /// Occurs when no answer comes in time.
    Timeout,
    /// Occurs when there is no connection, it breaks, or the endpoint's circuit is open.
    Network,
    /// Occurs when the service refuses the request as wrong, or it cannot be built.
    InvalidRequest,
    /// Occurs in all other cases, most often for a fault of the service.
    Other,
}

/// An error of AWS, with what a person needs to understand it and nothing secret.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{action} failed: {}", self.description())]
pub struct AwsError {
    pub kind: AwsErrorKind,
    /// The service's name in sentences, such as `S3`.
    pub service: &'static str,
    /// The IAM action that the request needed.
    pub action: &'static str,
    /// The resource; an object as its percent-encoded URI. `None` for the service as a whole.
    pub resource: Option<String>,
    /// HTTP status, when an answer came.
    pub status: Option<u16>,
    /// The service's error code. The answer to a HEAD has none.
    pub code: Option<String>,
    /// The service's message.
    pub message: Option<String>,
    /// The service's id of the request, for a support case.
    pub request_id: Option<String>,
    /// The region that the answer named for the resource.
    pub region: Option<String>,
    /// The region that the request was signed for.
    pub sent_to: Option<Box<str>>,
    /// The seconds by which the server's clock is ahead of the answer's `Date`, for [`AwsErrorKind::ClockSkew`]. Negative if it
    /// is behind.
    pub clock_skew_seconds: Option<i32>,
    /// When the request may be made again: it was not sent, because the endpoint's circuit is open.
    pub retry_after_seconds: Option<i64>,
}

impl AwsError {
    /// Creates an error that no answer carries.
    pub(crate) fn new(kind: AwsErrorKind, operation: Operation<'_>) -> Self {
        Self {
            kind,
            service: operation.service,
            action: operation.action,
            resource: operation.resource.name(),
            status: None,
            code: None,
            message: None,
            request_id: None,
            region: None,
            sent_to: None,
            clock_skew_seconds: None,
            retry_after_seconds: None,
        }
    }

    #[must_use]
    pub(super) fn with_message(self, message: impl Into<String>) -> Self {
        Self {
            message: Some(message.into()),
            ..self
        }
    }

    /// Creates the error of a request that was not sent, because the circuit of its endpoint is open.
    pub(super) fn circuit_open(operation: Operation<'_>, region: &str, open: CircuitOpen) -> Self {
        let service = operation.service;
        let seconds = open.retry_after_seconds;
        Self {
            retry_after_seconds: Some(seconds),
            ..Self::new(AwsErrorKind::Network, operation)
        }
        .with_message(format!(
            "{service} in {region} could not be reached lately and is asked again in {seconds} s"
        ))
    }

    /// Returns whether the same request may succeed a little later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        use AwsErrorKind as K;
        matches!(self.kind, K::Throttled | K::Timeout | K::Network | K::Conflict) || self.is_fault()
    }

    /// Returns whether AWS does not know the access key.
    #[must_use]
    pub fn is_unknown_key(&self) -> bool {
        matches!(
            self.code.as_deref(),
            Some("InvalidAccessKeyId" | "InvalidClientTokenId" | "UnrecognizedClientException")
        )
    }

    /// Returns whether this is the refusal of a session token in a region that an account has to enable. Tokens that the global
    /// endpoint of STS issues are not taken there.
    #[must_use]
    pub fn is_global_token_in_opt_in_region(&self) -> bool {
        let region = self.region.as_deref().or(self.sent_to.as_deref());
        self.code.as_deref() == Some("InvalidToken") && region.is_some_and(region::is_opt_in)
    }

    /// Returns how the server's clock differs from AWS's, as in "is 420 s ahead of AWS's", if the answer said so.
    #[must_use]
    pub fn clock_difference(&self) -> Option<String> {
        let seconds = self.clock_skew_seconds?;
        let direction = if seconds < 0 { "behind" } else { "ahead of" };
        Some(format!("is {} s {direction} AWS's", seconds.unsigned_abs()))
    }

    /// Returns how the request ended, for metrics and traces.
    #[must_use]
    pub fn outcome(&self) -> UpstreamOutcome {
        match self.kind {
            AwsErrorKind::Timeout => UpstreamOutcome::Timeout,
            AwsErrorKind::Network | AwsErrorKind::Throttled => UpstreamOutcome::Failed,
            _ if self.is_fault() => UpstreamOutcome::Failed,
            _ => UpstreamOutcome::Refused,
        }
    }

    /// Returns the resource, or the service where the request was about no resource.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.resource.as_deref().unwrap_or(self.service)
    }

    /// Returns the service's own message, or a sentence in place of a missing one.
    #[must_use]
    pub fn description(&self) -> String {
        let service = self.service;
        match (&self.message, &self.code, self.status) {
            (Some(message), _, _) => message.clone(),
            (None, Some(code), _) => code.clone(),
            (None, None, Some(status)) => format!("{service} answered {status}"),
            (None, None, None) if self.kind == AwsErrorKind::Timeout => format!("{service} did not answer in time"),
            (None, None, None) => format!("{service} could not be reached"),
        }
    }

    fn is_fault(&self) -> bool {
        self.kind == AwsErrorKind::Other && self.status.is_none_or(|status| status >= 500)
    }
}
