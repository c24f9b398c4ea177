//! The server under test: the real program in a process of its own, with an embedded S3 as its upstream.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::bail;
use quilt_mcp::clock::Clock;
use secrecy::SecretString;
use serde_json::json;

const SECRET: &str = "the-secret-of-the-bench-has-40-characters";

/// A running server, which is killed when this value is dropped.
pub struct Server {
    child: Child,
    pub port: u16,
    /// The time from the start of the process to the first accepted connection.
    pub took: Duration,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts the server as [`Self::with`] does, for callers whose tokens hold their AWS credentials.
    pub fn start(s3_endpoint: &str) -> anyhow::Result<Self> {
        Self::with(&[
            format!("--s3-endpoint={s3_endpoint}"),
            "--ambient=never".to_owned(),
            format!("--jwt-secret={SECRET}"),
            "--rate-limit=1000000/s".to_owned(),
        ])
    }

    /// Starts the server with these flags, the default log level and discarded output, and with metrics.
    pub fn with(flags: &[String]) -> anyhow::Result<Self> {
        let port = free_port()?;
        let start = Instant::now();
        let child = Command::new(env!("CARGO_BIN_EXE_quilt-mcp"))
            .args(["serve", &format!("--port={port}"), "--metrics-addr=127.0.0.1:0"])
            .args(flags)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut server = Self {
            child,
            port,
            took: Duration::ZERO,
        };
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = server.child.try_wait()? {
                bail!("the server ended: {status}");
            }
            if start.elapsed() > Duration::from_secs(30) {
                bail!("the server does not listen");
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        server.took = start.elapsed();
        Ok(server)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/mcp", self.port)
    }
}

/// Returns the secret with which tokens are signed.
pub fn secret() -> SecretString {
    SecretString::from(SECRET)
}

/// Returns a token that contains these AWS credentials.
pub fn token(access_key_id: &str, secret_access_key: &str) -> anyhow::Result<String> {
    let claims = json!({ "sub": "bench", "exp": Clock::system().now().as_second() + 7200, "aws_credentials": {
        "access_key_id": access_key_id, "secret_access_key": secret_access_key } });
    Ok(quilt_mcp::dev::sign_hs256(&claims, &secret())?)
}

fn free_port() -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
