//! `bucket_object_preview`: text formats, Parquet that Apache Arrow writes, and the bounds of bytes and memory.

mod bounds;
mod hostile;
mod mutations;
mod parquet;
mod text;

use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::faults::counting::CountingProxy;
use crate::support::program::Program;
use crate::support::registry::{FakeRegistry, Vends};
use crate::support::scene::uri;
use crate::support::stage::{SHARED, Stage};
use crate::support::{SECRET, token, tools};

const MIB: u64 = 1024 * 1024;

/// A program behind a proxy that counts what is read from S3.
struct Scene {
    stage: Stage,
    proxy: CountingProxy,
    program: Program,
    reader: String,
    _registry: FakeRegistry,
}

impl Scene {
    async fn new() -> Self {
        let stage = Stage::embedded().await;
        let registry = FakeRegistry::start().await;
        let reader = token(json!({ "sub": "reader" }));
        registry.vends(&reader, Vends::Keys(stage.reader.clone(), 3600));
        let proxy = CountingProxy::before(&stage.endpoint).await;
        let arguments = [
            format!("--jwt-secret={SECRET}"),
            format!("--registry-url={}", registry.url),
            format!("--s3-endpoint={}", proxy.url),
        ];
        let program = Program::serve(&arguments, &[]).await;
        Self {
            stage,
            proxy,
            program,
            reader,
            _registry: registry,
        }
    }

    async fn with(objects: &[(&str, &[u8])]) -> Self {
        let scene = Self::new().await;
        for (key, bytes) in objects {
            scene.stage.seed(SHARED, key, bytes).await;
        }
        scene
    }

    /// Calls the tool, and asserts that the answer is as short as answers are.
    async fn call(&self, key: &str, rows: u64) -> Value {
        let arguments = json!({ "s3_uri": uri(key), "rows": rows });
        let answer = self
            .program
            .server
            .call(&self.reader, "bucket_object_preview", arguments);
        let answer = answer.await;
        let text = answer.body["result"]["content"][0]["text"].as_str();
        let text = text.unwrap_or_else(|| panic!("{key}: {}", answer.body));
        assert!(text.chars().count() <= 48_000, "{key}: {} characters", text.len());
        answer.output().clone()
    }

    /// Returns the preview of an object.
    async fn preview(&self, key: &str, rows: u64) -> Value {
        let output = self.call(key, rows).await;
        assert_eq!(output["success"], true, "{key}: {output}");
        assert_eq!(
            json!(output["rows"].as_array().unwrap().len()),
            output["returned"],
            "{key}"
        );
        output
    }

    /// Returns the sentence and the hint of a refusal.
    async fn refusal(&self, key: &str) -> (String, String) {
        let output = self.call(key, 10).await;
        assert_eq!(output["error_code"], "invalid_argument", "{key}: {output}");
        let sentence = output["error"].as_str().unwrap();
        assert!(sentence.ends_with('.') && !sentence.contains('\n'), "{key}: {sentence}");
        (
            sentence.to_owned(),
            output["hint"].as_str().unwrap_or_default().to_owned(),
        )
    }

    /// Forgets the highest memory of the server so far, and returns its memory now.
    fn reset_peak(&self) -> u64 {
        std::fs::write(format!("/proc/{}/clear_refs", self.program.id()), "5").unwrap();
        self.memory("VmRSS:")
    }

    fn peak(&self) -> u64 {
        self.memory("VmHWM:")
    }

    fn memory(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.program.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Returns the names and types of the columns.
fn columns(preview: &Value) -> Vec<(&str, &str)> {
    let columns = preview["columns"].as_array().unwrap().iter();
    columns
        .map(|column| (column["name"].as_str().unwrap(), column["type"].as_str().unwrap()))
        .collect()
}

/// Writes files with Apache Arrow.
async fn write_files(kind: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let (path, kind) = (folder.path().to_owned(), kind.to_owned());
    let write = move || {
        let mut script = tools::parquet_script("parquet_files.py")?;
        tools::run(script.arg(&path).arg(kind))
    };
    tokio::task::spawn_blocking(write).await.unwrap().unwrap();
    folder
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}
