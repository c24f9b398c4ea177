//! What happens to a request for the MCP endpoint, from its head to its answer, on one screen.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;

use super::auth::Door;
use super::edge::{self, Entered, Intake};
use super::gate::Gate;
use super::limits::{Limits, until_handed_over};
use super::reply::Refusal;
use super::{payload, tighten};
use crate::mcp::{Answered, McpService, Standing};
use crate::memory::Memory;
use crate::tools::Offer;

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
    async fn answer(&self, request: Request) -> Result<Response, Refusal> {
        self.gate.check(&request)?;
        let Entered { mut parts, mut envelope, body, brought, is_served } = self.intake.enter(request).await?;
        let offer = tighten::read(self.offer, &parts.headers, &envelope)?;
        // Behind the intake: who sends a body slowly must not take a place from those who are being served.
        let place = self.limits.in_all(&envelope)?;
        let caller = self.door.authenticate(&mut parts, &envelope).await?;
        let own_place = self.limits.by_caller(&caller, &envelope)?;
        // Behind the door: who is nobody gets no more memory than his body needed.
        let memory = payload::admit(&self.memory, &caller, brought, &envelope).await?;

        let standing = Standing { caller, offer, memory: memory.clone() };
        let answer = match self.mcp.answer(parts, body, envelope.take_call(), standing).await {
            Answered::Here(answer) => answer,
            Answered::ByRmcp(answer) => edge::as_json_rpc(answer, envelope.id.as_deref(), is_served).await,
            Answered::Ended => edge::ended(envelope.id.as_deref()),
        };
        Ok(until_handed_over(payload::tie(answer, memory), (place, own_place)))
    }
}
