//! Who may call what: the caller into the request, the token out of it.

use std::fmt::Debug;
use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};

use super::ResourceServer;
use super::audit;
use super::envelope::Envelope;
use super::gate::authority;
use super::reply::{FORBIDDEN, INVALID_REQUEST, Problem, Refusal, UNAUTHORIZED, UNAVAILABLE, problem};
use crate::identity::{Caller, Rejection, Verifier, WithoutToken, extract};

/// Who proves callers, and what those are who bring nothing to prove.
pub(super) struct Door {
    pub verifier: Arc<Verifier>,
    pub without_token: WithoutToken,
    /// Whether discovery needs a token too.
    pub nothing_is_open: bool,
    /// Where clients log in.
    pub resource_server: Option<Arc<ResourceServer>>,
}

impl Door {
    /// Proves the caller, unless the method needs none; then takes the `Authorization` header out of the request.
    pub(super) async fn authenticate(&self, parts: &mut Parts, envelope: &Envelope) -> Result<Caller, Refusal> {
        let caller = match extract(&parts.headers, &parts.uri) {
            Err(rejection @ Rejection::Malformed { .. }) => Err(rejection),
            // Discovery is for everybody: a stale token must not stand between a client and its login.
            _ if !self.nothing_is_open && envelope.is_open() => Ok(Caller::Anonymous),
            Err(rejection) => Err(rejection),
            Ok(Some(token)) => self.verifier.verify(token).await,
            Ok(None) => match &self.without_token {
                WithoutToken::Refuse => Err(Rejection::Missing { detail: "This method needs a bearer token." }),
                WithoutToken::Anonymous => Ok(Caller::Anonymous),
                WithoutToken::Own(own) => match own.bearer().await {
                    Ok(token) => self.verifier.verify(token).await,
                    Err(rejection) => Err(rejection),
                },
            },
        };
        match caller {
            Ok(caller) => {
                tracing::Span::current().record("caller", tracing::field::debug(&caller));
                parts.headers.remove(header::AUTHORIZATION);
                Ok(caller)
            }
            Err(rejection) => {
                // What was to prove the caller is named by its hash, as that of a proved one is.
                let presented = extract(&parts.headers, &parts.uri).ok().flatten().map(|token| token.fingerprint());
                audit::refused(
                    Some(envelope),
                    rejection.code().as_str(),
                    presented.as_ref().map(|name| name as &dyn Debug),
                );
                let here = authority(&parts.headers, &parts.uri);
                let login = self.resource_server.as_ref().map(|server| server.challenge(here));
                Err(refuse(&rejection, login, envelope))
            }
        }
    }
}

fn refuse(rejection: &Rejection, login: Option<String>, envelope: &Envelope) -> Refusal {
    let status = rejection.status();
    let code = match status {
        StatusCode::UNAUTHORIZED => UNAUTHORIZED,
        StatusCode::FORBIDDEN => FORBIDDEN,
        StatusCode::SERVICE_UNAVAILABLE => UNAVAILABLE,
        _ => INVALID_REQUEST,
    };
    let what = Problem { code, message: &rejection.to_string(), error_code: rejection.code().as_str() };
    let mut response = problem(status, &what, envelope.id.as_deref());
    let challenge = rejection.challenge().map(|challenge| [Some(challenge), login].into_iter().flatten().collect());
    let challenge = challenge.and_then(|parts: Vec<_>| HeaderValue::from_str(&parts.join(", ")).ok());
    if let Some(challenge) = challenge {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response.into()
}
