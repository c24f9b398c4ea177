//! The real program as a process of its own.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::confined::Confinement;
use super::server::Server;
use super::tools;

const PROGRAM: &str = env!("CARGO_BIN_EXE_quilt-mcp");

/// `quilt-mcp serve`, which ends when it is dropped.
pub struct Program {
    pub server: Server,
    /// Where its metrics are, if it was told to show them.
    pub metrics: Option<String>,
    process: Child,
}

impl Program {
    /// Starts it on a free port and waits until it listens. It knows no variable of the machine.
    pub async fn serve(arguments: &[String], variables: &[(&str, String)]) -> Self {
        Self::start(tools::isolated(Path::new(PROGRAM)), arguments, variables).await
    }

    /// The same with only so much memory.
    pub async fn serve_within(confinement: &Confinement, arguments: &[String]) -> Self {
        Self::start(confinement.command(Path::new(PROGRAM)), arguments, &[]).await
    }

    async fn start(command: std::process::Command, arguments: &[String], variables: &[(&str, String)]) -> Self {
        let mut command = Command::from(command);
        command.args(["serve", "--port=0", "--log-format=json"]).args(arguments);
        command.envs(variables.iter().map(|(name, value)| (*name, value)));
        command.stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let (mut told, mut metrics) = (String::new(), None);
        let address = loop {
            let line = tokio::time::timeout(Duration::from_secs(30), lines.next_line()).await.unwrap().unwrap();
            let line = line.unwrap_or_else(|| panic!("the server ended: {told}"));
            let event: Value = serde_json::from_str(&line).unwrap_or_default();
            if event["message"] == "listening" {
                break event["address"].as_str().unwrap().to_owned();
            }
            if event["message"] == "metrics are served" {
                metrics = event["metrics_address"].as_str().map(|address| format!("http://{address}/metrics"));
            }
            told.push_str(&line);
        };
        // A full pipe would stop it.
        #[expect(clippy::disallowed_methods, reason = "ends with the process whose lines it reads")]
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { server: Server::at(format!("http://{address}/mcp")), metrics, process }
    }

    /// Its process, which must still be there.
    pub fn id(&mut self) -> u32 {
        let ended = self.process.try_wait().unwrap();
        assert_eq!(ended, None, "the process has ended");
        self.process.id().unwrap()
    }

    /// Ends it as a power cut would: SIGKILL.
    pub async fn kill(&mut self) {
        self.process.kill().await.unwrap();
    }
}
