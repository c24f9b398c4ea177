//! A server over a real socket in this process, and its HTTP client.

use std::time::Duration;

use quilt_mcp::app::{App, Overrides};
use quilt_mcp::catalog::http_client;
use quilt_mcp::clock::Clock;
use quilt_mcp::config::ServeConfig;
use quilt_mcp::credentials::AmbientProvider;
use quilt_mcp::resilience::RetryPolicy;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::registry::FakeRegistry;
use super::stage::{Keys, Stage};

/// A running server.
pub struct Server {
    pub url: String,
    http: reqwest::Client,
    shutdown: CancellationToken,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// A response.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Answer {
    /// Returns a tool's structured result.
    pub fn output(&self) -> &Value {
        &self.body["result"]["structuredContent"]
    }

    /// Returns the result of a tool that succeeded. Panics with the body otherwise.
    pub fn success(&self) -> &Value {
        assert_eq!(self.body["result"]["isError"], false, "{}", self.body);
        assert_eq!(self.output()["success"], true, "{}", self.body);
        let text: Value = serde_json::from_str(self.body["result"]["content"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(&text, self.output(), "the text block is the same JSON");
        self.output()
    }

    /// Returns the result of a tool that failed with this code. Panics with the body otherwise.
    pub fn failure(&self, code: &str) -> &Value {
        assert_eq!(self.body["result"]["isError"], true, "{}", self.body);
        assert_eq!(self.output()["success"], false, "{}", self.body);
        assert_eq!(self.output()["error_code"], code, "{}", self.body);
        self.output()
    }

    /// Returns the status and the error code of a refused request.
    pub fn refused(&self) -> (u16, &str) {
        (
            self.status,
            self.body["error"]["data"]["error_code"].as_str().unwrap_or_default(),
        )
    }
}

impl Server {
    /// Starts a server with this stage as its S3 and STS, and these flags.
    pub async fn start(stage: &Stage, ambient: Option<&Keys>, flags: &[String]) -> Self {
        let mut all = vec![
            format!("--s3-endpoint={}", stage.endpoint),
            format!("--sts-endpoint={}", stage.endpoint),
        ];
        all.extend_from_slice(flags);
        Self::start_with(ambient, &all).await
    }

    /// Starts a server that verifies tokens with the tests' secret and gets credentials from this registry.
    pub async fn with_registry(stage: &Stage, registry: &FakeRegistry, ambient: Option<&Keys>) -> Self {
        let flags = [
            format!("--jwt-secret={}", super::SECRET),
            format!("--registry-url={}", registry.url),
        ];
        Self::start(stage, ambient, &flags).await
    }

    /// Starts a server with only these flags.
    pub async fn start_with(ambient: Option<&Keys>, flags: &[String]) -> Self {
        Self::start_at(ambient, flags, Clock::system()).await
    }

    /// Starts a server with only these flags, and this clock.
    pub async fn start_at(ambient: Option<&Keys>, flags: &[String], clock: Clock) -> Self {
        Self::start_in(
            flags,
            Overrides {
                clock,
                ..overrides(ambient)
            },
        )
        .await
    }

    /// Starts a server with this stage as its S3, and another timeout of the registry.
    pub async fn with_registry_timeout(stage: &Stage, flags: &[String], registry_timeout: Duration) -> Self {
        let mut all = vec![format!("--s3-endpoint={}", stage.endpoint)];
        all.extend_from_slice(flags);
        Self::start_in(
            &all,
            Overrides {
                registry_timeout,
                ..overrides(None)
            },
        )
        .await
    }

    /// Starts a server with only these flags, and another limit for probes of the rights in one bucket.
    pub async fn start_with_bucket_limit(flags: &[String], bucket_limit: Duration) -> Self {
        Self::start_in(
            flags,
            Overrides {
                bucket_limit,
                ..overrides(None)
            },
        )
        .await
    }

    /// Starts a server with only these flags, and these overrides.
    pub async fn start_in(flags: &[String], overrides: Overrides) -> Self {
        let mut flags = flags.to_vec();
        // Only tests of rate limits set one.
        if !flags.iter().any(|flag| flag.starts_with("--rate-limit")) {
            flags.push("--rate-limit=off".to_owned());
        }
        let config = ServeConfig::from_flags(flags).unwrap();
        let app = App::build(&config, overrides).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        #[expect(clippy::disallowed_methods, reason = "ends with the server's token")]
        tokio::spawn(app.serve(listener, shutdown.clone()));
        Self {
            url,
            http: http_client(Duration::from_mins(1)).unwrap(),
            shutdown,
        }
    }

    /// Returns the client of a server that runs elsewhere.
    pub fn at(url: String) -> Self {
        Self {
            url,
            http: http_client(Duration::from_mins(1)).unwrap(),
            shutdown: CancellationToken::new(),
        }
    }

    /// Begins the server's shutdown.
    pub fn shut_down(&self) {
        self.shutdown.cancel();
    }

    /// Posts this body with these headers and `Content-Type`.
    pub async fn post(&self, body: impl Into<String>, headers: &[(&str, &str)]) -> Answer {
        let mut request = self
            .http
            .post(&self.url)
            .header("content-type", "application/json")
            .body(body.into());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Self::answer(request).await
    }

    /// Sends a request without a body to a path of the server.
    pub async fn request(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let url = format!("{}{path}", self.url.trim_end_matches("/mcp"));
        let mut request = self.http.request(method.parse().unwrap(), url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Self::answer(request).await
    }

    async fn answer(request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        let body =
            serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into_owned().into());
        Answer { status, headers, body }
    }

    /// Calls a method.
    pub async fn rpc(&self, token: Option<&str>, method: &str, params: Value) -> Answer {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        match token {
            Some(token) => self.post(body, &[("authorization", &format!("Bearer {token}"))]).await,
            None => self.post(body, &[]).await,
        }
    }

    /// Calls a tool, and asserts that clients show its answer.
    pub async fn call(&self, token: &str, tool: &str, arguments: Value) -> Answer {
        let bytes = ["", "/params"].map(|path| arguments.pointer(&format!("{path}/max_bytes")).cloned());
        // Base64 is a third longer than what it encodes.
        let is_text = tool == "bucket_object_text" || arguments["action"] == "object_text";
        let most = if is_text { 48_000 } else { 35_000 };
        let is_longer_on_request = bytes.into_iter().flatten().any(|bytes| bytes.as_u64() > Some(most));
        let params = json!({ "name": tool, "arguments": arguments });
        let answer = self.rpc(Some(token), "tools/call", params).await;
        let blocks = answer.body["result"]["content"].as_array();
        for text in blocks.into_iter().flatten().filter_map(|block| block["text"].as_str()) {
            let chars = text.chars().count();
            assert!(
                chars <= MAX_ANSWER_CHARS || is_longer_on_request,
                "{tool}: {chars} characters"
            );
        }
        answer
    }
}

/// Maximum length of an answer's text in characters.
pub const MAX_ANSWER_CHARS: usize = 48_000;

/// Returns the tests' overrides: a short timeout for registries, and retries without delay.
pub fn overrides(ambient: Option<&Keys>) -> Overrides {
    Overrides {
        use_proxy: false,
        ambient: ambient.map_or(AmbientProvider::None, |keys| AmbientProvider::Fixed(keys.credentials())),
        registry_timeout: Duration::from_millis(500),
        s3_backoff: Duration::from_millis(1),
        retry_policy: RetryPolicy {
            max_backoff: Duration::from_millis(1),
            ..RetryPolicy::default()
        },
        ..Overrides::default()
    }
}
