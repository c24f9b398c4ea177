//! Load benchmark: the cost of a call over the network, compared with a baseline: a bare axum handler that answers with the
//! same bytes, or the same S3 call of a plain SDK client. The server is the real program with the default log level and
//! metrics. Server, S3, bare handler and clients are separate processes, so that their CPU times are measured separately.
//!
//! - `cargo bench --bench load`: runs everything; `… -- info` runs only the benchmarks with that in their name
//! - `… -- --smoke`: runs everything once, to check that it works

#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]

#[path = "../support/cpu.rs"]
mod cpu;
#[path = "../support/median.rs"]
mod median;
mod peers;
mod round;
#[path = "../support/server.rs"]
#[expect(dead_code, reason = "its address and secret are not used")]
mod server;
mod wire;

use std::time::Duration;

use anyhow::ensure;
use aws_sdk_s3::types::{ChecksumMode, EncodingType};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures::FutureExt as _;
use median::median;
use peers::{BUCKET, LARGE, Peer, SMALL};
use round::{Act, Cost, Effort, Side, compare};
use serde_json::{Value, json};
use server::Server;
use wire::{Post, Wire};

type Sdk = aws_sdk_s3::Client;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Runtime::new()?;
    match arguments.as_slice() {
        ["s3", _] => runtime.block_on(peers::s3()),
        ["bare", answer] => runtime.block_on(peers::bare(answer)),
        ["thin", s3] => runtime.block_on(peers::thin(s3)),
        ["--smoke"] => runtime.block_on(run(
            Effort {
                rounds: 1,
                round: Duration::from_millis(20),
            },
            "",
        )),
        [] => runtime.block_on(run(
            Effort {
                rounds: 11,
                round: Duration::from_millis(700),
            },
            "",
        )),
        [only] => runtime.block_on(run(
            Effort {
                rounds: 11,
                round: Duration::from_millis(700),
            },
            only,
        )),
        other => anyhow::bail!("unknown arguments {other:?}"),
    }
}

async fn run(effort: Effort, only: &str) -> anyhow::Result<()> {
    let bench = Bench::start(effort)?;
    if "start".contains(only) {
        bench.start_and_idle().await?;
    }
    for (version, connections) in [("2025-11-25", 1), ("2025-11-25", 16), ("2026-07-28", 16)] {
        if format!("local {version} {connections}").contains(only) {
            bench.local(version, connections).await?;
        }
    }
    for (version, connections) in [("2025-11-25", 16), ("2026-07-28", 16)] {
        if format!("tools {version} {connections}").contains(only) {
            bench.tools(version, connections).await?;
        }
    }
    for connections in [1, 16] {
        if format!("info {connections}").contains(only) {
            let arguments = json!({ "s3_uri": format!("s3://{BUCKET}/{SMALL}") });
            bench.s3("bucket_object_info", &arguments, head, connections).await?;
        }
        if format!("thin {connections}").contains(only) {
            bench.thin(connections).await?;
        }
    }
    if "fetch".contains(only) {
        let arguments = json!({ "s3_uri": format!("s3://{BUCKET}/{LARGE}"), "max_bytes": 1 << 20 });
        bench.s3("bucket_object_fetch", &arguments, read_and_encode, 1).await?;
    }
    if "list".contains(only) {
        let arguments = json!({ "bucket": BUCKET, "prefix": "many/", "max_keys": 1000 });
        bench.s3("bucket_objects_list", &arguments, list, 1).await?;
    }
    Ok(())
}

fn head(sdk: Sdk) -> futures::future::BoxFuture<'static, anyhow::Result<Sdk>> {
    async move {
        sdk.head_object()
            .bucket(BUCKET)
            .key(SMALL)
            .checksum_mode(ChecksumMode::Enabled)
            .send()
            .await?;
        Ok(sdk)
    }
    .boxed()
}

fn read_and_encode(sdk: Sdk) -> futures::future::BoxFuture<'static, anyhow::Result<Sdk>> {
    async move {
        let answer = sdk
            .get_object()
            .bucket(BUCKET)
            .key(LARGE)
            .range("bytes=0-1048575")
            .send()
            .await?;
        let encoded = BASE64_STANDARD.encode(answer.body.collect().await?.into_bytes());
        ensure!(encoded.len() == (1_usize << 20).div_ceil(3) * 4, "unexpected length");
        Ok(sdk)
    }
    .boxed()
}

fn list(sdk: Sdk) -> futures::future::BoxFuture<'static, anyhow::Result<Sdk>> {
    async move {
        let page = sdk.list_objects_v2().bucket(BUCKET).prefix("many/").max_keys(1000);
        let page = page.encoding_type(EncodingType::Url).send().await?;
        ensure!(page.contents().len() == 1000, "unexpected number of keys");
        Ok(sdk)
    }
    .boxed()
}

fn send((mut wire, post): (Wire, Post)) -> futures::future::BoxFuture<'static, anyhow::Result<(Wire, Post)>> {
    async move {
        wire.send(&post).await?;
        Ok((wire, post))
    }
    .boxed()
}

struct Bench {
    effort: Effort,
    s3: Peer,
    server: Server,
    sdk: Sdk,
    token: String,
}

impl Bench {
    fn start(effort: Effort) -> anyhow::Result<Self> {
        let s3 = Peer::start("s3", "")?;
        let endpoint = format!("http://127.0.0.1:{}", s3.ready.port);
        let id = &s3.ready.access_key_id;
        let secret = &s3.ready.secret_access_key;
        let server = Server::start(&endpoint)?;
        let token = server::token(id, secret)?;
        Ok(Self {
            effort,
            sdk: peers::sdk(s3.ready.port, id, secret),
            s3,
            server,
            token,
        })
    }

    /// Calls a tool once in a protocol version, checks the answer, and returns the request and its answer.
    async fn call(&self, version: &str, tool: &str, arguments: &Value) -> anyhow::Result<(Post, Vec<u8>)> {
        let params = json!({ "name": tool, "arguments": arguments });
        let (post, answer) = self.request(version, "tools/call", Some(tool), params).await?;
        let json: Value = serde_json::from_slice(&answer)?;
        ensure!(
            json.pointer("/result/structuredContent/success") == Some(&json!(true)),
            "{tool}: {json}"
        );
        Ok((post, answer))
    }

    /// Sends a request once and returns it with its answer.
    async fn request(
        &self,
        version: &str,
        method: &str,
        name: Option<&str>,
        mut params: Value,
    ) -> anyhow::Result<(Post, Vec<u8>)> {
        let authorization = format!("Bearer {}", self.token);
        let mut headers = vec![
            ("authorization", authorization.as_str()),
            ("accept", "application/json, text/event-stream"),
            ("mcp-protocol-version", version),
        ];
        if version >= "2026-07-28" {
            headers.push(("mcp-method", method));
            headers.extend(name.map(|name| ("mcp-name", name)));
            let meta = json!({ "io.modelcontextprotocol/protocolVersion": version,
                "io.modelcontextprotocol/clientInfo": { "name": "bench", "version": "1" },
                "io.modelcontextprotocol/clientCapabilities": {} });
            params
                .as_object_mut()
                .into_iter()
                .for_each(|params| drop(params.insert("_meta".to_owned(), meta.clone())));
        }
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let post = Post::new(self.server.port, &headers, &body.to_string());
        let answer = Wire::connect(self.server.port).await?.send(&post).await?.to_vec();
        Ok((post, answer))
    }

    /// Measures a tool that calls no other service, against a handler that answers with the same bytes.
    async fn local(&self, version: &str, connections: usize) -> anyhow::Result<()> {
        let (post, answer) = self
            .call(version, "package_templates", &json!({ "template_name": "model" }))
            .await?;
        self.beside_bare("package_templates", version, connections, (post, answer))
            .await
    }

    /// Measures the list of tools, against a handler that answers with the same bytes.
    async fn tools(&self, version: &str, connections: usize) -> anyhow::Result<()> {
        let (post, answer) = self.request(version, "tools/list", None, json!({})).await?;
        let json: Value = serde_json::from_slice(&answer)?;
        let tools = json.pointer("/result/tools").and_then(Value::as_array);
        ensure!(tools.is_some_and(|tools| !tools.is_empty()), "no tools: {json}");
        self.beside_bare("tools/list", version, connections, (post, answer))
            .await
    }

    async fn beside_bare(
        &self,
        what: &str,
        version: &str,
        connections: usize,
        (post, answer): (Post, Vec<u8>),
    ) -> anyhow::Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(&file, &answer)?;
        let handler = Peer::start("bare", &file.path().to_string_lossy())?;
        let (ours, base) = compare(
            self.effort,
            self.clients(post.clone(), connections).await?,
            side(
                clients(
                    Post {
                        port: handler.ready.port,
                        ..post
                    },
                    connections,
                )
                .await?,
                send,
                handler.pid(),
                &[],
            ),
        )
        .await?;
        report(
            &format!("{what}, MCP {version}, {connections} connections"),
            "bare handler",
            ours,
            base,
        );
        Ok(())
    }

    /// Measures a tool that calls S3, against the same call of the SDK in this process.
    async fn s3(&self, tool: &str, arguments: &Value, plain: Act<Sdk>, connections: usize) -> anyhow::Result<()> {
        let (post, _) = self.call("2025-11-25", tool, arguments).await?;
        let sdk = (0..connections).map(|_| self.sdk.clone()).collect();
        let base = side(sdk, plain, std::process::id(), &[self.s3.pid()]);
        let (ours, base) = compare(self.effort, self.clients(post, connections).await?, base).await?;
        report(&format!("{tool}, {connections} connections"), "plain SDK", ours, base);
        Ok(())
    }

    /// Measures the cost of a process in between: a minimal server, against the SDK in this process.
    async fn thin(&self, connections: usize) -> anyhow::Result<()> {
        let thin = Peer::start("thin", &serde_json::to_string(&self.s3.ready)?)?;
        let post = Post::new(thin.ready.port, &[], "{}");
        let sdk = (0..connections).map(|_| self.sdk.clone()).collect();
        let base = side(sdk, head, std::process::id(), &[self.s3.pid()]);
        let others = [std::process::id(), self.s3.pid()];
        let thin = side(clients(post, connections).await?, send, thin.pid(), &others);
        let (thin, base) = compare(self.effort, thin, base).await?;
        report(
            &format!("axum with one SDK call, {connections} connections"),
            "plain SDK",
            thin,
            base,
        );
        Ok(())
    }

    async fn clients(&self, post: Post, connections: usize) -> anyhow::Result<Side<(Wire, Post)>> {
        Ok(side(
            clients(post, connections).await?,
            send,
            self.server.pid(),
            &[std::process::id(), self.s3.pid()],
        ))
    }

    /// Measures the time from `exec` to listening, and the memory of an idle server.
    async fn start_and_idle(&self) -> anyhow::Result<()> {
        let mut took = Vec::new();
        for _ in 0..self.effort.rounds {
            took.push(Server::start("http://127.0.0.1:9")?.took.as_secs_f64() * 1e3);
        }
        let program = std::fs::metadata(env!("CARGO_BIN_EXE_quilt-mcp"))?.len();
        let idle = Server::start("http://127.0.0.1:9")?;
        tokio::time::sleep(Duration::from_millis(200)).await;
        println!(
            "listening after {:.1} ms (median); idle memory {:.1} MiB; program {:.1} MiB",
            median(took),
            mib(cpu::kib(idle.pid(), "VmRSS")?),
            mib(program / 1024),
        );
        Ok(())
    }
}

async fn clients(post: Post, connections: usize) -> anyhow::Result<Vec<(Wire, Post)>> {
    let mut clients = Vec::new();
    for _ in 0..connections {
        clients.push((Wire::connect(post.port).await?, post.clone()));
    }
    Ok(clients)
}

fn side<C>(clients: Vec<C>, act: Act<C>, own: u32, others: &[u32]) -> Side<C> {
    Side {
        clients,
        act,
        own,
        all: [&[own], others].concat(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "the result is only printed")]
fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn report(what: &str, base_name: &str, ours: Cost, base: Cost) {
    println!("{what}; us per request, and those of the {base_name}");
    for (name, ours, base) in [
        ("CPU of the server", ours.own, base.own),
        ("CPU of all processes", ours.all, base.all),
        ("latency", ours.latency, base.latency),
        ("wall time / requests", ours.wall, base.wall),
    ] {
        println!("  {name:20} {ours:9.1} {base:9.1}   ratio {:.2}", ours / base);
    }
}
