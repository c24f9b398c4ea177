//! The real program as a process of its own.

use std::net::TcpListener;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
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
        Self::serve_at(0, arguments, variables).await
    }

    /// The same on this port.
    pub async fn serve_at(port: u16, arguments: &[String], variables: &[(&str, String)]) -> Self {
        let mut command = Command::from(tools::isolated(Path::new(env!("CARGO_BIN_EXE_quilt-mcp"))));
        command.arg("serve").arg(format!("--port={port}")).arg("--log-format=json").args(arguments);
        command.envs(variables.iter().map(|(name, value)| (*name, value)));
        Self::run(command).await
    }

    /// Runs a command that becomes a server, and waits until it listens.
    pub async fn run(mut command: Command) -> Self {
        command.stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut told = String::new();
        let address = loop {
            let line = tokio::time::timeout(Duration::from_secs(30), lines.next_line()).await.unwrap().unwrap();
            let line = line.unwrap_or_else(|| panic!("the server ended: {told}"));
            let event: Value = serde_json::from_str(&line).unwrap_or_default();
            if event["message"] == "listening" {
                // Who listens on every address is called at the loopback one.
                break event["address"].as_str().unwrap().replace("0.0.0.0", "127.0.0.1");
            }
            told.push_str(&line);
        };
        // A full pipe would stop it.
        #[expect(clippy::disallowed_methods, reason = "ends with the process whose lines it reads")]
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { server: Server::at(format!("http://{address}/mcp")), process }
    }

    /// The id of its process.
    pub fn id(&self) -> u32 {
        self.process.id().unwrap()
    }

    /// Asks it to end, as whoever runs containers does: SIGTERM.
    pub fn terminate(&self) {
        tools::run(tools::isolated(Path::new("kill")).arg("-TERM").arg(self.id().to_string())).unwrap();
    }

    /// Waits until it has ended.
    pub async fn ended(&mut self) -> ExitStatus {
        tokio::time::timeout(Duration::from_mins(2), self.process.wait()).await.unwrap().unwrap()
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
