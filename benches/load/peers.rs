//! The other processes of the benchmark: an embedded S3 and axum handlers. They run this program with other arguments.

use std::io::{BufRead as _, Read as _, Write as _};
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use axum::serve::ListenerExt as _;
use embedded_aws::{EmbeddedAws, Options};
use quilt_mcp::clock::Clock;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub const BUCKET: &str = "bench-load";
/// A small object and one of 1 MiB; a thousand more are under `many/`.
pub const SMALL: &str = "small.txt";
pub const LARGE: &str = "large.bin";

/// The line that a process prints when it is ready.
#[derive(Serialize, Deserialize)]
pub struct Ready {
    pub port: u16,
    pub access_key_id: String,
    pub secret_access_key: String,
}

/// A process that ends when this value is dropped, or with its parent.
pub struct Peer {
    child: Child,
    pub ready: Ready,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Peer {
    pub fn start(role: &str, argument: &str) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([role, argument])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        std::io::BufReader::new(child.stdout.take().context("no standard output")?).read_line(&mut line)?;
        let ready = serde_json::from_str(&line).with_context(|| format!("{role} did not start"))?;
        Ok(Self { child, ready })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

/// Prints that the process is ready, and ends it when its parent has ended.
fn announce(ready: &Ready) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{}", serde_json::to_string(ready)?)?;
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0)
    });
    Ok(())
}

/// Runs an S3 with the objects that the benchmark reads.
pub async fn s3() -> anyhow::Result<()> {
    let clock = Clock::system();
    let aws = EmbeddedAws::new(Options::new(std::sync::Arc::new(move || clock.now())));
    aws.create_bucket(BUCKET, None, true);
    aws.put_object(
        BUCKET,
        SMALL,
        "hello\n".repeat(100),
        Some("text/plain"),
        &[("station", "north")],
    )?;
    aws.put_object(
        BUCKET,
        LARGE,
        vec![0x5a_u8; 1 << 20],
        Some("application/octet-stream"),
        &[],
    )?;
    for n in 0..1000 {
        aws.put_object(
            BUCKET,
            &format!("many/2026/sample-{n:04}.csv"),
            "a,b\n",
            Some("text/csv"),
            &[],
        )?;
    }
    let everything =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    let user = aws.create_user("bench", &[everything])?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    announce(&Ready {
        port: listener.local_addr()?.port(),
        access_key_id: user.access_key_id,
        secret_access_key: user.secret_access_key.expose_secret().to_owned(),
    })?;
    aws.serve(listener, CancellationToken::new()).await;
    Ok(())
}

/// Runs a minimal server in front of S3: an axum handler that makes one call of the SDK and ignores its response. `s3` is the
/// S3's [`Ready`] line.
pub async fn thin(s3: &str) -> anyhow::Result<()> {
    let Ready {
        port,
        access_key_id,
        secret_access_key,
    } = serde_json::from_str(s3)?;
    let sdk = sdk(port, &access_key_id, &secret_access_key);
    let handler = move |_: Bytes| {
        let sdk = sdk.clone();
        async move { crate::head(sdk).await.map(|_| "{}").map_err(|error| error.to_string()) }
    };
    serve(Router::new().route("/mcp", post(handler))).await
}

/// Returns an SDK client of the embedded S3.
pub fn sdk(port: u16, access_key_id: &str, secret_access_key: &str) -> aws_sdk_s3::Client {
    let credentials = aws_credential_types::Credentials::new(access_key_id, secret_access_key, None, None, "bench");
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
        .region(aws_sdk_s3::config::Region::new("us-east-1"))
        .endpoint_url(format!("http://127.0.0.1:{port}"))
        .force_path_style(true)
        .credentials_provider(credentials);
    aws_sdk_s3::Client::from_conf(config.build())
}

/// Runs a handler that answers every request with the bytes of a file.
pub async fn bare(answer: &str) -> anyhow::Result<()> {
    let answer = Bytes::from(std::fs::read(answer)?);
    let handler = move |_: Bytes| std::future::ready(([(CONTENT_TYPE, "application/json")], answer));
    serve(Router::new().route("/mcp", post(handler))).await
}

async fn serve(router: Router) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    announce(&Ready {
        port,
        access_key_id: String::new(),
        secret_access_key: String::new(),
    })?;
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, router).await?)
}
