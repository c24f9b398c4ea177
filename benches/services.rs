//! Benchmark of search and SQL on the backend of `dev`, as ratios to the same question without the server, which is the real
//! program in a process of its own.
//!
//! - `cargo bench --bench services -- search [OBJECTS [PACKAGES]]`: a search of packages and one of objects, compared with the
//!   same GraphQL request at the registry
//! - `… -- sql`: a query, compared with the SDK's own calls of Athena
//! - `… -- rows [MEBIBYTES]`: reads a result of this size page by page, at most 1,000 rows each

#![expect(
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark prints its results, and stops at an unexpected answer"
)]

#[path = "support/cpu.rs"]
#[expect(dead_code, reason = "only its memory is used")]
mod cpu;
#[path = "support/server.rs"]
#[expect(dead_code, reason = "its tokens are not used")]
mod server;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use aws_sdk_athena::types::{QueryExecutionContext, QueryExecutionState};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::IntoResponse;
use quilt_format::manifest::ManifestWriter;
use quilt_format::{Entry, Header, PhysicalKey};
use quilt_mcp::clock::Clock;
use quilt_mcp::dev::Backend;
use serde_json::{Value, json};
use server::Server;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const ROUNDS: usize = 21;
/// The database with the tables of packages.
const DATABASE: &str = "quilt_dev_iceberg";

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [] => {
                search(10_000, 100).await?;
                sql().await?;
                rows(10).await
            }
            ["search"] => search(100_000, 1_000).await,
            ["search", objects] => search(objects.parse()?, 1_000).await,
            ["search", objects, packages] => search(objects.parse()?, packages.parse()?).await,
            ["sql"] => sql().await,
            ["rows"] => rows(100).await,
            ["rows", mebibytes] => rows(mebibytes.parse()?).await,
            other => bail!("unknown arguments {other:?}"),
        }
    })
}

/// The backend of `dev` in this process, and a server.
struct Stage {
    backend: Backend,
    server: Server,
    http: reqwest::Client,
    /// The last request to the registry's GraphQL.
    asked: Arc<Mutex<Option<Bytes>>>,
    token: String,
}

impl Stage {
    async fn start() -> anyhow::Result<Self> {
        let backend = Backend::start(Clock::system(), &TaskTracker::new(), &CancellationToken::new()).await?;
        let http = quilt_mcp::catalog::http_client(Duration::from_mins(5))?;
        let asked = Arc::default();
        let registry = recorder(&backend.info.registry_url, &http, &asked).await?;
        let mut flags = backend.flags();
        flags.push(format!("--registry-url={registry}"));
        Ok(Self {
            server: Server::with(&flags)?,
            token: backend.info.users.writer.token.clone(),
            backend,
            http,
            asked,
        })
    }

    /// Writes a package with this number of entries, each with a kibibyte of metadata. Returns a query of all of them.
    fn make_rows(&self, count: usize) -> anyhow::Result<String> {
        let bucket = &self.backend.info.buckets.shared;
        let mut writer = ManifestWriter::new(&Header::new(None, None, Some("rows")))?;
        let meta = quilt_format::json::parse(&json!({ "user_meta": { "text": "x".repeat(1000) } }).to_string())?;
        for number in 0..count {
            let entry = Entry {
                logical_key: format!("{number:07}").parse().map_err(anyhow::Error::msg)?,
                physical_key: PhysicalKey::S3 {
                    bucket: bucket.clone(),
                    key: "plankton/README.md".to_owned(),
                    version_id: None,
                },
                size: 1,
                hash: quilt_format::json::parse(r#"{"type":"SHA256","value":"00"}"#)?,
                meta: meta.clone(),
            };
            writer.entry(&entry)?;
        }
        let mut bytes = writer.take();
        let (tail, hash) = writer.finish();
        bytes.extend(tail);
        let aws = &self.backend.aws;
        aws.put_object(bucket, &format!(".quilt/packages/{hash}"), bytes, None, &[])?;
        for pointer in ["1700000000", "latest"] {
            let key = format!(".quilt/named_packages/bench/rows/{pointer}");
            aws.put_object(bucket, &key, hash.to_string(), None, &[])?;
        }
        Ok(format!(
            "SELECT logical_key, metadata FROM \"{bucket}_package_entry\" WHERE top_hash = '{hash}'"
        ))
    }

    async fn call(&self, tool: &str, arguments: &Value) -> anyhow::Result<Value> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": tool, "arguments": arguments } });
        let request = self.http.post(self.server.url()).bearer_auth(&self.token).json(&body);
        let answer: Value = request.send().await?.json().await?;
        let output = answer["result"]["structuredContent"].clone();
        ensure!(output["success"] == true, "{tool}: {answer}");
        Ok(output)
    }

    /// Puts the question of the last call to the registry itself.
    async fn ask_registry(&self) -> anyhow::Result<Value> {
        let body = self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let url = format!("{}/graphql", self.backend.info.registry_url);
        let request = self
            .http
            .post(url)
            .bearer_auth(&self.token)
            .header("content-type", "application/json")
            .body(body.context("the registry was not asked")?);
        Ok(request.send().await?.json().await?)
    }
}

/// The registry, and where its last GraphQL request is kept.
type Recorder = (String, reqwest::Client, Arc<Mutex<Option<Bytes>>>);

/// Starts a proxy of the registry that keeps the last GraphQL request.
async fn recorder(registry: &str, http: &reqwest::Client, asked: &Arc<Mutex<Option<Bytes>>>) -> anyhow::Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let state: Recorder = (registry.to_owned(), http.clone(), asked.clone());
    let routes = Router::new().fallback(forward).with_state(state);
    #[expect(clippy::disallowed_methods, reason = "ends with the program")]
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(url)
}

async fn forward(
    State((registry, http, asked)): State<Recorder>,
    method: axum::http::Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    if uri.path().ends_with("graphql") {
        *asked.lock().unwrap_or_else(PoisonError::into_inner) = Some(body.clone());
    }
    let mut request = http.request(method, format!("{registry}{uri}")).body(body);
    for name in ["authorization", "content-type"] {
        if let Some(value) = headers.get(name) {
            request = request.header(name, value);
        }
    }
    match request.send().await {
        Ok(answer) => (answer.status(), answer.bytes().await.unwrap_or_default()),
        Err(_) => (axum::http::StatusCode::BAD_GATEWAY, Bytes::new()),
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

async fn search(objects: usize, packages: usize) -> anyhow::Result<()> {
    let stage = Stage::start().await?;
    let bucket = stage.backend.info.buckets.shared.clone();
    for number in 0..objects {
        let (folder, kind) = (number / 1000, ["reads", "barcode", "index"][number % 3]);
        let key = format!("runs/{folder:04}/{kind}-{number:06}.txt");
        stage
            .backend
            .aws
            .put_object(&bucket, &key, format!("{number}"), None, &[])?;
    }
    for number in 0..packages {
        let organism = ["Calanus finmarchicus", "Oithona similis", "Acartia clausi"][number % 3];
        let create = json!({ "bucket": bucket, "name": format!("survey/station-{number:05}"),
            "files": [format!("s3://{bucket}/plankton/README.md")], "message": "first",
            "metadata": { "sample": { "organism": organism, "depth": number } } });
        stage.call("package_create", &create).await?;
    }
    println!("{objects} objects and {packages} packages");
    let by_metadata = json!({ "metadata": [{ "path": "/sample/organism", "equals": ["Oithona similis"] }] });
    let by_name = json!({ "kind": "objects", "filters": { "key": "*barcode*" } });
    for (what, arguments) in [("packages by metadata", by_metadata), ("objects by name", by_name)] {
        let (mut ours, mut registry) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let found = stage.call("search_catalog", &arguments).await?;
            ours.push(start.elapsed());
            ensure!(found["total"].as_u64() > Some(0), "{found}");
            let start = Instant::now();
            let answer = stage.ask_registry().await?;
            registry.push(start.elapsed());
            ensure!(answer["errors"].is_null(), "{answer}");
        }
        let (ours, registry) = (median(ours), median(registry));
        let ratio = ours.as_secs_f64() / registry.as_secs_f64();
        println!("{what}: {ours:.2?}, the registry alone {registry:.2?}, ratio {ratio:.2}");
    }
    Ok(())
}

async fn sql() -> anyhow::Result<()> {
    let stage = Stage::start().await?;
    let info = &stage.backend.info;
    let sql = stage.make_rows(1000)?;
    let arguments = json!({ "sql": sql, "database": DATABASE, "max_rows": 1000 });
    let first = stage.call("athena_query_execute", &arguments).await?;
    let workgroup = first["workgroup"].as_str().context("a workgroup")?.to_owned();
    let vended: Value = stage
        .http
        .get(format!("{}/api/auth/get_credentials", info.registry_url))
        .bearer_auth(&stage.token)
        .send()
        .await?
        .json()
        .await?;
    let text = |name: &str| vended[name].as_str().map(str::to_owned);
    let keys = aws_credential_types::Credentials::new(
        text("AccessKeyId").context("credentials")?,
        text("SecretAccessKey").context("credentials")?,
        text("SessionToken"),
        None,
        "bench",
    );
    let config = aws_sdk_athena::Config::builder()
        .behavior_version(aws_sdk_athena::config::BehaviorVersion::latest())
        .region(aws_sdk_athena::config::Region::new(info.region.clone()))
        .endpoint_url(info.athena_endpoint.clone().context("an endpoint")?)
        .credentials_provider(keys);
    let athena = aws_sdk_athena::Client::from_conf(config.build());
    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let start = Instant::now();
        stage.call("athena_query_execute", &arguments).await?;
        ours.push(start.elapsed());
        let start = Instant::now();
        query(&athena, &sql, &workgroup).await?;
        plain.push(start.elapsed());
    }
    let (ours, plain) = (median(ours), median(plain));
    let ratio = ours.as_secs_f64() / plain.as_secs_f64();
    println!("a query of 1,000 rows: {ours:.2?}, the SDK alone {plain:.2?}, ratio {ratio:.2}");
    Ok(())
}

/// Runs a query, asks for its state each 10 ms, and reads the first page of its result.
async fn query(athena: &aws_sdk_athena::Client, sql: &str, workgroup: &str) -> anyhow::Result<()> {
    let context = QueryExecutionContext::builder().database(DATABASE).build();
    let started = athena
        .start_query_execution()
        .query_string(sql)
        .work_group(workgroup)
        .query_execution_context(context)
        .send()
        .await?;
    let id = started.query_execution_id.context("no id")?;
    loop {
        let execution = athena.get_query_execution().query_execution_id(&id).send().await?;
        let state = execution
            .query_execution
            .and_then(|query| query.status)
            .and_then(|status| status.state);
        match state {
            Some(QueryExecutionState::Succeeded) => break,
            Some(QueryExecutionState::Queued | QueryExecutionState::Running) => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            other => bail!("the query ended as {other:?}"),
        }
    }
    athena.get_query_results().query_execution_id(&id).send().await?;
    Ok(())
}

async fn rows(mebibytes: usize) -> anyhow::Result<()> {
    let stage = Stage::start().await?;
    let count = mebibytes * 1024;
    let sql = stage.make_rows(count)?;
    let idle = cpu::kib(stage.server.pid(), "VmRSS")?;
    // 5 resets the peak memory.
    std::fs::write(format!("/proc/{}/clear_refs", stage.server.pid()), "5")?;
    let start = Instant::now();
    let mut page = stage
        .call(
            "athena_query_execute",
            &json!({ "sql": sql, "database": DATABASE, "max_rows": 1000 }),
        )
        .await?;
    let id = page["query_id"].as_str().context("an id")?.to_owned();
    let (mut read, mut calls) = (0, 1);
    loop {
        read += page["rows"].as_array().map_or(0, Vec::len);
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        let next = json!({ "query_id": id, "cursor": cursor, "max_rows": 1000 });
        page = stage.call("athena_query_results", &next).await?;
        calls += 1;
    }
    ensure!(read == count, "{read} rows of {count}");
    let peak = cpu::kib(stage.server.pid(), "VmHWM")?;
    println!(
        "{count} rows of 1 KiB in {calls} calls, {:.1?}: peak {} MiB, idle before {} MiB",
        start.elapsed(),
        peak / 1024,
        idle / 1024
    );
    Ok(())
}
