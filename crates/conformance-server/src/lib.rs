//! Tools, resources and prompts that MCP's official conformance suite expects of a server.
//!
//! Owns what the suite's scenarios name, and the methods of older versions that only it wants. Does not own a transport or a
//! dispatch: quilt-mcp's endpoint asks [`Fixtures::answer`] first when it is built with its feature `conformance`.
//!
//! Invariant: a fixture knows nothing of AWS, and of the caller only what its client declares.

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

/// A pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4z8AAAAMBAQD3A0FDAAAAAElFTkSuQmCC";
/// A millisecond of silence.
const WAV: &str = "UklGRiwAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQgAAACAgICAgICAgA==";

/// A request for a fixture.
pub struct Call<'a> {
    /// The method.
    pub method: &'a str,
    /// The params.
    pub params: Map<String, Value>,
    /// What the client declares.
    pub client: Client,
    /// Sends a notification, by its method and params.
    pub notify: &'a (dyn Fn(&'static str, Value) -> BoxFuture<'a, ()> + Send + Sync),
}

/// What a client declares that fixtures depend on.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a capability of its own")]
pub struct Client {
    /// It shows its user questions.
    pub elicitation: bool,
    /// It samples its model.
    pub sampling: bool,
    /// It has roots.
    pub roots: bool,
    /// It wants log messages.
    pub logs: bool,
    /// Its version of the protocol has a handshake.
    pub has_handshake: bool,
}

/// The fixtures, with the key of what they seal.
#[derive(Default)]
pub struct Fixtures {
    rounds: Rounds,
}

/// What older clients are told beside the server's own capabilities: of them, the suite wants log messages and subscriptions
/// too.
#[must_use]
pub fn capabilities(mut capabilities: ServerCapabilities) -> ServerCapabilities {
    capabilities.logging = Some(JsonObject::default());
    if let Some(resources) = &mut capabilities.resources {
        resources.subscribe = Some(true);
    }
    capabilities
}

impl Fixtures {
    /// Answers a request, if it is for a fixture.
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
            let words = ["testing", "tested"]
                .into_iter()
                .filter(|word| word.starts_with(&request.argument.value));
            let info = CompletionInfo::with_all_values(words.map(str::to_owned).collect());
            Some(
                info.map(CompleteResult::new)
                    .map_err(|problem| ErrorData::internal_error(problem, None)),
            )
        }
        _ => None,
    }
}

/// A fixture as a type of the model.
fn decoded<T: DeserializeOwned>(fixture: Value) -> Result<T, ErrorData> {
    serde_json::from_value(fixture).map_err(|problem| {
        ErrorData::internal_error(format!("this fixture is not one of MCP's types: {problem}"), None)
    })
}

fn encoded(result: impl Serialize) -> Result<Value, ErrorData> {
    serde_json::to_value(result)
        .map_err(|problem| ErrorData::internal_error(format!("this result cannot be written: {problem}"), None))
}
