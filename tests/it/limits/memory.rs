//! The largest concurrent load of callers within the memory of the smallest task, 512 MiB, set by the operating system.
//! S3 and the registry are outside of that limit.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures::future::join_all;
use futures::stream::{self, StreamExt as _};
use quilt_format::Manifest;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::confined::Confinement;
use crate::support::program::Program;
use crate::support::registry::{FakeRegistry, Vends};
use crate::support::stage::{SHARED, Stage};
use crate::support::{SECRET, token};

/// The number of calls that the server works on at once.
const CALLERS: usize = 256;
/// The number of callers with heavy calls: each kind of call meets each package once, and together they need several times the
/// memory that the server has for calls.
const HEAVY_CALLERS: usize = 128;
/// The memory of the smallest task.
const LIMIT: u64 = 512 * 1024 * 1024;
const MIB: usize = 1024 * 1024;
/// The longest wait; a test that reaches it has failed.
const TEST_TIMEOUT: Duration = Duration::from_mins(10);

struct Scene {
    stage: Stage,
    program: Program,
    confinement: Confinement,
    /// Writers, each with a token of their own.
    bearers: Vec<String>,
    address: SocketAddr,
}

/// A response's status and bytes, which are too large to be parsed as JSON.
struct Raw {
    status: u16,
    bytes: Vec<u8>,
}

impl Raw {
    fn has(&self, text: &str) -> bool {
        memchr::memmem::find(&self.bytes, text.as_bytes()).is_some()
    }

    /// Returns whether the server answered that it is throttled.
    fn is_throttled(&self) -> bool {
        self.status == 429 || self.has("\"error_code\":\"throttled\",\"retryable\":true")
    }

    fn shown(&self) -> String {
        format!(
            "{} {}",
            self.status,
            String::from_utf8_lossy(&self.bytes[..self.bytes.len().min(400)])
        )
    }
}

impl Scene {
    async fn new() -> Self {
        let stage = Stage::embedded().await;
        let registry = FakeRegistry::start().await;
        let bearers: Vec<String> = (0..CALLERS)
            .map(|n| token(json!({ "sub": format!("caller-{n}") })))
            .collect();
        for bearer in &bearers {
            registry.vends(bearer, Vends::Keys(stage.writer.clone(), 3600));
        }
        let confinement = Confinement::of(LIMIT);
        let arguments = [
            format!("--jwt-secret={SECRET}"),
            format!("--registry-url={}", registry.url),
            format!("--s3-endpoint={}", stage.endpoint),
            "--metrics-addr=127.0.0.1:0".to_owned(),
        ];
        let program = Program::serve_within(&confinement, &arguments).await;
        let address = program
            .server
            .url
            .trim_start_matches("http://")
            .trim_end_matches("/mcp")
            .parse()
            .unwrap();
        Self {
            stage,
            program,
            confinement,
            bearers,
            address,
        }
    }

    fn head(&self, caller: usize, length: usize) -> String {
        format!(
            "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer {}\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n",
            self.bearers[caller]
        )
    }

    /// Sends a call once, on a connection of its own.
    async fn attempt(&self, caller: usize, body: &[u8]) -> Raw {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream
            .write_all(self.head(caller, body.len()).as_bytes())
            .await
            .unwrap();
        // A server that refuses does not read to the end.
        let _ = stream.write_all(body).await;
        read(&mut stream).await
    }

    /// Repeats a call while the server throttles it. Returns the response and the number of refusals.
    async fn patiently(&self, caller: usize, body: &[u8]) -> (Raw, usize) {
        let begun = Instant::now();
        let mut refusals = 0;
        loop {
            let raw = self.attempt(caller, body).await;
            // A connection refused while it still sends may be reset before the answer is read.
            let is_lost = raw.bytes.is_empty();
            if !raw.is_throttled() && !is_lost {
                return (raw, refusals);
            }
            refusals += 1;
            assert!(begun.elapsed() < TEST_TIMEOUT, "refused until the end: {}", raw.shown());
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Returns the gauge of reserved bytes.
    async fn reserved(&self) -> u64 {
        let url = self.program.metrics.as_deref().unwrap();
        let address = url.trim_start_matches("http://").trim_end_matches("/metrics");
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        let text = String::from_utf8(read(&mut stream).await.bytes).unwrap();
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix("quilt_mcp_payload_bytes "));
        value.unwrap_or("0").trim().parse().unwrap()
    }

    /// Asserts that the server lives and serves, and that it has no bytes reserved; prints the peak.
    async fn afterwards(&mut self, what: &str, begun: Instant) {
        let process = self.program.id();
        let ping = self
            .program
            .server
            .post(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, &[])
            .await;
        assert_eq!(ping.status, 200, "{what}");
        let body = call(
            "bucket_object_fetch",
            json!({ "s3_uri": format!("s3://{SHARED}/mebibyte"), "max_bytes": MIB }),
        );
        let (raw, _) = self.patiently(0, &body).await;
        assert!(
            raw.status == 200 && raw.has("\"isError\":false"),
            "{what}: {}",
            raw.shown()
        );
        let freed = async { while self.reserved().await > 0 {} };
        tokio::time::timeout(TEST_TIMEOUT, freed)
            .await
            .unwrap_or_else(|_| panic!("{what}: the budget is not whole again"));
        let (group, own) = self.confinement.peak(process);
        let mib = |bytes: u64| bytes / MIB as u64;
        eprintln!(
            "{what}: peak {} MiB (group {:?}), {:?}",
            mib(own),
            group.map(mib),
            begun.elapsed()
        );
        // A group kills a process that exceeds it. Without one, memory shared with others, such as the program, is not limited.
        assert!(group.is_some() || own <= LIMIT);
    }
}

async fn read(stream: &mut TcpStream) -> Raw {
    let mut bytes = Vec::new();
    // A reset ends it too.
    let _ = tokio::time::timeout(TEST_TIMEOUT, stream.read_to_end(&mut bytes))
        .await
        .unwrap();
    let status = bytes
        .get(9..12)
        .and_then(|code| std::str::from_utf8(code).ok()?.parse().ok())
        .unwrap_or_default();
    Raw { status, bytes }
}

#[expect(clippy::needless_pass_by_value, reason = "callers write the arguments in place")]
fn call(tool: &str, arguments: Value) -> Vec<u8> {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": tool, "arguments": arguments } })
        .to_string()
        .into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worst_that_callers_do_at_once_fits_the_smallest_task() {
    let mut scene = Scene::new().await;
    fetches(&mut scene).await;
    large_bodies(&mut scene).await;
    unread_answers(&mut scene).await;
    heavy_calls(&mut scene).await;
}

/// Reads of a mebibyte each, as bytes and as a string of which every character is escaped.
async fn fetches(scene: &mut Scene) {
    let begun = Instant::now();
    let content: Vec<u8> = (0..MIB).map(|n| u8::try_from(n * 7 % 251).unwrap()).collect();
    scene.stage.seed(SHARED, "mebibyte", &content).await;
    scene.stage.seed(SHARED, "quotes", &vec![b'"'; MIB]).await;
    let expected = format!("\"data\":\"{}\"", BASE64_STANDARD.encode(&content));
    let refused = AtomicUsize::new(0);
    let calls = (0..CALLERS).map(|caller| {
        let (scene, expected, refused) = (&*scene, &expected, &refused);
        async move {
            let (tool, key) = if caller % 8 == 7 {
                ("bucket_object_text", "quotes")
            } else {
                ("bucket_object_fetch", "mebibyte")
            };
            let body = call(
                tool,
                json!({ "s3_uri": format!("s3://{SHARED}/{key}"), "max_bytes": MIB }),
            );
            let (raw, refusals) = scene.patiently(caller, &body).await;
            refused.fetch_add(refusals, Ordering::Relaxed);
            assert_eq!(raw.status, 200, "{}", raw.shown());
            let is_right = if key == "quotes" {
                raw.bytes.len() > 6 * MIB
            } else {
                raw.has(expected)
            };
            assert!(is_right && raw.has("\"isError\":false"), "{}", raw.shown());
            assert!(
                raw.has("content-length: "),
                "an answer says how long it is: {}",
                raw.shown()
            );
        }
    });
    join_all(calls).await;
    scene
        .afterwards(&format!("fetches of 1 MiB, {refused:?} refused before"), begun)
        .await;
}

/// Bodies of eight mebibytes each, most of them sent at full speed, some never completed.
async fn large_bodies(scene: &mut Scene) {
    let begun = Instant::now();
    let text = "x".repeat(8 * MIB - 1024);
    let body = Arc::new(call(
        "bucket_objects_put",
        json!({ "bucket": SHARED, "dry_run": true, "items": [{ "key": "large", "text": text }] }),
    ));
    assert!((8 * MIB - 1024..8 * MIB).contains(&body.len()));
    let refused = AtomicUsize::new(0);
    let calls = (0..CALLERS).map(|caller| {
        let (scene, body, refused) = (&*scene, body.clone(), &refused);
        async move {
            if caller % 4 == 3 {
                // Sends all but the last byte, and leaves when the server has had enough of it.
                let mut stream = TcpStream::connect(scene.address).await.unwrap();
                stream
                    .write_all(scene.head(caller, body.len()).as_bytes())
                    .await
                    .unwrap();
                let _ = stream.write_all(&body[..body.len() - 1]).await;
                let raw = read(&mut stream).await;
                assert!(matches!(raw.status, 0 | 408 | 429), "{}", raw.shown());
                return;
            }
            let (raw, refusals) = scene.patiently(caller, &body).await;
            refused.fetch_add(refusals, Ordering::Relaxed);
            assert!(raw.status == 200 && raw.has("\"isError\":false"), "{}", raw.shown());
        }
    });
    join_all(calls).await;
    scene
        .afterwards(&format!("bodies of 8 MiB, {refused:?} refused before"), begun)
        .await;
}

/// Connections that do not read their mebibyte are closed, and its memory goes to waiting calls.
async fn unread_answers(scene: &mut Scene) {
    let begun = Instant::now();
    let body = call(
        "bucket_object_fetch",
        json!({ "s3_uri": format!("s3://{SHARED}/mebibyte"), "max_bytes": MIB }),
    );
    let mut deaf = Vec::new();
    for caller in 0..CALLERS - 1 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut stream = socket.connect(scene.address).await.unwrap();
        stream
            .write_all(scene.head(caller, body.len()).as_bytes())
            .await
            .unwrap();
        stream.write_all(&body).await.unwrap();
        deaf.push(stream);
    }
    let (raw, refusals) = scene.patiently(CALLERS - 1, &body).await;
    assert!(raw.status == 200 && raw.has("\"isError\":false"), "{}", raw.shown());
    // They still do not read, and nothing is reserved for them.
    scene
        .afterwards(&format!("unread answers, {refusals} refused before"), begun)
        .await;
    drop(deaf);
}

/// Calls with the highest cost for each byte of the request: packages of many files, manifests not in the cache, long lists.
async fn heavy_calls(scene: &mut Scene) {
    let begun = Instant::now();
    let manifests = 8;
    let top_hashes: Vec<String> = stream::iter(0..manifests)
        .map(|n| seed_package(scene, n))
        .buffered(4)
        .collect()
        .await;
    let long = format!("{}/", "k".repeat(900));
    for n in 0..300 {
        scene.stage.seed(SHARED, &format!("long/{long}{n}"), b"x").await;
    }
    eprintln!("the stage is set after {:?}", begun.elapsed());
    let begun = Instant::now();
    // One call with the largest number of files, which runs into its timeout; the others have a few.
    let create = |caller: usize| {
        let count = if caller == 0 { 50_000 } else { 200 };
        let file = |n: usize| json!({ "s3_uri": format!("s3://{SHARED}/mebibyte"), "logical_key": format!("folder/file-{n:08}") });
        let files: Vec<Value> = (0..count).map(file).collect();
        call(
            "package_create",
            json!({ "bucket": SHARED, "name": format!("it/new-{caller}"), "files": files }),
        )
    };
    let nested = format!("[{}]", vec![r#"{"a":{"b":{"c":0}}}"#; 33_000].join(","));
    let nested = String::from_utf8(call("auth_status", json!({ "x": 0 })))
        .unwrap()
        .replace("\"x\":0", &format!("\"x\":{nested}"));
    let (refused, timed_out) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let calls = (0..HEAVY_CALLERS).map(|caller| {
        let (scene, create, nested, top_hashes) = (&*scene, &create, &nested, &top_hashes);
        let (refused, timed_out) = (&refused, &timed_out);
        async move {
            let n = caller / 16 % manifests;
            let name = format!("it/large-{n}");
            let package = json!({ "bucket": SHARED, "name": name, "limit": 1000, "recursive": true });
            let body = match caller % 16 {
                0 => create(caller),
                1 if caller % 32 == 1 => nested.clone().into_bytes(),
                2 => call("package_browse", package),
                3 => call("package_diff", json!({ "bucket": SHARED, "name": name, "hash": top_hashes[n],
                    "other_hash": top_hashes[(n + 1) % manifests], "other_name": format!("it/large-{}", (n + 1) % manifests) })),
                4 => call("package_verify", json!({ "bucket": SHARED, "name": name })),
                5 => call("package_update", json!({ "bucket": SHARED, "name": name, "dry_run": true,
                    "add": [format!("s3://{SHARED}/mebibyte")] })),
                6 => call("packaging", json!({ "action": "browse", "params": { "bucket": SHARED, "name": name } })),
                _ => call("bucket_objects_list", json!({ "bucket": SHARED, "prefix": "long/", "max_keys": 1000 })),
            };
            let (raw, refusals) = scene.patiently(caller, &body).await;
            refused.fetch_add(refusals, Ordering::Relaxed);
            assert_eq!(raw.status, 200, "{}", raw.shown());
            // The largest package takes longer than the timeout of a call, and so do the manifests on a slow machine.
            let is_timed_out = raw.has("\"error_code\":\"timeout\"");
            timed_out.fetch_add(usize::from(is_timed_out), Ordering::Relaxed);
            let is_refused = raw.has("\"error_code\":\"invalid_argument\"") && caller % 32 == 1;
            assert!(is_timed_out || is_refused || raw.has("\"isError\":false"), "{caller} {}", raw.shown());
        }
    });
    join_all(calls).await;
    scene
        .afterwards(
            &format!("heavy calls, {refused:?} refused before, {timed_out:?} timed out"),
            begun,
        )
        .await;
}

/// Writes a package whose manifest is too large for the cache, and returns its top hash.
async fn seed_package(scene: &Scene, n: usize) -> String {
    let mut text = format!("{{\"version\": \"v0\", \"message\": \"{n}\"}}\n");
    for entry in 0..8_000 {
        let _ = writeln!(
            text,
            "{{\"logical_key\": \"folder-{:02}/file-{entry:06}\", \"physical_keys\": [\"s3://{SHARED}/mebibyte\"], \
             \"size\": 1048576, \"hash\": {{\"type\": \"sha2-256-chunked\", \"value\": \"{entry:032}{n:032}\"}}, \
             \"meta\": {{\"user_meta\": {{\"number\": {entry}, \"kind\": \"of no interest at all\"}}}}}}",
            entry / 1000
        );
    }
    let hash = tokio::task::spawn_blocking(move || {
        let (bytes, hash) = Manifest::read(text.as_bytes()).unwrap().write().unwrap();
        (bytes, hash.to_string())
    });
    let (bytes, hash) = hash.await.unwrap();
    scene
        .stage
        .seed(SHARED, &format!(".quilt/packages/{hash}"), &bytes)
        .await;
    for pointer in ["latest", "1700000000"] {
        scene
            .stage
            .seed(
                SHARED,
                &format!(".quilt/named_packages/it/large-{n}/{pointer}"),
                hash.as_bytes(),
            )
            .await;
    }
    hash
}
