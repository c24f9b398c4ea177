//! The program among what surrounds a process: a log that is not read, few descriptors, signals, no home directory.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStderr, Command};

use crate::support::server::Server;
use crate::support::stage::{SHARED, Stage};
use crate::support::{SECRET, programs, token, tools};

const PROGRAM: &str = env!("CARGO_BIN_EXE_quilt-mcp");
/// The longest wait for something that should happen at once.
const PROMPT_TIMEOUT: Duration = Duration::from_mins(1);

/// `quilt-mcp serve`, of whose log the test reads as much as it wants.
struct Process {
    server: Server,
    metrics: String,
    log: Lines<BufReader<ChildStderr>>,
    child: Child,
    /// The id of the server's process, which may be a child of `child`.
    id: u32,
}

impl Process {
    /// Starts a command that becomes a server, and reads its log until it listens.
    async fn start(mut command: Command) -> Self {
        command
            .env("QUILT_MCP_PORT", "0")
            .env("QUILT_MCP_METRICS_ADDR", "127.0.0.1:0")
            .env("QUILT_MCP_LOG_FORMAT", "json")
            .env("QUILT_MCP_DRAIN", "500ms")
            .env("MCP_JWT_SECRET", SECRET);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut process = Self {
            server: Server::at(String::new()),
            metrics: String::new(),
            log: BufReader::new(child.stderr.take().unwrap()).lines(),
            id: child.id().unwrap(),
            child,
        };
        let line = process.logged("metrics are served").await;
        process.metrics = format!("http://{}/metrics", line["metrics_address"].as_str().unwrap());
        let line = process.logged("listening").await;
        process.server = Server::at(format!("http://{}/mcp", line["address"].as_str().unwrap()));
        process
    }

    /// Reads the log until a line with this message.
    async fn logged(&mut self, message: &str) -> Value {
        let found = async {
            while let Some(line) = self.log.next_line().await.unwrap() {
                let event: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
                if event["message"] == message {
                    return event;
                }
            }
            panic!("the log ended without {message:?}")
        };
        tokio::time::timeout(PROMPT_TIMEOUT, found).await.unwrap()
    }

    /// Returns the value of a metric without labels.
    async fn metric(&self, name: &str) -> f64 {
        let http = quilt_mcp::catalog::http_client(PROMPT_TIMEOUT).unwrap();
        let text = http.get(&self.metrics).send().await.unwrap().text().await.unwrap();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value
            .unwrap_or_else(|| panic!("{name} is not in {text}"))
            .parse()
            .unwrap()
    }

    async fn signal(&self, name: &str) {
        assert!(
            Command::new("kill")
                .args([name, &self.id.to_string()])
                .status()
                .await
                .unwrap()
                .success()
        );
    }

    async fn ended(&mut self) -> ExitStatus {
        tokio::time::timeout(PROMPT_TIMEOUT, self.child.wait())
            .await
            .unwrap()
            .unwrap()
    }

    /// Has several callers make refused calls until the queue of the log is full.
    async fn fill_log(&self) {
        for _ in 0..100 {
            join_all((0..8).map(|_| async {
                for _ in 0..50 {
                    let answer = self.server.call("no.token.atall", "bucket_list", json!({})).await;
                    assert!([401, 429].contains(&answer.status), "{}", answer.status);
                }
            }))
            .await;
            if self.metric("quilt_mcp_log_lines_dropped_total").await > 0.0 {
                return;
            }
        }
        panic!("no line was dropped");
    }
}

/// The program with a stage as its S3, and no other variables than `PATH`.
fn serve(stage: &Stage) -> Command {
    let mut command = Command::from(tools::isolated(Path::new(PROGRAM)));
    command.arg("serve").arg(format!("--s3-endpoint={}", stage.endpoint));
    command
}

/// Checks that the server answers probes and calls.
async fn check_answers(server: &Server, stage: &Stage) {
    assert_eq!(server.request("GET", "/health", &[]).await.status, 200);
    let keys = &stage.reader;
    let bearer = token(
        json!({ "sub": "reader", "aws_credentials": { "access_key_id": keys.access_key_id,
        "secret_access_key": keys.secret_access_key, "session_token": keys.session_token } }),
    );
    let list = json!({ "bucket": SHARED });
    server.call(&bearer, "bucket_objects_list", list).await.success();
}

/// A log driver that has stopped must not stop the server.
#[tokio::test]
async fn a_log_that_is_not_read_holds_up_neither_calls_nor_the_end() {
    let stage = Stage::embedded().await;
    let mut process = Process::start(serve(&stage)).await;
    assert!(process.metric("quilt_mcp_log_lines_dropped_total").await.abs() < f64::EPSILON);
    process.fill_log().await;
    check_answers(&process.server, &stage).await;
    process.signal("-TERM").await;
    assert!(process.ended().await.success());
}

#[tokio::test]
async fn dropped_log_lines_are_reported_when_the_log_is_read_again() {
    let stage = Stage::embedded().await;
    let mut process = Process::start(serve(&stage)).await;
    process.fill_log().await;
    let report = process
        .logged("log lines were dropped, because standard error was not read")
        .await;
    assert!(report["dropped"].as_u64().unwrap() > 0, "{report}");
    process.signal("-TERM").await;
    process.logged("stopped").await;
    assert!(process.ended().await.success());
}

/// The program under a limit of file descriptors, soft and hard.
fn serve_under(stage: &Stage, soft: u32, hard: u32) -> Command {
    let mut command = Command::from(tools::isolated(Path::new("sh")));
    let limits = format!("ulimit -Sn {soft} && ulimit -Hn {hard} && exec \"$0\" \"$@\"");
    command.args(["-c", &limits, PROGRAM, "serve"]);
    command.arg(format!("--s3-endpoint={}", stage.endpoint));
    command
}

/// Opens connections on which nothing is sent.
async fn idle_connections(server: &Server, count: usize) -> Vec<TcpStream> {
    let address = server.url.trim_start_matches("http://").trim_end_matches("/mcp");
    join_all((0..count).map(|_| async { TcpStream::connect(address).await.unwrap() })).await
}

#[tokio::test]
async fn the_soft_limit_of_descriptors_is_raised() {
    let stage = Stage::embedded().await;
    let process = Process::start(serve_under(&stage, 256, 2304)).await;
    // A slow machine may still be accepting connections, or close them already, because nothing is sent on them.
    let mut idle = Vec::new();
    let mut open = 0.0;
    for _ in 0..10 {
        idle = idle_connections(&process.server, 600).await;
        check_answers(&process.server, &stage).await;
        open = process.metric("process_open_fds").await;
        if open > 600.0 {
            break;
        }
    }
    assert!(open > 600.0, "{open}");
    assert!((process.metric("process_max_fds").await - 2304.0).abs() < f64::EPSILON);
    drop(idle);
}

#[tokio::test]
async fn connections_leave_descriptors_for_calls() {
    let stage = Stage::embedded().await;
    let mut process = Process::start(serve_under(&stage, 256, 256)).await;
    let idle = idle_connections(&process.server, 600).await;
    check_answers(&process.server, &stage).await;
    assert!(process.metric("process_open_fds").await < 200.0);
    drop(idle);
    process.signal("-TERM").await;
    process.logged("stopped").await;
    assert!(process.ended().await.success());
}

/// Service managers send SIGHUP with SIGTERM, and a terminal that is closed sends it alone.
#[tokio::test]
async fn sighup_begins_a_shutdown_and_never_ends_it() {
    let stage = Stage::embedded().await;
    for signals in [&["-HUP"][..], &["-TERM", "-HUP"], &["-HUP", "-TERM"], &["-HUP", "-HUP"]] {
        // The tests may run under nohup.
        let mut command = Command::from(tools::isolated(Path::new("env")));
        command.args(["--default-signal=HUP", PROGRAM, "serve"]);
        command.arg(format!("--s3-endpoint={}", stage.endpoint));
        let mut process = Process::start(command).await;
        for signal in signals {
            process.signal(signal).await;
        }
        process.logged("shutdown begins").await;
        process.logged("stopped").await;
        assert!(process.ended().await.success(), "{signals:?}");
    }
}

#[tokio::test]
async fn a_process_under_nohup_ignores_sighup() {
    let stage = Stage::embedded().await;
    let mut command = Command::from(tools::isolated(Path::new("nohup")));
    command.arg(PROGRAM).arg("serve").stdin(Stdio::null());
    command.arg(format!("--s3-endpoint={}", stage.endpoint));
    let mut process = Process::start(command).await;
    process.signal("-HUP").await;
    // Until its shutdown begins, a server is ready.
    for _ in 0..20 {
        check_answers(&process.server, &stage).await;
        assert_eq!(process.server.request("GET", "/ready", &[]).await.status, 200);
    }
    process.signal("-TERM").await;
    process.logged("stopped").await;
    assert!(process.ended().await.success());
}

/// A container as it is often run: the server is process 1, with an arbitrary user id, without a home directory, with few
/// descriptors, and its log is not read.
#[tokio::test]
async fn the_server_works_as_process_1_of_a_poor_container() {
    if !programs::found(&["unshare"]) {
        return;
    }
    let stage = Stage::embedded().await;
    let mut command = Command::from(tools::isolated(Path::new("unshare")));
    command.args([
        "--user",
        "--map-user=10001",
        "--map-group=10001",
        "--pid",
        "--mount-proc",
        "--fork",
        "--kill-child",
    ]);
    command.args([
        "sh",
        "-c",
        "ulimit -Sn 256 && ulimit -Hn 256 && exec \"$0\" \"$@\"",
        PROGRAM,
        "serve",
    ]);
    command.arg(format!("--s3-endpoint={}", stage.endpoint));
    let mut process = Process::start(command).await;
    let children = format!("/proc/{0}/task/{0}/children", process.id);
    process.id = std::fs::read_to_string(children).unwrap().trim().parse().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id)).unwrap();
    let ids = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap();
    assert_eq!(ids.split_whitespace().last(), Some("1"), "{status}");

    let idle = idle_connections(&process.server, 600).await;
    process.fill_log().await;
    check_answers(&process.server, &stage).await;
    process.signal("-TERM").await;
    assert!(process.ended().await.success());
    drop(idle);
}
