//! The real quilt3, which executes commands one after another on the shared bucket of a stage.
//!
//! Owns its process (`tests/peers/quilt3_peer.py`), which ends when the value is dropped.

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
    /// Starts it as the administrator of this stage.
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

    /// Executes a command and returns its result. Panics with the exception if it raises one.
    pub async fn does(&mut self, command: &str, arguments: Value) -> Value {
        let answer = self.ask(command, arguments).await;
        assert!(answer.get("error").is_none(), "quilt3 cannot {command}: {answer}");
        answer["answer"].clone()
    }

    /// Executes a command that must raise, and returns the exception. Panics with the result otherwise.
    pub async fn refuses(&mut self, command: &str, arguments: Value) -> String {
        let answer = self.ask(command, arguments).await;
        answer["error"]
            .as_str()
            .unwrap_or_else(|| panic!("quilt3 can {command}: {answer}"))
            .to_owned()
    }

    /// Executes a command and returns `{"answer"}` or `{"error"}`.
    pub async fn ask(&mut self, command: &str, mut arguments: Value) -> Value {
        arguments["do"] = command.into();
        self.questions
            .write_all(format!("{arguments}\n").as_bytes())
            .await
            .unwrap();
        let line = self.answers.next_line().await.unwrap();
        let line = line.unwrap_or_else(|| panic!("quilt3 ended when it was to {command}"));
        serde_json::from_str(&line).unwrap()
    }
}
