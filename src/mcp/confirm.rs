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
use crate::identity::{Caller, Person};
use crate::json::is_verbatim;
use crate::tools::{Question, Target, ToolError, Word};

/// Validity of a state, in seconds.
const VALIDITY_SECONDS: i64 = 10 * 60;
/// Tolerated clock skew between two copies of the server, in seconds.
const MAX_SKEW_SECONDS: i64 = 60;
/// The key of the confirmation among the input requests of a call, and the name of its form field.
const CONFIRM: &str = "confirm";
/// Domain separation: states that are sealed for another purpose do not open here.
const PURPOSE: &[u8] = b"quilt-mcp confirmation 1";

/// Seals the state that a client keeps between the two calls.
pub struct StateSeal {
    codec: RequestStateCodec,
    clock: Clock,
}

/// The caller and the call to which a state is bound.
pub(super) struct Binding(Target);

impl StateSeal {
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
    pub(super) fn word(
        &self,
        request: &ToolCall,
        capabilities: Option<&Capabilities>,
        context: &CallContext,
    ) -> Result<(Word, Option<Binding>), RpcError> {
        if !can_ask(context.version, capabilities) {
            return Ok((Word::CannotAsk, None));
        }
        let binding = Binding::of(request, &context.caller);
        let word = self.said(request, &binding).map_err(RpcError::from_tool)?;
        Ok((word, Some(binding)))
    }

    fn said(&self, request: &ToolCall, binding: &Binding) -> Result<Word, ToolError> {
        // An answer without its state answers no request.
        let Some(state) = &request.request_state else {
            return Ok(Word::NotAsked);
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
            return Ok(Word::NotAsked);
        };
        let action = answer
            .get("action")
            .and_then(|action| ElicitationAction::deserialize(action).ok());
        let action = action.ok_or_else(|| {
            let message = "The answer to the question has no valid action: expected accept, decline or cancel.";
            ToolError::invalid(message)
        })?;
        Ok(match action {
            ElicitationAction::Accept if is_ticked(answer) => Word::Yes(target),
            ElicitationAction::Cancel => no(refusal(
                "The user closed the question without an answer; nothing was done.",
            )),
            _ => no(refusal("The user was asked and did not agree; nothing was done.")),
        })
    }

    /// Builds the request for the client and the state that it returns with the answer.
    pub(super) fn ask(&self, question: &Question, binding: &Binding, version: Version) -> InputRequiredResult {
        let field = BooleanSchema::new().title(question.yes).with_default(false);
        let fields = BTreeMap::from([(CONFIRM.to_owned(), PrimitiveSchemaDefinition::Boolean(field))]);
        let form = ElicitRequestParams::FormElicitationParams {
            meta: None,
            message: question.message.clone(),
            requested_schema: ElicitationSchema::new(fields).with_required(vec![CONFIRM.to_owned()]),
        };
        let request = InputRequest::Elicitation(ElicitRequest::new(form));
        let requests = BTreeMap::from([(CONFIRM.to_owned(), request)]);
        let mut result = InputRequiredResult::new(Some(requests), Some(self.seal(question.about, binding)));
        result.meta = server_meta(version).cloned();
        result
    }

    fn seal(&self, target: Target, binding: &Binding) -> String {
        let ends = self.clock.now().as_second().saturating_add(VALIDITY_SECONDS);
        let payload = [&ends.to_be_bytes()[..], target.bytes()].concat();
        // The codec's own expiry uses the system clock.
        self.codec
            .seal_with(&payload, &SealOptions::new().associated_data(binding.0.bytes()))
    }

    fn open(&self, state: &str, binding: &Binding) -> Option<(i64, Target)> {
        let payload = self.codec.open_with(state, binding.0.bytes()).ok()?;
        let (ends, target) = payload.split_first_chunk()?;
        Some((i64::from_be_bytes(*ends), Target::named(target.try_into().ok()?)))
    }
}

impl Binding {
    /// Binds to the caller and the arguments. The order of members in objects does not matter.
    fn of(request: &ToolCall, caller: &Caller) -> Self {
        let mut arguments = Value::Object(request.arguments.clone());
        sort_metadata(&mut arguments);
        arguments.sort_all_objects();
        let (kind, who) = who(caller);
        Self(Target::of([
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
    match caller.person() {
        Person::Anonymous => (b"anonymous", Vec::new()),
        Person::Subject(subject) => (b"subject", subject.into_bytes()),
        Person::Token(fingerprint) => (b"token", fingerprint.bytes().to_vec()),
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

fn no(error: ToolError) -> Word {
    Word::No(Box::new(error))
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
