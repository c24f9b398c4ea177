//! The real quilt3, which does one thing after another with the shared bucket of a stage.
//!
//! Owns its process (`tests/peers/quilt3_peer.py`), which ends with the value that stands for it.

use std::process::Stdio;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::stage::{SHARED, Stage};
use super::tools;

/// A running quilt3.
pub struct Quilt3 {
    _home: TempDir,
    _process: Child,
    questions: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Quilt3 {
    /// As the administrator of this stage.
    pub async fn at(stage: &Stage) -> Self {
        let home = TempDir::new().unwrap();
        let settings = json!({
            "home": home.path(), "endpoint": stage.endpoint, "bucket": SHARED,
            "access_key_id": stage.admin.access_key_id, "secret_access_key": stage.admin.secret_access_key,
        });
        let mut script = tokio::task::spawn_blocking(|| tools::python_script("quilt3_peer.py"))
            .await
            .unwrap()
            .unwrap();
        script.arg(settings.to_string());
        let mut command = Command::from(script);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let (questions, answers) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self {
            _home: home,
            _process: process,
            questions,
            answers: BufReader::new(answers).lines(),
        }
    }

    /// What it answers, or a panic that shows what it raised.
    pub async fn does(&mut self, what: &str, told: Value) -> Value {
        let answer = self.ask(what, told).await;
        assert!(answer.get("error").is_none(), "quilt3 cannot {what}: {answer}");
        answer["answer"].clone()
    }

    /// What it raises, or a panic that shows what it answered instead.
    pub async fn refuses(&mut self, what: &str, told: Value) -> String {
        let answer = self.ask(what, told).await;
        answer["error"]
            .as_str()
            .unwrap_or_else(|| panic!("quilt3 can {what}: {answer}"))
            .to_owned()
    }

    /// `{"answer"}` or `{"error"}`.
    pub async fn ask(&mut self, what: &str, mut told: Value) -> Value {
        told["do"] = what.into();
        self.questions.write_all(format!("{told}\n").as_bytes()).await.unwrap();
        let line = self.answers.next_line().await.unwrap();
        let line = line.unwrap_or_else(|| panic!("quilt3 ended when it was to {what}"));
        serde_json::from_str(&line).unwrap()
    }
}
