//! The suite's tools that ask their client for something before they answer, by multi-round-trip requests.

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, ContentBlock, InputRequests,
    InputRequiredResult, InputResponses, RequestStateCodec, SealOptions,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Map, Value, json};

use super::decoded;

/// Seals which round a client is in.
pub(super) struct Rounds(RequestStateCodec);

impl Default for Rounds {
    fn default() -> Self {
        Self(RequestStateCodec::new_unchecked(rand::random::<[u8; 32]>()))
    }
}

/// What a tool asks, round by round.
struct Asks {
    rounds: Vec<Value>,
    /// Whether the client is given a state to bring back.
    is_sealed: bool,
    /// Begins the text that the tool answers in the end.
    answer: &'static str,
}

/// An elicitation of one field.
pub(super) fn ask_user(message: &str, field: &str, kind: &str) -> Value {
    json!({ "method": "elicitation/create", "params": {
        "mode": "form",
        "message": message,
        "requestedSchema": { "type": "object", "properties": { field: { "type": kind } }, "required": [field] },
    } })
}

/// A field of an accepted elicitation.
pub(super) fn field<'a>(answer: &'a Value, name: &str) -> Option<&'a str> {
    if answer.get("action")?.as_str()? == "accept" { answer.get("content")?.get(name)?.as_str() } else { None }
}

fn ask_model(question: &str) -> Value {
    json!({ "method": "sampling/createMessage", "params": {
        "messages": [{ "role": "user", "content": { "type": "text", "text": question } }],
        "maxTokens": 100,
    } })
}

fn asks(tool: &str) -> Option<Asks> {
    let name = || ask_user("What is your name?", "name", "string");
    let roots = || json!({ "method": "roots/list", "params": {} });
    let confirm = || json!({ "confirm": ask_user("Please confirm", "ok", "boolean") });
    let (rounds, is_sealed, answer) = match tool {
        "test_input_required_result_elicitation" | "test_streaming_elicitation" => {
            (vec![json!({ "user_name": name() })], false, "Hello")
        }
        "test_input_required_result_sampling" => {
            (vec![json!({ "capital_question": ask_model("What is the capital of France?") })], false, "The model says")
        }
        "test_input_required_result_list_roots" => (vec![json!({ "client_roots": roots() })], false, "The roots are"),
        "test_input_required_result_request_state" => (vec![confirm()], true, "state-ok"),
        "test_input_required_result_tampered_state" => (vec![confirm()], true, "The state is whole"),
        "test_input_required_result_multiple_inputs" => {
            let greeting = ask_model("Generate a greeting");
            let all = json!({ "user_name": name(), "greeting": greeting, "client_roots": roots() });
            (vec![all], true, "All is there")
        }
        "test_input_required_result_multi_round" => {
            let first = json!({ "step1": ask_user("Step 1: What is your name?", "name", "string") });
            let second = json!({ "step2": ask_user("Step 2: What is your favorite color?", "color", "string") });
            (vec![first, second], true, "Both are there")
        }
        "test_input_required_result_capabilities" => (
            vec![json!({ "user_name": name(), "greeting": ask_model("Generate a greeting") })],
            false,
            "As far as it goes",
        ),
        _ => return None,
    };
    Some(Asks { rounds, is_sealed, answer })
}

impl Rounds {
    /// Calls one of the tools, if it is one.
    pub(super) fn call(
        &self,
        request: &CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Option<Result<CallToolResponse, ErrorData>> {
        let declared = context.client_capabilities().unwrap_or_default();
        if request.name == "test_missing_capability" {
            return Some(match declared.sampling {
                None => Err(lacks("sampling/createMessage")),
                Some(_) => Ok(said("This client samples.".to_owned())),
            });
        }
        Some(self.round(request, &asks(&request.name)?, &declared))
    }

    fn round(
        &self,
        request: &CallToolRequestParams,
        asks: &Asks,
        declared: &ClientCapabilities,
    ) -> Result<CallToolResponse, ErrorData> {
        let round = match &request.request_state {
            Some(state) if asks.is_sealed => self.opened(&request.name, state)?,
            _ => 0,
        };
        let asked = wanted(asks.rounds.get(round), declared)?;
        let none = InputResponses::new();
        let answers = request.input_responses.as_ref().unwrap_or(&none);
        // Without its state an answer to a sealed question is an answer to nothing.
        let may_be_answered = request.request_state.is_some() || !asks.is_sealed;
        if !may_be_answered || !are_answered(&asked, answers)? {
            return self.asked(request, asks, round, asked);
        }
        match asks.rounds.get(round + 1) {
            Some(next) => self.asked(request, asks, round + 1, wanted(Some(next), declared)?),
            None => Ok(said(format!("{}: {}", asks.answer, json!(answers)))),
        }
    }

    fn asked(
        &self,
        request: &CallToolRequestParams,
        asks: &Asks,
        round: usize,
        asked: Map<String, Value>,
    ) -> Result<CallToolResponse, ErrorData> {
        let requests: InputRequests = decoded(Value::Object(asked))?;
        let options = SealOptions::new().associated_data(request.name.as_bytes());
        let state = asks.is_sealed.then(|| self.0.seal_with(round.to_string().as_bytes(), &options));
        Ok(InputRequiredResult::new(Some(requests), state).into())
    }

    fn opened(&self, tool: &str, state: &str) -> Result<usize, ErrorData> {
        let opened = self.0.open_with(state, tool.as_bytes()).ok();
        let round = opened.and_then(|payload| String::from_utf8(payload).ok()?.parse().ok());
        round.ok_or_else(|| ErrorData::invalid_params("The requestState is not as it was given out.", None))
    }
}

/// Of what a round asks, what the client says it can answer.
fn wanted(round: Option<&Value>, declared: &ClientCapabilities) -> Result<Map<String, Value>, ErrorData> {
    let all = round.and_then(Value::as_object).cloned().unwrap_or_default();
    let first = all.values().next().and_then(method).unwrap_or_default().to_owned();
    let can = |request: &Value| match method(request) {
        Some("sampling/createMessage") => declared.sampling.is_some(),
        Some("roots/list") => declared.roots.is_some(),
        _ => declared.elicitation.is_some(),
    };
    let wanted: Map<String, Value> = all.into_iter().filter(|(_, request)| can(request)).collect();
    if wanted.is_empty() { Err(lacks(&first)) } else { Ok(wanted) }
}

fn method(request: &Value) -> Option<&str> {
    request.get("method")?.as_str()
}

/// Whether everything is answered. An answer that cannot be one is a mistake of the client.
fn are_answered(asked: &Map<String, Value>, answers: &InputResponses) -> Result<bool, ErrorData> {
    for (key, request) in asked {
        let Some(answer) = answers.get(key) else { return Ok(false) };
        let needed = match method(request) {
            Some("sampling/createMessage") => "content",
            Some("roots/list") => "roots",
            _ => "action",
        };
        if answer.get(needed).is_none() {
            return Err(ErrorData::invalid_params(format!("The answer {key} has no {needed}."), None));
        }
    }
    Ok(true)
}

fn lacks(method: &str) -> ErrorData {
    let needed = ClientCapabilities::builder();
    ErrorData::missing_required_client_capability(match method {
        "sampling/createMessage" => needed.enable_sampling().build(),
        "roots/list" => needed.enable_roots().build(),
        _ => needed.enable_elicitation().build(),
    })
}

fn said(text: String) -> CallToolResponse {
    CallToolResult::success(vec![ContentBlock::text(text)]).into()
}
