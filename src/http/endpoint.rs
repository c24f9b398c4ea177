//! What happens to a request for the MCP endpoint, from its head to its answer, on one screen.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::response::Response;
use futures::FutureExt as _;
use tokio::time::timeout;

use super::auth::{Door, HeadProof, admitted};
use super::edge::{self, Entered, Intake, MAX_UNPROVED_BODY};
use super::gate::Gate;
use super::limits::{Limits, Place};
use super::reply::{Refusal, problem};
use super::{payload, tighten};
use crate::identity::{Caller, Rejection};
use crate::mcp::{Answered, Arguments, McpService, Standing};
use crate::memory::{CallMemory, Memory};
use crate::tools::Offer;

/// Longest wait for the proof of a caller before the body is read, which may turn out to need none.
const PROOF_FIRST: Duration = Duration::from_secs(2);

/// Everybody who has a say.
pub(super) struct Endpoint {
    pub gate: Gate,
    pub intake: Intake,
    pub offer: Offer,
    pub limits: Limits,
    pub door: Door,
    pub memory: Memory,
    pub mcp: McpService,
}

/// Answers a request, or says why not.
pub(super) async fn answer(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Response {
    endpoint.answer(request).await.unwrap_or_else(Refusal::into_response)
}

impl Endpoint {
    /// Proves the caller from the head of the request, then reads its body within the bounds of a user or of a stranger.
    async fn answer(&self, request: Request) -> Result<Response, Refusal> {
        self.gate.check(&request)?;
        edge::check_head(&request)?;
        let (parts, body) = request.into_parts();
        self.intake.check_announced(&body)?;
        let (proof, is_pending) = match self.door.prove(&parts).await {
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
                return Err(self.door.refuse(&rejection, &parts, None));
            }
            _ => {}
        }
        let entered = self.intake.enter(parts, body, false).await?;
        // A token in a wrong place is refused whatever the method.
        let is_malformed = matches!(proof.peek(), Some(Err(Rejection::Malformed { .. })));
        if self.door.is_open(&entered.envelope) && !is_malformed {
            return self.call(entered, Caller::Anonymous, self.memory.unproved_call(), place).await;
        }
        match proof.await {
            Ok(caller) => {
                drop(place);
                let own_place = self.limits.share(&caller)?;
                self.admit(entered, caller, own_place).await
            }
            Err(rejection) => Err(self.door.refuse(&rejection, &entered.parts, Some(&entered.envelope))),
        }
    }

    /// Reads the body of a proved caller.
    async fn proved(&self, parts: Parts, body: Body, caller: Caller) -> Result<Response, Refusal> {
        let own_place = self.limits.share(&caller)?;
        let entered = self.intake.enter(parts, body, true).await?;
        // Discovery is the same for all.
        let caller = if self.door.is_open(&entered.envelope) { Caller::Anonymous } else { caller };
        self.admit(entered, caller, own_place).await
    }

    /// Gives a proved caller's request a place among all.
    async fn admit(&self, mut entered: Entered, caller: Caller, own_place: Place) -> Result<Response, Refusal> {
        // Behind the intake: a body that arrives slowly must not take a place from requests that are being answered.
        let place = self.limits.in_all(&entered.envelope)?;
        admitted(&caller, &mut entered.parts);
        self.limits.quota(&caller, &entered.envelope)?;
        let memory = self.memory.call(caller.person());
        self.call(entered, caller, memory, (place, own_place)).await
    }

    /// Decodes the request and has it answered. `places` are kept until the answer was taken.
    async fn call(
        &self,
        entered: Entered,
        caller: Caller,
        memory: CallMemory,
        places: impl Send + Sync + 'static,
    ) -> Result<Response, Refusal> {
        let Entered { parts, mut envelope, body, share, is_served } = entered;
        let offer = tighten::read(self.offer, &parts.headers, &envelope)?;
        payload::admit(&memory, share, &caller, &envelope).await?;
        let (body, call) = envelope.take_call(body).map_err(|what| problem(&what, envelope.id.as_deref()))?;
        let standing = Standing { caller, offer, memory: memory.clone(), arguments: Arguments::default() };
        let answer = match self.mcp.answer(parts, body, call, standing).await {
            Answered::Here(answer) => answer,
            Answered::ByRmcp(answer) => edge::as_json_rpc(answer, envelope.id.as_deref(), is_served).await,
            Answered::Ended => edge::ended(envelope.id.as_deref()),
        };
        Ok(payload::tie(answer, memory, places))
    }
}
