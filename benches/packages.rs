//! Package benchmark: S3 requests, time as ratios, and the server's peak memory. The server is the real program in a process
//! of its own, with the embedded S3 of this process.
//!
//! - `cargo bench --bench packages -- create [OBJECTS]`: creates a package of existing objects, compared with as many HEAD
//!   requests of a plain SDK client at the same concurrency
//! - `… -- create OBJECTS PYTHON`: also compares with quilt3 8.0.0, which this Python interpreter must have
//! - `… -- large [OBJECTS [MILLISECONDS]]`: creates a package of this number of objects from a prefix, resuming until it is
//!   complete, adds a file, and compares the two revisions. MILLISECONDS is the latency added to each S3 request
//! - `… -- browse [ENTRIES]`: reads pages and the difference of two packages with this number of entries

#![expect(
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark prints its results, and stops at an unexpected answer"
)]

#[path = "support/cpu.rs"]
#[expect(dead_code, reason = "only its memory is used")]
mod cpu;
#[path = "support/latency.rs"]
mod latency;
#[path = "support/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use aws_sdk_s3::types::ChecksumAlgorithm;
use embedded_aws::{AccessKey, EmbeddedAws, Options};
use futures::{StreamExt as _, TryStreamExt as _};
use quilt_format::manifest::ManifestHasher;
use quilt_mcp::clock::Clock;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use server::{Server, token};
use tokio_util::sync::CancellationToken;

const BUCKET: &str = "bench-packages";
/// As many concurrent HEADs as the server sends (`packages/objects/inspect.rs`).
const MAX_CONCURRENCY: usize = 64;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [] => {
                create(2_000, None).await?;
                large(6_000, 0).await?;
                browse(100_000).await
            }
            ["create"] => create(10_000, None).await,
            ["create", objects] => create(objects.parse()?, None).await,
            ["create", objects, python] => create(objects.parse()?, Some(python)).await,
            ["large"] => large(1_000_000, 0).await,
            ["large", objects] => large(objects.parse()?, 0).await,
            ["large", objects, latency] => large(objects.parse()?, latency.parse()?).await,
            ["browse"] => browse(1_000_000).await,
            ["browse", entries] => browse(entries.parse()?).await,
            other => bail!("unknown arguments {other:?}"),
        }
    })
}

/// The embedded S3 with an administrator, and the server.
struct Stage {
    aws: EmbeddedAws,
    endpoint: String,
    admin: AccessKey,
    s3: aws_sdk_s3::Client,
    server: Server,
    url: String,
    token: String,
    http: reqwest::Client,
}

impl Stage {
    async fn start() -> anyhow::Result<Self> {
        Self::start_with_latency(Duration::ZERO).await
    }

    /// Starts both. Each S3 request of the server takes so much longer.
    async fn start_with_latency(latency: Duration) -> anyhow::Result<Self> {
        let clock = Clock::system();
        let aws = EmbeddedAws::new(Options::new(std::sync::Arc::new(move || clock.now())));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let serving = aws.clone();
        #[expect(clippy::disallowed_methods, reason = "ends with the program")]
        tokio::spawn(async move { serving.serve(listener, CancellationToken::new()).await });
        aws.create_bucket(BUCKET, None, true);
        let everything =
            json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
        let admin = aws.create_user("admin", &[everything])?;
        let keys = aws_credential_types::Credentials::new(
            &admin.access_key_id,
            admin.secret_access_key.expose_secret(),
            None,
            None,
            "bench",
        );
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
            .region(aws_sdk_s3::config::Region::new("us-east-1"))
            .endpoint_url(&endpoint)
            .force_path_style(true)
            .credentials_provider(keys);
        let s3 = aws_sdk_s3::Client::from_conf(config.build());

        let server = if latency.is_zero() {
            Server::start(&endpoint)?
        } else {
            Server::start(&latency::before(&endpoint, latency).await?)?
        };
        let token = token(&admin.access_key_id, admin.secret_access_key.expose_secret())?;
        let http = quilt_mcp::catalog::http_client(Duration::from_mins(5))?;
        Ok(Self {
            aws,
            endpoint,
            admin,
            s3,
            url: server.url(),
            server,
            token,
            http,
        })
    }

    async fn call(&self, tool: &str, arguments: Value) -> anyhow::Result<Value> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": tool, "arguments": arguments } });
        let request = self.http.post(&self.url).bearer_auth(&self.token).json(&body);
        let answer: Value = request.send().await?.json().await?;
        let output = answer["result"]["structuredContent"].clone();
        ensure!(output["success"] == true, "{tool}: {answer}");
        Ok(output)
    }

    /// Calls a tool and prints its duration, its S3 requests and the server's peak memory.
    async fn measured(&self, what: &str, tool: &str, arguments: Value) -> anyhow::Result<(Value, Duration)> {
        self.aws.journal().clear();
        // 5 resets the peak memory.
        std::fs::write(format!("/proc/{}/clear_refs", self.server.pid()), "5")?;
        let start = Instant::now();
        let output = self.call(tool, arguments).await?;
        let duration = start.elapsed();
        let mut requests: BTreeMap<String, usize> = BTreeMap::new();
        for entry in self.aws.journal().entries() {
            *requests.entry(entry.operation).or_default() += 1;
        }
        let requests: Vec<String> = requests
            .iter()
            .map(|(operation, times)| format!("{operation} {times}"))
            .collect();
        println!(
            "{what}: {duration:.2?}, peak {} MiB, requests: {}",
            self.peak()? / 1024,
            requests.join(", ")
        );
        Ok((output, duration))
    }

    /// Returns the peak memory of the server in KiB.
    fn peak(&self) -> anyhow::Result<u64> {
        cpu::kib(self.server.pid(), "VmHWM")
    }
}

async fn create(objects: usize, python: Option<&str>) -> anyhow::Result<()> {
    let stage = Stage::start().await?;
    for (prefix, algorithm) in [("sums", Some(ChecksumAlgorithm::Sha256)), ("none", None)] {
        let puts = (0..objects).map(|number| {
            let s3 = &stage.s3;
            let algorithm = algorithm.clone();
            async move {
                let key = format!("{prefix}/{:03}/{number:06}.csv", number / 100);
                let body = format!("{number}\n").repeat(100).into_bytes();
                s3.put_object()
                    .bucket(BUCKET)
                    .key(key)
                    .set_checksum_algorithm(algorithm)
                    .body(body.into())
                    .send()
                    .await
            }
        });
        let puts: Vec<_> = puts.collect();
        futures::stream::iter(puts)
            .buffer_unordered(MAX_CONCURRENCY)
            .try_collect::<Vec<_>>()
            .await?;
    }
    println!("{objects} objects of about 600 bytes");

    let heads = async || -> anyhow::Result<Duration> {
        let start = Instant::now();
        let heads = (0..objects).map(|number| {
            let key = format!("sums/{:03}/{number:06}.csv", number / 100);
            stage
                .s3
                .head_object()
                .bucket(BUCKET)
                .key(key)
                .checksum_mode(aws_sdk_s3::types::ChecksumMode::Enabled)
                .send()
        });
        let heads: Vec<_> = heads.collect();
        futures::stream::iter(heads)
            .buffer_unordered(MAX_CONCURRENCY)
            .try_collect::<Vec<_>>()
            .await?;
        Ok(start.elapsed())
    };
    let mut ratios = Vec::new();
    let mut in_memory = Vec::new();
    let mut ours = Duration::ZERO;
    for round in 0..3 {
        let plain = heads().await?;
        for prefix in ["sums", "none"] {
            let arguments = json!({ "bucket": BUCKET, "name": format!("bench/{prefix}{round}"), "source_bucket": BUCKET,
                "source_prefix": format!("{prefix}/"), "flatten": false });
            let what = match prefix {
                "sums" => "package of objects with SHA-256 checksums",
                _ => "package of objects without, which are read",
            };
            let (output, took) = stage.measured(what, "package_create_from_s3", arguments).await?;
            ensure!(output["entries_added"] == objects, "{output}");
            if prefix == "sums" {
                ensure!(output["bytes_hashed"] == 0, "{output}");
                ratios.push(took.as_secs_f64() / plain.as_secs_f64());
                // Names alone need all objects at once, and the same objects are then held in memory.
                let arguments = json!({ "bucket": BUCKET, "name": format!("bench/memory{round}"),
                    "source_bucket": BUCKET, "source_prefix": "sums/", "flatten": true });
                let what = "the same package, all of its objects in memory";
                let (_, memory) = stage.measured(what, "package_create_from_s3", arguments).await?;
                in_memory.push(took.as_secs_f64() / memory.as_secs_f64());
            } else {
                ours = took;
            }
        }
        println!("plain SDK, as many HEADs, {MAX_CONCURRENCY} at once: {plain:.2?}");
    }
    println!("package : plain HEADs = {ratios:.2?}");
    println!("package : in memory = {in_memory:.2?}");
    if let Some(python) = python {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/quilt3_push_time.py");
        let arguments = [BUCKET, "none/", "bench/quilt3"];
        let mut run = Command::new(python);
        run.arg(script)
            .args(arguments)
            .env("AWS_ENDPOINT_URL_S3", &stage.endpoint)
            .env("AWS_ACCESS_KEY_ID", &stage.admin.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", stage.admin.secret_access_key.expose_secret());
        let output = tokio::task::block_in_place(|| run.output())?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let output = String::from_utf8_lossy(&output.stdout).into_owned();
        // quilt3 prints messages of its own before.
        let seconds: f64 = output.lines().next_back().unwrap_or_default().parse()?;
        println!(
            "quilt3, the same objects: {seconds:.2} s; quilt3 : package = {:.1}",
            seconds / ours.as_secs_f64()
        );
    }
    Ok(())
}

/// Creates a package from a prefix with many objects, and its next revision.
async fn large(objects: usize, latency_ms: u64) -> anyhow::Result<()> {
    let stage = Stage::start_with_latency(Duration::from_millis(latency_ms)).await?;
    // The embedded S3 has a CRC64NVME of each.
    for number in 0..objects {
        let key = format!("lake/{:04}/sample-{number:07}.csv", number / 1000);
        stage.aws.put_object(BUCKET, &key, format!("{number}\n"), None, &[])?;
    }
    println!("{objects} objects with checksums, {latency_ms} ms added to each request");
    let start = Instant::now();
    let mut arguments = json!({ "bucket": BUCKET, "name": "bench/lake", "source_prefix": "lake/",
        "hash_type": "CRC64NVME" });
    let mut calls = 0;
    let created = loop {
        calls += 1;
        let what = format!("call {calls}");
        let (output, _) = stage
            .measured(&what, "package_create_from_s3", arguments.clone())
            .await?;
        if output["complete"] != false {
            break output;
        }
        println!("  {} entries are ready", output["entries_added"]);
        arguments["resume"] = output["resume"].clone();
    };
    ensure!(created["entries_added"] == objects, "{created}");
    println!("created in {:.1?} with {calls} calls", start.elapsed());
    let file = format!("s3://{BUCKET}/lake/0000/sample-0000000.csv");
    let add = json!([{ "s3_uri": file, "logical_key": "added.csv" }]);
    let update = json!({ "bucket": BUCKET, "name": "bench/lake", "add": add });
    let (updated, _) = stage.measured("update by one file", "package_update", update).await?;
    ensure!(
        updated["diff"] == json!({ "added": 1, "changed": 0, "removed": 0 }),
        "{updated}"
    );
    let both = json!({ "bucket": BUCKET, "name": "bench/lake", "hash": created["package"]["hash"],
        "other_hash": updated["package"]["hash"] });
    let (diff, _) = stage.measured("difference of the two", "package_diff", both).await?;
    ensure!(diff["counts"]["added"] == 1, "{}", diff["counts"]);
    let verify = json!({ "bucket": BUCKET, "name": "bench/lake" });
    let (verified, _) = stage
        .measured("verification of the hash", "package_verify", verify)
        .await?;
    ensure!(verified["manifest_ok"] == true, "{verified}");
    Ok(())
}

/// Returns a manifest with this number of entries in directories of a thousand, and its top hash. In the second revision,
/// every thousandth entry differs.
fn manifest(entries: usize, second: bool) -> anyhow::Result<(Vec<u8>, String)> {
    let mut text = format!(
        "{{\"version\": \"v0\", \"message\": \"{}\"}}\n",
        if second { "second" } else { "first" }
    );
    for number in 0..entries {
        let size = if second && number % 1000 == 500 { 2 } else { 1 };
        let key = format!("data/{:04}/sample-{number:07}.csv", number / 1000);
        writeln!(
            text,
            "{{\"logical_key\": \"{key}\", \"physical_keys\": [\"s3://{BUCKET}/bench/large/{key}?versionId=abc.DEF_123-456-789-abc.DEF_12\"], \
             \"size\": {size}, \"hash\": {{\"type\": \"sha2-256-chunked\", \"value\": \"G+PMuVN7xro+Q61a54Pcqumd/dxrG7EOfhnQeNAPwdI=\"}}, \
             \"meta\": {{\"user_meta\": {{\"station\": \"näh\", \"n\": {number}}}}}}}"
        )?;
    }
    let mut hasher = ManifestHasher::streaming();
    hasher.push(text.as_bytes())?;
    Ok((text.into_bytes(), hasher.finish()?.top_hash.to_string()))
}

async fn browse(entries: usize) -> anyhow::Result<()> {
    let stage = Stage::start().await?;
    let mut hashes = Vec::new();
    for second in [false, true] {
        let (bytes, hash) = manifest(entries, second)?;
        println!("manifest of {entries} entries, {} MiB: {hash}", bytes.len() >> 20);
        let put = |key: String, body: Vec<u8>| stage.s3.put_object().bucket(BUCKET).key(key).body(body.into()).send();
        put(format!(".quilt/packages/{hash}"), bytes).await?;
        put(
            ".quilt/named_packages/bench/large/latest".to_owned(),
            hash.clone().into_bytes(),
        )
        .await?;
        put(
            format!(
                ".quilt/named_packages/bench/large/{}",
                1_700_000_000 + u32::from(second)
            ),
            hash.clone().into_bytes(),
        )
        .await?;
        hashes.push(hash);
    }
    let package = |more: Value| {
        let mut arguments = json!({ "bucket": BUCKET, "name": "bench/large" });
        arguments
            .as_object_mut()
            .into_iter()
            .for_each(|all| all.extend(more.as_object().cloned().unwrap_or_default()));
        arguments
    };
    let middle = format!("data/{:04}", entries / 2000);
    stage
        .measured(
            "first page of the root, manifest never read",
            "package_browse",
            package(json!({})),
        )
        .await?;
    stage
        .measured("first page of the root, known", "package_browse", package(json!({})))
        .await?;
    stage
        .measured(
            "first page of all directories",
            "package_browse",
            package(json!({ "path": "data" })),
        )
        .await?;
    let (page, _) = stage
        .measured(
            "first page of a directory in the middle",
            "package_browse",
            package(json!({ "path": middle })),
        )
        .await?;
    ensure!(page["returned"] == 100, "{page}");
    let next = package(json!({ "path": middle, "cursor": page["next_cursor"] }));
    stage.measured("its second page", "package_browse", next).await?;
    let both = package(json!({ "hash": hashes[0], "other_hash": hashes[1] }));
    let (diff, _) = stage
        .measured("difference, one of the two never read", "package_diff", both.clone())
        .await?;
    ensure!(diff["counts"]["changed"] == entries / 1000, "{}", diff["counts"]);
    let (diff, _) = stage
        .measured("difference, both known", "package_diff", both.clone())
        .await?;
    if diff["next_cursor"].is_string() {
        let mut next = both;
        next["cursor"] = diff["next_cursor"].clone();
        stage.measured("its second page", "package_diff", next).await?;
    }
    Ok(())
}
