//! The real program as a process of its own.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::server::Server;
use super::tools;

/// `quilt-mcp serve`, which ends when it is dropped.
pub struct Program {
    pub server: Server,
    process: Child,
}

impl Program {
    /// Starts it on a free port and waits until it listens. It knows no variable of the machine.
    pub async fn serve(arguments: &[String], variables: &[(&str, String)]) -> Self {
        let mut command = Command::from(tools::isolated(Path::new(env!("CARGO_BIN_EXE_quilt-mcp"))));
        command.args(["serve", "--port=0", "--log-format=json"]).args(arguments);
        command.envs(variables.iter().map(|(name, value)| (*name, value)));
        command.stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut told = String::new();
        let address = loop {
            let line = tokio::time::timeout(Duration::from_secs(30), lines.next_line()).await.unwrap().unwrap();
            let line = line.unwrap_or_else(|| panic!("the server ended: {told}"));
            let event: Value = serde_json::from_str(&line).unwrap_or_default();
            if event["message"] == "listening" {
                break event["address"].as_str().unwrap().to_owned();
            }
            told.push_str(&line);
        };
        // A full pipe would stop it.
        #[expect(clippy::disallowed_methods, reason = "ends with the process whose lines it reads")]
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { server: Server::at(format!("http://{address}/mcp")), process }
    }

    /// Its process id, while it runs.
    pub fn id(&self) -> u32 {
        self.process.id().unwrap()
    }

    /// Ends it as a power cut would: SIGKILL.
    pub async fn kill(&mut self) {
        self.process.kill().await.unwrap();
    }
}
