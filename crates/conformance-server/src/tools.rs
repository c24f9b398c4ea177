//! The list of the suite's tools, and the tools with constant results.

use rmcp::ErrorData;
use rmcp::model::{CallToolRequestParams, CallToolResult, Tool};
use serde_json::{Map, Value, json};

use crate::{PNG, WAV, decoded};

/// Name, description and arguments.
const TOOLS: [(&str, &str, &[&str]); 26] = [
    ("test_simple_text", "Says one text.", &[]),
    ("test_image_content", "Shows an image.", &[]),
    ("test_audio_content", "Plays a sound.", &[]),
    ("test_embedded_resource", "Embeds a resource.", &[]),
    (
        "test_multiple_content_types",
        "Mixes a text, an image and a resource.",
        &[],
    ),
    ("test_error_handling", "Always fails.", &[]),
    ("test_tool_with_logging", "Logs three messages.", &[]),
    ("test_logging_tool", "Logs as much as the request asks for.", &[]),
    ("test_tool_with_progress", "Reports progress three times.", &[]),
    (
        "test_sampling",
        "Would ask the client's model, in the middle of a call.",
        &["prompt"],
    ),
    (
        "test_elicitation",
        "Would ask the user, in the middle of a call.",
        &["message"],
    ),
    (
        "test_elicitation_sep1034_defaults",
        "Would ask the user with defaults.",
        &[],
    ),
    (
        "test_elicitation_sep1330_enums",
        "Would ask the user with choices.",
        &[],
    ),
    ("test_missing_capability", "Needs a client that samples.", &[]),
    ("test_streaming_elicitation", "Asks the user for a name.", &[]),
    (
        "test_input_required_result_elicitation",
        "Asks the user for a name.",
        &[],
    ),
    ("test_input_required_result_sampling", "Asks the client's model.", &[]),
    (
        "test_input_required_result_list_roots",
        "Asks for the client's roots.",
        &[],
    ),
    (
        "test_input_required_result_request_state",
        "Asks with a state to bring back.",
        &[],
    ),
    (
        "test_input_required_result_multiple_inputs",
        "Asks for three things at once.",
        &[],
    ),
    ("test_input_required_result_multi_round", "Asks twice.", &[]),
    (
        "test_input_required_result_tampered_state",
        "Asks with a state that must not change.",
        &[],
    ),
    (
        "test_input_required_result_capabilities",
        "Asks for what the client can answer.",
        &[],
    ),
    ("test_custom_header", "Wants its argument in a header too.", &["value"]),
    ("json_schema_2020_12_tool", "Has a schema with everything in it.", &[]),
    (
        "test_reconnection",
        "Would close its stream in the middle of a call.",
        &[],
    ),
];

/// Returns all tools.
#[must_use]
pub fn all() -> Vec<Tool> {
    let tool = |(name, description, arguments): &(&str, &str, &[&str])| {
        decoded(json!({ "name": name, "description": description, "inputSchema": input_schema(name, arguments) }))
    };
    TOOLS.iter().filter_map(|fixture| tool(fixture).ok()).collect()
}

fn input_schema(name: &str, arguments: &[&str]) -> Value {
    if name == "json_schema_2020_12_tool" {
        return schema_with_everything();
    }
    let argument = |argument: &&str| match name {
        "test_custom_header" => (
            (*argument).to_owned(),
            json!({ "type": "string", "x-mcp-header": "Value" }),
        ),
        _ => ((*argument).to_owned(), json!({ "type": "string" })),
    };
    let properties: Map<String, Value> = arguments.iter().map(argument).collect();
    json!({ "type": "object", "properties": properties, "required": arguments, "additionalProperties": false })
}

/// Returns the schema that the suite compares word for word.
fn schema_with_everything() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": { "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": { "street": { "type": "string" }, "city": { "type": "string" } },
        } },
        "properties": {
            "name": { "type": "string" },
            "address": { "$ref": "#/$defs/address" },
            "contactMethod": { "type": "string", "enum": ["phone", "email"] },
            "phone": { "type": "string" },
            "email": { "type": "string" },
        },
        "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
        "if": { "properties": { "contactMethod": { "const": "phone" } }, "required": ["contactMethod"] },
        "then": { "required": ["phone"] },
        "else": { "required": ["email"] },
        "additionalProperties": false,
    })
}

/// Answers a tool with a constant result, or returns `None` if the tool is not one of these.
pub(super) fn answer(request: &CallToolRequestParams) -> Result<Option<CallToolResult>, ErrorData> {
    let text = |text: &str| json!({ "type": "text", "text": text });
    let image = json!({ "type": "image", "data": PNG, "mimeType": "image/png" });
    let resource = |uri: &str, mime_type: &str, text: &str| json!({ "type": "resource", "resource": { "uri": uri, "mimeType": mime_type, "text": text } });
    let content = match request.name.as_ref() {
        "test_simple_text" => json!([text("This is a simple text response for testing.")]),
        "test_image_content" => json!([image]),
        "test_audio_content" => json!([{ "type": "audio", "data": WAV, "mimeType": "audio/wav" }]),
        "test_embedded_resource" => {
            json!([resource(
                "test://embedded-resource",
                "text/plain",
                "This is an embedded resource content."
            )])
        }
        "test_multiple_content_types" => json!([
            text("Multiple content types test:"),
            image,
            resource(
                "test://mixed-content-resource",
                "application/json",
                r#"{"test":"data","value":123}"#
            ),
        ]),
        "test_custom_header" | "json_schema_2020_12_tool" => json!([text("Taken.")]),
        "test_error_handling" => return failure("This tool intentionally returns an error for testing"),
        "test_sampling"
        | "test_elicitation"
        | "test_elicitation_sep1034_defaults"
        | "test_elicitation_sep1330_enums"
        | "test_reconnection" => {
            return failure("This server keeps no session, so it cannot ask the client in the middle of a call.");
        }
        _ => return Ok(None),
    };
    decoded(json!({ "resultType": "complete", "content": content, "isError": false })).map(Some)
}

fn failure(message: &str) -> Result<Option<CallToolResult>, ErrorData> {
    let content = json!([{ "type": "text", "text": message }]);
    decoded(json!({ "resultType": "complete", "content": content, "isError": true })).map(Some)
}
