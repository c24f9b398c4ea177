use std::io;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tracing::Subscriber;

use super::*;
use crate::telemetry::line_limit::MAX_LINE_BYTES;

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the lines that `log` writes.
fn lines(format: LogFormat, log: impl FnOnce()) -> Vec<String> {
    let sink = Sink::default();
    let writer = sink.clone();
    let subscriber: Box<dyn Subscriber + Send + Sync> =
        Box::new(subscriber("debug", format, false, move || writer.clone()).unwrap());
    tracing::subscriber::with_default(subscriber, log);
    let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_json_line_has_the_fields_of_all_its_spans_once() {
    let written = lines(LogFormat::Json, || {
        let request = tracing::info_span!("request", request_id = "r-1", rpc = tracing::field::Empty);
        let _request = request.entered();
        tracing::Span::current().record("rpc", "tools/call");
        let _upstream = tracing::debug_span!("upstream", dependency = "s3").entered();
        tracing::info!(tool = "t", "said");
    });
    let [line] = &written[..] else { panic!("{written:?}") };
    let event: Value = serde_json::from_str(line).unwrap();
    assert_eq!(
        (&event["message"], &event["tool"], &event["level"]),
        (&"said".into(), &"t".into(), &"INFO".into())
    );
    assert_eq!(
        (&event["request_id"], &event["rpc"], &event["dependency"]),
        (&"r-1".into(), &"tools/call".into(), &"s3".into())
    );
    assert_eq!((event.get("span"), event.get("spans")), (None, None), "{event}");
    assert_eq!(line.matches("r-1").count(), 1, "{line}");
}

#[test]
fn a_name_stands_once_in_a_json_line_and_the_innermost_wins() {
    let written = lines(LogFormat::Json, || {
        let _outer = tracing::info_span!("request", caller = "c-1", bucket = "outer", otel.name = "n").entered();
        let _inner = tracing::info_span!("upstream", bucket = "inner", outcome = "ok").entered();
        tracing::info!(outcome = "denied", level = 7, "said");
    });
    let [line] = &written[..] else { panic!("{written:?}") };
    let event: Value = serde_json::from_str(line).unwrap();
    for (name, value) in [
        ("caller", "c-1"),
        ("bucket", "inner"),
        ("outcome", "denied"),
        ("level", "INFO"),
    ] {
        assert_eq!(event[name], value, "{line}");
        assert_eq!(line.matches(&format!("\"{name}\":")).count(), 1, "{name}: {line}");
    }
    assert_eq!(event["field.level"], 7, "{line}");
    assert!(!line.contains("otel"), "{line}");
}

#[test]
fn a_line_that_is_too_long_is_replaced_by_one_that_says_so() {
    let long = "\"é\n".repeat(5_000);
    for format in [LogFormat::Json, LogFormat::Text] {
        let written = lines(format, || {
            let _request = tracing::info_span!("request", request_id = "r-2").entered();
            tracing::warn!(%long, "it failed");
            tracing::info!("short");
        });
        let [replaced, short] = &written[..] else {
            panic!("{written:?}")
        };
        assert!(
            replaced.len() < MAX_LINE_BYTES && replaced.contains("too long"),
            "{replaced}"
        );
        assert!(
            replaced.contains("WARN") && replaced.contains("quilt_mcp::telemetry"),
            "{replaced}"
        );
        assert!(short.contains("short"), "{short}");
        if format == LogFormat::Json {
            let event: Value = serde_json::from_str(replaced).unwrap();
            assert!(event["timestamp"].as_str().unwrap().starts_with("20"), "{event}");
            assert_eq!(event["request_id"], "r-2", "{event}");
        }
    }
}
