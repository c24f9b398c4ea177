//! The first minutes with the program: what `dev` prints, `call`, errors at the start, and progress on a terminal.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::support::tools;

const PROGRAM: &str = env!("CARGO_BIN_EXE_quilt-mcp");
/// The longest wait for something that should happen at once.
const PROMPT_TIMEOUT: Duration = Duration::from_mins(1);

/// The program in a folder, with `PATH` as its only variable.
fn quilt_mcp(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::from(tools::isolated(Path::new(PROGRAM)));
    command.current_dir(folder).args(arguments).kill_on_drop(true);
    command
}

async fn output(mut command: Command) -> Output {
    tokio::time::timeout(PROMPT_TIMEOUT, command.output())
        .await
        .unwrap()
        .unwrap()
}

/// Starts `dev`, and returns what it prints.
async fn dev(folder: &Path) -> (Child, String) {
    let mut command = quilt_mcp(folder, &["dev", "--port=0"]);
    let mut dev = command
        .env("QUILT_MCP_CONTACT", "data-desk@example.com")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(dev.stdout.take().unwrap()).lines();
    let mut screen = String::new();
    while !screen.contains("Stop with Ctrl-C") {
        let line = tokio::time::timeout(PROMPT_TIMEOUT, lines.next_line()).await.unwrap();
        screen.push_str(&line.unwrap().unwrap());
        screen.push('\n');
    }
    (dev, screen)
}

/// Calls a tool in this folder, and returns the exit status, the printed JSON, and standard error.
async fn call(folder: &Path, arguments: &[&str]) -> (Option<i32>, Value, String) {
    let output = output(quilt_mcp(folder, &[&["call"], arguments].concat())).await;
    let printed = String::from_utf8(output.stdout).unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    let json = serde_json::from_str(&printed).unwrap_or_else(|_| Value::String(printed));
    (output.status.code(), json, error)
}

/// `dev` fits on a screen, each of its commands works as printed, and no expected denial is in its log.
#[tokio::test]
async fn dev_prints_one_screen_whose_commands_work() {
    let folder = tempfile::tempdir().unwrap();
    let (mut dev, screen) = dev(folder.path()).await;
    let lines: Vec<&str> = screen.lines().collect();
    assert!(lines.len() <= 24, "{} lines:\n{screen}", lines.len());
    for line in &lines {
        assert!(line.chars().count() <= 100, "wider than 100 columns: {line}");
    }
    let info: Value = serde_json::from_slice(&std::fs::read(folder.path().join("dev-data/dev.json")).unwrap()).unwrap();
    for name in ["mcp_url", "catalog_url", "registry_url", "s3_endpoint"] {
        assert!(screen.contains(info[name].as_str().unwrap()), "{name}:\n{screen}");
    }
    assert!(
        !screen.contains(info["users"]["writer"]["token"].as_str().unwrap()),
        "a token is printed"
    );
    let command = |name: &str| {
        let first = lines
            .iter()
            .position(|line| line.trim_start().starts_with(name))
            .unwrap();
        let last = lines[first..].iter().position(|line| !line.ends_with('\\')).unwrap();
        lines[first..=first + last].join("\n")
    };
    // A stand-in for Claude Code prints the header that it is given.
    let claude = command("claude").replace("claude mcp add", "printf '%s\\n'");
    for (command, part) in [
        (command("curl"), "quilt-dev-shared"),
        (claude, info["users"]["writer"]["token"].as_str().unwrap()),
    ] {
        let mut shell = Command::new("sh");
        let ran = output_of(shell.current_dir(folder.path()).args(["-c", &command])).await;
        assert!(ran.contains(part), "{command}\n{ran}");
    }
    check_calls(folder.path(), &info).await;
    dev.start_kill().unwrap();
    let mut log = String::new();
    dev.stderr.take().unwrap().read_to_string(&mut log).await.unwrap();
    assert_eq!(log, "", "expected denials are no warnings");
}

async fn output_of(command: &mut Command) -> String {
    let output = tokio::time::timeout(PROMPT_TIMEOUT, command.output())
        .await
        .unwrap()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Calls as users of `dev`, with other tokens, and wrongly.
async fn check_calls(folder: &Path, info: &Value) {
    let (status, list, error) = call(folder, &["bucket_list", "--user", "reader"]).await;
    assert_eq!((status, error.as_str()), (Some(0), ""), "{list}");
    assert_eq!(list["buckets"][0]["name"], "quilt-dev-shared");

    let put = json!({ "bucket": "quilt-dev-shared", "items": [{ "key": "a.txt", "text": "x" }] }).to_string();
    let (status, written, _) = call(folder, &["bucket_objects_put", &put]).await;
    assert_eq!((status, &written["uploaded"]), (Some(0), &json!(1)), "{written}");
    let (status, denied, error) = call(folder, &["bucket_objects_put", &put, "--user=reader"]).await;
    assert_eq!(
        (status, &denied["error_code"]),
        (Some(1), &json!("access_denied")),
        "{denied}"
    );
    assert!(denied.to_string().contains("data-desk@example.com"), "{denied}");
    assert!(error.starts_with("Error: ") && error.lines().count() == 1, "{error}");

    // The package's page leads to the console without a front end of the catalog.
    let mut browse = quilt_mcp(folder, &["call", "package_browse", "-"]);
    browse.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut browse = browse.spawn().unwrap();
    let package = info["package"].to_string();
    browse
        .stdin
        .take()
        .unwrap()
        .write_all(package.as_bytes())
        .await
        .unwrap();
    let browsed = browse.wait_with_output().await.unwrap();
    let browsed: Value = serde_json::from_slice(&browsed.stdout).unwrap();
    let page = browsed["package"]["catalog_url"].as_str().unwrap();
    assert!(page.starts_with(info["catalog_url"].as_str().unwrap()), "{page}");
    let http = quilt_mcp::catalog::http_client(PROMPT_TIMEOUT).unwrap();
    let answer = http.get(page).send().await.unwrap();
    let console = info["mcp_url"].as_str().unwrap().trim_end_matches("mcp");
    let hash = info["package"]["hash"].as_str().unwrap();
    assert_eq!(
        answer.headers()["location"].to_str().unwrap(),
        format!("{console}#packages/quilt-dev-shared/examples/plankton@{hash}")
    );

    let url = info["mcp_url"].as_str().unwrap();
    let mut with_token = quilt_mcp(
        folder,
        &["call", "auth_status", "--url", console, "--data=/nonexistent"],
    );
    with_token.env("QUILT_TOKEN", info["users"]["embedded"]["token"].as_str().unwrap());
    let status = output_of(&mut with_token).await;
    assert!(status.contains(r#""subject": "embedded""#), "{status}");
    let secret = "not.a-secret.token";
    for (arguments, code, part) in [
        (
            &["bucket_list", "--url", url][..],
            json!("missing_jwt"),
            "Authorization",
        ),
        (&["bucket_list", "--token", secret], json!("invalid_jwt"), "token"),
        (&["no_such_tool"], Value::Null, "no_such_tool"),
        (&["bucket_list", "[1]"], Value::Null, "not a JSON object"),
        (&["bucket_list", "--user", "root"], Value::Null, "no user `root`"),
        (
            &["bucket_list", "--data", "/nonexistent"],
            Value::Null,
            "/nonexistent/dev.json",
        ),
        (
            &["bucket_list", "--url", "http://127.0.0.1:1"],
            Value::Null,
            "http://127.0.0.1:1/mcp cannot be reached",
        ),
        (
            &["bucket_list", "--url", info["registry_url"].as_str().unwrap()],
            Value::Null,
            "expected the URL of an MCP server",
        ),
    ] {
        let (status, printed, error) = call(folder, arguments).await;
        assert_eq!(status, Some(1), "{arguments:?}: {printed}");
        assert!(
            code.is_null() || printed["error_code"] == code,
            "{arguments:?}: {printed}"
        );
        assert_eq!(error.lines().count(), 1, "{arguments:?}: {error}");
        assert!(
            error.contains(part) && !error.contains(secret),
            "{arguments:?}: {error}"
        );
    }
}

/// Whatever stops the start is one line that names the path or the setting, also where backtraces are asked for.
#[tokio::test]
async fn errors_at_the_start_are_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("--port={}", taken.local_addr().unwrap().port());
    std::fs::write(folder.path().join("file"), "x").unwrap();
    for (arguments, part) in [
        (&["dev", &port][..], "choose another with --port"),
        (
            &[
                "serve",
                &port,
                "--registry-url=https://registry.example.com",
                "--log=warn",
            ],
            "QUILT_MCP_PORT",
        ),
        (&["dev", "--port=0", "--data=file"], "--data: file cannot be written"),
        (
            &["dev", "--port=0", "--container", "--public-url=http://localhost:8000/x"],
            "QUILT_MCP_PUBLIC_URL",
        ),
        (
            &["dev", "--port=0", "--catalog-ui"],
            "pip download --no-deps quilt3-local==2.0.0",
        ),
        (&["dev", "--port=0", "--catalog-ui=file"], "--catalog-ui: file"),
        (&["manifest", "hash", "absent.jsonl"], "absent.jsonl cannot be opened"),
        (&["dev", "--port=http"], "QUILT_MCP_PORT"),
    ] {
        let mut command = quilt_mcp(folder.path(), arguments);
        command.env("RUST_BACKTRACE", "full");
        let output = output(command).await;
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
        assert!(said.contains(part), "{arguments:?}: {said}");
    }
}

/// A command that takes long says on a terminal how far it is, and leaves nothing behind there.
#[tokio::test]
async fn a_terminal_shows_progress() {
    let folder = tempfile::tempdir().unwrap();
    let (_dev, _) = dev(folder.path()).await;
    let package = json!({
        "bucket": "quilt-dev-shared", "name": "demo/progress", "source_bucket": "quilt-dev-shared", "source_prefix": "plankton/",
    });
    let mut script = tools::python_script("terminal.py").unwrap();
    script.current_dir(folder.path()).arg(PROGRAM).arg(package.to_string());
    let printed = tokio::task::spawn_blocking(move || tools::run(&mut script))
        .await
        .unwrap()
        .unwrap();
    let printed: Value = serde_json::from_str(&printed).unwrap();
    assert!(printed["shown"].as_str().unwrap().contains("bytes read"), "{printed}");
    assert!(printed["shown"].as_str().unwrap().ends_with("\r\u{1b}[K"), "{printed}");
    assert_eq!(printed["hash"].as_str().unwrap().trim().len(), 64, "{printed}");
    // The answer to a call comes at the end of a stream of progress.
    assert_eq!(printed["created"]["package"]["name"], "demo/progress", "{printed}");
}
