//! Elicitation of confirmations (MCP 2026-07-28): the first call returns `input_required` with a form and a sealed state, and
//! the client repeats the call with the user's answer and the state.
//!
//! Owns the form, the seal and the validation of answers. Does not own the requests themselves: tools make those.
//!
//! Invariants: nothing is kept between the two calls, so any copy of the server with the key accepts the answer; a state is
//! valid for one caller, one call with its arguments, one subject and ten minutes; a state grants no rights.

use std::collections::BTreeMap;

use quilt_format::json;
use rmcp::model::{
    BooleanSchema, ElicitRequest, ElicitRequestParams, ElicitationAction, ElicitationSchema, InputRequest,
    InputRequiredResult, PrimitiveSchemaDefinition, RequestStateCodec, SealOptions,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize as _;
use serde_json::Value;

use super::discovery::server_meta;
use super::meta::Capabilities;
use super::request::ToolCall;
use super::{CallContext, RpcError, Version};
use crate::clock::Clock;
use crate::error_code::ErrorCode;
use crate::identity::{Caller, Principal};
use crate::json::is_verbatim;
use crate::tools::{Confirmation, ConfirmationRequest, Subject, ToolError};

/// Validity of a state, in seconds.
const VALIDITY_SECONDS: i64 = 10 * 60;
/// Tolerated clock skew between two copies of the server, in seconds.
const MAX_SKEW_SECONDS: i64 = 60;
/// The key of the confirmation among the input requests of a call, and the name of its form field.
const CONFIRM: &str = "confirm";
/// Domain separation: states that are sealed for another purpose do not open here.
const PURPOSE: &[u8] = b"quilt-mcp confirmation 1";

/// Seals the state that a client keeps between the two calls.
pub struct StateCodec {
    codec: RequestStateCodec,
    clock: Clock,
}

/// The caller and the call to which a state is bound.
pub(super) struct CallBinding(Subject);

impl StateCodec {
    /// Creates a codec with the operator's key, which every copy has, or with a random one.
    #[must_use]
    pub fn new(key: Option<&SecretString>, clock: Clock) -> Self {
        // The settings check its length.
        let codec = match key {
            Some(key) => RequestStateCodec::new_unchecked(key.expose_secret()),
            None => RequestStateCodec::new_unchecked(rand::random::<[u8; 32]>()),
        };
        Self { codec, clock }
    }

    /// Reads the user's answer to this call, and returns the binding for a new request if the client can show one. An invalid
    /// state or answer is a protocol error.
    pub(super) fn confirmation(
        &self,
        request: &ToolCall,
        capabilities: Option<&Capabilities>,
        context: &CallContext,
    ) -> Result<(Confirmation, Option<CallBinding>), RpcError> {
        if !can_ask(context.version, capabilities) {
            return Ok((Confirmation::Unsupported, None));
        }
        let binding = CallBinding::of(request, &context.caller);
        let confirmation = self.said(request, &binding).map_err(RpcError::from_tool)?;
        Ok((confirmation, Some(binding)))
    }

    fn said(&self, request: &ToolCall, binding: &CallBinding) -> Result<Confirmation, ToolError> {
        // An answer without its state answers no request.
        let Some(state) = &request.request_state else {
            return Ok(Confirmation::Unanswered);
        };
        let (ends, target) = self.open(state, binding).ok_or_else(foreign)?;
        let left = ends.saturating_sub(self.clock.now().as_second());
        // A state that expires later than possible was sealed by a clock that was ahead; its age is unknown.
        if !(0..=VALIDITY_SECONDS + MAX_SKEW_SECONDS).contains(&left) {
            let message = "The question was asked more than ten minutes ago; nothing was done.";
            let error = ToolError::new(ErrorCode::ConfirmationRequired, message);
            return Ok(no(
                error.with_hint("Repeat the call without requestState to be asked anew.")
            ));
        }
        let Some(answer) = request.input_responses.get(CONFIRM) else {
            return Ok(Confirmation::Unanswered);
        };
        let action = answer
            .get("action")
            .and_then(|action| ElicitationAction::deserialize(action).ok());
        let action = action.ok_or_else(|| {
            let message = "The answer to the question has no valid action: expected accept, decline or cancel.";
            ToolError::invalid(message)
        })?;
        Ok(match action {
            ElicitationAction::Accept if is_ticked(answer) => Confirmation::Accepted(target),
            ElicitationAction::Cancel => no(refusal(
                "The user closed the question without an answer; nothing was done.",
            )),
            _ => no(refusal("The user was asked and did not agree; nothing was done.")),
        })
    }

    /// Builds the request for the client and the state that it returns with the answer.
    pub(super) fn ask(
        &self,
        question: &ConfirmationRequest,
        binding: &CallBinding,
        version: Version,
    ) -> InputRequiredResult {
        let field = BooleanSchema::new().title(question.confirm_label).with_default(false);
        let fields = BTreeMap::from([(CONFIRM.to_owned(), PrimitiveSchemaDefinition::Boolean(field))]);
        let form = ElicitRequestParams::FormElicitationParams {
            meta: None,
            message: question.message.clone(),
            requested_schema: ElicitationSchema::new(fields).with_required(vec![CONFIRM.to_owned()]),
        };
        let request = InputRequest::Elicitation(ElicitRequest::new(form));
        let requests = BTreeMap::from([(CONFIRM.to_owned(), request)]);
        let mut result = InputRequiredResult::new(Some(requests), Some(self.seal(question.subject, binding)));
        result.meta = server_meta(version).cloned();
        result
    }

    fn seal(&self, target: Subject, binding: &CallBinding) -> String {
        let ends = self.clock.now().as_second().saturating_add(VALIDITY_SECONDS);
        let payload = [&ends.to_be_bytes()[..], target.as_bytes()].concat();
        // The codec's own expiry uses the system clock.
        self.codec
            .seal_with(&payload, &SealOptions::new().associated_data(binding.0.as_bytes()))
    }

    fn open(&self, state: &str, binding: &CallBinding) -> Option<(i64, Subject)> {
        let payload = self.codec.open_with(state, binding.0.as_bytes()).ok()?;
        let (ends, target) = payload.split_first_chunk()?;
        Some((i64::from_be_bytes(*ends), Subject::from_bytes(target.try_into().ok()?)))
    }
}

impl CallBinding {
    /// Binds to the caller and the arguments. The order of members in objects does not matter.
    fn of(request: &ToolCall, caller: &Caller) -> Self {
        let mut arguments = Value::Object(request.arguments.clone());
        sort_metadata(&mut arguments);
        arguments.sort_all_objects();
        let (kind, who) = who(caller);
        Self(Subject::of([
            PURPOSE,
            kind,
            &who,
            request.name.as_bytes(),
            arguments.to_string().as_bytes(),
        ]))
    }
}

/// Rewrites metadata, which is kept as JSON text, in canonical form.
fn sort_metadata(arguments: &mut Value) {
    match arguments {
        Value::Object(members) => members.iter_mut().for_each(|(name, value)| match value {
            Value::String(text) if is_verbatim(name) => {
                if let Ok(metadata) = json::parse(text) {
                    *text = metadata.canonical();
                }
            }
            value => sort_metadata(value),
        }),
        Value::Array(items) => items.iter_mut().for_each(sort_metadata),
        _ => {}
    }
}

/// The identity of the caller. The token is used only if it has no subject: a web page may send a new token with each request.
fn who(caller: &Caller) -> (&'static [u8], Vec<u8>) {
    match caller.principal() {
        Principal::Anonymous => (b"anonymous", Vec::new()),
        Principal::Subject(subject) => (b"subject", subject.into_bytes()),
        Principal::Token(fingerprint) => (b"token", fingerprint.bytes().to_vec()),
    }
}

/// Whether the client declares that it can show a form.
fn can_ask(version: Version, capabilities: Option<&Capabilities>) -> bool {
    let elicitation = capabilities.and_then(|capabilities| capabilities.elicitation.as_ref());
    // An empty capability means forms.
    version.is_self_describing() && elicitation.is_some_and(|modes| modes.form.is_some() || modes.url.is_none())
}

fn is_ticked(answer: &Value) -> bool {
    answer.get("content").and_then(|content| content.get(CONFIRM)) == Some(&Value::Bool(true))
}

fn no(error: ToolError) -> Confirmation {
    Confirmation::Declined(Box::new(error))
}

fn refusal(message: &str) -> ToolError {
    ToolError::new(ErrorCode::ConfirmationRequired, message).with_hint("Ask the user what they want instead.")
}

fn foreign() -> ToolError {
    let message = "The requestState does not belong to this caller and this call.";
    ToolError::invalid(message).with_hint(
        "Repeat the call without requestState to be asked anew. If it happens every time, the copies of this server have \
         different keys (QUILT_MCP_STATE_KEY).",
    )
}
