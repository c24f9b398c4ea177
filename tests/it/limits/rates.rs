//! Rate and concurrency limits of one caller, and their independence of other callers.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use quilt_mcp::catalog::http_client;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::support::faults::by_rule::RuleProxy;
use crate::support::registry::{FakeRegistry, Vends};
use crate::support::server::Server;
use crate::support::stage::{SHARED, Stage};
use crate::support::{SECRET, token};

async fn server(stage: &Stage, registry: &FakeRegistry, flag: &str) -> Server {
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--registry-url={}", registry.url),
        flag.to_owned(),
    ];
    Server::start(stage, None, &flags).await
}

/// A caller is who the token speaks of: a new token for each call is no new quota.
#[tokio::test]
async fn a_caller_has_a_quota_and_nobody_elses() {
    let (stage, registry) = (Stage::embedded().await, FakeRegistry::start().await);
    let server = server(&stage, &registry, "--rate-limit=3/h").await;
    let new_token = |subject: &str| {
        let bearer = token(json!({ "sub": subject, "jti": uuid::Uuid::new_v4().to_string() }));
        registry.vends(&bearer, Vends::Keys(stage.reader.clone(), 3600));
        bearer
    };
    let list = json!({ "bucket": SHARED });
    for _ in 0..3 {
        server
            .call(&new_token("alice"), "bucket_objects_list", list.clone())
            .await
            .success();
    }
    let asked = stage.aws().journal().len();
    let refused = server
        .call(&new_token("alice"), "bucket_objects_list", list.clone())
        .await;
    assert_eq!(refused.refused(), (429, "throttled"));
    let message = refused.body["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("3/h") && message.contains("QUILT_MCP_RATE_LIMIT"),
        "{message}"
    );
    assert_eq!(refused.body["id"], 1);
    let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=1200).contains(&wait), "{wait}");
    for method in ["resources/read", "prompts/get", "completion/complete"] {
        let params = json!({ "uri": format!("s3://{SHARED}/x"), "name": "explore_bucket" });
        assert_eq!(
            server.rpc(Some(&new_token("alice")), method, params).await.refused(),
            (429, "throttled"),
            "{method}"
        );
    }
    assert_eq!(
        stage.aws().journal().len(),
        asked,
        "no upstream was called for refused requests"
    );
    // Discovery is free, and so is everybody else.
    for _ in 0..5 {
        assert_eq!(
            server
                .rpc(Some(&new_token("alice")), "tools/list", json!({}))
                .await
                .status,
            200
        );
    }
    server.call(&new_token("alice"), "buckets", json!({})).await.success();
    server
        .call(&new_token("bob"), "bucket_objects_list", list)
        .await
        .success();
}

#[tokio::test]
async fn a_rate_limit_can_be_switched_off() {
    let (stage, registry) = (Stage::embedded().await, FakeRegistry::start().await);
    let server = server(&stage, &registry, "--rate-limit=off").await;
    let bearer = token(json!({ "sub": "alice" }));
    registry.vends(&bearer, Vends::Keys(stage.reader.clone(), 3600));
    for _ in 0..700 {
        server.call(&bearer, "package_templates", json!({})).await.success();
    }
}

/// A caller whose calls hang takes half of the places, and no more.
#[tokio::test]
async fn a_caller_whose_calls_hang_leaves_places_for_others() {
    let (stage, registry) = (Stage::embedded().await, FakeRegistry::start().await);
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--registry-url={}", registry.url),
        "--max-in-flight=8".to_owned(),
    ];
    let server = Server::with_registry_timeout(&stage, &flags, Duration::from_secs(20)).await;
    let (slow, quick) = (token(json!({ "sub": "slow" })), token(json!({ "sub": "quick" })));
    registry.vends(&slow, Vends::Hangs);
    registry.vends(&quick, Vends::Keys(stage.reader.clone(), 3600));
    let hang = || server.call(&slow, "bucket_list", json!({}));
    let mut hanging: FuturesUnordered<_> = (0..20).map(|_| hang()).collect();
    for _ in 0..16 {
        assert_eq!(hanging.next().await.unwrap().refused(), (429, "throttled"));
    }
    let refused = hang().await;
    assert_eq!(
        (refused.refused(), &refused.headers["retry-after"]),
        ((429, "throttled"), &"1".parse().unwrap())
    );
    let message = refused.body["error"]["message"].as_str().unwrap();
    assert!(message.contains("one caller"), "{message}");
    for _ in 0..20 {
        server
            .call(&quick, "bucket_objects_list", json!({ "bucket": SHARED }))
            .await
            .success();
    }
    assert_eq!(hanging.len(), 4, "half of the places were taken all the while");
}

/// A server and a call that creates a package, whose progress is a stream that has begun and whose last object is delayed.
struct Streaming {
    _upstreams: (Stage, FakeRegistry, RuleProxy),
    server: Server,
    bearer: String,
    delayed: Arc<Semaphore>,
    stream: reqwest::Response,
}

impl Streaming {
    async fn start(flag: &str) -> Self {
        let (stage, registry) = (Stage::embedded().await, FakeRegistry::start().await);
        for number in 0..8 {
            stage.seed(SHARED, &format!("in/{number}"), b"x").await;
        }
        let faults = RuleProxy::before(&stage.endpoint).await;
        let delayed = faults.delay(&format!("{SHARED}/in/7"));
        let flags = [
            format!("--jwt-secret={SECRET}"),
            format!("--registry-url={}", registry.url),
            format!("--s3-endpoint={}", faults.url),
            flag.to_owned(),
        ];
        let server = Server::start_with(None, &flags).await;
        let bearer = token(json!({ "sub": "alice" }));
        registry.vends(&bearer, Vends::Keys(stage.writer.clone(), 3600));
        let arguments = json!({ "bucket": SHARED, "name": "a/b", "source_bucket": SHARED, "source_prefix": "in/" });
        let params =
            json!({ "name": "package_create_from_s3", "arguments": arguments, "_meta": { "progressToken": 1 } });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let request = http_client(Duration::from_mins(1))
            .unwrap()
            .post(&server.url)
            .bearer_auth(&bearer)
            .json(&body);
        let stream = request.send().await.unwrap();
        let header = |name: &str| stream.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), "text/event-stream");
        assert_eq!(
            (header("cache-control"), header("x-accel-buffering")),
            ("no-cache".to_owned(), "no".to_owned())
        );
        Self {
            _upstreams: (stage, registry, faults),
            server,
            bearer,
            delayed,
            stream,
        }
    }
}

/// A streamed answer is begun while its call still works.
#[tokio::test]
async fn a_streamed_answer_takes_its_callers_place_to_its_end() {
    let Streaming {
        _upstreams,
        server,
        bearer,
        delayed,
        stream,
    } = Streaming::start("--max-in-flight=2").await;
    let list = || server.call(&bearer, "bucket_objects_list", json!({ "bucket": SHARED }));
    assert_eq!(list().await.refused(), (429, "throttled"), "the one place is taken");
    delayed.close();
    let events = stream.text().await.unwrap();
    assert!(events.contains(r#""entries_added":8"#), "{events}");
    list().await.success();
}

/// Clients wait for the answer of a stream that ends without one until their own timeout.
#[tokio::test]
async fn a_stream_that_the_end_of_the_server_ends_has_its_answer() {
    let Streaming {
        _upstreams,
        server,
        delayed: _delayed,
        stream,
        ..
    } = Streaming::start("--drain=200ms").await;
    server.shut_down();
    let text = stream.text().await.unwrap();
    let events: Vec<Value> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok())
        .collect();
    let last = events.last().unwrap();
    assert_eq!(
        (&last["id"], &last["error"]["data"]["error_code"]),
        (&json!(1), &json!("cancelled")),
        "{text}"
    );
    assert!(
        events.len() > 1 && events[0]["method"] == "notifications/progress",
        "{text}"
    );
}

/// Requests that cannot have a proved caller leave places to those whose token is being checked.
#[tokio::test]
async fn strangers_without_a_token_leave_places_to_tokens_that_are_checked() {
    const STRANGERS: usize = 24;
    let (stage, registry) = (Stage::embedded().await, FakeRegistry::start().await);
    let flags = [
        format!("--registry-url={}", registry.url),
        format!("--s3-endpoint={}", stage.endpoint),
    ];
    let server = Server::start_with(None, &flags).await;
    registry.vends("a-bearer-of-the-registry", Vends::Keys(stage.reader.clone(), 3600));
    let address = server
        .url
        .trim_start_matches("http://")
        .trim_end_matches("/mcp")
        .to_owned();
    let head =
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n";
    let mut strangers = Vec::new();
    for _ in 0..STRANGERS {
        let mut stranger = TcpStream::connect(&address).await.unwrap();
        stranger.write_all(head.as_bytes()).await.unwrap();
        strangers.push(stranger);
    }
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let refused = async {
        while server.post(ping, &[]).await.status != 429 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), refused)
        .await
        .expect("24 of 32 places are for strangers");
    server
        .call(
            "a-bearer-of-the-registry",
            "bucket_objects_list",
            json!({ "bucket": SHARED }),
        )
        .await
        .success();
}
