//! Internal faults, clients that leave, and hostile requests; the server serves after each.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use quilt_mcp::clock::Clock;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::registry::{FakeRegistry, Vends};
use crate::support::server::Server;
use crate::support::stage::Stage;
use crate::support::{SECRET, token};

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
/// Long enough that a test which waits for it has failed.
const NEVER: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_panic_is_an_answer_and_nothing_more() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let bearer = token(json!({ "sub": "a" }));
    registry.vends(&bearer, Vends::Keys(stage.reader.clone(), 3600));
    let is_broken = Arc::new(AtomicBool::new(false));
    // The clock breaks while a tool works: its registry has been asked.
    let clock = Clock::from_fn({
        let (is_broken, registry) = (is_broken.clone(), registry.clone());
        move || {
            let in_a_tool = !registry.requests().is_empty();
            assert!(
                !(is_broken.load(Ordering::Relaxed) && in_a_tool),
                "a fault of the server"
            );
            Clock::system().now()
        }
    });
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--registry-url={}", registry.url),
        format!("--s3-endpoint={}", stage.endpoint),
    ];
    let server = Server::start_at(None, &flags, clock).await;
    is_broken.store(true, Ordering::Relaxed);
    let answer = tokio::time::timeout(NEVER, server.call(&bearer, "bucket_list", json!({})))
        .await
        .unwrap();
    let sentence = answer.failure("internal")["error"].as_str().unwrap();
    assert!(
        !sentence.contains("a fault of the server"),
        "what a panic says may hold anything: {sentence}"
    );
    // Outside of the handlers' own guard, where the token is proved.
    let answer = tokio::time::timeout(NEVER, server.call(&bearer, "bucket_list", json!({})))
        .await
        .unwrap();
    assert_eq!((answer.status, &answer.body["error"]["code"]), (500, &json!(-32603)));
    assert!(answer.headers.contains_key("x-request-id"));
    is_broken.store(false, Ordering::Relaxed);
    server
        .call(
            &bearer,
            "bucket_objects_list",
            json!({ "bucket": crate::support::stage::SHARED }),
        )
        .await
        .success();
}

#[tokio::test]
async fn work_stops_when_the_client_leaves() {
    let stage = Stage::embedded().await;
    // A registry that never answers, and notices when its client leaves.
    let registry = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--registry-url=http://{}", registry.local_addr().unwrap()),
    ];
    let server = Server::with_registry_timeout(&stage, &flags, NEVER * 2).await;
    let address = server
        .url
        .trim_start_matches("http://")
        .trim_end_matches("/mcp")
        .to_owned();
    let mut client = TcpStream::connect(address).await.unwrap();
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"bucket_list"}}"#;
    let bearer = token(json!({ "sub": "a" }));
    let request = format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer {bearer}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    client.write_all(request.as_bytes()).await.unwrap();
    let (mut asked, _) = tokio::time::timeout(NEVER, registry.accept()).await.unwrap().unwrap();
    let mut buffer = [0; 4096];
    assert!(asked.read(&mut buffer).await.unwrap() > 0);
    drop(client);
    let left = async { while asked.read(&mut buffer).await.is_ok_and(|read| read > 0) {} };
    tokio::time::timeout(NEVER, left)
        .await
        .expect("the registry is still being waited for");
    assert_eq!(server.post(PING, &[]).await.status, 200);
}

#[tokio::test]
async fn bodies_made_to_hurt_are_refused() {
    let stage = Stage::embedded().await;
    let server = Server::start(&stage, None, &[format!("--jwt-secret={SECRET}")]).await;
    let bearer = format!("Bearer {}", token(json!({ "sub": "a" })));
    let headers = [("authorization", bearer.as_str())];
    let call = |arguments: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"auth_status","arguments":{arguments}}}}}"#
        )
    };
    let large = server
        .post(
            call(&format!(r#"{{"x":"{}"}}"#, "x".repeat(10 * 1024 * 1024))),
            &headers,
        )
        .await;
    assert_eq!(large.refused(), (413, "too_large"));
    let depth = 10_000;
    let deep = server
        .post(
            call(&format!(r#"{{"x":{}{}}}"#, "[".repeat(depth), "]".repeat(depth))),
            &headers,
        )
        .await;
    assert_eq!((deep.status, &deep.body["error"]["code"]), (400, &json!(-32700)));
    let unclosed = server.post("{\"x\":".repeat(depth), &headers).await;
    assert_eq!(
        (unclosed.status, &unclosed.body["error"]["code"]),
        (400, &json!(-32700))
    );
    // As a string it is deep once it is parsed: `params` of a module may be a JSON string.
    let text = json!({ "action": "status", "params": "[".repeat(depth) }).to_string();
    let text = call(&text).replace("auth_status", "auth");
    server.post(text, &headers).await.failure("invalid_argument");
    assert_eq!(server.post(PING, &[]).await.status, 200);
}

#[tokio::test]
async fn a_flood_is_turned_away_and_passes() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let bearer = token(json!({ "sub": "slow" }));
    registry.vends(&bearer, Vends::Hangs);
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--registry-url={}", registry.url),
        "--max-in-flight=8".into(),
    ];
    let server = Server::start(&stage, None, &flags).await;
    let calls = (0..100).map(|_| server.call(&bearer, "bucket_list", json!({})));
    let answers = tokio::time::timeout(NEVER, futures::future::join_all(calls))
        .await
        .unwrap();
    let (worked_on, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert!(
        worked_on.len() >= 4 && refused.len() >= 50,
        "{} worked on, {} refused",
        worked_on.len(),
        refused.len()
    );
    for answer in refused {
        assert_eq!(answer.refused(), (429, "throttled"));
        assert!(answer.headers.contains_key("retry-after"));
    }
    assert_eq!(server.post(PING, &[]).await.status, 200);
}

/// Who announces a body and does not send it has a connection, and no place among those who are being served.
#[tokio::test]
async fn bodies_that_do_not_arrive_hold_nobody_up() {
    let stage = Stage::embedded().await;
    let server = Server::start(
        &stage,
        None,
        &[format!("--jwt-secret={SECRET}"), "--max-in-flight=1".into()],
    )
    .await;
    let address = server
        .url
        .trim_start_matches("http://")
        .trim_end_matches("/mcp")
        .to_owned();
    let mut waiting = Vec::new();
    for _ in 0..20 {
        let mut client = TcpStream::connect(&address).await.unwrap();
        let head = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\
                    Expect: 100-continue\r\n\r\n";
        client.write_all(head.as_bytes()).await.unwrap();
        // The server says so when it begins to read the body.
        let mut go_on = vec![0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
        tokio::time::timeout(NEVER, client.read_exact(&mut go_on))
            .await
            .unwrap()
            .unwrap();
        client.write_all(&PING.as_bytes()[..10]).await.unwrap();
        waiting.push(client);
    }
    assert_eq!(server.post(PING, &[]).await.status, 200);
    for mut client in waiting {
        client.write_all(&PING.as_bytes()[10..]).await.unwrap();
        let mut answer = [0; 12];
        tokio::time::timeout(NEVER, client.read_exact(&mut answer))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(answer, *b"HTTP/1.1 200", "who sends the rest at last is served");
    }
}
