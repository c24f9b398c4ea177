//! Classification of the SDK's errors: what one means for the caller, and what it says about the endpoint.
//!
//! Never formats an SDK error: its `Debug` prints raw headers, and its `Display` says nothing.

use std::error::Error;

use aws_sdk_sts::error::{ConnectorError, ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::RequestId;

use jiff::Timestamp;

use super::{AwsError, AwsErrorKind, Operation, Service};
use crate::resilience::connection_problem;

/// Reads what an SDK error means for the caller.
pub(super) fn classify<S: Service, E: ProvideErrorMetadata>(
    error: &SdkError<E>,
    operation: Operation<'_>,
    now: Timestamp,
) -> AwsError {
    if let SdkError::ConstructionFailure(_) = error {
        return AwsError::new(AwsErrorKind::InvalidRequest, operation).with_message(
            "the request could not be made of these values; a name or value holds characters that HTTP does not take",
        );
    }
    let raw = error.raw_response();
    let status = raw.map(|raw| raw.status().as_u16());
    let code = error.code().filter(|code| !code.is_empty());
    let kind = match error {
        SdkError::TimeoutError(_) => AwsErrorKind::Timeout,
        SdkError::DispatchFailure(failure) if failure.is_timeout() => AwsErrorKind::Timeout,
        SdkError::DispatchFailure(_) => AwsErrorKind::Network,
        // An answer that could not be read to its end. A 304 has nothing to read.
        SdkError::ResponseError(_) if status.is_some_and(|status| status < 400 && status != 304) => {
            AwsErrorKind::Network
        }
        _ if error.message().is_some_and(is_about_time) => AwsErrorKind::ClockSkew,
        _ => kind::<S>(code, status),
    };
    let skew = || {
        let date = raw?.headers().get("date")?;
        let answered_at = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
        let seconds = now.duration_since(answered_at).as_secs();
        i32::try_from(seconds.clamp(i32::MIN.into(), i32::MAX.into())).ok()
    };
    AwsError {
        status,
        code: code.map(str::to_owned),
        message: error
            .message()
            .filter(|text| !text.is_empty())
            .map(presentable)
            .or_else(|| {
                let cause = connector_problem(error)?;
                Some(format!("{} could not be reached: {cause}", operation.service))
            }),
        request_id: error.request_id().map(str::to_owned),
        region: S::REGION_HEADER
            .and_then(|header| raw?.headers().get(header))
            .map(str::to_owned),
        clock_skew_seconds: Some(kind)
            .filter(|kind| *kind == AwsErrorKind::ClockSkew)
            .and_then(|_| skew()),
        ..AwsError::new(kind, operation)
    }
}

/// Returns why there is no connection to the service.
fn connector_problem<E>(error: &SdkError<E>) -> Option<&'static str> {
    match error {
        SdkError::DispatchFailure(failure) if !failure.is_timeout() => {
            connection_problem(failure.as_connector_error()?)
        }
        _ => None,
    }
}

/// Reads the meaning of a code and a status: the codes of all AWS services, then those of this one, then the status.
fn kind<S: Service>(code: Option<&str>, status: Option<u16>) -> AwsErrorKind {
    code.and_then(common_code)
        .or_else(|| S::error_kind(code, status))
        .unwrap_or(match status {
            Some(403) => AwsErrorKind::AccessDenied,
            Some(429 | 503) => AwsErrorKind::Throttled,
            Some(400..=499) => AwsErrorKind::InvalidRequest,
            _ => AwsErrorKind::Other,
        })
}

/// Whether a refused signature was refused for its time. Services other than S3 say so only in the message.
fn is_about_time(message: &str) -> bool {
    message.starts_with("Signature expired") || message.starts_with("Signature not yet current")
}

fn common_code(code: &str) -> Option<AwsErrorKind> {
    use AwsErrorKind as K;
    Some(match code {
        "AccessDenied" | "AccessDeniedException" => K::AccessDenied,
        "ExpiredToken" | "ExpiredTokenException" => K::StaleCredentials,
        "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException" => K::InvalidCredentials,
        "RequestTimeTooSkewed" | "RequestExpired" | "RequestInTheFuture" => K::ClockSkew,
        "Throttling" | "ThrottlingException" | "RequestLimitExceeded" | "TooManyRequestsException" => K::Throttled,
        _ => return None,
    })
}

/// Returns a message of AWS as it may be shown: one line, bounded.
fn presentable(message: &str) -> String {
    message
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(1000)
        .collect()
}

/// The state of the endpoint according to an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// It answered, be it with a refusal.
    Answered,
    /// A gateway before it answered with 502 to 504.
    Gateway,
    /// There is no connection to it, or none that lasts.
    Unreachable,
    /// A connection was there, and no answer came in time.
    TimedOut,
    /// The request was never sent.
    NotSent,
}

/// Reads from an SDK error, of all attempts the last, whether the endpoint can be reached.
pub(super) fn reach<E>(error: &SdkError<E>) -> Reach {
    match error {
        SdkError::TimeoutError(_) => Reach::TimedOut,
        SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
            Some(error) if error.is_timeout() && !is_connect_timeout(error) => Reach::TimedOut,
            Some(error) if error.is_timeout() || error.is_io() || error.as_other().is_some() => Reach::Unreachable,
            // The SDK also calls it a failure of dispatch when there are no credentials to sign with.
            _ => Reach::NotSent,
        },
        SdkError::ServiceError(_) | SdkError::ResponseError(_) => {
            match error.raw_response().map(|raw| raw.status().as_u16()) {
                Some(502..=504) => Reach::Gateway,
                _ => Reach::Answered,
            }
        }
        _ => Reach::NotSent,
    }
}

/// Returns which of the SDK's timeouts is over, which it says only in a message.
fn is_connect_timeout(error: &ConnectorError) -> bool {
    let mut cause = Some(error as &dyn Error);
    while let Some(error) = cause {
        if error.to_string().starts_with("HTTP connect timeout") {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::s3::SharedS3;
    use crate::aws::sts::Sts;

    /// The 20 seconds of a bucket that hangs say nothing about its endpoint.
    #[test]
    fn only_connections_tell_that_an_endpoint_is_gone() {
        let dispatch = |error: ConnectorError| reach(&SdkError::<()>::dispatch_failure(error));
        assert_eq!(
            reach(&SdkError::<()>::timeout_error("the operation's time is over")),
            Reach::TimedOut
        );
        assert_eq!(
            dispatch(ConnectorError::timeout("HTTP read timeout occurred after 20s".into())),
            Reach::TimedOut
        );
        assert_eq!(
            dispatch(ConnectorError::timeout("HTTP connect timeout occurred after 3s".into())),
            Reach::Unreachable
        );
        assert_eq!(dispatch(ConnectorError::io("refused".into())), Reach::Unreachable);
        assert_eq!(
            dispatch(ConnectorError::other("no credentials".into(), None)),
            Reach::NotSent
        );
    }

    #[test]
    fn a_head_without_a_code_is_judged_by_its_status() {
        use AwsErrorKind as K;
        let s3 = kind::<SharedS3>;
        assert_eq!(s3(None, Some(403)), K::AccessDenied);
        assert_eq!(s3(None, Some(404)), K::NoSuchKey);
        assert_eq!(s3(None, Some(400)), K::InvalidRequest);
        assert_eq!(s3(None, Some(503)), K::Throttled);
        assert_eq!(s3(None, Some(304)), K::NotModified);
        assert_eq!(s3(Some("ExpiredToken"), Some(400)), K::StaleCredentials);
        assert_eq!(s3(Some("InternalError"), Some(500)), K::Other);
    }

    #[test]
    fn what_only_one_service_says_means_nothing_in_another() {
        use AwsErrorKind as K;
        let sts = kind::<Sts>;
        assert_eq!(sts(None, Some(404)), K::InvalidRequest);
        assert_eq!(sts(Some("AccessDenied"), Some(403)), K::AccessDenied);
        assert_eq!(sts(Some("ExpiredTokenException"), Some(400)), K::StaleCredentials);
        assert_eq!(sts(Some("RequestTimeout"), Some(400)), K::InvalidRequest);
    }

    #[test]
    fn an_sts_that_is_too_slow_is_told_from_one_that_cannot_be_reached() {
        use aws_sdk_sts::operation::assume_role::AssumeRoleError;

        use crate::aws::Resource;
        let kind = |error: SdkError<AssumeRoleError>| {
            let operation = Operation {
                service: "STS",
                action: "sts:AssumeRole",
                resource: Resource::Named("arn"),
            };
            classify::<Sts, _>(&error, operation, Timestamp::UNIX_EPOCH).kind
        };
        let dispatch = |error| kind(SdkError::dispatch_failure(error));
        assert_eq!(kind(SdkError::timeout_error("too slow")), AwsErrorKind::Timeout);
        assert_eq!(
            dispatch(ConnectorError::timeout("too slow".into())),
            AwsErrorKind::Timeout
        );
        assert_eq!(dispatch(ConnectorError::io("refused".into())), AwsErrorKind::Network);
    }
}
