//! A receiver of OTLP that decodes it with OpenTelemetry's own classes.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use quilt_mcp::catalog::HttpOptions;
use quilt_mcp::tls::ExtraRoots;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::tools;

/// A receiver, which is killed when dropped.
pub struct OtlpReceiver {
    /// The value of `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub url: String,
    /// Authorities of its certificate.
    roots: ExtraRoots,
    _process: Child,
}

impl OtlpReceiver {
    pub async fn start() -> Self {
        Self::run(&[], ExtraRoots::default()).await
    }

    /// Starts it with TLS. The files are a certificate, its key, and the authority.
    pub async fn start_with_tls(certificate: &Path, key: &Path, authority: &Path) -> Self {
        let roots = ExtraRoots::load([("the authority", authority)]).unwrap();
        Self::run(&[certificate, key], roots).await
    }

    async fn run(arguments: &[&Path], roots: ExtraRoots) -> Self {
        let script = tokio::task::spawn_blocking(|| tools::python_script("otlp_receiver.py"))
            .await
            .unwrap()
            .unwrap();
        let mut command = Command::from(script);
        command.args(arguments);
        let mut process = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = tokio::time::timeout(Duration::from_mins(1), lines.next_line())
            .await
            .unwrap()
            .unwrap();
        Self {
            url: url.unwrap(),
            roots,
            _process: process,
        }
    }

    /// Returns what it received: requests at `/v1/traces`, at `/v1/metrics`, and their `headers`.
    pub async fn received(&self) -> Value {
        let options = HttpOptions {
            roots: self.roots.clone(),
            use_proxy: false,
        };
        let http = options.unrestricted(Duration::from_secs(10)).unwrap();
        let bytes = http.get(&self.url).send().await.unwrap().bytes().await.unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }
}
