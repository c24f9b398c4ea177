//! Limits of silent, slow and greedy connections, and the order of a shutdown.

use std::net::SocketAddr;
use std::time::Duration;

use quilt_mcp::app::{App, Overrides};
use quilt_mcp::config::ServeConfig;
use quilt_mcp::server::ConnectionLimits;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::registry::{FakeRegistry, Vends};
use crate::support::server::Server;
use crate::support::{SECRET, token};

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
/// Long enough that a test which waits for it has failed.
const NEVER: Duration = Duration::from_secs(30);

struct Running {
    address: SocketAddr,
    shutdown: CancellationToken,
    ended: JoinHandle<()>,
    server: Server,
}

/// A server that shares nothing with the other tests.
async fn start(connections: ConnectionLimits, registry: Option<&FakeRegistry>, flags: &[&str]) -> Running {
    let mut all = vec![
        format!("--jwt-secret={SECRET}"),
        format!("--idle-timeout={}ms", connections.idle.as_millis()),
    ];
    all.extend(registry.map(|registry| format!("--registry-url={}", registry.url)));
    all.extend(flags.iter().map(|flag| (*flag).to_owned()));
    let config = ServeConfig::from_flags(&all).unwrap();
    let overrides = Overrides {
        registry_timeout: NEVER * 2,
        connections,
        ..Overrides::default()
    };
    let app = App::build(&config, overrides).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    #[expect(clippy::disallowed_methods, reason = "the tests wait for it")]
    let ended = tokio::spawn(app.serve(listener, shutdown.clone()));
    Running {
        address,
        shutdown,
        ended,
        server: Server::at(format!("http://{address}/mcp")),
    }
}

fn limits(idle: Duration, most: usize, announcement: Duration) -> ConnectionLimits {
    ConnectionLimits {
        idle,
        most,
        announcement,
        ..ConnectionLimits::default()
    }
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(NEVER, work).await.unwrap()
}

fn ping_request() -> String {
    format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{PING}",
        PING.len()
    )
}

/// Reads one answer of a connection that stays open.
async fn answer(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    while !text.ends_with("}}") && !text.ends_with("{}}\n") {
        let mut buffer = [0; 1024];
        let read = within(stream.read(&mut buffer)).await.unwrap();
        assert!(read > 0, "closed after {text}");
        text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }
    text
}

/// Everything until the server closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    // A reset is an end too.
    let _reset = within(stream.read_to_end(&mut text)).await;
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn a_connection_that_asks_nothing_is_closed() {
    let running = start(limits(Duration::from_millis(50), 100, Duration::ZERO), None, &[]).await;
    let half_h2 = "PRI * HTTP/2.0\r\n\r\n";
    let silent_h2 = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0";
    for begin in [
        "",
        "P",
        "POST /mcp HTTP/1.1\r\nHost: local",
        half_h2,
        silent_h2,
        "GET /health HTTP/1.1\r\n",
    ] {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(begin.as_bytes()).await.unwrap();
        rest(&mut stream).await;
    }
    let mut idle = TcpStream::connect(running.address).await.unwrap();
    idle.write_all(ping_request().as_bytes()).await.unwrap();
    assert!(answer(&mut idle).await.starts_with("HTTP/1.1 200"));
    rest(&mut idle).await;
    assert_eq!(running.server.post(PING, &[]).await.status, 200);
}

#[tokio::test]
async fn a_connection_that_waits_for_its_answer_is_not_closed() {
    let registry = FakeRegistry::start().await;
    let bearer = token(json!({ "sub": "slow" }));
    registry.vends(&bearer, Vends::Hangs);
    let limits = limits(Duration::from_millis(20), 100, Duration::ZERO);
    // The call takes many times as long as a connection may be silent.
    let running = start(limits, Some(&registry), &["--tool-timeout=1500ms"]).await;
    running
        .server
        .call(&bearer, "bucket_list", json!({}))
        .await
        .failure("timeout");
}

#[tokio::test]
async fn a_connection_that_takes_nothing_of_its_answers_is_closed() {
    let limits = ConnectionLimits {
        stalled: Duration::from_millis(50),
        ..limits(NEVER * 2, 2, Duration::ZERO)
    };
    let running = start(limits, None, &[]).await;
    let mut deaf = TcpStream::connect(running.address).await.unwrap();
    let list = PING.replace("ping", "tools/list");
    let request = ping_request().replace(PING, &list).replace(
        &format!("Content-Length: {}", PING.len()),
        &format!("Content-Length: {}", list.len()),
    );
    // More than the kernel keeps of answers.
    let requests = request.repeat(1000);
    let asked = deaf.write_all(requests.as_bytes());
    let waiting = async {
        let mut next = TcpStream::connect(running.address).await.unwrap();
        next.write_all(ping_request().as_bytes()).await.unwrap();
        answer(&mut next).await
    };
    let (_cut_off, answered) = tokio::join!(within(asked), waiting);
    assert!(answered.starts_with("HTTP/1.1 200"), "{answered}");
    drop(deaf);
}

#[tokio::test]
async fn for_one_connection_too_many_a_quiet_one_makes_way() {
    let running = start(limits(NEVER, 2, Duration::ZERO), None, &[]).await;
    let mut first = TcpStream::connect(running.address).await.unwrap();
    first.write_all(ping_request().as_bytes()).await.unwrap();
    answer(&mut first).await;
    // It is younger than the first, but never asked anything.
    let mut silent = TcpStream::connect(running.address).await.unwrap();
    let mut third = TcpStream::connect(running.address).await.unwrap();
    third.write_all(ping_request().as_bytes()).await.unwrap();
    assert!(answer(&mut third).await.starts_with("HTTP/1.1 200"));
    rest(&mut silent).await;
    first.write_all(ping_request().as_bytes()).await.unwrap();
    assert!(answer(&mut first).await.starts_with("HTTP/1.1 200"), "still open");
}

/// Where a request is being answered on every connection, probes are answered all the same.
#[tokio::test]
async fn a_probe_always_has_a_connection() {
    let registry = FakeRegistry::start().await;
    let bearer = token(json!({ "sub": "slow" }));
    registry.vends(&bearer, Vends::Hangs);
    let running = start(limits(NEVER, 1, Duration::ZERO), Some(&registry), &[]).await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"bucket_list"}}"#;
    let request = ping_request()
        .replace(PING, body)
        .replace(
            &format!("Content-Length: {}", PING.len()),
            &format!("Content-Length: {}", body.len()),
        )
        .replace(
            "Host: localhost",
            &format!("Host: localhost\r\nAuthorization: Bearer {bearer}"),
        );
    let mut working = TcpStream::connect(running.address).await.unwrap();
    working.write_all(request.as_bytes()).await.unwrap();
    within(async {
        while registry.requests().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    for path in ["/health", "/healthz", "/ready"] {
        let mut probe = TcpStream::connect(running.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        probe.write_all(request.as_bytes()).await.unwrap();
        assert!(rest(&mut probe).await.starts_with("HTTP/1.1 200"), "{path}");
    }
    let mut other = TcpStream::connect(running.address).await.unwrap();
    other.write_all(ping_request().as_bytes()).await.unwrap();
    let refused = rest(&mut other).await;
    assert!(
        refused.starts_with("HTTP/1.1 429") && refused.contains("as many connections"),
        "{refused}"
    );
}

/// Slow loris: as many as there may be connections send a header that never ends, byte by byte.
#[tokio::test]
async fn headers_that_never_end_are_cut_off_and_hold_nobody_up_for_long() {
    let running = start(limits(Duration::from_millis(200), 4, Duration::ZERO), None, &[]).await;
    let drip = async || {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream
            .write_all(b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nX: ")
            .await
            .unwrap();
        let mut answer = [0; 1024];
        loop {
            tokio::select! {
                // Nothing is answered, or that it took too long; what counts is that it ends.
                read = stream.read(&mut answer) => if !read.is_ok_and(|read| read > 0) { break },
                () = tokio::time::sleep(Duration::from_millis(5)) => if stream.write_all(b"a").await.is_err() { break },
            }
        }
    };
    let others = async { assert_eq!(running.server.post(PING, &[]).await.status, 200) };
    within(async { tokio::join!(drip(), drip(), drip(), drip(), others) }).await;
    assert_eq!(running.server.post(PING, &[]).await.status, 200);
}

#[tokio::test]
async fn a_shutdown_is_announced_before_connections_are_refused() {
    let running = start(limits(NEVER, 100, NEVER), None, &["--drain=2m"]).await;
    assert_eq!(running.server.request("GET", "/ready", &[]).await.status, 200);
    running.shutdown.cancel();
    let probe = async || {
        // Each on a connection of its own, which must be accepted.
        let mut probe = TcpStream::connect(running.address).await.unwrap();
        let request = "GET /ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        probe.write_all(request.as_bytes()).await.unwrap();
        rest(&mut probe).await
    };
    within(async { while !probe().await.starts_with("HTTP/1.1 503") {} }).await;
    for _ in 0..100 {
        let answer = probe().await;
        assert!(
            answer.starts_with("HTTP/1.1 503") && answer.contains("shutting down"),
            "{answer}"
        );
    }
    let mut late = TcpStream::connect(running.address).await.unwrap();
    late.write_all(ping_request().as_bytes()).await.unwrap();
    assert!(
        answer(&mut late).await.starts_with("HTTP/1.1 200"),
        "who comes late is still served"
    );
    running.ended.abort();
}

#[tokio::test]
async fn a_call_in_flight_is_answered_after_connections_are_refused() {
    let running = start(limits(NEVER, 100, Duration::ZERO), None, &["--drain=2m"]).await;
    let mut working = TcpStream::connect(running.address).await.unwrap();
    let request = ping_request().replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n");
    let (head, body) = request.split_at(request.len() - PING.len());
    working.write_all(head.as_bytes()).await.unwrap();
    // The server says so when it begins to read the body, so the call is in flight.
    let mut go_on = vec![0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    within(working.read_exact(&mut go_on)).await.unwrap();
    running.shutdown.cancel();
    let refused = async { while TcpStream::connect(running.address).await.is_ok() {} };
    within(refused).await;
    working.write_all(body.as_bytes()).await.unwrap();
    let text = rest(&mut working).await;
    assert!(
        text.starts_with("HTTP/1.1 200") && text.ends_with("\"result\":{}}"),
        "{text}"
    );
    within(running.ended).await.unwrap();
}

#[tokio::test]
async fn a_call_that_does_not_end_in_time_is_told_so() {
    let registry = FakeRegistry::start().await;
    let bearer = token(json!({ "sub": "slow" }));
    registry.vends(&bearer, Vends::Hangs);
    let running = start(limits(NEVER, 100, NEVER), Some(&registry), &["--drain=50ms"]).await;
    let ending = async {
        while registry.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        running.shutdown.cancel();
    };
    let both = async { tokio::join!(running.server.call(&bearer, "bucket_list", json!({})), ending) };
    let (answer, ()) = within(both).await;
    assert_eq!(answer.refused(), (503, "cancelled"));
    within(running.ended).await.unwrap();
}
