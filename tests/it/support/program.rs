//! The program as a process of its own.

use std::net::TcpListener;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Notify;

use super::confined::Confinement;
use super::server::Server;
use super::tools;

/// The longest wait for something that should happen at once.
const PROMPT_TIMEOUT: Duration = Duration::from_mins(1);
const PROGRAM: &str = env!("CARGO_BIN_EXE_quilt-mcp");

/// `quilt-mcp serve`, which is killed when dropped.
pub struct Program {
    pub server: Server,
    /// The URL of its metrics, if it has such a listener.
    pub metrics: Option<String>,
    log: Arc<(Mutex<Vec<Value>>, Notify)>,
    texts: Arc<Mutex<Vec<String>>>,
    process: Child,
}

impl Program {
    /// Starts it on a free port and waits until it listens. Of the machine's variables it has only `PATH`.
    pub async fn serve(arguments: &[String], variables: &[(&str, String)]) -> Self {
        Self::serve_at(0, arguments, variables).await
    }

    /// Starts it on this port.
    pub async fn serve_at(port: u16, arguments: &[String], variables: &[(&str, String)]) -> Self {
        let command = Self::command(tools::isolated(Path::new(PROGRAM)), port, arguments, variables);
        Self::run(command).await
    }

    /// Starts it with a limit of memory.
    pub async fn serve_within(confinement: &Confinement, arguments: &[String]) -> Self {
        Self::run(Self::command(
            confinement.command(Path::new(PROGRAM)),
            0,
            arguments,
            &[],
        ))
        .await
    }

    fn command(
        program: std::process::Command,
        port: u16,
        arguments: &[String],
        variables: &[(&str, String)],
    ) -> Command {
        let mut command = Command::from(program);
        command
            .arg("serve")
            .arg(format!("--port={port}"))
            .arg("--log-format=json")
            .args(arguments);
        command.envs(variables.iter().map(|(name, value)| (*name, value)));
        command
    }

    /// Runs a command that becomes a server, and waits until it listens.
    pub async fn run(mut command: Command) -> Self {
        command.stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut output = String::new();
        let mut metrics = None;
        let address = loop {
            let line = tokio::time::timeout(PROMPT_TIMEOUT, lines.next_line())
                .await
                .unwrap()
                .unwrap();
            let line = line.unwrap_or_else(|| panic!("the server ended: {output}"));
            let event: Value = serde_json::from_str(&line).unwrap_or_default();
            if let Some(address) = event["metrics_address"].as_str() {
                metrics = Some(format!("http://{address}/metrics"));
            }
            if event["message"] == "listening" {
                // A server on all addresses is called at loopback.
                break event["address"].as_str().unwrap().replace("0.0.0.0", "127.0.0.1");
            }
            output.push_str(&line);
        };
        let log = Arc::new((Mutex::new(Vec::new()), Notify::new()));
        let texts = Arc::new(Mutex::new(Vec::new()));
        // A full pipe would block the server.
        #[expect(clippy::disallowed_methods, reason = "ends with the process whose lines it reads")]
        tokio::spawn({
            let (log, texts) = (log.clone(), texts.clone());
            async move {
                while let Ok(Some(line)) = lines.next_line().await {
                    texts.lock().unwrap().push(line.clone());
                    log.0
                        .lock()
                        .unwrap()
                        .push(serde_json::from_str(&line).unwrap_or(Value::String(line)));
                    log.1.notify_waiters();
                }
            }
        });
        Self {
            server: Server::at(format!("http://{address}/mcp")),
            metrics,
            log,
            texts,
            process,
        }
    }

    /// Waits for a line of the log, since it listened, for which `is_such` is true, and returns the first.
    pub async fn logged(&self, is_such: impl Fn(&Value) -> bool) -> Value {
        let found = async {
            loop {
                let more = self.log.1.notified();
                if let Some(line) = self.log.0.lock().unwrap().iter().find(|line| is_such(line)) {
                    return line.clone();
                }
                more.await;
            }
        };
        tokio::time::timeout(PROMPT_TIMEOUT, found)
            .await
            .unwrap_or_else(|_| panic!("no such line in {:?}", self.log.0))
    }

    /// Returns the lines of the log, since it listened, as they were written.
    pub fn texts(&self) -> Vec<String> {
        self.texts.lock().unwrap().clone()
    }

    /// Returns the id of its process.
    pub fn id(&self) -> u32 {
        self.process.id().unwrap()
    }

    /// Sends SIGTERM, as container runtimes do.
    pub fn terminate(&self) {
        tools::run(
            tools::isolated(Path::new("kill"))
                .arg("-TERM")
                .arg(self.id().to_string()),
        )
        .unwrap();
    }

    /// Waits for its exit.
    pub async fn ended(&mut self) -> ExitStatus {
        tokio::time::timeout(Duration::from_mins(2), self.process.wait())
            .await
            .unwrap()
            .unwrap()
    }

    /// Sends SIGKILL, which stands for a power cut.
    pub async fn kill(&mut self) {
        self.process.kill().await.unwrap();
    }
}

/// Returns a port that was free a moment ago, for programs that cannot choose one.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
