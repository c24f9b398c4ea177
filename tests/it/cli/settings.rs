//! Every setting, with values as they come out of secret stores, templates and env files, and `serve --check`.

use std::collections::BTreeMap;
use std::process::Output;

use serde_json::json;
use tokio::process::Command;

use crate::support::issuer::Issuer;
use crate::support::registry::FakeRegistry;

const SECRET: &str = "0123456789-0123456789-0123456789-0123456789";

/// A good value of a setting, and the settings that it needs.
struct Setting {
    good: String,
    with: Vec<(&'static str, String)>,
    /// Whether the value may be written in other letters.
    ignores_case: bool,
    /// Whether there are values that are refused; a free text has none.
    has_garbage: bool,
}

fn setting(good: &str) -> Setting {
    Setting {
        good: good.to_owned(),
        with: Vec::new(),
        ignores_case: false,
        has_garbage: true,
    }
}

impl Setting {
    fn any_case(self) -> Self {
        Self {
            ignores_case: true,
            ..self
        }
    }

    fn free(self) -> Self {
        Self {
            has_garbage: false,
            ..self
        }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.with.push((name, value.to_owned()));
        self
    }
}

fn settings(registry: &str, keys: &str) -> BTreeMap<&'static str, Setting> {
    let jwks = |setting: Setting| {
        setting
            .with("MCP_JWT_JWKS_URL", keys)
            .with("MCP_JWT_ISSUER", "https://login.example.com")
            .with("MCP_JWT_AUDIENCE", "quilt")
    };
    let secret = |setting: Setting| setting.with("MCP_JWT_SECRET", SECRET);
    BTreeMap::from([
        ("QUILT_MCP_HOST", setting("localhost").any_case()),
        ("QUILT_MCP_PORT", setting("8123")),
        ("QUILT_MCP_PUBLIC_URL", setting("https://mcp.example.com")),
        ("QUILT_MCP_ALLOWED_HOSTS", setting("mcp.example.com")),
        ("QUILT_MCP_ALLOWED_ORIGINS", setting("https://app.example.com")),
        ("QUILT_CATALOG_URL", setting(registry)),
        ("QUILT_REGISTRY_URL", setting(registry)),
        ("QUILT_MCP_CATALOG_CREDENTIALS", secret(setting("false").any_case())),
        ("QUILT_MCP_ALLOWED_REGISTRIES", setting("registry.example.com").free()),
        ("QUILT_BUCKETS", setting("some-bucket")),
        ("QUILT_MCP_CONTACT", setting("data-help@example.com").free()),
        ("MCP_JWT_SECRET", setting(SECRET)),
        ("MCP_JWT_SECRET_PREVIOUS", secret(setting(SECRET))),
        ("MCP_JWT_JWKS_URL", jwks(setting(keys))),
        ("MCP_JWT_ISSUER", jwks(setting("https://issuer.example.com")).free()),
        ("MCP_JWT_AUDIENCE", jwks(setting("quilt-mcp")).free()),
        ("QUILT_MCP_VERIFY", secret(setting("hs256").any_case())),
        (
            "QUILT_MCP_AUTHORIZATION_SERVERS",
            jwks(setting("https://login.example.com")),
        ),
        (
            "QUILT_MCP_SCOPES",
            jwks(setting("openid"))
                .with("QUILT_MCP_AUTHORIZATION_SERVERS", "https://login.example.com")
                .free(),
        ),
        ("QUILT_MCP_REQUIRE_AUTH", setting("calls").any_case()),
        ("QUILT_MCP_ANONYMOUS", setting("true").any_case()),
        (
            "QUILT_API_TOKEN",
            setting("qk_0123456789").with("QUILT_REGISTRY_URL", registry).free(),
        ),
        ("QUILT_MCP_AMBIENT", setting("never").any_case()),
        (
            "QUILT_MCP_ASSUMABLE_ROLES",
            setting("arn:aws:iam::123456789012:role/quilt/*"),
        ),
        (
            "QUILT_MCP_WEB_IDENTITY_ROLE_ARN",
            jwks(setting("arn:aws:iam::123456789012:role/quilt")),
        ),
        ("QUILT_MCP_READ_ONLY", setting("true").any_case()),
        ("QUILT_MCP_TOOLSETS", setting("buckets,auth").any_case()),
        ("QUILT_MCP_TOOL_STYLE", setting("both").any_case()),
        ("QUILT_MCP_TOOL_TIMEOUT", setting("40s").any_case()),
        ("QUILT_MCP_STATE_KEY", setting(SECRET)),
        ("QUILT_MCP_MAX_BODY", setting("4MiB").any_case()),
        ("QUILT_MCP_MAX_IN_FLIGHT", setting("100")),
        ("QUILT_MCP_RATE_LIMIT", setting("10/s").any_case()),
        ("QUILT_MCP_PAYLOAD_MEMORY", setting("128MiB").any_case()),
        ("QUILT_MCP_IDLE_TIMEOUT", setting("60s").any_case()),
        ("QUILT_MCP_DRAIN", setting("10s").any_case()),
        ("QUILT_MCP_CONSOLE", setting("full").any_case()),
        ("QUILT_MCP_METRICS_ADDR", setting("127.0.0.1:9")),
        ("QUILT_MCP_LOG", setting("warn").any_case()),
        ("QUILT_MCP_LOG_FORMAT", setting("json").any_case()),
        ("QUILT_MCP_SESSION_NAME_CLAIM", setting("email")),
        ("AWS_REGION", setting("eu-west-1")),
        ("AWS_DEFAULT_REGION", setting("eu-west-1")),
        ("AWS_USE_FIPS_ENDPOINT", setting("true").any_case()),
        ("AWS_USE_DUALSTACK_ENDPOINT", setting("true").any_case()),
        ("AWS_ENDPOINT_URL", setting("http://127.0.0.1:9")),
        ("AWS_ENDPOINT_URL_S3", setting("http://127.0.0.1:9")),
        ("AWS_ENDPOINT_URL_STS", setting("http://127.0.0.1:9")),
        ("AWS_ENDPOINT_URL_ATHENA", setting("http://127.0.0.1:9")),
    ])
}

/// Runs `serve --check` with these variables and none of the machine's.
async fn check(variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quilt-mcp"));
    command.args(["serve", "--check"]).env_clear().kill_on_drop(true);
    command
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(variables.iter().copied());
    command.output().await.unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The first line of standard error without its name.
fn problem(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = text
        .lines()
        .find(|line| line.starts_with("quilt-mcp: "))
        .unwrap_or_default();
    line.trim_start_matches("quilt-mcp: ").to_owned()
}

/// The line of `serve --check` about a setting.
fn shown<'a>(output: &'a str, name: &str) -> Option<&'a str> {
    output
        .lines()
        .find(|line| line.split_whitespace().nth(1) == Some(name) && line.starts_with("set "))
}

async fn upstreams() -> (FakeRegistry, Issuer, String) {
    let registry = FakeRegistry::start().await;
    registry.configures(&json!({ "registryUrl": "/" }));
    let key = crate::support::issuer::SigningKey::new("k", jsonwebtoken::Algorithm::EdDSA);
    let issuer = Issuer::publishing(&[key.published()]).await;
    let keys = issuer
        .flags()
        .iter()
        .find_map(|flag| flag.strip_prefix("--jwt-jwks-url=").map(str::to_owned));
    (registry, issuer, keys.unwrap())
}

#[tokio::test]
async fn every_setting_is_read_as_it_comes_out_of_stores_templates_and_files() {
    let (registry, _issuer, keys) = upstreams().await;
    let known = settings(&registry.url, &keys);
    for (name, setting) in &known {
        let others: Vec<(&str, &str)> = setting
            .with
            .iter()
            .filter(|(other, _)| other != name)
            .map(|(other, value)| (*other, value.as_str()))
            .collect();
        let run = async |value: &str| {
            let mut variables = others.clone();
            variables.push((name, value));
            check(&variables).await
        };
        let good = run(&setting.good).await;
        let (code, expected) = (good.status.code(), text(&good));
        assert!(code.is_some_and(|code| code < 2), "{name}: {}", problem(&good));
        assert!(shown(&expected, name).is_some(), "{name}: {expected}");
        for form in [
            format!("{}\n", setting.good),
            format!("{}\r\n", setting.good),
            format!(" \t{} ", setting.good),
        ] {
            let output = run(&form).await;
            assert_eq!(
                (output.status.code(), text(&output)),
                (code, expected.clone()),
                "{name}={form:?}"
            );
        }
        let quoted = run(&format!("\"{}\"", setting.good)).await;
        assert_eq!(quoted.status.code(), Some(2), "{name} in quotes");
        assert_eq!(
            problem(&quoted),
            format!("{name}: is in quotation marks, which are part of the value; expected it without them")
        );
        for empty in ["", " ", "\n"] {
            let (absent, output) = (check(&others).await, run(empty).await);
            assert_eq!(
                (output.status.code(), text(&output), problem(&output)),
                (absent.status.code(), text(&absent), problem(&absent)),
                "{name}={empty:?}"
            );
        }
        if setting.ignores_case {
            let output = run(&setting.good.to_uppercase()).await;
            let lines = |text: &str| {
                text.lines()
                    .filter(|line| !line.starts_with("set "))
                    .collect::<Vec<_>>()
                    .join("\n")
            };
            assert_eq!(
                (output.status.code(), lines(&text(&output))),
                (code, lines(&expected)),
                "{name} in capitals: {}",
                problem(&output)
            );
        }
        if setting.has_garbage {
            let output = run("~ garbage ~").await;
            assert_eq!(output.status.code(), Some(2), "{name} is garbage: {}", text(&output));
            let sentence = problem(&output);
            assert!(sentence.starts_with(&format!("{name}: ")), "{sentence}");
        }
    }
}

/// A setting that this table does not know would not be checked.
#[tokio::test]
async fn the_table_has_every_setting() {
    let (registry, _issuer, keys) = upstreams().await;
    let known = settings(&registry.url, &keys);
    let output = Command::new(env!("CARGO_BIN_EXE_quilt-mcp"))
        .args(["docs", "config"])
        .env_clear()
        .output()
        .await;
    let table = text(&output.unwrap());
    let documented = table.lines().skip(2).filter_map(|line| line.split('`').nth(1));
    // Libraries' own variables follow the rules of their libraries.
    let is_of_library = |name: &str| ["OTEL_", "AWS_", "SSL_"].iter().any(|prefix| name.starts_with(prefix));
    let missing: Vec<&str> = documented
        .filter(|name| !known.contains_key(name) && !is_of_library(name))
        .collect();
    assert_eq!(missing, [""; 0]);
}

#[tokio::test]
async fn a_service_of_kubernetes_is_no_setting() {
    let variables = [
        ("QUILT_MCP_PORT", "tcp://10.0.0.1:8000"),
        ("QUILT_MCP_SERVICE_HOST", "10.0.0.1"),
        ("QUILT_MCP_SERVICE_PORT", "8000"),
        ("QUILT_MCP_PORT_8000_TCP", "tcp://10.0.0.1:8000"),
        ("QUILT_MCP_PORT_8000_TCP_ADDR", "10.0.0.1"),
        ("QUILT_MCP_ANONYMOUS", "true"),
        ("QUILT_MCP_LOG_FORMAT", "json"),
        ("QUILT_MCP_TYPO", "1"),
    ];
    let output = check(&variables).await;
    assert_eq!(output.status.code(), Some(0), "{}", problem(&output));
    assert!(text(&output).contains("127.0.0.1:8000"), "{}", text(&output));
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(log.contains("QUILT_MCP_PORT is a service link of Kubernetes"), "{log}");
    assert!(log.contains("QUILT_MCP_TYPO") && !log.contains("8000_TCP"), "{log}");
}

#[tokio::test]
async fn a_secret_that_is_a_document_is_refused_with_the_form_to_use() {
    let document = json!({ "MCP_JWT_SECRET": SECRET }).to_string();
    for name in ["MCP_JWT_SECRET", "QUILT_MCP_STATE_KEY", "QUILT_API_TOKEN"] {
        let output = check(&[(name, &document)]).await;
        let sentence = problem(&output);
        assert_eq!(output.status.code(), Some(2), "{sentence}");
        assert!(
            sentence.starts_with(&format!("{name}: is a JSON document")) && sentence.contains(&format!(":{name}::")),
            "{sentence}"
        );
        assert!(!sentence.contains(SECRET), "{sentence}");
    }
}

#[tokio::test]
async fn a_check_says_what_is_on_and_who_could_act_as_what() {
    let (registry, _issuer, keys) = upstreams().await;
    let good = [
        ("QUILT_CATALOG_URL", registry.url.as_str()),
        ("MCP_JWT_JWKS_URL", keys.as_str()),
        ("MCP_JWT_ISSUER", "https://login.example.com"),
        ("MCP_JWT_AUDIENCE", "quilt"),
    ];
    let output = check(&good).await;
    let screen = text(&output);
    assert_eq!(output.status.code(), Some(0), "{screen}");
    for part in [
        "127.0.0.1:8000",
        "jwks",
        "names the registry",
        "no caller acts with the server's own AWS credentials",
        "buckets, packaging, permissions, auth, search, athena, tabulator, catalog; read and write",
    ] {
        assert!(screen.contains(part), "{part}: {screen}");
    }
    assert!(screen.lines().count() <= 24, "one screen: {screen}");

    // Something that is asked does not answer.
    for (name, value) in [
        ("MCP_JWT_JWKS_URL", "http://127.0.0.1:9/keys"),
        ("QUILT_CATALOG_URL", "http://127.0.0.1:9"),
    ] {
        let mut variables = good.to_vec();
        variables.retain(|(other, _)| *other != name);
        variables.push((name, value));
        let output = check(&variables).await;
        let screen = text(&output);
        assert_eq!(output.status.code(), Some(1), "{name}: {screen}");
        assert!(screen.lines().any(|line| line.starts_with("FAIL")), "{screen}");
    }
}
