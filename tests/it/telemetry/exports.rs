//! Exports that fail, and standard variables whose values are meant for other programs.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::support::otlp::OtlpReceiver;
use crate::support::program::{Program, free_port};
use crate::support::{SECRET, tools};

/// Returns the lines of the log until the server listens, with these variables.
async fn first_lines(variables: &[(&str, &str)]) -> Vec<Value> {
    let mut command = Command::from(tools::isolated(Path::new(env!("CARGO_BIN_EXE_quilt-mcp"))));
    command
        .args(["serve", "--port=0", "--log-format=json"])
        .env("MCP_JWT_SECRET", SECRET);
    command
        .envs(variables.iter().copied())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let read = async {
        let mut found = Vec::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            found.push(serde_json::from_str(&line).unwrap_or(Value::String(line)));
            if found.last().is_some_and(|line: &Value| line["message"] == "listening") {
                return found;
            }
        }
        panic!("the server ended: {found:?}")
    };
    tokio::time::timeout(Duration::from_mins(1), read).await.unwrap()
}

#[tokio::test]
async fn standard_values_that_are_not_understood_are_warned_about_and_ignored() {
    let variables = [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_METRICS_EXPORTER", "prometheus"),
        ("OTEL_TRACES_EXPORTER", "console"),
        ("OTEL_SDK_DISABLED", "perhaps"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "brotli"),
        ("OTEL_TRACES_SAMPLER", "xray"),
        ("OTEL_BSP_SCHEDULE_DELAY", "5s"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team:platform"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/no/such/file.pem"),
    ];
    let lines = first_lines(&variables).await;
    for (variable, value) in variables {
        let about: Vec<&Value> = lines.iter().filter(|line| line["variable"] == variable).collect();
        let [line] = about[..] else {
            panic!("{variable}: {lines:?}")
        };
        assert_eq!(
            (&line["level"], &line["value"]),
            (&json!("WARN"), &json!(value)),
            "{line}"
        );
    }
    let headers = "x-api-key: canary-of-the-collector";
    let lines = first_lines(&[("OTEL_EXPORTER_OTLP_HEADERS", headers)]).await;
    let line = lines
        .iter()
        .find(|line| line["variable"] == "OTEL_EXPORTER_OTLP_HEADERS");
    assert_eq!(line.unwrap().get("value"), None);
}

#[tokio::test]
async fn the_sdk_is_disabled_by_true_in_any_case() {
    let receiver = OtlpReceiver::start().await;
    for (value, is_exported) in [("TRUE", false), ("True", false), ("no", true)] {
        let variables = [
            ("OTEL_SDK_DISABLED", value.to_owned()),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url.clone()),
        ];
        let mut program = Program::serve(&[format!("--jwt-secret={SECRET}")], &variables).await;
        program.server.rpc(None, "tools/list", json!({})).await;
        program.terminate();
        assert!(program.ended().await.success());
        let exported = receiver.received().await;
        let is_received = !exported["/v1/traces"].as_array().unwrap().is_empty();
        assert_eq!(is_received, is_exported, "{value}");
    }
}

#[tokio::test]
async fn a_collector_that_is_down_is_one_line_for_each_signal() {
    let endpoint = format!("http://127.0.0.1:{}", free_port());
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.clone()),
        ("OTEL_BSP_SCHEDULE_DELAY", "50".into()),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "100".into()),
    ];
    let mut program = Program::serve(&[format!("--jwt-secret={SECRET}")], &variables).await;
    let is_about =
        |line: &Value, signal: &str| line["message"] == "telemetry cannot be exported" && line["signal"] == signal;
    for _ in 0..3 {
        program.server.rpc(None, "tools/list", json!({})).await;
        let line = program.logged(|line| is_about(line, "traces")).await;
        assert_eq!(line["collector"], endpoint.trim_start_matches("http://"), "{line}");
    }
    // Metrics are exported once a minute, and at the end.
    program.terminate();
    program.logged(|line| is_about(line, "metrics")).await;
    assert!(program.ended().await.success());
    for signal in ["traces", "metrics"] {
        let lines = program.texts();
        let count = lines
            .iter()
            .filter(|line| is_about(&serde_json::from_str(line).unwrap_or_default(), signal))
            .count();
        assert_eq!(count, 1, "{signal}: {lines:?}");
    }
}

/// Each signal has its own line, because neither waits for the other.
#[tokio::test]
async fn a_collector_that_hangs_does_not_hold_up_the_end() {
    let collector = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", collector.local_addr().unwrap());
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)];
    let mut program = Program::serve(&[format!("--jwt-secret={SECRET}")], &variables).await;
    program.server.rpc(None, "tools/list", json!({})).await;
    program.terminate();
    for signal in ["traces", "metrics"] {
        let message = [
            "the remaining telemetry was not exported in time",
            "the remaining telemetry could not be exported",
        ];
        program
            .logged(|line| line["signal"] == signal && message.iter().any(|message| line["message"] == *message))
            .await;
    }
    assert!(program.ended().await.success());
    drop(collector);
}

#[tokio::test]
async fn variables_without_effect_are_warned_about() {
    let variables = [("AWS_MAX_ATTEMPTS", "9"), ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/key.pem")];
    let lines = first_lines(&variables).await;
    for (variable, _) in variables {
        let line = lines.iter().find(|line| line["variable"] == variable).unwrap();
        assert_eq!(line["level"], "WARN", "{line}");
        assert!(line["message"].as_str().unwrap().contains("has no effect"), "{line}");
    }
}
