//! A receiver of OTLP that reads it with OpenTelemetry's own classes.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::tools;

/// A receiver, which ends when it is dropped.
pub struct OtlpReceiver {
    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` has to be.
    pub url: String,
    _process: Child,
}

impl OtlpReceiver {
    /// Starts one.
    pub async fn start() -> Self {
        let script = tokio::task::spawn_blocking(|| tools::python_script("otlp_receiver.py"))
            .await
            .unwrap()
            .unwrap();
        let mut command = Command::from(script);
        let mut process = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let told = tokio::time::timeout(Duration::from_mins(1), lines.next_line())
            .await
            .unwrap()
            .unwrap();
        Self {
            url: told.unwrap(),
            _process: process,
        }
    }

    /// Everything that it was sent: requests at `/v1/traces`, at `/v1/metrics`, and their `headers`.
    pub async fn seen(&self) -> Value {
        let http = quilt_mcp::catalog::http_client(Duration::from_secs(10)).unwrap();
        let bytes = http.get(&self.url).send().await.unwrap().bytes().await.unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }
}
