//! Attacks by strangers and by users without a right to write, against the real program with the memory of the smallest
//! task. After each the process lives, its peak is below the limit, `/health` answers, and a known user is served.

use std::net::SocketAddr;
use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::confined::Confinement;
use crate::support::program::Program;
use crate::support::registry::{FakeRegistry, Vends};
use crate::support::server::Server;
use crate::support::stage::{SHARED, Stage};
use crate::support::{SECRET, token};

const LIMIT: u64 = 512 * 1024 * 1024;
/// The longest wait; the faults that these tests found lasted 70 s and longer.
const PROMPT_TIMEOUT: Duration = Duration::from_secs(15);
const RAW: &str = "$serde_json::private::RawValue";

struct Scene {
    stage: Stage,
    registry: FakeRegistry,
    program: Program,
    confinement: Confinement,
    reader: String,
    address: SocketAddr,
}

impl Scene {
    /// `hs256`: whether tokens are signed; else the registry proves them.
    async fn new(hs256: bool) -> Self {
        let stage = Stage::embedded().await;
        stage.seed(SHARED, "in/a.csv", b"a,b\n1,2\n").await;
        let registry = FakeRegistry::start().await;
        let reader = if hs256 {
            token(json!({ "sub": "reader" }))
        } else {
            "reader-of-the-tests".to_owned()
        };
        registry.vends(&reader, Vends::Keys(stage.reader.clone(), 3600));
        let confinement = Confinement::of(LIMIT);
        let mut arguments = vec![
            format!("--registry-url={}", registry.url),
            format!("--s3-endpoint={}", stage.endpoint),
        ];
        arguments.extend(hs256.then(|| format!("--jwt-secret={SECRET}")));
        arguments.push("--rate-limit=off".to_owned());
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
            registry,
            program,
            confinement,
            reader,
            address,
        }
    }

    fn server(&self) -> &Server {
        &self.program.server
    }

    /// The process lives, answers probes and a known user, and has stayed within its memory.
    async fn holds(&self) {
        let health = tokio::time::timeout(PROMPT_TIMEOUT, self.server().request("GET", "/health", &[])).await;
        assert_eq!(health.unwrap().status, 200);
        let list = self
            .server()
            .call(&self.reader, "bucket_objects_list", json!({ "bucket": SHARED }));
        tokio::time::timeout(PROMPT_TIMEOUT, list).await.unwrap().success();
        let peak = self.peak();
        eprintln!("peak: {} MiB", peak >> 20);
        assert!(peak < LIMIT, "{peak}");
    }

    /// The most memory that the process has had, in bytes.
    fn peak(&self) -> u64 {
        let (group, process) = self.confinement.peak(self.program.id());
        group.unwrap_or(process)
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn send(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = self.connect().await;
        let _ = stream.write_all(bytes).await;
        stream
    }
}

fn head(length: usize, more: &str) -> String {
    format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{more}\r\n"
    )
}

/// Texts in texts: each round is as deep as one may be, and hides the next from a parser that does not decode it.
fn nested(rounds: usize) -> String {
    (0..rounds).fold("1".to_owned(), |inner, _| {
        format!(
            r#"{}{{"{RAW}":{}}}{}"#,
            "[".repeat(110),
            Value::from(inner),
            "]".repeat(110)
        )
    })
}

fn call_text(tool: &str, arguments: &str, meta: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments},"_meta":{meta}}}}}"#
    )
}

#[tokio::test]
async fn json_in_private_keys_ends_no_process() {
    let it = Scene::new(true).await;
    let bearer = format!("Bearer {}", it.reader);
    for rounds in [2, 8, 13] {
        let value = nested(rounds);
        for meta in ["{}", r#"{"progressToken":1}"#] {
            for (tool, arguments) in [
                (
                    "package_create",
                    format!(
                        r#"{{"bucket":"{SHARED}","name":"a/b","files":[],"dry_run":true,"metadata":{{"x":{value}}}}}"#
                    ),
                ),
                (
                    "package_create",
                    format!(r#"{{"bucket":"{SHARED}","name":"a/b","files":[{value}],"dry_run":true}}"#),
                ),
                (
                    "package_update",
                    format!(r#"{{"bucket":"{SHARED}","name":"a/b","dry_run":true,"metadata":{{"x":{value}}}}}"#),
                ),
                (
                    "packaging",
                    format!(r#"{{"action":"create","params":{{"metadata":{value}}}}}"#),
                ),
                ("bucket_list", format!(r#"{{"x":{value}}}"#)),
            ] {
                let answer = it
                    .server()
                    .post(call_text(tool, &arguments, meta), &[("authorization", &bearer)])
                    .await;
                assert_eq!(answer.status, 200, "{tool} {rounds} {meta}: {}", answer.body);
            }
        }
        // Outside of a tool's arguments, too, it is an object like any other.
        let meta = call_text("package_templates", "{}", &format!(r#"{{"x":{value}}}"#));
        it.server().post(meta, &[("authorization", &bearer)]).await.success();
        for (body, code) in [
            (
                format!(
                    r#"{{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{{"name":"x","arguments":{{"a":{value}}}}}}}"#
                ),
                "unknown_prompt",
            ),
            (
                format!(r#"{{"jsonrpc":"2.0","id":1,"method":"nope","params":{{"a":{value}}}}}"#)
                    .replace('$', "\\u0024"),
                "method_not_found",
            ),
        ] {
            let answer = it.server().post(body, &[("authorization", &bearer)]).await;
            assert_eq!(answer.refused(), (200, code), "{}", answer.body);
        }
    }
    it.holds().await;
}

/// The same in everything else that others write: metadata of objects, claims, and the answers of a registry.
#[tokio::test]
async fn json_in_private_keys_of_metadata_claims_and_answers_ends_no_process() {
    let scene = Scene::new(true).await;
    let deep = nested(8);
    for metadata in [deep.clone(), Value::from(deep.clone()).to_string()] {
        let item = format!(r#"{{"key":"x","text":"x","metadata":{{"x":{metadata}}}}}"#);
        for arguments in [
            format!(r#"{{"bucket":"{SHARED}","dry_run":true,"items":[{item}]}}"#),
            format!(
                r#"{{"bucket":"{SHARED}","dry_run":true,"items":[{{"key":"x","text":"x","metadata":{metadata}}}]}}"#
            ),
        ] {
            let body = call_text("bucket_objects_put", &arguments, "{}");
            let bearer = format!("Bearer {}", scene.reader);
            let answer = scene.server().post(body, &[("authorization", bearer.as_str())]).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            scene.holds().await;
        }
    }
    // Signed tokens: a claim, and one that chooses a source.
    for claims in [
        format!(r#"{{"sub":"a","exp":{},"x":{deep}}}"#, crate::support::now() + 60),
        format!(
            r#"{{"sub":"a","exp":{},"role_arn":{{"{RAW}":"null"}}}}"#,
            crate::support::now() + 60
        ),
        format!(r#"{{"sub":"a","exp":{{"{RAW}":"9999999999"}}}}"#),
    ] {
        let bearer = crate::support::token_of_text(&claims);
        let answer = scene.server().call(&bearer, "auth_status", json!({})).await;
        assert!(answer.status == 200 || answer.status == 401, "{}", answer.body);
        scene.holds().await;
    }
    // Answers of the registry.
    let answer: &'static str = format!(r#"{{"data":{deep},"message":{deep},"errors":null}}"#).leak();
    scene
        .registry
        .vends(&scene.reader, Vends::Text("application/json", answer));
    let fresh = token(json!({ "sub": "another" }));
    scene.registry.vends(&fresh, Vends::Text("application/json", answer));
    let status = scene.server().call(&fresh, "auth_status", json!({})).await;
    assert_eq!(status.success()["has_credentials"], false);
    scene
        .registry
        .vends(&scene.reader, Vends::Keys(scene.stage.reader.clone(), 3600));
    scene.holds().await;
}

/// What quilt3 keeps, this server keeps.
#[tokio::test]
async fn metadata_keeps_private_keys_and_integers_of_any_size() {
    let it = Scene::new(true).await;
    let metadata = format!(r#"{{"note":{{"{RAW}":"[1, 2]"}},"n":123456789012345678901234567890}}"#);
    let package = async |metadata: &str| {
        let files = format!(r#"[{{"s3_uri":"s3://{SHARED}/in/a.csv","meta":{metadata}}}]"#);
        let arguments =
            format!(r#"{{"bucket":"{SHARED}","name":"a/b","dry_run":true,"files":{files},"metadata":{metadata}}}"#);
        let bearer = format!("Bearer {}", it.reader);
        let body = call_text("package_create", &arguments, "{}");
        it.server()
            .post(body, &[("authorization", &bearer)])
            .await
            .success()
            .clone()
    };
    let as_object = package(&metadata).await;
    let as_text = package(&Value::from(metadata.clone()).to_string()).await;
    let parsed = package(&metadata.replace(&format!(r#"{{"{RAW}":"[1, 2]"}}"#), "[1,2]")).await;
    assert_ne!(
        as_object["package"]["hash"], parsed["package"]["hash"],
        "a text stays a text"
    );
    assert_eq!(
        as_object["package"]["hash"], as_text["package"]["hash"],
        "however it was sent"
    );
    let rounded = package(&metadata.replace("123456789012345678901234567890", "123456789012345680000000000000")).await;
    assert_ne!(
        as_object["package"]["hash"], rounded["package"]["hash"],
        "an integer is not rounded"
    );
}

#[tokio::test]
async fn escapes_in_texts_hide_no_memory() {
    let it = Scene::new(true).await;
    let inner = format!(
        r"{{\u0022a\u0022:[{}1]}}",
        r"\u007b\u0022\u0022:0\u007d\u002c".repeat(250_000)
    );
    let body = call_text(
        "buckets",
        &format!(r#"{{"action":"objects_list","params":"{inner}"}}"#),
        "{}",
    );
    let bearer = format!("Bearer {}", it.reader);
    let answers =
        join_all((0..12).map(async |_| it.server().post(body.clone(), &[("authorization", &bearer)]).await)).await;
    for answer in answers {
        assert!(
            answer.status == 429 || answer.body["result"]["isError"] == true,
            "{}",
            answer.body
        );
    }
    it.holds().await;
    // Memory that is not accounted for soon exceeds the budget for payloads.
    assert!(it.peak() < 256 * 1024 * 1024, "{}", it.peak());
}

#[tokio::test]
async fn answers_that_are_not_taken_end_with_their_connections() {
    let it = Scene::new(true).await;
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let requests = format!("{}{list}", head(list.len(), "")).repeat(195);
    let deaf = join_all((0..130).map(|_| async {
        let mut stream = it.connect().await;
        // The server stops reading when it cannot write.
        let _ = tokio::time::timeout(Duration::from_secs(2), stream.write_all(requests.as_bytes())).await;
        stream
    }))
    .await;
    it.holds().await;
    let mut h2 = it.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(PROMPT_TIMEOUT, h2.read_to_end(&mut answer))
        .await
        .unwrap();
    assert!(!answer.starts_with(b"\0\0"), "no frame of HTTP/2");
    drop(deaf);
}

#[tokio::test]
async fn silent_connections_make_way() {
    let it = Scene::new(true).await;
    let mut silent = Vec::new();
    for _ in 0..1100 {
        silent.push(it.connect().await);
    }
    it.holds().await;
    // Connections on which a request was answered are the last to go.
    let mut user = it.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(user.read(&mut [0; 1024]).await.unwrap() > 0);
    for _ in 0..300 {
        silent.push(it.connect().await);
    }
    user.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    assert!(user.read(&mut [0; 1024]).await.unwrap() > 0, "still open");
}

#[tokio::test]
async fn slow_bodies_of_strangers_hold_no_user_up() {
    let it = Scene::new(true).await;
    it.holds().await;
    let mut slow = Vec::new();
    for length in std::iter::repeat_n(65_536, 260).chain(std::iter::repeat_n(8 * 1024 * 1024, 8)) {
        slow.push(it.send(format!("{}{{", head(length, "")).as_bytes()).await);
    }
    it.holds().await;
    // A large body of a user finds its memory.
    let items = json!([{ "key": "x", "text": "a".repeat(1024 * 1024) }]);
    let put = json!({ "bucket": SHARED, "items": items, "dry_run": true });
    let answer = it.server().call(&it.reader, "bucket_objects_put", put).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    // Each slow sender is cut off.
    for stream in &mut slow {
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(PROMPT_TIMEOUT, stream.read_to_end(&mut answer))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_head_that_does_not_end_is_cut_off() {
    let it = Scene::new(true).await;
    let mut slow = it.send(b"POST /mcp HTTP/1.1\r\nHost: local").await;
    let mut two_hosts = it.send(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(two_hosts.read(&mut [0; 1024]).await.unwrap() > 0);
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(30), slow.read_to_end(&mut answer))
        .await
        .unwrap();
}

#[tokio::test]
async fn two_hosts_are_refused() {
    let it = Scene::new(true).await;
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let mut stream = it
        .send(
            format!(
                "{}{ping}",
                head(ping.len(), "Host: evil.example\r\nConnection: close\r\n")
            )
            .as_bytes(),
        )
        .await;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 400") && answer.contains("more than one Host"),
        "{answer}"
    );
}

#[tokio::test]
async fn unknown_tokens_keep_no_user_out() {
    let it = Scene::new(false).await;
    it.holds().await;
    let asked = it.registry.requests().len();
    let strangers: Vec<String> = (0..300).map(|n| format!("stranger-{n}")).collect();
    for stranger in &strangers {
        it.registry.vends(stranger, Vends::Hangs);
    }
    let body = call_text("bucket_list", "{}", "{}");
    let mut streams = Vec::new();
    for stranger in &strangers {
        let head = head(body.len(), &format!("Authorization: Bearer {stranger}\r\n"));
        streams.push(it.send(format!("{head}{body}").as_bytes()).await);
    }
    for _ in 0..20 {
        it.holds().await;
    }
    assert!(
        it.registry.requests().len() - asked <= 16,
        "questions about strangers at once"
    );
    // A stranger's announced body takes no memory before the proof.
    let large =
        json!({ "bucket": SHARED, "items": [{ "key": "x", "text": "a".repeat(1024 * 1024) }], "dry_run": true });
    assert_eq!(
        it.server().call(&it.reader, "bucket_objects_put", large).await.status,
        200
    );
    drop(it.stage);
}

/// A user's slow bodies and unread lists leave connections and permits for other users.
#[tokio::test]
async fn one_user_keeps_no_other_out() {
    let it = Scene::new(true).await;
    let greedy = token(json!({ "sub": "greedy" }));
    let bearer = format!("Authorization: Bearer {greedy}\r\n");
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let unread = format!("{}{list}", head(list.len(), &bearer)).repeat(20);
    let mut connections = Vec::new();
    for _ in 0..300 {
        connections.push(it.send(unread.as_bytes()).await);
    }
    it.holds().await;
    for _ in 0..1030 {
        connections.push(it.send(format!("{}{{", head(1000, &bearer)).as_bytes()).await);
    }
    it.holds().await;
}
