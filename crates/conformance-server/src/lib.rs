//! Fixtures for MCP's official conformance suite: the tools, resources and prompts that it expects of a server.
//!
//! **Owns** what the suite's scenarios refer to by name, and the methods of older protocol versions that only the suite uses.
//!
//! **Does not own** transport and dispatch: quilt-mcp's endpoint calls [`Fixtures::answer`] first when it is built with the
//! feature `conformance`.
//!
//! **Invariant.** Fixtures do not use AWS, and depend only on what the client declares.

mod notices;
mod prompts;
mod resources;
mod rounds;
mod tools;

use futures::future::BoxFuture;
use rmcp::ErrorData;
use rmcp::model::{
    CallToolRequestParams, CompleteRequestParams, CompleteResult, CompletionInfo, GetPromptRequestParams, JsonObject,
    Reference, ServerCapabilities,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::rounds::Rounds;

pub use crate::prompts::all as prompts;
pub use crate::resources::{all as resources, templates as resource_templates};
pub use crate::tools::all as tools;

/// An image of one pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4z8AAAAMBAQD3A0FDAAAAAElFTkSuQmCC";
/// A sound of one millisecond of silence.
const WAV: &str = "UklGRiwAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQgAAACAgICAgICAgA==";

/// A request that may be for a fixture.
pub struct Call<'a> {
    /// The JSON-RPC method.
    pub method: &'a str,
    /// The JSON-RPC params.
    pub params: Map<String, Value>,
    /// The capabilities of the client.
    pub client: Client,
    /// Sends a notification with a method and params.
    pub notify: &'a (dyn Fn(&'static str, Value) -> BoxFuture<'a, ()> + Send + Sync),
}

/// The capabilities of a client that fixtures depend on.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a separate capability")]
pub struct Client {
    /// The client supports elicitation.
    pub elicitation: bool,
    /// The client supports sampling.
    pub sampling: bool,
    /// The client has roots.
    pub roots: bool,
    /// The request asks for log messages.
    pub logs: bool,
    /// The client's protocol version has an `initialize` handshake.
    pub has_handshake: bool,
}

/// The fixtures, with the key that seals their request states.
#[derive(Default)]
pub struct Fixtures {
    rounds: Rounds,
}

/// Adds the capabilities that the suite requires for older protocol versions: log messages and subscriptions.
#[must_use]
pub fn capabilities(mut capabilities: ServerCapabilities) -> ServerCapabilities {
    capabilities.logging = Some(JsonObject::default());
    if let Some(resources) = &mut capabilities.resources {
        resources.subscribe = Some(true);
    }
    capabilities
}

impl Fixtures {
    /// Answers a request, or returns `None` if it is not for a fixture.
    pub async fn answer(&self, call: Call<'_>) -> Option<Result<Value, ErrorData>> {
        let params = Value::Object(call.params.clone());
        let answer = match call.method {
            "tools/call" => self.tool(&call, decoded(params)).await?,
            "resources/read" => Ok(resources::read(call.params.get("uri")?.as_str()?)?),
            "prompts/get" => prompts::get(&decoded::<GetPromptRequestParams>(params).ok()?)?,
            "completion/complete" => completion(&decoded(params).ok()?)?.and_then(encoded),
            "logging/setLevel" | "resources/subscribe" | "resources/unsubscribe" if call.client.has_handshake => {
                Ok(json!({}))
            }
            _ => return None,
        };
        Some(answer.map(|mut answer| {
            if let (true, Some(answer)) = (call.client.has_handshake, answer.as_object_mut()) {
                answer.remove("resultType");
            }
            answer
        }))
    }

    async fn tool(
        &self,
        call: &Call<'_>,
        request: Result<CallToolRequestParams, ErrorData>,
    ) -> Option<Result<Value, ErrorData>> {
        let request = request.ok()?;
        if let Some(answer) = tools::answer(&request).transpose() {
            return Some(answer.and_then(encoded));
        }
        if let Some(answer) = notices::call(&request.name, call).await {
            return Some(answer.and_then(encoded));
        }
        self.rounds.call(&request, call.client)
    }
}

fn completion(request: &CompleteRequestParams) -> Option<Result<CompleteResult, ErrorData>> {
    match &request.r#ref {
        Reference::Prompt(prompt) if prompt.name.starts_with("test_") => {
            let values = ["testing", "tested"]
                .into_iter()
                .filter(|value| value.starts_with(&request.argument.value));
            let info = CompletionInfo::with_all_values(values.map(str::to_owned).collect());
            Some(
                info.map(CompleteResult::new)
                    .map_err(|problem| ErrorData::internal_error(problem, None)),
            )
        }
        _ => None,
    }
}

/// Converts a fixture to a type of the MCP model.
fn decoded<T: DeserializeOwned>(fixture: Value) -> Result<T, ErrorData> {
    serde_json::from_value(fixture)
        .map_err(|problem| ErrorData::internal_error(format!("this fixture is not a valid MCP type: {problem}"), None))
}

fn encoded(result: impl Serialize) -> Result<Value, ErrorData> {
    serde_json::to_value(result)
        .map_err(|problem| ErrorData::internal_error(format!("this result cannot be serialized: {problem}"), None))
}
