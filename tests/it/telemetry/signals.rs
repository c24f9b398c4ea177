//! Audit lines, metrics as Prometheus parses them, traces and metrics as OpenTelemetry receives them.

use std::collections::BTreeSet;

use quilt_mcp::telemetry::metrics;
use serde_json::{Value, json};

use crate::support::otlp::OtlpReceiver;
use crate::support::program::Program;
use crate::support::registry::{FakeRegistry, Vends};
use crate::support::server::Answer;
use crate::support::stage::{PRIVATE, SHARED, Stage};
use crate::support::{SECRET, token, token_signed_with, tools};

/// A served program, and Alice, who may write.
struct Scene {
    stage: Stage,
    registry: FakeRegistry,
    program: Program,
    alice: String,
}

impl Scene {
    async fn with(variables: &[(&str, String)]) -> Self {
        let stage = Stage::embedded().await;
        stage.seed(SHARED, "in/a", b"a").await;
        let registry = FakeRegistry::start().await;
        let alice = token(json!({ "sub": "alice@example.com" }));
        registry.vends(&alice, Vends::Keys(stage.writer.clone(), 3600));
        let flags = [
            format!("--jwt-secret={SECRET}"),
            format!("--registry-url={}", registry.url),
            format!("--s3-endpoint={}", stage.endpoint),
        ];
        let program = Program::serve(&flags, variables).await;
        Self {
            stage,
            registry,
            program,
            alice,
        }
    }

    async fn call(&self, tool: &str, arguments: Value) -> Answer {
        self.program.server.call(&self.alice, tool, arguments).await
    }

    /// The audit line of the request with this answer.
    async fn audit(&self, answer: &Answer) -> Value {
        let id = answer.headers["x-request-id"].to_str().unwrap();
        self.program
            .logged(|line| line["target"] == "quilt_mcp::audit" && line["request_id"] == id)
            .await
    }

    /// Requests that reached S3 or the registry so far.
    fn asked(&self) -> usize {
        self.stage.aws().journal().len() + self.registry.requests().len()
    }
}

/// The query of the operations page names fields that the lines have.
#[tokio::test]
async fn the_query_of_the_operations_page_names_fields_of_audit_lines() {
    let scene = Scene::with(&[]).await;
    let line = scene
        .audit(&scene.call("bucket_objects_list", json!({ "bucket": PRIVATE })).await)
        .await;
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations.md")).unwrap();
    let (_, query) = page.split_once("\nfields ").unwrap();
    let (fields, filter) = query.lines().next().unwrap().split_once(" | filter ").unwrap();
    let compared = filter.split(" and ").map(|term| term.split(' ').next().unwrap());
    for field in fields.split(", ").filter(|name| *name != "@timestamp").chain(compared) {
        assert!(line.get(field).is_some(), "{field} is not in {line}");
    }
}

#[tokio::test]
async fn every_call_has_an_audit_line_denied_ones_included() {
    let scene = Scene::with(&[]).await;
    let list = json!({ "bucket": SHARED });
    let first = scene.call("bucket_objects_list", list.clone()).await;
    first.success();
    let line = scene.audit(&first).await;
    let expected = json!({ "message": "tool called", "method": "tools/call", "tool": "bucket_objects_list",
        "bucket": SHARED, "subject": "alice@example.com", "outcome": "ok", "credential_source": "catalog",
        "upstream_calls": 2 });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&line[field], value, "{field} of {line}");
    }
    assert!(
        line["duration_ms"].is_u64() && line["caller"].as_str().unwrap().starts_with("hs256:"),
        "{line}"
    );
    assert!(!line.to_string().contains(&scene.alice));

    let again = scene.call("bucket_objects_list", list).await;
    assert_eq!(
        scene.audit(&again).await["upstream_calls"],
        1,
        "the credentials were there"
    );
    let denied = scene
        .call(
            "buckets",
            json!({ "action": "objects_list", "params": { "bucket": PRIVATE } }),
        )
        .await;
    denied.failure("access_denied");
    let line = scene.audit(&denied).await;
    assert_eq!(
        (&line["tool"], &line["bucket"]),
        (&json!("bucket_objects_list"), &json!(PRIVATE)),
        "{line}"
    );
    assert_eq!(line["outcome"], "access_denied");

    // Refused before anybody is asked: by the request's own bounds, for want of such a tool, at the door.
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "bucket_objects_put",
        "arguments": { "bucket": SHARED, "items": [{ "key": "k", "text": "t" }] } } });
    let bearer = format!("Bearer {}", scene.alice);
    let headers = [("authorization", bearer.as_str()), ("x-mcp-readonly", "true")];
    let read_only = scene.program.server.post(body.to_string(), &headers).await;
    let line = scene.audit(&read_only).await;
    assert_eq!(
        (&line["outcome"], &line["bucket"], &line["upstream_calls"]),
        (&json!("read_only"), &json!(SHARED), &json!(0))
    );
    let unknown = scene.call("bucket_burn", json!({})).await;
    assert_eq!(scene.audit(&unknown).await["outcome"], "unknown_tool");
    let odd = scene.call("a name\nthat is none", json!({})).await;
    assert_eq!(scene.audit(&odd).await["tool"], "(not a tool name)");
    let forged = token_signed_with(
        json!({ "sub": "alice@example.com" }),
        "another-secret-that-has-40-characters-xx",
    );
    let refused = scene.program.server.call(&forged, "bucket_list", json!({})).await;
    let line = scene.audit(&refused).await;
    assert_eq!(
        (&line["message"], &line["outcome"], &line["tool"]),
        (&json!("caller refused"), &json!("invalid_jwt"), &json!("bucket_list"))
    );
    assert!(line["caller"].as_str().is_some_and(|hash| hash.len() == 12), "{line}");
    assert_eq!(
        line["subject"],
        Value::Null,
        "nothing is taken from a token that was not proved"
    );
}

/// The count of an audit line is what S3 and the registry saw, also of work in tasks of its own.
#[tokio::test]
async fn what_a_call_asked_of_others_is_counted() {
    let scene = Scene::with(&[]).await;
    let uri = format!("s3://{SHARED}/in/a");
    let calls = [
        ("bucket_object_info", json!({ "s3_uri": uri })),
        ("bucket_object_fetch", json!({ "s3_uri": uri })),
        (
            "bucket_objects_put",
            json!({ "bucket": SHARED, "items": [{ "key": "out/1", "text": "1" }, { "key": "out/2", "text": "2" }] }),
        ),
        (
            "bucket_access_check",
            json!({ "bucket": SHARED, "operations": ["list", "read", "write"] }),
        ),
        (
            "package_create",
            json!({ "bucket": SHARED, "name": "team/p", "files": [uri] }),
        ),
        (
            "package_update",
            json!({ "bucket": SHARED, "name": "team/p", "message": "next" }),
        ),
        ("package_browse", json!({ "bucket": SHARED, "name": "team/p" })),
        (
            "package_delete",
            json!({ "bucket": SHARED, "name": "team/p", "confirm": "team/p" }),
        ),
    ];
    for (tool, arguments) in calls {
        let before = scene.asked();
        let answer = scene.call(tool, arguments).await;
        answer.success();
        assert_eq!(
            scene.audit(&answer).await["upstream_calls"],
            scene.asked() - before,
            "{tool}"
        );
    }
}

#[tokio::test]
async fn prometheus_reads_the_metrics_that_the_reference_names() {
    let scene = Scene::with(&[("QUILT_MCP_METRICS_ADDR", "127.0.0.1:0".into())]).await;
    for _ in 0..3 {
        scene
            .call("bucket_objects_list", json!({ "bucket": SHARED }))
            .await
            .success();
    }
    scene
        .call("bucket_objects_list", json!({ "bucket": PRIVATE }))
        .await
        .failure("access_denied");
    assert_eq!(
        scene
            .program
            .server
            .rpc(None, "tools/call", json!({ "name": "bucket_list" }))
            .await
            .status,
        401
    );

    let http = quilt_mcp::catalog::http_client(std::time::Duration::from_secs(30)).unwrap();
    let answer = http.get(scene.program.metrics.clone().unwrap()).send().await.unwrap();
    assert!(
        answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
    let text = answer.text().await.unwrap();
    let families = parsed(text).await;
    let families = families.as_object().unwrap();
    let sample = |family: &str, labels: Value| {
        let samples = families[family]["samples"].as_array().unwrap();
        let is_such = |sample: &&Value| {
            labels
                .as_object()
                .unwrap()
                .iter()
                .all(|(name, value)| &sample[1][name] == value)
        };
        samples
            .iter()
            .find(is_such)
            .map_or_else(|| "none".to_owned(), |sample| sample[2].to_string())
    };
    let calls = |outcome| {
        sample(
            "quilt_mcp_tool_calls",
            json!({ "tool": "bucket_objects_list", "outcome": outcome }),
        )
    };
    assert_eq!((calls("ok"), calls("access_denied")), ("3".to_owned(), "1".to_owned()));
    assert_eq!(sample("quilt_mcp_requests", json!({ "status": "401" })), "1");
    assert_eq!(sample("quilt_mcp_refusals", json!({ "code": "missing_jwt" })), "1");
    assert_eq!(sample("quilt_mcp_credentials", json!({ "event": "miss" })), "1");
    check_first_values(&sample);
    assert_eq!(sample("quilt_mcp_requests_in_flight", json!({})), "0");
    let within = json!({ "dependency": "s3", "outcome": "refused", "le": "+Inf" });
    assert_eq!(sample("quilt_mcp_upstream_duration_seconds", within), "1");
    assert!(
        sample("process_resident_memory_bytes", json!({}))
            .parse::<f64>()
            .unwrap()
            > 1e6
    );

    // Each exported metric is in the reference, with these labels and no others, and each metric of the reference is
    // exported.
    let mut named = BTreeSet::new();
    for metric in metrics::ALL {
        let name = metric.prometheus_name();
        let family = name.trim_end_matches("_total");
        named.insert(family.to_owned());
        let found = families.get(family).unwrap_or_else(|| panic!("{family} is not there"));
        assert_eq!(found["help"], metric.meaning);
        let labels: BTreeSet<&str> = metric.labels.iter().map(|(label, _)| *label).collect();
        for sample in found["samples"].as_array().unwrap() {
            let on_it = sample[1]
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .filter(|label| *label != "le");
            assert_eq!(on_it.collect::<BTreeSet<_>>(), labels, "{sample}");
        }
    }
    let ours = families.keys().filter(|name| name.starts_with("quilt_mcp"));
    assert_eq!(
        ours.cloned()
            .collect::<BTreeSet<_>>()
            .difference(&named)
            .collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
}

/// Checks values of metrics of which no event was recorded.
fn check_first_values(sample: &dyn Fn(&str, Value) -> String) {
    // Counters begin with zero, so that a rate sees their first event.
    for (family, labels) in [
        ("quilt_mcp_requests", json!({ "status": "503" })),
        ("quilt_mcp_refusals", json!({ "code": "token_expired" })),
        ("quilt_mcp_credentials", json!({ "event": "refresh" })),
        ("quilt_mcp_retries", json!({ "dependency": "sts" })),
        ("quilt_mcp_breaker", json!({ "dependency": "s3", "state": "open" })),
        (
            "quilt_mcp_tool_calls",
            json!({ "tool": "bucket_list", "outcome": "ok" }),
        ),
        ("quilt_mcp_log_lines_dropped", json!({})),
    ] {
        assert_eq!(sample(family, labels), "0", "{family}");
    }
    let cpu: f64 = sample("process_cpu_seconds", json!({})).parse().unwrap();
    assert!(cpu.fract() > 0.0, "{cpu}");
}

/// Prometheus text, read by Prometheus's parser.
async fn parsed(text: String) -> Value {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let read = move || {
        let mut script = tools::python_script("prometheus_text.py")?;
        tools::run(script.stdin(std::fs::File::open(file.path())?))
    };
    serde_json::from_str(&tokio::task::spawn_blocking(read).await.unwrap().unwrap()).unwrap()
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const OF_THE_CLIENT: &str = "00f067aa0ba902b7";
const OF_THE_PROXY: &str = "b7ad6b7169203331";

#[tokio::test]
async fn traces_and_metrics_arrive_by_otlp() {
    let receiver = OtlpReceiver::start().await;
    let mut scene = Scene::with(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url.clone()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=of-the-collector".into()),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip".into()),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "deployment.environment.name=test,team=data%20platform".into(),
        ),
    ])
    .await;
    let denied = call_under_remote_parents(&scene).await;
    let line = scene.audit(&denied).await;
    assert_eq!(line["trace_id"], TRACE, "a log line leads to its trace");
    // Signals that were not sent yet are sent at the end; nothing has to be waited for.
    scene.program.terminate();
    assert!(scene.program.ended().await.success());

    let exported = receiver.received().await;
    assert!(
        exported["headers"]
            .as_array()
            .unwrap()
            .iter()
            .all(|headers| headers["x-api-key"] == "of-the-collector" && headers["content-encoding"] == "gzip")
    );
    check_spans(&exported_spans(&exported));
    check_metrics(&exported);
    check_secrets(&exported, &scene);
}

/// Makes a call whose parent is in a header, one whose parent is in the metadata, which S3 denies, and one without a
/// token. Returns the answer that S3 denied.
async fn call_under_remote_parents(scene: &Scene) -> Answer {
    let bearer = format!("Bearer {}", scene.alice);
    let request = |bucket: &str, meta: Value| {
        json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": { "name": "bucket_objects_list",
            "arguments": { "bucket": bucket }, "_meta": meta } })
        .to_string()
    };
    let parent = |span: &str| format!("00-{TRACE}-{span}-01");
    let by_header = [
        ("authorization", bearer.as_str()),
        ("traceparent", &parent(OF_THE_PROXY)),
    ];
    scene
        .program
        .server
        .post(request(SHARED, json!({})), &by_header)
        .await
        .success();
    let in_meta = json!({ "traceparent": parent(OF_THE_CLIENT) });
    let denied = scene.program.server.post(request(PRIVATE, in_meta), &by_header).await;
    denied.failure("access_denied");
    assert_eq!(
        scene
            .program
            .server
            .rpc(None, "tools/call", json!({ "name": "bucket_list" }))
            .await
            .status,
        401
    );
    denied
}

/// Returns the exported spans, after a check of the resources that they belong to.
fn exported_spans(exported: &Value) -> Vec<Value> {
    let (mut spans, mut resources) = (Vec::new(), Vec::new());
    for request in exported["/v1/traces"].as_array().unwrap() {
        for resource in request["resourceSpans"].as_array().unwrap() {
            resources.push(attributes(&resource["resource"]));
            for scope in resource["scopeSpans"].as_array().unwrap() {
                spans.extend(scope["spans"].as_array().unwrap().iter().cloned());
            }
        }
    }
    for resource in resources {
        for (name, value) in [
            ("service.name", "quilt-mcp"),
            ("service.version", env!("CARGO_PKG_VERSION")),
            ("deployment.environment.name", "test"),
            ("team", "data platform"),
        ] {
            assert_eq!(resource[name], value, "{resource:?}");
        }
    }
    spans
}

/// Checks the two spans with remote parents, and the spans below them.
fn check_spans(spans: &[Value]) {
    let child_of = |parent: &str| -> Vec<&Value> {
        spans
            .iter()
            .filter(|span| span["parentSpanId"] == base64_of(parent))
            .collect()
    };
    let [served] = child_of(OF_THE_PROXY)[..] else {
        panic!("{spans:?}")
    };
    let [refused] = child_of(OF_THE_CLIENT)[..] else {
        panic!("{spans:?}")
    };
    check_server_span(served);
    check_server_span(refused);
    let below = |span: &Value| -> BTreeSet<String> {
        let of_it = spans.iter().filter(|other| other["parentSpanId"] == span["spanId"]);
        of_it
            .map(|span| format!("{} {}", span["kind"].as_str().unwrap(), span["name"].as_str().unwrap()))
            .collect()
    };
    let asked = ["SPAN_KIND_CLIENT registry GET", "SPAN_KIND_CLIENT s3:ListBucket"].map(str::to_owned);
    assert_eq!(below(served), BTreeSet::from(asked));
    assert_eq!(
        below(refused),
        BTreeSet::from(["SPAN_KIND_CLIENT s3:ListBucket".to_owned()])
    );
    assert_eq!(refused["links"][0]["spanId"], base64_of(OF_THE_PROXY), "{refused}");
    assert_eq!(refused["status"]["code"], "STATUS_CODE_ERROR");
    let outcome = attributes(refused);
    assert_eq!(
        (&outcome["error.type"], &outcome["quilt_mcp.outcome"]),
        (&json!("tool_error"), &json!("access_denied"))
    );
    assert_eq!(served["status"].get("code"), None, "{served}");
}

/// Checks the name, the trace and the attributes of the span of a call.
fn check_server_span(span: &Value) {
    assert_eq!(
        (&span["name"], &span["kind"]),
        (&json!("tools/call bucket_objects_list"), &json!("SPAN_KIND_SERVER"))
    );
    assert_eq!(span["traceId"], base64_of(TRACE));
    let attributes = attributes(span);
    for (name, value) in [
        ("mcp.method.name", "tools/call"),
        ("gen_ai.tool.name", "bucket_objects_list"),
        ("gen_ai.operation.name", "execute_tool"),
        ("jsonrpc.request.id", "7"),
    ] {
        assert_eq!(attributes[name], value, "{attributes:?}");
    }
    assert!(
        attributes["caller"].as_str().unwrap().starts_with("hs256:"),
        "{attributes:?}"
    );
}

/// Checks that each metric of the reference was exported.
fn check_metrics(exported: &Value) {
    let sent = exported["/v1/metrics"].to_string();
    for metric in metrics::ALL {
        assert!(
            sent.contains(&format!("\"name\":\"{}\"", metric.name)),
            "{} is not in {sent}",
            metric.name
        );
    }
}

/// Checks that the export names neither secrets nor the caller.
fn check_secrets(exported: &Value, scene: &Scene) {
    let everything = exported.to_string();
    for secret in [
        &scene.alice,
        &scene.stage.writer.access_key_id,
        &scene.stage.writer.secret_access_key,
    ] {
        assert!(!everything.contains(secret.as_str()));
    }
    assert!(
        !everything.contains("alice@example.com"),
        "who a caller is stands in the audit line alone"
    );
}

/// Attributes by name, each as the one value that it is.
fn attributes(of: &Value) -> serde_json::Map<String, Value> {
    let list = of["attributes"].as_array().unwrap();
    let value = |value: &Value| value["value"].as_object().unwrap().values().next().unwrap().clone();
    list.iter()
        .map(|attribute| (attribute["key"].as_str().unwrap().to_owned(), value(attribute)))
        .collect()
}

/// Ids as JSON has bytes.
fn base64_of(hex: &str) -> String {
    use base64::Engine as _;
    let bytes: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect();
    base64::prelude::BASE64_STANDARD.encode(bytes)
}
