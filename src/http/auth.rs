//! Proof of the caller from the head of a request, before memory is taken for its body.

use std::fmt::Debug;
use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::Semaphore;

use super::ResourceServer;
use super::audit;
use super::envelope::Envelope;
use super::gate::authority;
use super::reply::{Problem, Refusal, problem};
use crate::identity::{Caller, Rejection, Verifier, WithoutToken, extract};

/// Most questions to the registry at once about tokens that were never proved.
pub(super) const MAX_QUESTIONS: usize = 16;

/// Who proves callers, and what those are who bring nothing to prove.
pub(super) struct Door {
    pub verifier: Arc<Verifier>,
    pub without_token: WithoutToken,
    /// Whether discovery needs a token too.
    pub nothing_is_open: bool,
    /// Questions to the registry about tokens that were never proved.
    pub questions: Semaphore,
    /// Where clients log in.
    pub resource_server: Option<Arc<ResourceServer>>,
}

/// What the head of a request says of its caller.
pub(super) enum HeadProof<'a> {
    /// Proved locally, or by a cached answer; or the server has a caller for requests without a token.
    Proved(Caller),
    /// Not proved.
    Refused(Rejection),
    /// Not decided yet: the registry, or the identity provider for its keys, has to be asked.
    Unknown(BoxFuture<'a, Result<Caller, Rejection>>),
}

impl Door {
    /// Proves the caller as far as that takes no request to the registry for a token that it never proved: such a token
    /// waits for one of the places of unproved requests first.
    pub(super) async fn prove(&self, parts: &Parts) -> HeadProof<'_> {
        let token = match extract(&parts.headers, &parts.uri) {
            Ok(Some(token)) => token,
            Ok(None) => match &self.without_token {
                WithoutToken::Refuse => {
                    return HeadProof::Refused(Rejection::Missing { detail: "This method needs a bearer token." });
                }
                WithoutToken::Anonymous => return HeadProof::Proved(Caller::Anonymous),
                WithoutToken::Own(own) => {
                    let verified = async { self.verifier.verify(own.bearer().await?).await };
                    return verified.await.map_or_else(HeadProof::Refused, HeadProof::Proved);
                }
            },
            Err(rejection) => return HeadProof::Refused(rejection),
        };
        let is_known = self.verifier.was_proved(&token);
        let asks_registry = self.verifier.asks_registry(&token);
        let mut proof = self.verifier.verify(token).boxed();
        let decided = match (asks_registry, is_known) {
            // Its proof is cached, or was until a moment ago.
            (true, true) => Some(proof.as_mut().await),
            (true, false) => None,
            (false, _) => proof.as_mut().now_or_never(),
        };
        match decided {
            Some(Ok(caller)) => HeadProof::Proved(caller),
            Some(Err(rejection)) => HeadProof::Refused(rejection),
            None => HeadProof::Unknown(
                async move {
                    let _question = self.questions.acquire().await;
                    proof.await
                }
                .boxed(),
            ),
        }
    }

    /// Whether this request needs no proved caller. A token that the request has in a wrong place is refused all the same.
    pub(super) fn is_open(&self, envelope: &Envelope) -> bool {
        !self.nothing_is_open && envelope.is_open()
    }

    /// The answer to a request whose caller is not proved.
    pub(super) fn refuse(&self, rejection: &Rejection, parts: &Parts, envelope: Option<&Envelope>) -> Refusal {
        // What was to prove the caller is named by its hash, as that of a proved one is.
        let presented = extract(&parts.headers, &parts.uri).ok().flatten().map(|token| token.fingerprint());
        audit::refused(envelope, rejection.code(), presented.as_ref().map(|name| name as &dyn Debug));
        let here = authority(&parts.headers, &parts.uri);
        let login = self.resource_server.as_ref().map(|server| server.challenge(here));
        refuse(rejection, login, envelope)
    }
}

/// Names the caller in the request's span, and takes the `Authorization` header out of the request.
pub(super) fn admitted(caller: &Caller, parts: &mut Parts) {
    tracing::Span::current().record("caller", tracing::field::debug(caller));
    parts.headers.remove(header::AUTHORIZATION);
}

fn refuse(rejection: &Rejection, login: Option<String>, envelope: Option<&Envelope>) -> Refusal {
    let message = rejection.to_string();
    let id = envelope.and_then(|envelope| envelope.id.as_deref());
    let mut response = problem(&Problem::new(rejection.code(), &message), id);
    let challenge = rejection.challenge().map(|challenge| [Some(challenge), login].into_iter().flatten().collect());
    let challenge = challenge.and_then(|parts: Vec<_>| HeaderValue::from_str(&parts.join(", ")).ok());
    if let Some(challenge) = challenge {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response.into()
}
