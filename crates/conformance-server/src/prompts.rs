//! Prompts of the conformance suite.

use rmcp::ErrorData;
use rmcp::model::{GetPromptRequestParams, InputRequiredResult, Prompt};
use serde_json::{Value, json};

use crate::rounds::{ask_user, field};
use crate::{PNG, decoded, encoded};

/// Name, description and required arguments.
const PROMPTS: [(&str, &str, &[&str]); 5] = [
    ("test_simple_prompt", "One message.", &[]),
    (
        "test_prompt_with_arguments",
        "A message with two arguments.",
        &["arg1", "arg2"],
    ),
    (
        "test_prompt_with_embedded_resource",
        "A message with a resource.",
        &["resourceUri"],
    ),
    ("test_prompt_with_image", "A message with an image.", &[]),
    ("test_input_required_result_prompt", "A message that asks first.", &[]),
];

/// The input request of the prompt that requires input.
const CONTEXT: &str = "user_context";

/// Returns all prompts.
#[must_use]
pub fn all() -> Vec<Prompt> {
    let prompt = |(name, description, arguments): &(&str, &str, &[&str])| {
        let arguments: Vec<Value> = arguments
            .iter()
            .map(|name| json!({ "name": name, "description": "For the message", "required": true }))
            .collect();
        decoded(json!({ "name": name, "description": description, "arguments": arguments }))
    };
    PROMPTS.iter().filter_map(|fixture| prompt(fixture).ok()).collect()
}

/// Answers `prompts/get`, or returns `None` if the prompt is not one of these.
pub(super) fn get(request: &GetPromptRequestParams) -> Option<Result<Value, ErrorData>> {
    let argument = |name: &str| {
        let given = request
            .arguments
            .as_ref()
            .and_then(|arguments| arguments.get(name)?.as_str());
        given.unwrap_or_default().to_owned()
    };
    let text = |text: String| json!({ "type": "text", "text": text });
    let contents = match request.name.as_str() {
        "test_simple_prompt" => vec![text("This is a simple prompt for testing.".to_owned())],
        "test_prompt_with_arguments" => {
            vec![text(format!(
                "Prompt with arguments: arg1='{}', arg2='{}'",
                argument("arg1"),
                argument("arg2")
            ))]
        }
        "test_prompt_with_embedded_resource" => {
            let resource = json!({ "uri": argument("resourceUri"), "mimeType": "text/plain",
                "text": "Embedded resource content for testing." });
            let embedded = json!({ "type": "resource", "resource": resource });
            vec![embedded, text("Please process the embedded resource above.".to_owned())]
        }
        "test_prompt_with_image" => {
            let image = json!({ "type": "image", "data": PNG, "mimeType": "image/png" });
            vec![image, text("Please analyze the image above.".to_owned())]
        }
        "test_input_required_result_prompt" => {
            let answers = request.input_responses.as_ref();
            let Some(context) = answers.and_then(|answers| field(answers.get(CONTEXT)?, "context")) else {
                let requests = json!({ CONTEXT: ask_user("What context should the prompt use?", "context", "string") });
                return Some(
                    decoded(requests)
                        .map(InputRequiredResult::from_input_requests)
                        .and_then(encoded),
                );
            };
            vec![text(format!("With the context: {context}"))]
        }
        _ => return None,
    };
    let messages: Vec<Value> = contents
        .into_iter()
        .map(|content| json!({ "role": "user", "content": content }))
        .collect();
    Some(Ok(json!({ "resultType": "complete", "messages": messages })))
}
