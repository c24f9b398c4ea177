//! A moto server on loopback whose roles are made and changed through the API of IAM, which only moto has here.
//!
//! Owns the process, which ends when the value is dropped, also in a panic. moto differs from AWS: it ignores session
//! policies, its sessions never expire, a role that does not exist can be assumed (without rights), it does not read
//! the token of a web identity, and once it enforces rights it answers 500 to requests without a signature, such as
//! presigned ones and `AssumeRoleWithWebIdentity`.

use std::fs::{self, File};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::Value;
use tempfile::TempDir;

use super::stage::Keys;
use super::tools;

/// The longest wait for its start.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// A running moto with a bucket, the users `admin` (all rights) and `svc` (may assume roles), and the roles `reader` and
/// `writer` (for `svc`) and `web` (for an identity provider, with the rights of `writer`).
pub struct Moto {
    /// The URL of its S3, STS and IAM.
    pub endpoint: String,
    /// Has all rights.
    pub admin: Keys,
    /// May only assume roles.
    pub svc: Keys,
    _process: Process,
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

impl Moto {
    /// Starts a moto that does not enforce rights yet.
    pub async fn start() -> anyhow::Result<Self> {
        tokio::task::spawn_blocking(|| {
            let mut process = Process::start()?;
            let endpoint = process.endpoint()?;
            let users: Value = serde_json::from_str(&iam(&endpoint, &["setup"])?)?;
            let keys = |name: &str| -> anyhow::Result<Keys> {
                let text = |field: &str| users[name][field].as_str().map(str::to_owned).context("keys of a user");
                let (access_key_id, secret_access_key) = (text("access_key_id")?, text("secret_access_key")?);
                Ok(Keys {
                    access_key_id,
                    secret_access_key,
                    session_token: None,
                })
            };
            Ok(Self {
                admin: keys("admin")?,
                svc: keys("svc")?,
                endpoint,
                _process: process,
            })
        })
        .await?
    }

    /// Enforces signatures, session tokens and policies from now on.
    pub async fn enforce(&self) -> anyhow::Result<()> {
        self.script(&["enforce"]).await
    }

    /// Removes a role's rights, also from its open sessions.
    pub async fn forbid(&self, role: &str) -> anyhow::Result<()> {
        self.script(&["forbid", role, &self.admin.access_key_id, &self.admin.secret_access_key])
            .await
    }

    /// Returns the ARN of a role.
    pub fn role_arn(name: &str) -> String {
        format!("arn:aws:iam::123456789012:role/{name}")
    }

    async fn script(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let (endpoint, arguments) = (self.endpoint.clone(), arguments.iter().map(ToString::to_string));
        let arguments: Vec<String> = arguments.collect();
        let run = move || iam(&endpoint, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
        tokio::task::spawn_blocking(run).await??;
        Ok(())
    }
}

/// Runs the script that calls its API.
fn iam(endpoint: &str, arguments: &[&str]) -> anyhow::Result<String> {
    tools::run(tools::moto_script("moto_iam.py")?.arg(endpoint).args(arguments))
}

impl Process {
    fn start() -> anyhow::Result<Self> {
        let data = TempDir::new()?;
        let log = File::create(data.path().join("log"))?;
        let mut command = tools::isolated(&tools::moto()?);
        command
            .current_dir(data.path())
            .env("HOME", data.path())
            .env("PYTHONUNBUFFERED", "1");
        // The system chooses the port, and the log names it.
        command.args(["-H", "127.0.0.1", "-p", "0"]);
        let child = command.stdout(log.try_clone()?).stderr(Stdio::from(log)).spawn()?;
        Ok(Self { child, data })
    }

    /// Waits until it listens, and returns its URL.
    fn endpoint(&mut self) -> anyhow::Result<String> {
        let started = Instant::now();
        loop {
            let log = fs::read_to_string(self.data.path().join("log")).unwrap_or_default();
            let mut urls = log
                .lines()
                .filter_map(|line| line.split_once("Running on "))
                .map(|(_, url)| url.trim());
            if let Some(url) = urls.next().filter(|_| log.contains("Press CTRL+C")) {
                return Ok(url.to_owned());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("moto ended with {status}\n{log}");
            }
            if started.elapsed() > START_TIMEOUT {
                bail!("moto did not listen in {START_TIMEOUT:?}\n{log}");
            }
            sleep(Duration::from_millis(50));
        }
    }
}
