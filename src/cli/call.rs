//! `quilt-mcp call`: one tool call, for scripts and for people without an MCP client.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};
use url::Url;

use super::progress::Progress;
use crate::catalog::HttpOptions;
use crate::setting::{BaseUrl, parse};

/// Longest time of a call. The server ends it earlier (`QUILT_MCP_TOOL_TIMEOUT`).
const TIMEOUT: Duration = Duration::from_mins(15);
/// The protocol's version of the request, which needs no handshake.
const PROTOCOL: &str = "2025-11-25";

/// Arguments of `call`.
#[derive(Debug, clap::Args)]
pub struct CallArgs {
    /// The name of the tool, such as `bucket_list`
    tool: String,
    /// The tool's arguments, a JSON object; `-` reads it from standard input
    #[arg(value_name = "JSON", default_value = "{}", hide_default_value = true)]
    arguments: String,
    /// The URL of the server or of its endpoint. Default: the running `dev`, by its dev.json
    #[arg(long)]
    url: Option<BaseUrl>,
    /// The bearer token. Default: that of a user of the running `dev`, if no URL is given
    #[arg(long, env = "QUILT_TOKEN", hide_env_values = true, value_parser = parse::secret)]
    token: Option<SecretString>,
    /// The user of `dev` as whom the tool is called, in place of a token: reader, writer, embedded or assumed. Default:
    /// writer
    #[arg(long, conflicts_with = "url")]
    user: Option<String>,
    /// The directory of the dev.json
    #[arg(long, default_value = "dev-data", value_name = "DIR")]
    data: PathBuf,
}

/// Where a call goes, and whose it is.
struct Target {
    endpoint: Url,
    token: Option<SecretString>,
}

pub(super) async fn run(args: CallArgs) -> anyhow::Result<()> {
    let arguments = arguments(&args.arguments)?;
    let target = match args.url {
        Some(url) => Target {
            endpoint: endpoint(&url),
            token: args.token,
        },
        None => running_dev(&args.data, args.user.as_deref(), args.token)?,
    };
    let mut progress = Progress::new();
    let answer = send(&target, &args.tool, arguments, &mut progress).await;
    drop(progress);
    let (output, problem) = outcome(answer?);
    serde_json::to_writer_pretty(std::io::stdout().lock(), &output)?;
    writeln!(std::io::stdout())?;
    match problem {
        Some(problem) => anyhow::bail!(problem),
        None => Ok(()),
    }
}

/// Reads the tool's arguments.
fn arguments(given: &str) -> anyhow::Result<Map<String, Value>> {
    let mut text = given.to_owned();
    if given == "-" {
        text.clear();
        std::io::stdin()
            .read_to_string(&mut text)
            .context("the arguments cannot be read from standard input")?;
    }
    serde_json::from_str(&text).context("the arguments are not a JSON object")
}

/// Returns the endpoint of a server, which may be named by its base URL.
fn endpoint(url: &BaseUrl) -> Url {
    let is_endpoint = url.path().ends_with("/mcp");
    url.join(if is_endpoint { "" } else { "/mcp" })
}

/// Reads where `dev` listens, and the token of its user.
fn running_dev(data: &Path, user: Option<&str>, token: Option<SecretString>) -> anyhow::Result<Target> {
    let file = data.join("dev.json");
    let shown = file.display();
    let text = std::fs::read(&file).with_context(|| {
        format!(
            "{shown} cannot be read; start `quilt-mcp dev` here, or name a server with --url and a token with --token"
        )
    })?;
    let info: Value = serde_json::from_slice(&text).with_context(|| format!("{shown} is not JSON"))?;
    let text = |pointer: &str| info.pointer(pointer).and_then(Value::as_str);
    let url: Option<Url> = text("/mcp_url").and_then(|url| url.parse().ok());
    // A file of a directory that was fetched from elsewhere may name any server; the person's own token is not for that.
    let is_local = url.as_ref().and_then(Url::host).is_some_and(|host| match host {
        url::Host::Domain(name) => name == "localhost",
        url::Host::Ipv4(address) => address.is_loopback(),
        url::Host::Ipv6(address) => address.is_loopback(),
    });
    let is_named = user.is_some();
    let user = user.unwrap_or("writer");
    let token = match token {
        Some(token) if !is_named && is_local => token,
        _ => text(&format!("/users/{user}/token"))
            .with_context(|| format!("{shown} has no user `{user}`; expected reader, writer, embedded or assumed"))?
            .into(),
    };
    Ok(Target {
        endpoint: url.with_context(|| format!("{shown} names no endpoint"))?,
        token: Some(token),
    })
}

/// Sends the call, and returns the JSON-RPC answer.
async fn send(
    target: &Target,
    tool: &str,
    arguments: Map<String, Value>,
    progress: &mut Progress,
) -> anyhow::Result<Value> {
    let mut params = Map::from_iter([
        ("name".to_owned(), json!(tool)),
        ("arguments".to_owned(), json!(arguments)),
    ]);
    if progress.is_terminal() {
        params.insert("_meta".to_owned(), json!({ "progressToken": 1 }));
    }
    let endpoint = &target.endpoint;
    // Plain HTTP is for servers on this machine or in its network.
    let options = HttpOptions {
        use_proxy: endpoint.scheme() == "https",
        ..HttpOptions::default()
    };
    let mut request = options
        .unrestricted(TIMEOUT)?
        .post(endpoint.clone())
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", PROTOCOL)
        .json(&json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }));
    if let Some(token) = &target.token {
        request = request.bearer_auth(token.expose_secret());
    }
    let response = request.send().await.map_err(|error| unreachable(endpoint, &error))?;
    let status = response.status();
    let is_stream = response
        .headers()
        .get("content-type")
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    let answer = if is_stream {
        answer_of_stream(response, progress).await
    } else {
        let body = response.bytes().await.map_err(|error| unreachable(endpoint, &error))?;
        serde_json::from_slice(&body).ok()
    };
    answer
        .filter(|answer| answer.get("result").or(answer.get("error")).is_some())
        .with_context(|| format!("{endpoint} answered {status} and no MCP response; expected the URL of an MCP server"))
}

/// Returns a sentence with the cause, which the HTTP client's own lacks.
fn unreachable(endpoint: &Url, error: &reqwest::Error) -> anyhow::Error {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    anyhow::anyhow!("{endpoint} cannot be reached ({cause})")
}

/// Reads events until the answer, and shows the progress.
async fn answer_of_stream(mut response: reqwest::Response, progress: &mut Progress) -> Option<Value> {
    let mut unread = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        // Lines may end with both; JSON has neither in its strings.
        unread.extend(chunk.iter().filter(|byte| **byte != b'\r'));
        while let Some(end) = unread.windows(2).position(|pair| pair == b"\n\n") {
            let event: Vec<u8> = unread.drain(..end + 2).collect();
            let event = String::from_utf8_lossy(&event);
            let lines = event.lines().filter_map(|line| line.strip_prefix("data:"));
            let Ok(message) = serde_json::from_str::<Value>(&lines.collect::<String>()) else {
                continue;
            };
            if message.get("id").is_some() {
                return Some(message);
            }
            progress.show(|| shown_progress(message.get("params").unwrap_or(&Value::Null)));
        }
    }
    None
}

/// Returns what a progress notification says.
fn shown_progress(params: &Value) -> String {
    let text = |name: &str| params.get(name).map(Value::to_string);
    let of = text("total").map(|total| format!(" of {total}")).unwrap_or_default();
    let message = params.get("message").and_then(Value::as_str).unwrap_or_default();
    let shown = format!("{}{of} {message}", text("progress").unwrap_or_default());
    shown.chars().filter(|symbol| !symbol.is_control()).take(78).collect()
}

/// Returns what is printed, and why the exit status is 1.
fn outcome(mut answer: Value) -> (Value, Option<String>) {
    if let Some(error) = answer.get("error") {
        let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
        let code = error.pointer("/data/error_code");
        let output = json!({ "success": false, "error": message, "error_code": code });
        return (output, Some(message.to_owned()));
    }
    let result = answer.get_mut("result").map(Value::take).unwrap_or_default();
    let is_error = result.get("isError").and_then(Value::as_bool) == Some(true);
    let said = result.pointer("/content/0/text").and_then(Value::as_str);
    let parsed = said.and_then(|text| serde_json::from_str(text).ok());
    let output = match result.get("structuredContent").cloned().or(parsed) {
        Some(output) => output,
        None => result.clone(),
    };
    let problem = is_error.then(|| {
        let error = output.get("error").and_then(Value::as_str).or(said);
        error.unwrap_or("the tool failed").to_owned()
    });
    (output, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_by_its_base_url_or_its_endpoint() {
        for (given, expected) in [
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000/mcp"),
            ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/mcp"),
            ("https://example.com/tools/mcp/", "https://example.com/tools/mcp"),
        ] {
            assert_eq!(endpoint(&given.parse().unwrap()).as_str(), expected);
        }
    }
}
