//! The tool lists: their cost in tokens, and snapshots of their contents.

use serde_json::{Value, json};

use crate::support::SECRET;
use crate::support::server::Server;
use crate::support::stage::Stage;

/// Tokens (o200k) of the default list as a model sees it: a negligible part of a context.
const MAX_TOKENS: usize = 8000;
/// Bytes of the whole answer, with what only clients read.
const MAX_BYTES: usize = 100_000;

/// The result of `tools/list` in one style and one era of the protocol, with its length in bytes.
pub(super) async fn list(style: &str, version: &str) -> (Value, usize) {
    let stage = Stage::embedded().await;
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--tool-style={style}"),
        // The tools of search are listed where a registry is known.
        "--registry-url=https://registry.example.com".to_owned(),
    ];
    let server = Server::start(&stage, None, &flags).await;
    let meta = json!({ "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientCapabilities": {} });
    let params = if version < "2026" {
        json!({})
    } else {
        json!({ "_meta": meta })
    };
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": params }).to_string();
    let headers = [("mcp-protocol-version", version), ("mcp-method", "tools/list")];
    let answer = server.post(body, &headers).await;
    let length = answer.body.to_string().len();
    (answer.body["result"].clone(), length)
}

/// Returns the members of a tool that a model sees.
fn shown(tool: &Value) -> Value {
    json!({ "name": tool["name"], "description": tool["description"], "inputSchema": tool["inputSchema"] })
}

#[tokio::test]
async fn the_default_list_is_cheap_to_read() {
    let (result, length) = list("typed", "2025-11-25").await;
    let tools = result["tools"].as_array().unwrap();
    let text: String = tools.iter().map(|tool| shown(tool).to_string() + "\n").collect();
    let tokens = tiktoken_rs::o200k_base_singleton().encode_ordinary(&text).len();
    println!("{} tools: {tokens} tokens, {length} bytes", tools.len());
    assert!(tokens < MAX_TOKENS, "{tokens} tokens");
    assert!(length < MAX_BYTES, "{length} bytes");
}

#[tokio::test]
async fn descriptions_are_short() {
    let (result, _) = list("both", "2025-11-25").await;
    for tool in result["tools"].as_array().unwrap() {
        let description = tool["description"].as_str().unwrap();
        assert!((20..=400).contains(&description.chars().count()), "{}", tool["name"]);
        // A full stop inside a word, as in `s3.amazonaws.com`, ends no sentence.
        let ends = description
            .split_whitespace()
            .filter(|word| word.ends_with(['.', '?', '!']))
            .count();
        assert!((1..=4).contains(&ends), "{}: {ends} sentences", tool["name"]);
        for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
            assert!(tool["annotations"][hint].is_boolean(), "{} {hint}", tool["name"]);
        }
    }
}

/// Each style in full; the eras differ in the envelope alone.
#[tokio::test]
async fn the_lists_are_what_they_were() {
    let mut all = Vec::new();
    for style in ["typed", "modules"] {
        let (old, _) = list(style, "2025-11-25").await;
        let (new, _) = list(style, "2026-07-28").await;
        assert_eq!(old["tools"], new["tools"], "the eras have the same list");
        insta::assert_snapshot!(
            format!("tools_{style}_2025"),
            serde_json::to_string_pretty(&old).unwrap()
        );
        let mut envelope = new;
        envelope.as_object_mut().unwrap().remove("tools");
        envelope["_meta"]["io.modelcontextprotocol/serverInfo"]["version"] = json!("[version]");
        insta::assert_snapshot!(
            format!("tools_{style}_2026_envelope"),
            serde_json::to_string_pretty(&envelope).unwrap()
        );
        all.extend(old["tools"].as_array().unwrap().clone());
    }
    all.sort_by_key(|tool| tool["name"].as_str().unwrap().to_owned());
    for version in ["2025-11-25", "2026-07-28"] {
        assert_eq!(
            list("both", version).await.0["tools"],
            Value::from(all.clone()),
            "both are the one and the other"
        );
    }
}
