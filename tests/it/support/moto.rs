//! A moto server on loopback whose roles are made, and changed, through the API of IAM: the only one here that has it.
//!
//! Owns the process and ends with the value that stands for it, also when a test panics. What moto does not do as AWS
//! does: it ignores session policies, its sessions never expire, a role that does not exist can be assumed (and may
//! nothing), it does not look at the token of a web identity, and once it enforces rights it answers 500 to requests
//! without a signature, presigned ones and `AssumeRoleWithWebIdentity` among them.

use std::fs::{self, File};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::Value;
use tempfile::TempDir;

use super::stage::Keys;
use super::tools;

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running moto with a bucket, the users `admin` (may everything) and `svc` (may assume roles) and the roles `reader`
/// and `writer` (for `svc`) and `web` (for an identity provider; it may what `writer` may).
pub struct Moto {
    /// Its S3, STS and IAM.
    pub endpoint: String,
    /// May everything.
    pub admin: Keys,
    /// May assume roles, and nothing else.
    pub svc: Keys,
    _process: Process,
}

/// A process that ends with its owner.
struct Process {
    child: Child,
    data: TempDir,
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Moto {
    /// Starts one that enforces nothing yet.
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

    /// From now on signatures, session tokens and policies decide.
    pub async fn enforce(&self) -> anyhow::Result<()> {
        self.script(&["enforce"]).await
    }

    /// Takes a role's rights away, also those of its living sessions.
    pub async fn forbid(&self, role: &str) -> anyhow::Result<()> {
        self.script(&["forbid", role, &self.admin.access_key_id, &self.admin.secret_access_key])
            .await
    }

    /// The ARN of a role.
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

/// Runs the script that speaks to its API.
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
        // The system chooses the port, and the log tells it.
        command.args(["-H", "127.0.0.1", "-p", "0"]);
        let child = command.stdout(log.try_clone()?).stderr(Stdio::from(log)).spawn()?;
        Ok(Self { child, data })
    }

    /// Waits until it listens, and tells where.
    fn endpoint(&mut self) -> anyhow::Result<String> {
        let started = Instant::now();
        loop {
            let log = fs::read_to_string(self.data.path().join("log")).unwrap_or_default();
            let mut told = log
                .lines()
                .filter_map(|line| line.split_once("Running on "))
                .map(|(_, url)| url.trim());
            if let Some(url) = told.next().filter(|_| log.contains("Press CTRL+C")) {
                return Ok(url.to_owned());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("moto ended with {status}\n{log}");
            }
            if started.elapsed() > PATIENCE {
                bail!("moto did not listen in {PATIENCE:?}\n{log}");
            }
            sleep(Duration::from_millis(50));
        }
    }
}
