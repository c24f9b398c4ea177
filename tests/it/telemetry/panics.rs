//! Panics in the log.

use std::process::Command;

use quilt_mcp::telemetry::{self, LogFormat, TelemetryConfig};
use quilt_mcp::tls::ExtraRoots;
use serde_json::Value;

const TEST: &str = "telemetry::panics::a_panic_is_one_json_line_with_the_id_of_its_request";
/// Set in the process that panics.
const IS_CHILD: &str = "QUILT_MCP_IT_PANICS";

/// The test runs itself in a process of its own, whose panic hook and log are those of the program.
#[test]
#[expect(clippy::disallowed_methods, reason = "tells the two processes apart")]
fn a_panic_is_one_json_line_with_the_id_of_its_request() {
    if std::env::var_os(IS_CHILD).is_some() {
        panic_in_a_request();
        return;
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    let output = child
        .args(["--exact", TEST, "--nocapture"])
        .env(IS_CHILD, "1")
        .env("RUST_BACKTRACE", "1")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    let [line] = lines[..] else { panic!("{text}") };
    let event: Value = serde_json::from_str(line).unwrap();
    for (name, value) in [
        ("level", "ERROR"),
        ("message", "the program panicked"),
        ("panic", "index 7 of a test"),
        ("request_id", "r-1"),
    ] {
        assert_eq!(event[name], value, "{line}");
    }
    let location = event["location"].as_str().unwrap();
    assert!(location.starts_with("tests/it/telemetry/panics.rs:"), "{line}");
    assert!(!line.contains(env!("CARGO_MANIFEST_DIR")), "{line}");
}

fn panic_in_a_request() {
    let config = TelemetryConfig {
        log: "info".to_owned(),
        log_format: Some(LogFormat::Json),
        ..TelemetryConfig::default()
    };
    telemetry::init(&config, &ExtraRoots::default(), None).unwrap();
    let call = || {
        let _request = tracing::info_span!("request", request_id = "r-1").entered();
        panic!("index {} of a test", 7);
    };
    assert!(std::thread::spawn(call).join().is_err());
    telemetry::flush_log();
}
