//! Tools that request input from their client before they answer, in one or more rounds.

use rmcp::ErrorData;
use rmcp::model::{
    CallToolRequestParams, CallToolResult, ClientCapabilities, ContentBlock, ElicitationCapability, InputRequests,
    InputRequiredResult, InputResponses, RequestStateCodec, RootsCapabilities, SamplingCapability, SealOptions,
};
use serde_json::{Map, Value, json};

use crate::{Client, decoded, encoded};

/// The state of multi-round tools, sealed into the `requestState` that clients return.
pub(super) struct Rounds(RequestStateCodec);

impl Default for Rounds {
    fn default() -> Self {
        Self(RequestStateCodec::new_unchecked(rand::random::<[u8; 32]>()))
    }
}

/// The input that a tool requests.
struct InputRounds {
    /// The input requests of each round.
    rounds: Vec<Value>,
    /// Whether the client receives a state that it must return.
    is_sealed: bool,
    /// The beginning of the tool's final answer.
    answer: &'static str,
}

/// Returns an elicitation of one field.
pub(super) fn ask_user(message: &str, field: &str, kind: &str) -> Value {
    json!({ "method": "elicitation/create", "params": {
        "mode": "form",
        "message": message,
        "requestedSchema": { "type": "object", "properties": { field: { "type": kind } }, "required": [field] },
    } })
}

/// Returns a field of an accepted elicitation.
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

fn input_rounds(tool: &str) -> Option<InputRounds> {
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
    Some(InputRounds {
        rounds,
        is_sealed,
        answer,
    })
}

impl Rounds {
    /// Calls the requested tool, or returns `None` if it is not one of these.
    pub(super) fn call(&self, request: &CallToolRequestParams, client: Client) -> Option<Result<Value, ErrorData>> {
        if request.name == "test_missing_capability" {
            return Some(if client.sampling {
                text_result("This client supports sampling.".to_owned())
            } else {
                Err(missing_capability("sampling/createMessage"))
            });
        }
        let input = input_rounds(&request.name)?;
        if client.has_handshake {
            let message = "Input requests in a result require protocol version 2026-07-28 or later.";
            return Some(Err(ErrorData::invalid_request(message, None)));
        }
        Some(self.answer_round(request, &input, client))
    }

    fn answer_round(
        &self,
        request: &CallToolRequestParams,
        input: &InputRounds,
        client: Client,
    ) -> Result<Value, ErrorData> {
        let round = match &request.request_state {
            Some(state) if input.is_sealed => self.open_state(&request.name, state)?,
            _ => 0,
        };
        let requested = supported_requests(input.rounds.get(round), client)?;
        let none = InputResponses::new();
        let responses = request.input_responses.as_ref().unwrap_or(&none);
        // Responses to a sealed round count only with its state.
        let may_be_answered = request.request_state.is_some() || !input.is_sealed;
        if !may_be_answered || !are_answered(&requested, responses)? {
            return self.input_required(request, input, round, requested);
        }
        match input.rounds.get(round + 1) {
            Some(next) => self.input_required(request, input, round + 1, supported_requests(Some(next), client)?),
            None => text_result(format!("{}: {}", input.answer, json!(responses))),
        }
    }

    fn input_required(
        &self,
        request: &CallToolRequestParams,
        input: &InputRounds,
        round: usize,
        requested: Map<String, Value>,
    ) -> Result<Value, ErrorData> {
        let requests: InputRequests = decoded(Value::Object(requested))?;
        let options = SealOptions::new().associated_data(request.name.as_bytes());
        let state = input
            .is_sealed
            .then(|| self.0.seal_with(round.to_string().as_bytes(), &options));
        encoded(InputRequiredResult::new(Some(requests), state))
    }

    fn open_state(&self, tool: &str, state: &str) -> Result<usize, ErrorData> {
        let opened = self.0.open_with(state, tool.as_bytes()).ok();
        let round = opened.and_then(|payload| String::from_utf8(payload).ok()?.parse().ok());
        round
            .ok_or_else(|| ErrorData::invalid_params("The requestState was modified or belongs to another tool.", None))
    }
}

/// Returns the input requests of a round that the client supports.
fn supported_requests(round: Option<&Value>, client: Client) -> Result<Map<String, Value>, ErrorData> {
    let all = round.and_then(Value::as_object).cloned().unwrap_or_default();
    let first = all.values().next().and_then(method).unwrap_or_default().to_owned();
    let is_supported = |request: &Value| match method(request) {
        Some("sampling/createMessage") => client.sampling,
        Some("roots/list") => client.roots,
        _ => client.elicitation,
    };
    let supported: Map<String, Value> = all.into_iter().filter(|(_, request)| is_supported(request)).collect();
    if supported.is_empty() {
        Err(missing_capability(&first))
    } else {
        Ok(supported)
    }
}

fn method(request: &Value) -> Option<&str> {
    request.get("method")?.as_str()
}

/// Returns whether all input requests are answered. A response of the wrong form is an error.
fn are_answered(requested: &Map<String, Value>, responses: &InputResponses) -> Result<bool, ErrorData> {
    for (key, request) in requested {
        let Some(answer) = responses.get(key) else {
            return Ok(false);
        };
        let required = match method(request) {
            Some("sampling/createMessage") => "content",
            Some("roots/list") => "roots",
            _ => "action",
        };
        if answer.get(required).is_none() {
            return Err(ErrorData::invalid_params(
                format!("The response {key} has no {required}."),
                None,
            ));
        }
    }
    Ok(true)
}

fn missing_capability(method: &str) -> ErrorData {
    let mut required = ClientCapabilities::default();
    match method {
        "sampling/createMessage" => required.sampling = Some(SamplingCapability::default()),
        "roots/list" => required.roots = Some(RootsCapabilities::default()),
        _ => required.elicitation = Some(ElicitationCapability::default()),
    }
    ErrorData::missing_required_client_capability(required)
}

fn text_result(text: String) -> Result<Value, ErrorData> {
    encoded(CallToolResult::success(vec![ContentBlock::text(text)]))
}
