//! Secrets (tokens, keys, presigned URLs) and their absence from logs of every level, errors and exports.

use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, ChildStderr, Command};

use crate::support::otlp::OtlpReceiver;
use crate::support::registry::{FakeRegistry, Vends};
use crate::support::server::Server;
use crate::support::stage::{PRIVATE, SHARED, Stage};
use crate::support::{now, token_signed_with};

const CANARY_HEADER: &str = "canary-key-of-the-collector";
const CANARY_SECRET: &str = "canary-jwt-secret-canary-jwt-secret-0001";
const CANARY_KEY: &str = "canary-state-key-canary-state-key-0001";

/// The bearer tokens of the calls.
struct Bearers {
    vended: String,
    embedded: String,
    assumed: String,
    failing: String,
    forged: String,
}

impl Bearers {
    fn new(stage: &Stage) -> Self {
        let sign = |claims| token_signed_with(claims, CANARY_SECRET);
        Self {
            vended: sign(json!({ "sub": "vended", "exp": now() + 600 })),
            embedded: sign(json!({ "sub": "embedded", "aws_credentials": {
                "access_key_id": stage.writer.access_key_id, "secret_access_key": stage.writer.secret_access_key,
                "session_token": stage.writer.session_token } })),
            assumed: sign(json!({ "sub": "assumed", "role_arn": stage.aws().role_arn("it/writer") })),
            failing: sign(json!({ "sub": "failing" })),
            forged: token_signed_with(
                json!({ "sub": "canary-forged" }),
                "another-secret-that-has-40-characters-xx",
            ),
        }
    }
}

/// Starts the program with all signals on, and every secret that it may have.
fn start(stage: &Stage, registry: &FakeRegistry, receiver: &OtlpReceiver) -> Child {
    Command::new(env!("CARGO_BIN_EXE_quilt-mcp"))
        .arg("serve")
        .env_clear()
        .env("QUILT_MCP_PORT", "0")
        .env("QUILT_MCP_METRICS_ADDR", "127.0.0.1:0")
        .env("QUILT_MCP_LOG", "trace")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &receiver.url)
        .env("OTEL_EXPORTER_OTLP_HEADERS", format!("x-api-key={CANARY_HEADER}"))
        .env("QUILT_MCP_LOG_FORMAT", "json")
        .env("MCP_JWT_SECRET", CANARY_SECRET)
        .env("QUILT_MCP_STATE_KEY", CANARY_KEY)
        .env("QUILT_REGISTRY_URL", &registry.url)
        .env("QUILT_MCP_ASSUMABLE_ROLES", stage.aws().role_arn("it/*"))
        .env("AWS_ENDPOINT_URL_S3", &stage.endpoint)
        .env("AWS_ENDPOINT_URL_STS", &stage.endpoint)
        .env("AWS_ACCESS_KEY_ID", &stage.admin.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &stage.admin.secret_access_key)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Reads the log until it names the addresses of the program. Returns the addresses of MCP and of the metrics.
async fn addresses(stderr: &mut ChildStderr, log: &mut Vec<u8>) -> (String, String) {
    let address = loop {
        assert!(
            stderr.read_buf(log).await.unwrap() > 0,
            "ended early: {}",
            String::from_utf8_lossy(log)
        );
        let text = String::from_utf8_lossy(log);
        if let Some((_, rest)) = text.split_once("\"address\":\"")
            && let Some((address, _)) = rest.split_once('"')
        {
            break address.to_owned();
        }
    };
    let text = String::from_utf8_lossy(log).into_owned();
    let (_, metrics) = text.split_once("\"metrics_address\":\"").unwrap();
    let metrics = format!("http://{}/metrics", metrics.split_once('"').unwrap().0);
    (format!("http://{address}/mcp"), metrics)
}

/// Makes calls that succeed and calls that fail. Returns the links, and the answers that are to be searched.
async fn calls(server: &Server, bearers: &Bearers) -> (Vec<String>, String) {
    let uri = format!("s3://{SHARED}/k");
    let (mut links, mut said) = (Vec::new(), String::new());
    for bearer in [&bearers.vended, &bearers.embedded, &bearers.assumed] {
        let status = server.call(bearer, "auth_status", json!({})).await;
        status.success();
        said.push_str(&status.body.to_string());
        server
            .call(bearer, "bucket_objects_list", json!({ "bucket": SHARED }))
            .await
            .success();
        let link = server
            .call(bearer, "bucket_object_link", json!({ "s3_uri": uri }))
            .await;
        links.push(link.success()["url"].as_str().unwrap().to_owned());
        let denied = server
            .call(bearer, "bucket_objects_list", json!({ "bucket": PRIVATE }))
            .await;
        denied.failure("access_denied");
        said.push_str(&denied.body.to_string());
    }
    let failed = server.call(&bearers.failing, "bucket_list", json!({})).await;
    failed.failure("invalid_response");
    let refused = server.call(&bearers.forged, "bucket_list", json!({})).await;
    assert_eq!(refused.status, 401);
    for part in [
        failed.body.to_string(),
        refused.body.to_string(),
        format!("{:?}", refused.headers),
    ] {
        said.push_str(&part);
    }
    (links, said)
}

/// Returns the metrics, after a check of those that the calls changed.
async fn counted(metrics: String) -> String {
    let http = quilt_mcp::catalog::http_client(Duration::from_secs(5)).unwrap();
    let counted = http.get(metrics).send().await.unwrap().text().await.unwrap();
    for line in [
        "quilt_mcp_credentials_total{event=\"miss\"} 3",
        "quilt_mcp_credentials_total{event=\"denial\"} 1",
        "quilt_mcp_credentials_total{event=\"hit\"}",
        "quilt_mcp_refusals_total{code=\"invalid_jwt\"} 1",
        "quilt_mcp_tool_calls_total{outcome=\"access_denied\",tool=\"bucket_objects_list\"} 3",
        "quilt_mcp_tool_duration_seconds_bucket{tool=\"auth_status\",le=\"0.005\"}",
    ] {
        assert!(counted.contains(line), "{line} is not in {counted}");
    }
    counted
}

/// Returns each secret with its name.
fn canaries(stage: &Stage, bearers: &Bearers, links: &[String]) -> Vec<(&'static str, String)> {
    let mut canaries: Vec<(&'static str, String)> = vec![
        ("signing secret", CANARY_SECRET.to_owned()),
        ("collector's key", CANARY_HEADER.to_owned()),
        ("state key", CANARY_KEY.to_owned()),
    ];
    for (what, bearer) in [
        ("vended", &bearers.vended),
        ("embedded", &bearers.embedded),
        ("assumed", &bearers.assumed),
        ("forged", &bearers.forged),
    ] {
        for part in bearer.split('.').skip(1) {
            canaries.push((what, part.to_owned()));
        }
    }
    for (what, keys) in [
        ("reader", &stage.reader),
        ("writer", &stage.writer),
        ("server", &stage.admin),
    ] {
        canaries.push((what, keys.access_key_id.clone()));
        canaries.push((what, keys.secret_access_key.clone()));
        canaries.extend(keys.session_token.clone().map(|token| (what, token)));
    }
    for link in links {
        let (_, signature) = link.split_once("X-Amz-Signature=").unwrap();
        canaries.push(("link", signature.split('&').next().unwrap().to_owned()));
    }
    canaries
}

/// Every secret in each of its forms, with the real program at its most verbose level, in logs, metrics, traces and
/// answers: tokens that verify and that do not, keys from the registry, from the token and from the environment, links,
/// denials, a registry that fails.
#[tokio::test]
async fn nothing_secret_is_logged_even_at_trace() {
    let stage = Stage::embedded().await;
    stage.seed(SHARED, "k", b"1").await;
    let registry = FakeRegistry::start().await;
    let receiver = OtlpReceiver::start().await;
    let bearers = Bearers::new(&stage);
    registry.vends(&bearers.vended, Vends::Keys(stage.reader.clone(), 3600));
    registry.vends(&bearers.failing, Vends::Nonsense);

    let mut child = start(&stage, &registry, &receiver);
    let mut stderr = child.stderr.take().unwrap();
    let mut log = Vec::new();
    let (url, metrics) = addresses(&mut stderr, &mut log).await;
    let (links, mut said) = calls(&Server::at(url), &bearers).await;
    said.push_str(&counted(metrics).await);

    let pid = i32::try_from(child.id().unwrap()).unwrap();
    let ended = Command::new("kill").arg(pid.to_string()).status().await.unwrap();
    assert!(ended.success());
    stderr.read_to_end(&mut log).await.unwrap();
    let mut out = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut out).await.unwrap();
    tokio::time::timeout(Duration::from_secs(30), child.wait())
        .await
        .unwrap()
        .unwrap();

    // The export is searched too, but for the headers that it was sent with.
    let exported = receiver.received().await;
    assert!(exported["headers"].to_string().contains(CANARY_HEADER));
    for signal in ["/v1/traces", "/v1/metrics"] {
        assert!(exported[signal].to_string().contains("bucket_objects_list"), "{signal}");
        said.push_str(&exported[signal].to_string());
    }

    let text = String::from_utf8_lossy(&log).into_owned() + &String::from_utf8_lossy(&out);
    assert!(
        text.matches("tool called").count() >= 13,
        "the log says what was done: {text}"
    );
    assert!(
        text.contains("access_denied") && text.contains("caller refused"),
        "{text}"
    );
    for (what, canary) in canaries(&stage, &bearers, &links) {
        assert!(canary.len() > 15, "{what}");
        assert!(
            !text.contains(&canary),
            "{what} stands in the log: {}",
            line_with(&text, &canary)
        );
        assert!(
            !said.contains(&canary),
            "{what} stands in an answer, a metric or a trace"
        );
    }
}

/// Values that are printed by mistake, with `{:?}`, show no secret either.
#[tokio::test]
async fn debug_output_holds_no_secret() {
    use std::fmt::Debug;
    use std::sync::Arc;

    use quilt_mcp::aws::Signing;
    use quilt_mcp::config::ServeConfig;
    use quilt_mcp::identity::{AuthenticatedCaller, BearerToken, Caller, Claims, VerifyMode};

    let stage = Stage::embedded().await;
    let secret = "canary-secret-canary-secret-canary-1";
    let bearer = token_signed_with(json!({ "sub": "alice" }), secret);
    let config = ServeConfig::from_flags([
        format!("--jwt-secret={secret}"),
        format!("--jwt-secret-previous={secret}"),
        format!("--api-token={bearer}"),
    ])
    .unwrap();
    let claims = json!({ "sub": "alice", "catalog_token": secret, "aws_credentials": {
        "access_key_id": "AKIACANARYCANARYCANA", "secret_access_key": secret, "session_token": secret } });
    let claims: Claims = serde_json::from_value(claims).unwrap();
    let embedded = claims.embedded_credentials().unwrap().unwrap();
    let token = BearerToken::parse(&bearer).unwrap();
    let ends = quilt_mcp::clock::Clock::system().now();
    let caller = Caller::Authenticated(Arc::new(AuthenticatedCaller::signed(
        token.clone(),
        VerifyMode::Hs256,
        claims.clone(),
        ends,
    )));
    let credentials = stage.writer.credentials();
    let resolved = quilt_mcp::credentials::Resolved::new(
        credentials.clone(),
        quilt_mcp::credentials::Source::Jwt,
        None,
        Vec::new(),
    );
    let signing = Signing {
        credentials,
        expires_at: None,
    };
    let things: [&dyn Debug; 8] = [
        &config,
        &claims,
        &embedded,
        &token,
        &caller,
        &resolved,
        &signing,
        &claims.catalog_token(),
    ];
    for thing in things {
        let shown = format!("{thing:?} {thing:#?}");
        for canary in [
            secret,
            bearer.as_str(),
            "AKIACANARYCANARYCANA",
            &stage.writer.secret_access_key,
        ] {
            assert!(!shown.contains(canary), "{shown}");
        }
        assert!(
            !shown.contains(stage.writer.session_token.as_deref().unwrap()),
            "{shown}"
        );
    }
}

fn line_with<'a>(text: &'a str, part: &str) -> &'a str {
    text.lines().find(|line| line.contains(part)).unwrap_or_default()
}
