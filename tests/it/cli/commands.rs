//! `serve`, `dev`, `docs` and `healthcheck` as processes: settings, messages, exit codes and shutdown.

use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{ChildStderr, ChildStdout, Command};

fn quilt_mcp() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quilt-mcp"));
    command.kill_on_drop(true);
    command
}

#[tokio::test]
async fn dev_takes_the_settings_of_serve_and_says_which_it_does_not() {
    let data = tempfile::tempdir().unwrap();
    let mut dev = quilt_mcp();
    dev.args(["dev", "--port=0", "--tool-style=both", "--data"])
        .arg(data.path());
    dev.env("QUILT_MCP_ALLOWED_ORIGINS", "https://app.example.com")
        .env("MCP_JWT_SECRET", "s".repeat(40));
    let mut dev = dev.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(dev.stdout.take().unwrap()).lines();
    let mut said = String::new();
    while let Some(line) = tokio::time::timeout(Duration::from_mins(1), lines.next_line())
        .await
        .unwrap()
        .unwrap()
    {
        said = line;
        if said.starts_with("Ignored") {
            break;
        }
    }
    assert_eq!(said, "Ignored, because dev sets its own: MCP_JWT_SECRET.");
    let info: serde_json::Value =
        serde_json::from_slice(&std::fs::read(data.path().join("dev.json")).unwrap()).unwrap();
    let server = crate::support::server::Server::at(info["mcp_url"].as_str().unwrap().to_owned());
    let list = server.rpc(None, "tools/list", json!({})).await;
    let names: Vec<&str> = list.body["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert!(
        names.contains(&"buckets") && names.contains(&"bucket_list"),
        "{names:?}"
    );
    for origin in [
        "https://app.example.com",
        "http://localhost:5173",
        "http://127.0.0.1:6274",
    ] {
        let preflight = [("origin", origin), ("access-control-request-method", "POST")];
        assert_eq!(
            server.request("OPTIONS", "/mcp", &preflight).await.status,
            200,
            "{origin}"
        );
    }
    let token = info["users"]["reader"]["token"].as_str().unwrap();
    server.call(token, "bucket_list", json!({})).await.success();
}

/// Reads what `dev` prints until the last of its curl lines: each line with the title above it.
async fn printed_curl_lines(lines: &mut Lines<BufReader<ChildStdout>>) -> Vec<(String, String)> {
    let (mut curls, mut title) = (Vec::new(), String::new());
    while let Some(line) = tokio::time::timeout(Duration::from_mins(1), lines.next_line())
        .await
        .unwrap()
        .unwrap()
    {
        if let Some(text) = line.strip_prefix("# ") {
            text.clone_into(&mut title);
        }
        if line.starts_with("curl ") {
            curls.push((title.clone(), line.clone()));
        }
        if line.starts_with("quilt-mcp dev is ready") {
            break;
        }
    }
    curls
}

/// Runs each printed line, and checks its answer.
async fn run_curl_lines(curls: &[(String, String)]) {
    let expected: [(&str, &[&str]); 8] = [
        ("Which tools are there?", &["bucket_objects_put", "auth_status"]),
        (
            "Who am I",
            &["assumed-role/reader/reader", r#""credential_source":"catalog""#],
        ),
        ("reader lists", &["plankton/README.md", r#""success":true"#]),
        ("writer uploads", &[r#""uploaded":1"#, r#""success":true"#]),
        ("reader reads", &["Hello from curl"]),
        (
            "reader may not write",
            &[
                "access_denied",
                "s3:PutObject",
                "quilt-dev-shared",
                r#""credential_source":"catalog""#,
            ],
        ),
        (
            "no user may access",
            &["access_denied", "s3:ListBucket", "quilt-dev-private"],
        ),
        (
            "without a token",
            &["HTTP/1.1 401 Unauthorized", "missing_jwt", "www-authenticate: Bearer"],
        ),
    ];
    assert_eq!(curls.len(), expected.len());
    for ((title, line), (about, parts)) in curls.iter().zip(expected) {
        assert!(title.starts_with(about), "{title}");
        let output = Command::new("sh").args(["-c", line]).output().await.unwrap();
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        for part in parts {
            assert!(
                answer.contains(part),
                "{title}: {part} is not in {answer} {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
}

/// Checks that each of the four users is who dev.json says, with credentials from the source that the user stands for.
async fn check_users(info: &quilt_mcp::dev::DevInfo) {
    let server = crate::support::server::Server::at(info.mcp_url.clone());
    let users = &info.users;
    for (user, writes, source) in [
        (&users.reader, false, "catalog"),
        (&users.writer, true, "catalog"),
        (&users.embedded, true, "jwt"),
        (&users.assumed, true, "jwt"),
    ] {
        let status = server.call(&user.token, "auth_status", json!({})).await;
        assert_eq!(
            (&status.success()["subject"], &status.success()["credential_source"]),
            (&json!(user.sub), &json!(source))
        );
        let items = json!([{ "key": format!("by/{}", user.sub), "text": "x" }]);
        let put = json!({ "bucket": info.buckets.shared, "items": items });
        let put = server.call(&user.token, "bucket_objects_put", put).await;
        assert_eq!(put.output()["success"], writes, "{}", put.body);
        let private = server
            .call(
                &user.token,
                "bucket_objects_list",
                json!({ "bucket": info.buckets.private }),
            )
            .await;
        private.failure("access_denied");
        let buckets = server.call(&user.token, "bucket_list", json!({})).await;
        assert_eq!(buckets.success()["listed_by"], "catalog");
        assert_eq!(buckets.success()["buckets"][0]["name"], json!(info.buckets.shared));
        assert_eq!(buckets.success()["count"], 1);
    }
}

/// What `dev` prints works when pasted: each line by itself, in its order.
#[tokio::test]
async fn the_printed_curl_lines_do_what_they_say() {
    let data = tempfile::tempdir().unwrap();
    let mut dev = quilt_mcp();
    dev.args(["dev", "--verbose", "--port", "0", "--data"])
        .arg(data.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut dev = dev.spawn().unwrap();
    let mut lines = BufReader::new(dev.stdout.take().unwrap()).lines();
    let curls = printed_curl_lines(&mut lines).await;
    run_curl_lines(&curls).await;

    let info = std::fs::read(data.path().join("dev.json")).unwrap();
    let info: quilt_mcp::dev::DevInfo = serde_json::from_slice(&info).unwrap();
    assert!(curls[0].1.contains(&info.mcp_url));
    check_users(&info).await;

    let port = info
        .mcp_url
        .trim_end_matches("/mcp")
        .rsplit(':')
        .next()
        .unwrap()
        .to_owned();
    let well = quilt_mcp()
        .args(["healthcheck", "--port", &port])
        .status()
        .await
        .unwrap();
    assert!(well.success());
    dev.kill().await.unwrap();
    let ill = quilt_mcp()
        .args(["healthcheck", "--port", &port])
        .stderr(Stdio::null())
        .status()
        .await
        .unwrap();
    assert_eq!(ill.code(), Some(1));
}

/// A bad setting stops the start with one line that names it, and shows no secret.
#[tokio::test]
async fn a_bad_setting_is_one_line_that_names_it() {
    for (variable, value, part) in [
        ("QUILT_MCP_PORT", "http", "expected 0 to 65535"),
        ("QUILT_MCP_TOOL_TIMEOUT", "5h", "such as 50s"),
        ("QUILT_MCP_MAX_BODY", "8MB", "such as 8MiB"),
        ("QUILT_MCP_AMBIENT", "always", "never, read-only, full"),
        (
            "QUILT_CATALOG_URL",
            "catalog.example.com",
            "such as https://catalog.example.com",
        ),
        ("QUILT_REGISTRY_URL", "http://registry.example.com", "expected https"),
        ("MCP_JWT_SECRET", "short-canary", "at least 32"),
        (
            "QUILT_MCP_ASSUMABLE_ROLES",
            "arn:aws:iam::*:role/x",
            "123456789012:role/NAME",
        ),
        ("QUILT_MCP_VERIFY", "jwt", "hs256, jwks, registry"),
        ("QUILT_MCP_VERIFY", "jwks", "MCP_JWT_JWKS_URL"),
        ("MCP_JWT_ISSUER", "", "required by MCP_JWT_JWKS_URL"),
        ("QUILT_CATALOG_DOMAIN", "https://x.example.com", "bare host"),
        (
            "QUILT_MCP_WEB_IDENTITY_ROLE_ARN",
            "arn:aws:iam::123456789012:role/*x",
            "the ARN of one role",
        ),
        (
            "QUILT_MCP_ALLOWED_ORIGINS",
            "app.example.com",
            "such as https://app.example.com",
        ),
        ("QUILT_BUCKETS", "-not-a-bucket", "3 to 63"),
        ("QUILT_MCP_LOG", "=,=", "log filter"),
        ("QUILT_MCP_TOOLSETS", "buckets,athene", "`athene` is not a toolset"),
        ("QUILT_MCP_TOOL_STYLE", "actions", "typed, modules, both"),
        ("QUILT_MCP_READ_ONLY", "perhaps", "true, false"),
        (
            "QUILT_MCP_AUTHORIZATION_SERVERS",
            "https://login.example.com",
            "MCP_JWT_JWKS_URL",
        ),
        ("QUILT_MCP_REQUIRE_AUTH", "some", "calls, all"),
        ("QUILT_MCP_STATE_KEY", "short-canary", "at least 32 random bytes"),
    ] {
        let mut serve = quilt_mcp();
        serve
            .arg("serve")
            .env_clear()
            .env("QUILT_MCP_PORT", "0")
            .env(variable, value);
        if variable == "MCP_JWT_ISSUER" {
            serve.env("MCP_JWT_JWKS_URL", "https://login.example.com/keys");
        }
        let output = serve.output();
        let output = tokio::time::timeout(Duration::from_secs(30), output)
            .await
            .unwrap()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{variable}");
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('{')).collect();
        assert_eq!(lines.len(), 1, "{variable}: {text}");
        assert!(
            lines[0].contains(variable) && lines[0].contains(part),
            "{variable}: {text}"
        );
        assert!(!text.contains("short-canary"), "{text}");
    }
}

/// Templates of task definitions leave variables behind that are set to nothing.
#[tokio::test]
async fn a_variable_that_is_set_to_nothing_is_not_set() {
    let mut serve = quilt_mcp();
    serve
        .arg("serve")
        .env_clear()
        .env("QUILT_MCP_PORT", "0")
        .env("QUILT_MCP_LOG_FORMAT", "json");
    for variable in [
        "QUILT_CATALOG_URL",
        "QUILT_REGISTRY_URL",
        "QUILT_MCP_ALLOWED_ORIGINS",
        "AWS_REGION",
        "MCP_JWT_SECRET",
    ] {
        serve.env(variable, "");
    }
    serve.env("QUILT_MCP_ALOWED_HOSTS", "misspelt");
    let mut serve = serve.stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(serve.stderr.take().unwrap()).lines();
    let mut log = String::new();
    while let Some(line) = tokio::time::timeout(Duration::from_secs(30), lines.next_line())
        .await
        .unwrap()
        .unwrap()
    {
        log.push_str(&line);
        if line.contains("\"listening\"") {
            break;
        }
    }
    assert!(
        log.contains("\"listening\"") && log.contains(r#""verify":"Registry""#),
        "{log}"
    );
    assert!(
        log.contains("QUILT_MCP_ALOWED_HOSTS"),
        "a misspelt name is a warning: {log}"
    );
}

/// Who listens where others reach it, likely has copies, and surely a next version.
#[tokio::test]
async fn a_confirmation_that_may_be_lost_is_a_warning() {
    let key = "a-state-key-that-all-copies-have";
    for (host, key, warns) in [("0.0.0.0", "", true), ("0.0.0.0", key, false), ("127.0.0.1", "", false)] {
        let mut serve = quilt_mcp();
        serve
            .arg("serve")
            .env_clear()
            .env("QUILT_MCP_PORT", "0")
            .env("QUILT_MCP_HOST", host);
        serve
            .env("QUILT_REGISTRY_URL", "https://registry.example.com")
            .env("QUILT_MCP_STATE_KEY", key);
        let mut serve = serve.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(serve.stderr.take().unwrap()).lines();
        let mut log = String::new();
        while !log.contains("listening") {
            let line = tokio::time::timeout(Duration::from_secs(30), lines.next_line())
                .await
                .unwrap()
                .unwrap();
            log.push_str(&line.unwrap());
        }
        assert_eq!(
            log.contains("QUILT_MCP_STATE_KEY is not set"),
            warns,
            "{host} {key}: {log}"
        );
        assert!(!log.contains("that-all-copies-have"), "{log}");
    }
}

async fn serve_until_it_listens(drain: &str) -> (tokio::process::Child, Lines<BufReader<ChildStderr>>) {
    let mut serve = quilt_mcp();
    serve
        .arg("serve")
        .env_clear()
        .env("QUILT_MCP_PORT", "0")
        .env("QUILT_MCP_DRAIN", drain);
    serve.env("QUILT_REGISTRY_URL", "https://registry.example.com");
    let mut serve = serve.stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(serve.stderr.take().unwrap()).lines();
    logged(&mut lines, "listening").await;
    (serve, lines)
}

async fn logged(lines: &mut Lines<BufReader<ChildStderr>>, part: &str) {
    let until = async { while !lines.next_line().await.unwrap().unwrap().contains(part) {} };
    tokio::time::timeout(Duration::from_secs(30), until).await.unwrap();
}

async fn signal(serve: &tokio::process::Child, name: &str) {
    let kill = Command::new("kill")
        .args([name, &serve.id().unwrap().to_string()])
        .status()
        .await
        .unwrap();
    assert!(kill.success());
}

#[tokio::test]
async fn a_server_ends_when_it_is_told_to_and_at_once_when_it_is_told_twice() {
    let (mut serve, mut lines) = serve_until_it_listens("200ms").await;
    signal(&serve, "-TERM").await;
    logged(&mut lines, "stopped").await;
    assert!(serve.wait().await.unwrap().success());

    let (mut serve, mut lines) = serve_until_it_listens("10m").await;
    signal(&serve, "-TERM").await;
    logged(&mut lines, "shutdown begins").await;
    signal(&serve, "-INT").await;
    let ended = tokio::time::timeout(Duration::from_secs(30), serve.wait())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(ended.code(), Some(130));
}

/// Each rule of `docs/protocol.md` names the test that shows it.
#[test]
fn the_protocol_page_names_tests_that_exist() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/protocol.md")).unwrap();
    let rows = page
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| rule"));
    let mut count = 0;
    for row in rows {
        let test = row
            .trim_end_matches(" |")
            .rsplit(" | ")
            .next()
            .unwrap()
            .trim_matches('`');
        let (file, name) = test.rsplit_once("::").unwrap_or_else(|| panic!("no test: {row}"));
        let file = if file.starts_with("src/") {
            file.to_owned()
        } else {
            format!("tests/it/{}.rs", file.replace("::", "/"))
        };
        let source = std::fs::read_to_string(root.join(&file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(source.contains(&format!("fn {name}(")), "{test}");
        count += 1;
    }
    assert!(count > 40, "{count} rules");
}
