//! The suite's tools that ask their client for something before they answer, by multi-round-trip requests.

use rmcp::ErrorData;
use rmcp::model::{
    CallToolRequestParams, CallToolResult, ClientCapabilities, ContentBlock, ElicitationCapability, InputRequests,
    InputRequiredResult, InputResponses, RequestStateCodec, RootsCapabilities, SamplingCapability, SealOptions,
};
use serde_json::{Map, Value, json};

use crate::{Client, decoded, encoded};

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
    if answer.get("action")?.as_str()? == "accept" {
        answer.get("content")?.get(name)?.as_str()
    } else {
        None
    }
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
        "test_input_required_result_sampling" => (
            vec![json!({ "capital_question": ask_model("What is the capital of France?") })],
            false,
            "The model says",
        ),
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
    Some(Asks {
        rounds,
        is_sealed,
        answer,
    })
}

impl Rounds {
    /// Calls one of the tools, if it is one.
    pub(super) fn call(&self, request: &CallToolRequestParams, client: Client) -> Option<Result<Value, ErrorData>> {
        if request.name == "test_missing_capability" {
            let answer = said("This client samples.".to_owned());
            return Some(if client.sampling {
                answer
            } else {
                Err(lacks("sampling/createMessage"))
            });
        }
        let asks = asks(&request.name)?;
        if client.has_handshake {
            let message = "A question in a result needs protocol version 2026-07-28 or later.";
            return Some(Err(ErrorData::invalid_request(message, None)));
        }
        Some(self.round(request, &asks, client))
    }

    fn round(&self, request: &CallToolRequestParams, asks: &Asks, client: Client) -> Result<Value, ErrorData> {
        let round = match &request.request_state {
            Some(state) if asks.is_sealed => self.opened(&request.name, state)?,
            _ => 0,
        };
        let asked = wanted(asks.rounds.get(round), client)?;
        let none = InputResponses::new();
        let answers = request.input_responses.as_ref().unwrap_or(&none);
        // Without its state an answer to a sealed question is an answer to nothing.
        let may_be_answered = request.request_state.is_some() || !asks.is_sealed;
        if !may_be_answered || !are_answered(&asked, answers)? {
            return self.asked(request, asks, round, asked);
        }
        match asks.rounds.get(round + 1) {
            Some(next) => self.asked(request, asks, round + 1, wanted(Some(next), client)?),
            None => said(format!("{}: {}", asks.answer, json!(answers))),
        }
    }

    fn asked(
        &self,
        request: &CallToolRequestParams,
        asks: &Asks,
        round: usize,
        asked: Map<String, Value>,
    ) -> Result<Value, ErrorData> {
        let requests: InputRequests = decoded(Value::Object(asked))?;
        let options = SealOptions::new().associated_data(request.name.as_bytes());
        let state = asks
            .is_sealed
            .then(|| self.0.seal_with(round.to_string().as_bytes(), &options));
        encoded(InputRequiredResult::new(Some(requests), state))
    }

    fn opened(&self, tool: &str, state: &str) -> Result<usize, ErrorData> {
        let opened = self.0.open_with(state, tool.as_bytes()).ok();
        let round = opened.and_then(|payload| String::from_utf8(payload).ok()?.parse().ok());
        round.ok_or_else(|| ErrorData::invalid_params("The requestState is not as it was given out.", None))
    }
}

/// Of what a round asks, what the client says it can answer.
fn wanted(round: Option<&Value>, client: Client) -> Result<Map<String, Value>, ErrorData> {
    let all = round.and_then(Value::as_object).cloned().unwrap_or_default();
    let first = all.values().next().and_then(method).unwrap_or_default().to_owned();
    let can = |request: &Value| match method(request) {
        Some("sampling/createMessage") => client.sampling,
        Some("roots/list") => client.roots,
        _ => client.elicitation,
    };
    let wanted: Map<String, Value> = all.into_iter().filter(|(_, request)| can(request)).collect();
    if wanted.is_empty() {
        Err(lacks(&first))
    } else {
        Ok(wanted)
    }
}

fn method(request: &Value) -> Option<&str> {
    request.get("method")?.as_str()
}

/// Whether everything is answered. An answer that cannot be one is a mistake of the client.
fn are_answered(asked: &Map<String, Value>, answers: &InputResponses) -> Result<bool, ErrorData> {
    for (key, request) in asked {
        let Some(answer) = answers.get(key) else {
            return Ok(false);
        };
        let needed = match method(request) {
            Some("sampling/createMessage") => "content",
            Some("roots/list") => "roots",
            _ => "action",
        };
        if answer.get(needed).is_none() {
            return Err(ErrorData::invalid_params(
                format!("The answer {key} has no {needed}."),
                None,
            ));
        }
    }
    Ok(true)
}

fn lacks(method: &str) -> ErrorData {
    let mut needed = ClientCapabilities::default();
    match method {
        "sampling/createMessage" => needed.sampling = Some(SamplingCapability::default()),
        "roots/list" => needed.roots = Some(RootsCapabilities::default()),
        _ => needed.elicitation = Some(ElicitationCapability::default()),
    }
    ErrorData::missing_required_client_capability(needed)
}

fn said(text: String) -> Result<Value, ErrorData> {
    encoded(CallToolResult::success(vec![ContentBlock::text(text)]))
}
