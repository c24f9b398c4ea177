//! The MCP endpoint: one request from its head to its response. The files, in the order in which they run:
//!
//! | step | file |
//! |---|---|
//! | Host and Origin | `host_origin`, `allow_list` |
//! | the caller, proved from the head | `authenticate` |
//! | the body, within memory and rates | `body` |
//! | JSON-RPC, protocol version, routing headers | `jsonrpc` |
//! | the tools that the request may list and call | `tool_filter` |
//! | limits of rate and concurrency | `limits` |
//! | the method, progress, cancellation | `dispatch` |
//! | the response | `response` |
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
mod record;
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
use self::dispatch::Permits;
pub use self::host_origin::{HostPolicy, authority};
use self::jsonrpc::Parsed;
pub use self::limits::Limits;
pub use self::rate::{Rate, RateLimit};
use self::response::Refusal;
use crate::identity::{Caller, Rejection};
use crate::mcp::CallContext;
use crate::memory::{CallReservation, MemoryBudget};
use crate::telemetry::RequestRecord;
use crate::tools::ToolFilter;

/// Time for the verification of a token before the body is read; discovery methods need no proved caller.
const PROOF_TIMEOUT: Duration = Duration::from_secs(2);

/// The components that a request passes.
pub struct Endpoint {
    pub host_policy: HostPolicy,
    pub authenticator: Authenticator,
    pub reader: RequestReader,
    /// The operator's filter, which a request may narrow.
    pub tool_filter: ToolFilter,
    pub limits: Limits,
    pub memory: MemoryBudget,
    pub dispatcher: Dispatcher,
}

/// Handles a request to the endpoint.
pub async fn answer(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Response {
    endpoint.answer(request).await.unwrap_or_else(Refusal::into_response)
}

impl Endpoint {
    /// Verifies the token of the request, then reads the body within the bounds for proved or for unproved callers.
    async fn answer(&self, request: Request) -> Result<Response, Refusal> {
        self.host_policy.check(&request)?;
        body::check_head(&request)?;
        let (parts, body) = request.into_parts();
        self.reader.check_announced(&body)?;
        let (proof, is_pending) = match self.authenticator.prove(&parts).await {
            HeadProof::Proved(caller) => {
                record::token(&parts, None);
                return self.proved(parts, body, caller).await;
            }
            HeadProof::Refused(rejection) => {
                record::token(&parts, Some(&rejection));
                (std::future::ready(Err(rejection)).boxed(), false)
            }
            HeadProof::Unknown(proof) => (proof, true),
        };
        let permit = self.limits.acquire_unproved(is_pending)?;
        let proof = proof.shared();
        let mut decided = timeout(PROOF_TIMEOUT, proof.clone()).await.ok();
        let is_large = body.size_hint().lower() > MAX_UNPROVED_BODY as u64;
        if is_large && decided.is_none() {
            decided = Some(proof.clone().await);
        }
        if let Some(decided) = &decided {
            record::token(&parts, decided.as_ref().err());
        }
        match decided {
            Some(Ok(caller)) => {
                drop(permit);
                return self.proved(parts, body, caller).await;
            }
            // A large body without a token is refused for its size, with a refused token for the token.
            Some(Err(rejection)) if is_large && !matches!(rejection, Rejection::Missing { .. }) => {
                return Err(self.authenticator.refuse(&rejection, &parts, None).closing());
            }
            _ => {}
        }
        let (bytes, reservation) = self.reader.read(body, false).await?;
        let parsed = Parsed::read(parts, &bytes, reservation)?;
        // A token in the wrong place is refused for every method.
        let is_malformed = matches!(proof.peek(), Some(Err(Rejection::Malformed { .. })));
        if self.authenticator.is_open(&parsed.request) && !is_malformed {
            let notice = authenticate::token_notice(proof.peek());
            return self
                .call(
                    parsed,
                    Caller::Anonymous,
                    notice,
                    self.memory.unauthenticated_call(),
                    Arc::new(permit),
                )
                .await;
        }
        let decided = proof.await;
        record::token(&parsed.parts, decided.as_ref().err());
        match decided {
            Ok(caller) => {
                drop(permit);
                let caller_permit = self.limits.acquire_for(&caller)?;
                self.admit(parsed, caller, caller_permit).await
            }
            Err(rejection) => Err(self
                .authenticator
                .refuse(&rejection, &parsed.parts, Some(&parsed.request))),
        }
    }

    /// Reads the body of a proved caller.
    async fn proved(&self, parts: Parts, body: Body, caller: Caller) -> Result<Response, Refusal> {
        let caller_permit = self.limits.acquire_for(&caller)?;
        let (bytes, reservation) = self.reader.read(body, true).await?;
        let parsed = Parsed::read(parts, &bytes, reservation)?;
        // Discovery is the same for every caller.
        let caller = if self.authenticator.is_open(&parsed.request) {
            Caller::Anonymous
        } else {
            caller
        };
        self.admit(parsed, caller, caller_permit).await
    }

    /// Applies the limits to the request of a proved caller.
    async fn admit(
        &self,
        parsed: Parsed,
        caller: Caller,
        caller_permit: limits::CallerPermit,
    ) -> Result<Response, Refusal> {
        // After the body, so that a body which arrives slowly holds no permit of the server's limit.
        let permit = self.limits.acquire(&parsed.request)?;
        tracing::Span::current().record("caller", tracing::field::debug(&caller));
        self.limits.check_rate(&caller, &parsed.request)?;
        let memory = self.memory.call(caller.principal());
        self.call(parsed, caller, None, memory, Arc::new((permit, caller_permit)))
            .await
    }

    /// Runs the method. The permits are held until the response is sent.
    async fn call(
        &self,
        parsed: Parsed,
        caller: Caller,
        token_notice: Option<String>,
        memory: CallReservation,
        permits: Permits,
    ) -> Result<Response, Refusal> {
        let Parsed {
            mut parts,
            request,
            version,
            shape,
            reservation,
        } = parsed;
        parts.headers.remove(header::AUTHORIZATION);
        let tool_filter = tool_filter::narrowed(self.tool_filter, &parts.headers, request.id())?;
        body::reserve_decoded(&memory, shape, reservation, &caller, &request).await?;
        let context = CallContext {
            caller,
            tool_filter,
            memory: memory.clone(),
            version,
            headers: parts.headers,
            token_notice,
            cancelled: CancellationToken::new(),
            notifications: None,
            record: parts.extensions.remove::<Arc<RequestRecord>>(),
        };
        let answer = self.dispatcher.dispatch(request, context).await;
        Ok(response::keep_until_sent(answer, memory, permits))
    }
}
