//! A rolling restart of two copies of the program behind a real proxy, without an error for clients.
//!
//! The proxy is `haproxy`. It deals requests in turn, takes a copy out when `/ready` says so, and repeats nothing: a
//! request that a copy drops fails at its client.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use quilt_mcp::catalog::http_client;
use quilt_mcp::clock::Clock;
use quilt_mcp::dev::Backend;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::support::faults::by_rule::RuleProxy;
use crate::support::program::{Program, free_port};
use crate::support::{programs, token_signed_with, tools};

/// The number of concurrent clients, each of which sends one request after the other.
const CLIENTS: usize = 8;
/// The number of calls that are in flight while a copy ends; dealt in turn, each copy gets some.
const IN_FLIGHT: usize = 8;
/// The pause between two requests of a client, so that the copies have time to start and callers stay below their rate.
const PACE: Duration = Duration::from_millis(125);
/// The names of the copies.
const COPIES: [&str; 2] = ["one", "two"];

/// The proxy in front of two ports.
struct Proxy {
    url: String,
    _process: Child,
    _folder: TempDir,
}

impl Proxy {
    async fn before(ports: [u16; 2]) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let config = format!(
            "defaults\n mode http\n retries 0\n timeout connect 5s\n timeout client 75s\n timeout server 75s\n timeout check 5s\n\
             frontend mcp\n bind 127.0.0.1:{port}\n default_backend copies\n\
             backend copies\n balance roundrobin\n option httpchk GET /ready\n http-check expect status 200\n \
             http-response set-header x-served-by %s\n default-server check inter 200ms fall 2 rise 2\n \
             server {} 127.0.0.1:{}\n server {} 127.0.0.1:{}\n",
            COPIES[0], ports[0], COPIES[1], ports[1]
        );
        let file = folder.path().join("haproxy.cfg");
        std::fs::write(&file, config).unwrap();
        let mut command = Command::from(tools::isolated(Path::new("haproxy")));
        command
            .arg("-db")
            .arg("-f")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let process = command
            .spawn()
            .unwrap_or_else(|error| panic!("this test needs haproxy, a Debian package: {error}"));
        let url = format!("http://127.0.0.1:{port}/mcp");
        let up = async {
            while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), up)
            .await
            .unwrap_or_else(|_| panic!("haproxy does not listen"));
        Self {
            url,
            _process: process,
            _folder: folder,
        }
    }
}

/// Sample data, two copies of the program in front of it, and the proxy in front of them.
struct Pair {
    backend: Backend,
    faults: RuleProxy,
    ports: [u16; 2],
    copies: [Program; 2],
    proxy: Proxy,
    _ends: DropGuard,
}

impl Pair {
    async fn start() -> Self {
        let ends = CancellationToken::new();
        let backend = Backend::start(Clock::system(), &TaskTracker::new(), &ends)
            .await
            .unwrap();
        let faults = RuleProxy::before(&backend.info.s3_endpoint).await;
        let ports = [free_port(), free_port()];
        let copies = [
            copy(&backend, &faults, ports[0]).await,
            copy(&backend, &faults, ports[1]).await,
        ];
        let proxy = Proxy::before(ports).await;
        Self {
            backend,
            faults,
            ports,
            copies,
            proxy,
            _ends: ends.drop_guard(),
        }
    }

    /// A client with this name, who acts in the writers' role.
    fn client(&self, name: &str) -> Client {
        let info = &self.backend.info;
        let claims = json!({ "sub": name, "role_arn": self.backend.aws.role_arn("quilt-dev/writer") });
        Client {
            http: http_client(Duration::from_mins(1)).unwrap(),
            url: self.proxy.url.clone(),
            bearer: format!("Bearer {}", token_signed_with(claims, &info.jwt_secret)),
        }
    }
}

/// A copy of the program, as it is deployed but for its port and where AWS is.
async fn copy(backend: &Backend, faults: &RuleProxy, port: u16) -> Program {
    let mut flags = backend.flags();
    flags.retain(|flag| !flag.starts_with("--s3-endpoint="));
    flags.push(format!("--s3-endpoint={}", faults.url));
    let key = &backend.server_key;
    let own = [
        ("AWS_ACCESS_KEY_ID", key.access_key_id.clone()),
        (
            "AWS_SECRET_ACCESS_KEY",
            key.secret_access_key.expose_secret().to_owned(),
        ),
    ];
    Program::serve_at(port, &flags, &own).await
}

/// A client of the proxy, with connections of its own that it keeps.
struct Client {
    http: reqwest::Client,
    url: String,
    bearer: String,
}

impl Client {
    /// Calls a tool; answers its result and which copy it was, or what went wrong.
    async fn call(&self, tool: &str, arguments: &Value) -> Result<(Value, String), String> {
        let params = json!({ "name": tool, "arguments": arguments });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let request = self
            .http
            .post(&self.url)
            .header("authorization", &self.bearer)
            .json(&body);
        let response = request.send().await.map_err(|error| format!("{tool}: {error:?}"))?;
        let by = response
            .headers()
            .get("x-served-by")
            .map_or("the proxy", |by| by.to_str().unwrap())
            .to_owned();
        let status = response.status();
        let answer = response
            .text()
            .await
            .map_err(|error| format!("{tool} by {by}: {error:?}"))?;
        let body: Value = serde_json::from_str(&answer).unwrap_or_default();
        if status != 200 || body["result"]["isError"] != false {
            return Err(format!("{tool} by {by}: {status} {answer}"));
        }
        Ok((body["result"]["structuredContent"].clone(), by))
    }
}

#[tokio::test]
async fn one_client_is_served_by_both_copies_and_does_not_notice() {
    if !programs::found(&["haproxy"]) {
        return;
    }
    let pair = Pair::start().await;
    let info = &pair.backend.info;
    let client = pair.client("alice");

    let package = json!({ "bucket": info.package.bucket, "name": info.package.name, "recursive": true });
    let (whole, _) = client.call("package_browse", &package).await.unwrap();
    let (mut pages, mut entries, mut by) = (package.clone(), Vec::new(), BTreeSet::new());
    pages["limit"] = json!(1);
    loop {
        let (page, who) = client.call("package_browse", &pages).await.unwrap();
        entries.extend(page["entries"].as_array().unwrap().clone());
        by.insert(who);
        // The next request is the other copy's, which did not make this cursor.
        match page["next_cursor"].as_str() {
            Some(cursor) => pages["cursor"] = json!(cursor),
            None => break,
        }
    }
    assert_eq!(by, BTreeSet::from(COPIES.map(str::to_owned)));
    assert_eq!(&Value::from(entries), &whole["entries"]);

    let mut identities = BTreeMap::new();
    for _ in 0..4 {
        let (status, who) = client.call("auth_status", &json!({})).await.unwrap();
        let identity = (status["credential_source"].clone(), status["aws_arn"].clone());
        assert_eq!(identities.entry(who).or_insert_with(|| identity.clone()), &identity);
    }
    let [one, two] = COPIES.map(|copy| identities[copy].clone());
    assert_eq!(one, two);
    assert_eq!(one.0, "jwt");
    assert!(one.1.as_str().unwrap().ends_with("/writer/alice"), "{one:?}");
}

/// What all clients of a load did.
#[derive(Default)]
struct Tally {
    /// Answers by copy.
    answered: [AtomicUsize; 2],
    /// Objects that were said to be written.
    written: AtomicUsize,
    is_over: AtomicBool,
}

impl Tally {
    fn by(&self, copy: usize) -> usize {
        self.answered[copy].load(Ordering::Relaxed)
    }

    /// Waits until this copy has answered this many more requests.
    async fn more(&self, copy: usize, requests: usize) {
        let aim = self.by(copy) + requests;
        let more = async {
            while self.by(copy) < aim {
                tokio::time::sleep(PACE).await;
            }
        };
        let more = tokio::time::timeout(Duration::from_mins(2), more).await;
        more.unwrap_or_else(|_| panic!("copy {} is not asked any more", COPIES[copy]));
    }
}

/// What client number `client` asks for the `turn`th time.
fn question(backend: &Backend, client: usize, turn: usize) -> (&'static str, Value) {
    let (bucket, package) = (&backend.info.buckets.shared, &backend.info.package);
    let readme = format!("s3://{bucket}/plankton/README.md");
    let package = json!({ "bucket": package.bucket, "name": package.name });
    match (client + turn) % 7 {
        0 => (
            "bucket_objects_list",
            json!({ "bucket": bucket, "prefix": "plankton/" }),
        ),
        1 => ("bucket_object_text", json!({ "s3_uri": readme })),
        2 => ("package_browse", package),
        3 => ("package_versions", package),
        4 => ("auth_status", json!({})),
        5 => ("bucket_object_link", json!({ "s3_uri": readme })),
        _ => {
            let items = json!([{ "key": format!("rolling/{client}-{turn}"), "text": "x" }]);
            (
                "bucket_objects_put",
                json!({ "bucket": bucket, "items": items, "overwrite": false }),
            )
        }
    }
}

/// Runs one client of the load. Returns its failures.
async fn ask_on(client: Client, name: &str, backend: &Backend, number: usize, tally: &Tally) -> Vec<String> {
    let (mut failures, mut turn) = (Vec::new(), 0);
    while !tally.is_over.load(Ordering::Relaxed) {
        let (tool, arguments) = question(backend, number, turn);
        match client.call(tool, &arguments).await {
            Ok((result, by)) => {
                let copy = COPIES.iter().position(|copy| *copy == by).unwrap();
                tally.answered[copy].fetch_add(1, Ordering::Relaxed);
                if tool == "bucket_objects_put" {
                    tally.written.fetch_add(1, Ordering::Relaxed);
                }
                if tool == "auth_status"
                    && !result["aws_arn"]
                        .as_str()
                        .unwrap()
                        .ends_with(&format!("/writer/{name}"))
                {
                    failures.push(format!("{name} was served as {}", result["aws_arn"]));
                }
            }
            Err(failure) => failures.push(failure),
        }
        turn += 1;
        tokio::time::sleep(PACE).await;
    }
    failures
}

#[tokio::test]
async fn a_rolling_restart_under_load_drops_nothing() {
    if !programs::found(&["haproxy"]) {
        return;
    }
    let pair = Pair::start().await;
    let bucket = pair.backend.info.buckets.shared.clone();
    let names: Vec<String> = (0..CLIENTS).map(|number| format!("client-{number}")).collect();
    let clients: Vec<Client> = names.iter().map(|name| pair.client(name)).collect();
    let onlooker = pair.client("onlooker");
    let slow = json!([{ "key": "slow.txt", "text": "slow" }]);
    onlooker
        .call("bucket_objects_put", &json!({ "bucket": bucket, "items": slow }))
        .await
        .unwrap();
    let slow = json!({ "s3_uri": format!("s3://{bucket}/slow.txt") });

    let Pair {
        backend,
        faults,
        ports,
        mut copies,
        proxy: _proxy,
        _ends,
    } = pair;
    let tally = Tally::default();
    let load = async {
        let asking = clients.into_iter().zip(&names).enumerate();
        let asking = asking.map(|(number, (client, name))| ask_on(client, name, &backend, number, &tally));
        futures::future::join_all(asking).await.concat()
    };
    let roll = async {
        for which in [0, 1] {
            tally.more(which, 50).await;
            let release = faults.delay(&format!("{bucket}/slow.txt"));
            let in_flight =
                futures::future::join_all((0..IN_FLIGHT).map(|_| onlooker.call("bucket_object_text", &slow)));
            let ending = async {
                faults.delaying(IN_FLIGHT).await;
                copies[which].terminate();
                // They are still being worked on when connections are no longer accepted.
                while TcpStream::connect(("127.0.0.1", ports[which])).await.is_ok() {
                    tokio::time::sleep(PACE).await;
                }
                release.close();
                copies[which].ended().await
            };
            let (in_flight, status) = tokio::join!(in_flight, ending);
            let by: BTreeSet<String> = in_flight.into_iter().map(|answer| answer.unwrap().1).collect();
            assert!(
                by.contains(COPIES[which]),
                "no call was in flight in the copy that ended"
            );
            assert_eq!(status.code(), Some(0));
            copies[which] = copy(&backend, &faults, ports[which]).await;
            // It is given work again.
            tally.more(which, 50).await;
        }
        tally.is_over.store(true, Ordering::Relaxed);
    };
    let (failures, ()) = tokio::join!(load, roll);

    println!(
        "answered by copy one: {}, by copy two: {}; failed: {}",
        tally.by(0),
        tally.by(1),
        failures.len()
    );
    assert_eq!(failures, Vec::<String>::new());
    let query = json!({ "bucket": bucket, "prefix": "rolling/", "max_keys": 1000 });
    let (listed, _) = onlooker.call("bucket_objects_list", &query).await.unwrap();
    assert_eq!(
        listed["returned"],
        tally.written.load(Ordering::Relaxed),
        "each write was made once and acknowledged"
    );
}
