//! The MCP endpoint: one request from its head to its answer. The files, in the order in which they run:
//!
//! | step | file |
//! |---|---|
//! | Host and Origin | `host_origin`, `allow_list` |
//! | the caller, proved from the head | `authenticate` |
//! | the body, within memory and rates | `body` |
//! | JSON-RPC, protocol version, routing headers | `jsonrpc` |
//! | the tools that the request may use | `tool_filter` |
//! | limits of rate and concurrency | `limits` |
//! | the method; progress; a client that leaves | `dispatch` |
//! | the answer | `response` |
//!
//! Owns the order, the bounds and the HTTP side of a request. Does not own identity (it asks the verifier), the protocol
//! ([`crate::mcp`]) or sockets ([`crate::server`]).
//!
//! Invariants: the caller is proved before memory is taken for the body; a request that reaches its method has a
//! [`CallContext`] with its caller and no `Authorization` header; every error is written by `response`.

mod allow_list;
mod audit;
mod authenticate;
mod body;
mod config;
mod dispatch;
mod host_origin;
mod jsonrpc;
mod limits;
mod rate;
pub(crate) mod response;
mod tool_filter;

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::Response;
use futures::FutureExt as _;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

pub use self::allow_list::{AllowedHosts, AllowedOrigins};
use self::authenticate::HeadProof;
pub use self::authenticate::{Authenticator, ResourceServer};
use self::body::MAX_UNPROVED_BODY;
pub use self::body::RequestReader;
pub use self::config::{LimitsConfig, RequireAuth, ResourceServerConfig};
pub use self::dispatch::Dispatcher;
use self::dispatch::Places;
pub use self::host_origin::{HostPolicy, authority};
use self::jsonrpc::Parsed;
pub use self::limits::Limits;
pub use self::rate::{Rate, RateLimit};
use self::response::Refusal;
use crate::identity::{Caller, Rejection};
use crate::mcp::CallContext;
use crate::memory::{CallMemory, Memory};
use crate::tools::Offer;

/// Longest wait for the proof of a caller before the body is read, which may turn out to need none.
const PROOF_FIRST: Duration = Duration::from_secs(2);

/// The steps of a request.
pub struct Endpoint {
    /// Names and origins that are served.
    pub host_policy: HostPolicy,
    /// Proof of callers.
    pub authenticator: Authenticator,
    /// Bounds of bodies.
    pub reader: RequestReader,
    /// What the operator offers; a request may narrow it.
    pub tool_filter: Offer,
    /// Limits of rate and concurrency.
    pub limits: Limits,
    /// Memory for what calls hold.
    pub memory: Memory,
    /// The methods.
    pub dispatcher: Dispatcher,
}

/// Answers a request.
pub async fn answer(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Response {
    endpoint.answer(request).await.unwrap_or_else(Refusal::into_response)
}

impl Endpoint {
    /// Proves the caller from the head of the request, then reads its body within the bounds of a user or of a stranger.
    async fn answer(&self, request: Request) -> Result<Response, Refusal> {
        self.host_policy.check(&request)?;
        body::check_head(&request)?;
        let (parts, body) = request.into_parts();
        self.reader.check_announced(&body)?;
        let (proof, is_pending) = match self.authenticator.prove(&parts).await {
            HeadProof::Proved(caller) => return self.proved(parts, body, caller).await,
            HeadProof::Refused(rejection) => (std::future::ready(Err(rejection)).boxed(), false),
            HeadProof::Unknown(proof) => (proof, true),
        };
        let place = self.limits.unproved(is_pending)?;
        let proof = proof.shared();
        let mut decided = timeout(PROOF_FIRST, proof.clone()).await.ok();
        let is_large = body.size_hint().lower() > MAX_UNPROVED_BODY as u64;
        if is_large && decided.is_none() {
            decided = Some(proof.clone().await);
        }
        match decided {
            Some(Ok(caller)) => {
                drop(place);
                return self.proved(parts, body, caller).await;
            }
            // Without a token the body is what is wrong, with one that was refused the token.
            Some(Err(rejection)) if is_large && !matches!(rejection, Rejection::Missing { .. }) => {
                return Err(self.authenticator.refuse(&rejection, &parts, None));
            }
            _ => {}
        }
        let (bytes, share) = self.reader.read(body, false).await?;
        let parsed = Parsed::read(parts, &bytes, share)?;
        // A token in a wrong place is refused whatever the method.
        let is_malformed = matches!(proof.peek(), Some(Err(Rejection::Malformed { .. })));
        if self.authenticator.is_open(&parsed.request) && !is_malformed {
            let notice = authenticate::token_notice(proof.peek());
            return self
                .call(
                    parsed,
                    Caller::Anonymous,
                    notice,
                    self.memory.unproved_call(),
                    Arc::new(place),
                )
                .await;
        }
        match proof.await {
            Ok(caller) => {
                drop(place);
                let own_place = self.limits.share(&caller)?;
                self.admit(parsed, caller, own_place).await
            }
            Err(rejection) => Err(self
                .authenticator
                .refuse(&rejection, &parsed.parts, Some(&parsed.request))),
        }
    }

    /// Reads the body of a proved caller.
    async fn proved(&self, parts: Parts, body: Body, caller: Caller) -> Result<Response, Refusal> {
        let own_place = self.limits.share(&caller)?;
        let (bytes, share) = self.reader.read(body, true).await?;
        let parsed = Parsed::read(parts, &bytes, share)?;
        // Discovery is the same for all.
        let caller = if self.authenticator.is_open(&parsed.request) {
            Caller::Anonymous
        } else {
            caller
        };
        self.admit(parsed, caller, own_place).await
    }

    /// Gives the request of a proved caller a place among all.
    async fn admit(&self, parsed: Parsed, caller: Caller, own_place: limits::Place) -> Result<Response, Refusal> {
        // After the body: one that arrives slowly must not take a place from requests that are being answered.
        let place = self.limits.in_all(&parsed.request)?;
        tracing::Span::current().record("caller", tracing::field::debug(&caller));
        self.limits.quota(&caller, &parsed.request)?;
        let memory = self.memory.call(caller.person());
        self.call(parsed, caller, None, memory, Arc::new((place, own_place)))
            .await
    }

    /// Runs the method. `places` are kept until the answer was taken.
    async fn call(
        &self,
        parsed: Parsed,
        caller: Caller,
        token_notice: Option<String>,
        memory: CallMemory,
        places: Places,
    ) -> Result<Response, Refusal> {
        let Parsed {
            mut parts,
            request,
            version,
            shape,
            share,
        } = parsed;
        parts.headers.remove(header::AUTHORIZATION);
        let tool_filter = tool_filter::narrowed(self.tool_filter, &parts.headers, request.id())?;
        body::reserve_decoded(&memory, shape, share, &caller, &request).await?;
        let context = CallContext {
            caller,
            tool_filter,
            memory: memory.clone(),
            version,
            headers: parts.headers,
            token_notice,
            cancelled: CancellationToken::new(),
            notifications: None,
        };
        let answer = self.dispatcher.dispatch(request, context).await;
        Ok(response::keep_until_sent(answer, memory, places))
    }
}
