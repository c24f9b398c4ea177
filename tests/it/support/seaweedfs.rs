//! A SeaweedFS on loopback that enforces its STS and policies: an S3 from outside of this project.
//!
//! Owns the process, its ports and its data, which end when the value is dropped, also in a panic.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::Value;
use tempfile::TempDir;

use super::tools;

/// The longest wait for its start.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// The number of starts on other ports after another process took one of them.
const TRIES: u32 = 4;
/// S3, master, volume, filer, admin: each also listens for gRPC, at its port plus this.
const SERVICES: u16 = 5;
const GRPC: u16 = 10_000;

/// A running SeaweedFS.
pub struct SeaweedFs {
    /// The URL of its S3 and STS.
    pub endpoint: String,
    process: Process,
}

/// A process that is killed when dropped.
struct Process {
    child: Child,
    data: TempDir,
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have exited already.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl SeaweedFs {
    /// Starts a SeaweedFS with these roles and policies (`-s3.iam.config`) and these users (`-s3.config`).
    pub fn start(iam: &Value, s3: &Value) -> anyhow::Result<Self> {
        let weed = tools::weed()?;
        // One at a time: until the first has bound its ports, they look free to the next.
        let _turn = tools::lock("seaweedfs")?;
        let mut failure = None;
        for _ in 0..TRIES {
            let port = free_ports()?;
            let mut process = Process::start(&weed, port, iam, s3)?;
            match process.wait(port) {
                Ok(()) => {
                    return Ok(Self {
                        endpoint: format!("http://127.0.0.1:{port}"),
                        process,
                    });
                }
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(|| anyhow::anyhow!("it was never started"))).context("SeaweedFS cannot be started")
    }

    /// Returns its log, to be shown when a test fails.
    pub fn log(&self) -> String {
        self.process.log()
    }
}

impl Process {
    fn start(weed: &Path, port: u16, iam: &Value, s3: &Value) -> anyhow::Result<Self> {
        let data = TempDir::new()?;
        let file = |name: &str| data.path().join(name).to_string_lossy().into_owned();
        fs::create_dir(file("data"))?;
        fs::write(file("iam.json"), iam.to_string())?;
        fs::write(file("s3.json"), s3.to_string())?;
        let log = File::create(file("log"))?;
        let mut command = tools::isolated(weed);
        command.current_dir(data.path()).env("HOME", data.path());
        command.args([
            "mini",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-s3.autoCreateBucket=false",
        ]);
        command.args(["-webdav=false", "-admin.ui=false", "-master.telemetry=false"]);
        command.args(["-s3.port.iceberg=0", "-s3.port.lance=0"]);
        command.arg(format!("-dir={}", file("data")));
        command.arg(format!("-s3.iam.config={}", file("iam.json")));
        command.arg(format!("-s3.config={}", file("s3.json")));
        for (service, port) in ["s3", "master", "volume", "filer", "admin"]
            .into_iter()
            .zip(port..port + SERVICES)
        {
            command.arg(format!("-{service}.port={port}"));
        }
        let child = command.stdout(log.try_clone()?).stderr(Stdio::from(log)).spawn()?;
        Ok(Self { child, data })
    }

    /// Waits until its S3 answers.
    fn wait(&mut self, port: u16) -> anyhow::Result<()> {
        let started = Instant::now();
        while !answers(port) {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended with {status}\n{}", self.log());
            }
            if started.elapsed() > START_TIMEOUT {
                bail!("it did not answer in {START_TIMEOUT:?}\n{}", self.log());
            }
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.data.path().join("log")).unwrap_or_default()
    }
}

/// Returns the first of [`SERVICES`] consecutive ports that are free, as are those [`GRPC`] above. They are below the range
/// of outgoing connections.
fn free_ports() -> anyhow::Result<u16> {
    for _ in 0..100 {
        let first = 10_240 + rand::random::<u16>() % 12_000;
        let wanted = (first..first + SERVICES).flat_map(|port| [port, port + GRPC]);
        let bound: Result<Vec<_>, _> = wanted
            .map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)))
            .collect();
        if bound.is_ok() {
            return Ok(first);
        }
    }
    bail!("no free ports were found")
}

fn answers(port: u16) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"GET /status HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.split(' ').nth(1) == Some("200"))
}
