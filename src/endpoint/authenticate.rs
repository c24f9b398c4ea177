//! Authentication of the caller from the head of a request, before memory is reserved for its body.

use std::fmt::Debug;
use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::Semaphore;

use super::audit;
use super::host_origin::authority;
use super::response::{self, Refusal};
use crate::error_code::ErrorCode;
use crate::identity::{Caller, Rejection, TokenlessPolicy, Verifier, extract};
use crate::mcp::Request;
use crate::setting::BaseUrl;

/// Limit of concurrent registry requests about tokens that were never proved.
const MAX_PENDING_PROOFS: usize = 16;

/// Proves callers.
pub struct Authenticator {
    verifier: Arc<Verifier>,
    without_token: TokenlessPolicy,
    /// Whether discovery needs a token too.
    requires_all: bool,
    /// Permits for registry requests about tokens that were never proved.
    pending_proofs: Semaphore,
    resource_server: Option<Arc<ResourceServer>>,
}

/// This server as an OAuth client sees it (RFC 9728).
#[derive(Debug, Clone)]
pub struct ResourceServer {
    /// The external URL; without one, the Host that a request was sent to.
    pub public_url: Option<BaseUrl>,
    /// Issuers at which clients log in.
    pub authorization_servers: Vec<String>,
    /// Scopes that clients ask for there.
    pub scopes: Vec<String>,
    /// Hosts that are served.
    pub hosts: super::AllowedHosts,
}

impl ResourceServer {
    /// Path of the metadata document of a resource at the root of its host.
    pub const METADATA_PATH: &'static str = "/.well-known/oauth-protected-resource";

    /// The parameters of a challenge that say where to log in.
    fn challenge(&self, request_authority: &str) -> String {
        let base = self.base(request_authority);
        let (origin, path) = base.split_at(base.len() - self.path().len());
        let metadata = format!(r#"resource_metadata="{origin}{}{path}/mcp""#, Self::METADATA_PATH);
        if self.scopes.is_empty() {
            return metadata;
        }
        format!(r#"{metadata}, scope="{}""#, self.scopes.join(" "))
    }

    /// The path of the public URL, without a slash at its end.
    #[must_use]
    pub fn path(&self) -> String {
        self.public_url.as_ref().map(BaseUrl::path).unwrap_or_default()
    }

    /// The URL that clients know, without a slash at its end.
    #[must_use]
    pub fn base(&self, request_authority: &str) -> String {
        if let Some(url) = &self.public_url {
            return url.to_string();
        }
        let is_here = format!("http://{request_authority}")
            .parse()
            .is_ok_and(|url: BaseUrl| url.is_loopback());
        let scheme = if is_here { "http" } else { "https" };
        format!("{scheme}://{request_authority}")
    }
}

/// The caller, as far as the head of a request proves one.
pub(super) enum HeadProof<'a> {
    /// Proved locally, or by a cached answer; or the server has a caller for requests without a token.
    Proved(Caller),
    /// Not proved.
    Refused(Rejection),
    /// Not decided yet: the registry, or the identity provider for its keys, has to be asked.
    Unknown(BoxFuture<'a, Result<Caller, Rejection>>),
}

impl Authenticator {
    /// Proves tokens with `verifier`. `requires_all`: whether discovery needs a token too.
    #[must_use]
    pub fn new(
        verifier: Arc<Verifier>,
        without_token: TokenlessPolicy,
        requires_all: bool,
        resource_server: Option<Arc<ResourceServer>>,
    ) -> Self {
        let pending_proofs = Semaphore::new(MAX_PENDING_PROOFS);
        Self {
            verifier,
            without_token,
            requires_all,
            pending_proofs,
            resource_server,
        }
    }

    /// Proves the caller, unless that takes a request to the registry for a token that was never proved: the proof of such a
    /// token is returned as a future, for which the caller acquires a permit for unproved requests first.
    pub(super) async fn prove(&self, parts: &Parts) -> HeadProof<'_> {
        let token = match extract(&parts.headers, &parts.uri) {
            Ok(Some(token)) => token,
            Ok(None) => match &self.without_token {
                TokenlessPolicy::Reject => {
                    return HeadProof::Refused(Rejection::Missing {
                        detail: "This method needs a bearer token.",
                    });
                }
                TokenlessPolicy::Anonymous => return HeadProof::Proved(Caller::Anonymous),
                TokenlessPolicy::ServerToken(own) => {
                    let verified = async { self.verifier.verify(own.bearer().await?).await };
                    return verified.await.map_or_else(HeadProof::Refused, HeadProof::Proved);
                }
            },
            Err(rejection) => return HeadProof::Refused(rejection),
        };
        let is_known = self.verifier.verified_recently(&token);
        let asks_registry = self.verifier.needs_registry(&token);
        let mut proof = self.verifier.verify(token).boxed();
        let decided = match (asks_registry, is_known) {
            // The proof is cached, or was until recently.
            (true, true) => Some(proof.as_mut().await),
            (true, false) => None,
            (false, _) => proof.as_mut().now_or_never(),
        };
        match decided {
            Some(Ok(caller)) => HeadProof::Proved(caller),
            Some(Err(rejection)) => HeadProof::Refused(rejection),
            None => HeadProof::Unknown(
                async move {
                    let _permit = self.pending_proofs.acquire().await;
                    proof.await
                }
                .boxed(),
            ),
        }
    }

    /// Whether this request needs no proved caller. A token that the request has in a wrong place is refused all the same.
    pub(super) fn is_open(&self, request: &Request) -> bool {
        !self.requires_all && request.needs_no_caller()
    }

    /// Refuses a request whose caller is not proved.
    pub(super) fn refuse(&self, rejection: &Rejection, parts: &Parts, request: Option<&Request>) -> Refusal {
        // The token is named by its hash, as that of a proved caller is.
        let presented = extract(&parts.headers, &parts.uri)
            .ok()
            .flatten()
            .map(|token| token.fingerprint());
        audit::refused(
            request,
            rejection.code(),
            presented.as_ref().map(|name| name as &dyn Debug),
        );
        let here = authority(&parts.headers, &parts.uri);
        let login = self.resource_server.as_ref().map(|server| server.challenge(here));
        refuse(rejection, login, request)
    }
}

/// The sentence for a client that is not told otherwise that its token is missing or not accepted, because the method needs
/// none. `decided`: what became of the proof.
pub(super) fn token_notice(decided: Option<&Result<Caller, Rejection>>) -> Option<String> {
    let state = match decided {
        Some(Ok(_)) => return None,
        Some(Err(Rejection::Missing { .. })) => {
            "This request has no bearer token. Discovery works without one; every call needs the header \
             `Authorization: Bearer <token>`."
                .to_owned()
        }
        Some(Err(rejection)) => format!("Calls will fail with the token of this request. {rejection}"),
        None => "Whether the token of this request is accepted is not decided yet.".to_owned(),
    };
    Some(state)
}

fn refuse(rejection: &Rejection, login: Option<String>, request: Option<&Request>) -> Refusal {
    let id = request.and_then(Request::id).map(AsRef::as_ref);
    let mut refusal = response::refuse(rejection.code(), rejection.to_string(), id);
    let challenge = rejection
        .challenge()
        .map(|challenge| [Some(challenge), login].into_iter().flatten().collect());
    let challenge = challenge.and_then(|parts: Vec<_>| HeaderValue::from_str(&parts.join(", ")).ok());
    if let Some(challenge) = challenge {
        refusal = refusal.with(header::WWW_AUTHENTICATE, challenge);
    }
    if rejection.code() == ErrorCode::VerifierUnavailable {
        refusal.retry_after(5)
    } else {
        refusal
    }
}
