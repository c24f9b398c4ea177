//! The real program as a process of its own.

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

/// Longest wait for what it should do at once.
const PATIENCE: Duration = Duration::from_mins(1);
const PROGRAM: &str = env!("CARGO_BIN_EXE_quilt-mcp");

/// `quilt-mcp serve`, which ends when it is dropped.
pub struct Program {
    pub server: Server,
    /// URL of its metrics, if it has such a listener.
    pub metrics: Option<String>,
    log: Arc<(Mutex<Vec<Value>>, Notify)>,
    texts: Arc<Mutex<Vec<String>>>,
    process: Child,
}

impl Program {
    /// Starts it on a free port and waits until it listens. It knows no variable of the machine.
    pub async fn serve(arguments: &[String], variables: &[(&str, String)]) -> Self {
        Self::serve_at(0, arguments, variables).await
    }

    /// The same on this port.
    pub async fn serve_at(port: u16, arguments: &[String], variables: &[(&str, String)]) -> Self {
        let command = Self::told(tools::isolated(Path::new(PROGRAM)), port, arguments, variables);
        Self::run(command).await
    }

    /// The same with only so much memory.
    pub async fn serve_within(confinement: &Confinement, arguments: &[String]) -> Self {
        Self::run(Self::told(confinement.command(Path::new(PROGRAM)), 0, arguments, &[])).await
    }

    fn told(command: std::process::Command, port: u16, arguments: &[String], variables: &[(&str, String)]) -> Command {
        let mut command = Command::from(command);
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
        let (mut told, mut metrics) = (String::new(), None);
        let address = loop {
            let line = tokio::time::timeout(PATIENCE, lines.next_line())
                .await
                .unwrap()
                .unwrap();
            let line = line.unwrap_or_else(|| panic!("the server ended: {told}"));
            let event: Value = serde_json::from_str(&line).unwrap_or_default();
            if let Some(address) = event["metrics_address"].as_str() {
                metrics = Some(format!("http://{address}/metrics"));
            }
            if event["message"] == "listening" {
                // Who listens on every address is called at the loopback one.
                break event["address"].as_str().unwrap().replace("0.0.0.0", "127.0.0.1");
            }
            told.push_str(&line);
        };
        let log = Arc::new((Mutex::new(Vec::new()), Notify::new()));
        let texts = Arc::new(Mutex::new(Vec::new()));
        // A full pipe would stop it.
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

    /// The first line of the log, from when it listened on, that is such a one. Waits for it.
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
        tokio::time::timeout(PATIENCE, found)
            .await
            .unwrap_or_else(|_| panic!("no such line in {:?}", self.log.0))
    }

    /// The lines of the log, from when it listened on, as they were written.
    pub fn texts(&self) -> Vec<String> {
        self.texts.lock().unwrap().clone()
    }

    /// The id of its process.
    pub fn id(&self) -> u32 {
        self.process.id().unwrap()
    }

    /// Asks it to end, as whoever runs containers does: SIGTERM.
    pub fn terminate(&self) {
        tools::run(
            tools::isolated(Path::new("kill"))
                .arg("-TERM")
                .arg(self.id().to_string()),
        )
        .unwrap();
    }

    /// Waits until it has ended.
    pub async fn ended(&mut self) -> ExitStatus {
        tokio::time::timeout(Duration::from_mins(2), self.process.wait())
            .await
            .unwrap()
            .unwrap()
    }

    /// Ends it as a power cut would: SIGKILL.
    pub async fn kill(&mut self) {
        self.process.kill().await.unwrap();
    }
}

/// A port that was free a moment ago, for whoever must be told one.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
