//! A tool's question to the person behind the client, as MCP 2026-07-28 has it: the call is answered `input_required` with
//! a form, and the client repeats it with what was said and with the sealed state that it was given.
//!
//! Owns the form, the seal and what an answer must be. Owns no question: tools have those.
//!
//! Invariants: nothing is kept between the two calls, so that any copy of the server that has the key can take the answer;
//! a state is good for one caller, one call with its arguments, one target and ten minutes; whatever it is presented with,
//! it gives no rights.

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

/// For how long a question can be answered.
const GOOD_FOR_SECONDS: i64 = 10 * 60;
/// How far the clocks of two copies of the server may be apart.
const SKEW_SECONDS: i64 = 60;
/// The request for the person's word among a call's requests, and the field of its form.
const CONFIRM: &str = "confirm";
/// What the seal is for, so that nothing else that is sealed with the key can be taken for it.
const PURPOSE: &[u8] = b"quilt-mcp confirmation 1";

/// Seals what a client keeps between a question and its answer.
pub struct StateSeal {
    codec: RequestStateCodec,
    clock: Clock,
}

/// Who made which call: what a state is bound to.
pub(super) struct Binding(Target);

impl StateSeal {
    /// A seal with the operator's key, which is the same on every copy, or with one of its own.
    #[must_use]
    pub fn new(key: Option<&SecretString>, clock: Clock) -> Self {
        // Its length was checked with the settings.
        let codec = match key {
            Some(key) => RequestStateCodec::new_unchecked(key.expose_secret()),
            None => RequestStateCodec::new_unchecked(rand::random::<[u8; 32]>()),
        };
        Self { codec, clock }
    }

    /// What the person has said about this call; and what a new question would be bound to, if one can be asked. A state
    /// or an answer that cannot be one is an error of the protocol.
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
        // An answer without its state is an answer to nothing.
        let Some(state) = &request.request_state else {
            return Ok(Word::NotAsked);
        };
        let (ends, target) = self.open(state, binding).ok_or_else(foreign)?;
        let left = ends.saturating_sub(self.clock.now().as_second());
        // Of a state that ends later than any could, the clock was ahead when it was made, and its age is unknown.
        if !(0..=GOOD_FOR_SECONDS + SKEW_SECONDS).contains(&left) {
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

    /// The question for the client, and the state that it is to bring back.
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
        let ends = self.clock.now().as_second().saturating_add(GOOD_FOR_SECONDS);
        let payload = [&ends.to_be_bytes()[..], target.bytes()].concat();
        // The codec's own time limit would go by the machine's clock.
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
    /// The call as its client repeats it. Objects are the same whatever the order of their members.
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

/// Spells metadata, which is kept as JSON text, in its canonical form.
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

/// Who calls. Not the token where it names somebody: a browser's page sends a new one with every request.
fn who(caller: &Caller) -> (&'static [u8], Vec<u8>) {
    match caller.person() {
        Person::Anonymous => (b"anonymous", Vec::new()),
        Person::Subject(subject) => (b"subject", subject.into_bytes()),
        Person::Token(fingerprint) => (b"token", fingerprint.bytes().to_vec()),
    }
}

/// Whether the client says that it can show its user a form.
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
