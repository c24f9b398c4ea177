//! One request to AWS, with the two repetitions that are this server's and not the SDK's: in the resource's own region, and
//! with newer credentials.

use aws_credential_types::Credentials;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};

use super::classify::{Reach, classify, reach};
use super::{AwsCaller, AwsError, AwsErrorKind, BreakerRule, Identity, Operation, Service};
use crate::resilience::{CallerKey, Permit};
use crate::telemetry::instrument;

/// Whose identity a request is made with.
#[derive(Debug, Clone, Copy)]
pub enum Signer<'a> {
    /// The caller's. Its credentials are renewed once if AWS says that they have expired.
    Caller(&'a AwsCaller),
    /// The server's own, on behalf of a caller whose requests these are for the circuit breaker. Renewed like the caller's,
    /// also if AWS does not know the key.
    Server(&'a AwsCaller, CallerKey),
    /// The owner's of these credentials, as they are.
    Credentials(&'a Credentials),
    /// That of the service's client, if the operation is signed at all, on behalf of this caller.
    Client(CallerKey),
}

/// How one attempt is signed, and whose it is for the circuit breaker.
struct Signature<O> {
    request: O,
    caller: CallerKey,
    access_key_id: Option<String>,
}

struct Failed {
    error: AwsError,
    reach: Reach,
}

/// Makes a request: `send` is given the configuration override that signs it. Never use a response of another function:
/// only the override carries the caller's identity.
pub async fn call<S, T, E, Fut>(
    service: &S,
    signer: Signer<'_>,
    operation: Operation<'_>,
    send: impl Fn(S::Override) -> Fut,
) -> Result<T, AwsError>
where
    S: Service,
    E: ProvideErrorMetadata,
    Fut: Future<Output = Result<T, SdkError<E>>>,
{
    let mut may_redirect = true;
    let mut may_renew = true;
    loop {
        let region = service.region_of(operation.resource);
        let signature = signer.sign::<S>(&region);
        let request = || send(signature.request);
        let error = match attempt(service, &region, signature.caller, operation, request).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        if error.kind == AwsErrorKind::ClockSkew {
            tracing::warn!(%error, skew_seconds = error.clock_skew_seconds, "AWS does not accept the time of the server's clock");
        }
        if may_redirect && service.learn_region(&error, operation.resource, &region) {
            may_redirect = false;
        } else if may_renew && signer.renew(&error, signature.access_key_id).await {
            may_renew = false;
        } else {
            return Err(error);
        }
    }
}

/// Sends one request, if the circuit of its endpoint is not open.
async fn attempt<S, T, E, Fut>(
    service: &S,
    region: &str,
    caller: CallerKey,
    operation: Operation<'_>,
    send: impl FnOnce() -> Fut,
) -> Result<T, AwsError>
where
    S: Service,
    E: ProvideErrorMetadata,
    Fut: Future<Output = Result<T, SdkError<E>>>,
{
    let permit = match service.endpoints().breaker(region).try_acquire(caller) {
        Ok(permit) => permit,
        Err(open) => return Err(AwsError::circuit_open(operation, region, open)),
    };
    let pending = Box::pin(send());
    let request = async {
        pending.await.map_err(|error| Failed {
            reach: reach(&error),
            error: AwsError {
                sent_to: Some(region.into()),
                ..classify::<S, E>(&error, operation, service.endpoints().now())
            },
        })
    };
    let outcome = |failed: &Failed| failed.error.outcome();
    let bucket = operation.resource.bucket();
    let answer = instrument(S::DEPENDENCY, operation.action, bucket, outcome, request).await;
    let reach = answer.as_ref().err().map_or(Reach::Answered, |failed| failed.reach);
    S::BREAKER_RULE.record(permit, reach);
    answer.map_err(|failed| failed.error)
}

impl Signer<'_> {
    fn sign<S: Service>(self, region: &str) -> Signature<S::Override> {
        let credentials = match self {
            Self::Caller(caller) | Self::Server(caller, _) => caller.signing().credentials,
            Self::Credentials(credentials) => credentials.clone(),
            Self::Client(caller) => {
                return Signature {
                    request: S::Override::default(),
                    caller,
                    access_key_id: None,
                };
            }
        };
        let access_key_id = credentials.access_key_id().to_owned();
        let region = region.to_owned();
        let identity = match self {
            Self::Caller(caller) | Self::Server(caller, _) => caller.identity(credentials, region),
            Self::Credentials(_) | Self::Client(_) => Identity {
                credentials,
                region,
                retry_partition: None,
            },
        };
        Signature {
            request: S::signed_by(identity),
            caller: match self {
                Self::Server(_, caller) => caller,
                _ => CallerKey::of(&access_key_id),
            },
            access_key_id: Some(access_key_id),
        }
    }

    async fn renew(self, error: &AwsError, stale_access_key_id: Option<String>) -> bool {
        match (self, stale_access_key_id) {
            (Self::Caller(caller) | Self::Server(caller, _), Some(stale)) => {
                caller.may_renew(error) && caller.renew(&stale).await
            }
            _ => false,
        }
    }
}

impl BreakerRule {
    fn record(self, permit: Permit, reach: Reach) {
        match (reach, self) {
            (Reach::Answered, _) | (Reach::Gateway, Self::Connections) => permit.record_success(),
            (Reach::Unreachable, _) | (Reach::Gateway | Reach::TimedOut, Self::Unanswered) => permit.record_failure(),
            (Reach::TimedOut, Self::Connections) | (Reach::NotSent, _) => drop(permit),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use async_trait::async_trait;
    use aws_sdk_sts::error::ConnectorError;

    use super::*;
    use crate::aws::{AwsOptions, Endpoints, Renew, Resource, Signing};
    use crate::clock::Clock;
    use crate::telemetry::Dependency;

    /// A service that needs no more than its endpoints.
    struct Plain<const UNANSWERED: bool>(Endpoints);

    impl<const UNANSWERED: bool> Service for Plain<UNANSWERED> {
        type Override = Option<Identity>;
        const DEPENDENCY: Dependency = Dependency::Sts;
        const BREAKER_RULE: BreakerRule = if UNANSWERED {
            BreakerRule::Unanswered
        } else {
            BreakerRule::Connections
        };

        fn endpoints(&self) -> &Endpoints {
            &self.0
        }

        fn signed_by(identity: Identity) -> Option<Identity> {
            Some(identity)
        }

        fn learn_region(&self, _: &AwsError, _: Resource<'_>, _: &str) -> bool {
            true
        }
    }

    #[derive(Debug)]
    struct Never(aws_sdk_sts::error::ErrorMetadata);

    impl ProvideErrorMetadata for Never {
        fn meta(&self) -> &aws_sdk_sts::error::ErrorMetadata {
            &self.0
        }
    }

    struct NoRenewal;

    #[async_trait]
    impl Renew for NoRenewal {
        async fn renew(&self, _: &str) -> Option<Signing> {
            None
        }
    }

    const OPERATION: Operation<'_> = Operation {
        service: "Plain",
        action: "plain:Get",
        resource: Resource::Named("thing"),
    };

    fn plain<const UNANSWERED: bool>() -> Plain<UNANSWERED> {
        let options = AwsOptions {
            region: "eu-west-1".to_owned(),
            endpoint: None,
            initial_backoff: Duration::ZERO,
            connect_timeout: Duration::ZERO,
            clock: Clock::system(),
            ..AwsOptions::default()
        };
        Plain(Endpoints::new(Dependency::Sts, &options))
    }

    /// How the last of twelve requests of two callers fails.
    async fn last_of<const UNANSWERED: bool>(fails: fn() -> SdkError<Never>) -> AwsError {
        let service = plain::<UNANSWERED>();
        let mut last = None;
        for caller in 0..12 {
            let key = CallerKey::of(caller % 2);
            let request = async || Err::<(), _>(fails());
            last = attempt(&service, "eu-west-1", key, OPERATION, request).await.err();
        }
        last.unwrap()
    }

    #[tokio::test]
    async fn a_circuit_opens_for_what_the_service_counts_and_the_error_says_for_how_long() {
        let refused = || SdkError::dispatch_failure(ConnectorError::io("refused".into()));
        let too_slow = || SdkError::timeout_error("too slow");
        let unsent = || SdkError::construction_failure("no header");
        let open = last_of::<false>(refused).await;
        assert_eq!((open.kind, open.retry_after_seconds), (AwsErrorKind::Network, Some(5)));
        assert_eq!(
            open.to_string(),
            "plain:Get failed: Plain in eu-west-1 could not be reached lately and is asked again in 5 s"
        );
        assert_eq!(last_of::<false>(too_slow).await.retry_after_seconds, None);
        assert_eq!(last_of::<true>(too_slow).await.retry_after_seconds, Some(5));
        assert_eq!(last_of::<true>(unsent).await.retry_after_seconds, None);
    }

    #[tokio::test]
    async fn a_request_is_redirected_once_and_signed_by_its_caller() {
        let credentials = Credentials::new("AKIAX", "s", None, None, "test");
        let signing = Signing {
            credentials,
            expires_at: None,
        };
        let caller = AwsCaller::new(signing, "alice", Arc::new(NoRenewal));
        let attempts = AtomicU32::new(0);
        let send = async |identity: Option<Identity>| {
            attempts.fetch_add(1, Ordering::Relaxed);
            let identity = identity.unwrap();
            assert_eq!(identity.credentials.access_key_id(), "AKIAX");
            assert_eq!(identity.region, "eu-west-1");
            assert!(identity.retry_partition.is_some());
            Err::<(), SdkError<Never>>(SdkError::timeout_error("too slow"))
        };
        let error = call(&plain::<false>(), Signer::Caller(&caller), OPERATION, send)
            .await
            .unwrap_err();
        assert_eq!(error.kind, AwsErrorKind::Timeout);
        assert_eq!(attempts.load(Ordering::Relaxed), 2);
    }
}
