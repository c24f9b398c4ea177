//! A registry by graphql-core: `tests/peers/search_registry.py`, or `tests/peers/catalog_registry.py` for accounts and Tabulator,
//! validates and executes every document of the server by the schema of a date.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::tools::python_script;

/// The dates of the schemas, the oldest first.
pub const DATES: [&str; 5] = ["2023-10-13", "2024-10-11", "2025-07-18", "2025-08-22", "2026-08-21"];

/// A document that the server sent.
#[derive(Debug, Clone)]
pub struct Sent {
    pub query: String,
    pub variables: Value,
    /// Whether it fits the schema.
    pub is_accepted: bool,
}

/// A registry that searches.
pub struct SearchRegistry {
    process: Mutex<Process>,
    state: Mutex<State>,
}

struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

struct State {
    date: &'static str,
    /// Dates that take turns, as while a stack is upgraded.
    turns: Vec<&'static str>,
    is_polite: bool,
    sent: Vec<Sent>,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    fn ask(&mut self, request: &Value) -> Value {
        writeln!(self.input, "{request}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }
}

impl SearchRegistry {
    /// Starts a registry with the schema of a date. `indexed` has `packages` and `objects`.
    pub fn start(date: &'static str, indexed: &Value) -> Arc<Self> {
        Self::of("search_registry.py", date, indexed)
    }

    /// Starts a registry of accounts and of Tabulator, with the schema of a date.
    pub fn of_accounts(date: &'static str, accounts: &Value) -> Arc<Self> {
        Self::of("catalog_registry.py", date, accounts)
    }

    fn of(script: &str, date: &'static str, content: &Value) -> Arc<Self> {
        let mut command = python_script(script).unwrap();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let process = Process {
            child,
            input,
            output: BufReader::new(output),
        };
        let registry = Self {
            process: Mutex::new(process),
            state: Mutex::new(State {
                date,
                turns: Vec::new(),
                is_polite: false,
                sent: Vec::new(),
            }),
        };
        registry.load(content);
        Arc::new(registry)
    }

    /// Replaces the data.
    pub fn load(&self, data: &Value) {
        self.process.lock().unwrap().ask(&json!({ "load": data }));
    }

    /// Changes the schema.
    pub fn upgrade(&self, date: &'static str) {
        self.state.lock().unwrap().date = date;
    }

    /// Answers by the schemas of these dates in turns, then by the last of them.
    pub fn take_turns(&self, dates: &[&'static str]) {
        let mut state = self.state.lock().unwrap();
        state.turns = dates.iter().rev().copied().collect();
    }

    /// Answers documents that do not fit with status 200.
    pub fn be_polite(&self) {
        self.state.lock().unwrap().is_polite = true;
    }

    /// Returns what was sent, and forgets it.
    pub fn take_sent(&self) -> Vec<Sent> {
        std::mem::take(&mut self.state.lock().unwrap().sent)
    }

    /// Returns status and body of the answer to a request.
    pub fn answer(&self, request: &Value) -> (u16, Value) {
        let date = {
            let mut state = self.state.lock().unwrap();
            if let Some(date) = state.turns.pop() {
                state.date = date;
            }
            state.date
        };
        let asked = json!({ "date": date, "query": request["query"], "variables": request["variables"] });
        let answer = self.process.lock().unwrap().ask(&asked);
        let is_refused = answer["refused"] == true;
        let mut state = self.state.lock().unwrap();
        state.sent.push(Sent {
            query: request["query"].as_str().unwrap().to_owned(),
            variables: request["variables"].clone(),
            is_accepted: !is_refused,
        });
        let status = if is_refused && !state.is_polite { 400 } else { 200 };
        (status, answer["body"].clone())
    }
}
