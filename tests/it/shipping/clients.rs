//! docs/clients.md, run as it is written but for the host; and `server.json`, by which registries know the server.

use quilt_mcp::clock::Clock;
use quilt_mcp::dev::Dev;
use serde_json::{Value, json};

use crate::support::{programs, tools};

const ENDPOINT: &str = "https://mcp.example.com/mcp";

/// The snippets of a client's section, as they stand there.
fn snippets(client: &str) -> Vec<&'static str> {
    let page = include_str!("../../../docs/clients.md");
    let (_, about) = page.split_once(&format!("# {client}\n")).unwrap();
    let about = about.split_once("\n## ").map_or(about, |(about, _)| about);
    let about = about.split_once("\n### ").map_or(about, |(about, _)| about);
    let blocks = about.split("\n```").skip(1).step_by(2);
    let found: Vec<&str> = blocks.map(|block| block.split_once('\n').unwrap().1).collect();
    assert!(
        !found.is_empty() && found.iter().all(|snippet| snippet.contains(ENDPOINT)),
        "{client}: {found:?}"
    );
    found
}

#[test]
fn the_readme_shows_what_the_page_of_clients_shows() {
    let readme = include_str!("../../../README.md");
    let page = include_str!("../../../docs/clients.md");
    let mut shown = 0;
    for block in readme
        .split("\n```")
        .skip(1)
        .step_by(2)
        .filter(|block| block.contains(ENDPOINT))
    {
        assert!(page.contains(block), "{block}");
        shown += 1;
    }
    assert_eq!(shown, 3);
}

fn snippet(client: &str) -> &'static str {
    let found = snippets(client);
    assert_eq!(found.len(), 1, "{client}");
    found[0]
}

struct Everything {
    _data: tempfile::TempDir,
    dev: Dev,
}

impl Everything {
    async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let dev = Dev::start(0, data.path(), Clock::system()).await.unwrap();
        Self { _data: data, dev }
    }

    /// A snippet for this server.
    fn here(&self, snippet: &str) -> String {
        snippet.replace(ENDPOINT, &self.dev.backend.info.mcp_url)
    }

    /// Returns the output of a command that has the reader's token in its environment.
    async fn as_reader(&self, mut command: std::process::Command) -> Value {
        command.env("QUILT_TOKEN", &self.dev.backend.info.users.reader.token);
        let printed = tokio::task::spawn_blocking(move || tools::run(&mut command))
            .await
            .unwrap()
            .unwrap();
        serde_json::from_str(&printed).unwrap()
    }

    fn is_bucket_list(&self, structured: &Value) {
        assert_eq!(
            structured["buckets"][0]["name"],
            self.dev.backend.info.buckets.shared.as_str(),
            "{structured}"
        );
    }
}

#[tokio::test]
async fn the_curl_line_works() {
    if !programs::found(&["curl"]) {
        return;
    }
    let all = Everything::start().await;
    let mut shell = tools::isolated("sh".as_ref());
    shell.arg("-c").arg(all.here(snippet("curl")));
    all.is_bucket_list(&all.as_reader(shell).await["result"]["structuredContent"]);
}

#[tokio::test]
async fn the_inspectors_line_works() {
    let all = Everything::start().await;
    let inspector = tools::inspector().unwrap();
    let line = all.here(snippet("MCP Inspector"));
    // The pinned one in place of whichever `npx` would fetch.
    let rest = line.strip_prefix("npx @modelcontextprotocol/inspector ").unwrap();
    let mut shell = tools::isolated("sh".as_ref());
    shell.envs(inspector.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
        .arg("-c")
        .arg(format!(r#""$0" "$@" {rest}"#))
        .arg(inspector.get_program())
        .args(inspector.get_args());
    all.is_bucket_list(&all.as_reader(shell).await["result"]["structuredContent"]);
}

#[tokio::test]
async fn the_pages_lines_work() {
    let all = Everything::start().await;
    let page = format!(
        "const currentToken = async () => process.env.QUILT_TOKEN;\n{}\n\
         console.log(JSON.stringify({{ isError, structuredContent }}));\nawait client.close();\n",
        all.here(snippet("Pages in a browser"))
    );
    let mut node = tools::node_program().unwrap();
    node.args(["--input-type=module", "--eval", &page]);
    let result = all.as_reader(node).await;
    assert_eq!(result["isError"], false);
    all.is_bucket_list(&result["structuredContent"]);
}

/// Programs that are not run here are configured in forms that can be read, and name the endpoint and how the token goes there.
#[tokio::test]
async fn the_configurations_are_well_formed() {
    for (client, path, kind, bearer) in [
        (
            "Claude Code",
            "/mcpServers/quilt",
            json!("http"),
            "Bearer ${QUILT_TOKEN}",
        ),
        (
            "VS Code",
            "/servers/quilt",
            json!("http"),
            "Bearer ${input:quilt-token}",
        ),
        ("Cursor", "/mcpServers/quilt", Value::Null, "Bearer ${env:QUILT_TOKEN}"),
        ("opencode", "/mcp/quilt", json!("remote"), "Bearer {env:QUILT_TOKEN}"),
    ] {
        let config: Value = serde_json::from_str(snippets(client).last().unwrap()).unwrap();
        let server = config.pointer(path).unwrap();
        let found = (&server["url"], &server["type"], &server["headers"]);
        assert_eq!(
            found,
            (&json!(ENDPOINT), &kind, &json!({ "Authorization": bearer })),
            "{client}"
        );
        if client == "VS Code" {
            assert_eq!(config["inputs"][0]["id"], "quilt-token");
            assert_eq!(config["inputs"][0]["password"], true);
        }
    }
    let mut python = tools::isolated("python3".as_ref());
    python.args([
        "-c",
        "import json, sys, tomllib; print(json.dumps(tomllib.loads(sys.argv[1])))",
        snippet("Codex"),
    ]);
    let config: Value = serde_json::from_str(&tools::run(&mut python).unwrap()).unwrap();
    let server = json!({ "url": ENDPOINT, "bearer_token_env_var": "QUILT_TOKEN" });
    assert_eq!(config, json!({ "mcp_servers": { "quilt": server } }));
}

/// The registry's rules of 2025-12-11, as far as they touch a file like ours.
#[test]
fn server_json_is_what_a_registry_takes() {
    let file: Value = serde_json::from_str(include_str!("../../../server.json")).unwrap();
    let text = |value: &Value, name: &str| {
        value[name]
            .as_str()
            .unwrap_or_else(|| panic!("{name}: {value}"))
            .to_owned()
    };
    assert_eq!(
        text(&file, "$schema"),
        "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
    );
    let name = text(&file, "name");
    let (namespace, own) = name.split_once('/').unwrap();
    assert_eq!(own, env!("CARGO_PKG_NAME"));
    assert!(
        namespace.split('.').count() >= 2 && (3..=200).contains(&name.len()),
        "a domain read backwards: {name}"
    );
    assert!(
        namespace
            .chars()
            .all(|it| it.is_ascii_alphanumeric() || ".-".contains(it)),
        "{name}"
    );
    assert_eq!(
        text(&file, "version"),
        env!("CARGO_PKG_VERSION"),
        "and so neither a range nor `latest`"
    );
    for name in ["title", "description"] {
        assert!((1..=100).contains(&text(&file, name).chars().count()), "{name}");
    }
    let known = [
        "$schema",
        "name",
        "title",
        "description",
        "version",
        "websiteUrl",
        "packages",
        "remotes",
    ];
    assert!(
        file.as_object()
            .unwrap()
            .keys()
            .all(|name| known.contains(&name.as_str())),
        "{file}"
    );

    let [package] = file["packages"].as_array().unwrap().as_slice() else {
        panic!("{file}")
    };
    assert_eq!(text(package, "registryType"), "oci");
    let image = format!("/{}:{}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    assert!(text(package, "identifier").ends_with(&image), "{package}");
    assert_eq!(package["transport"]["headers"], file["remotes"][0]["headers"]);
    let settings = include_str!("../../../docs/configuration.md");
    for variable in package["environmentVariables"].as_array().unwrap() {
        let name = text(variable, "name");
        assert!(settings.contains(&format!("`{name}`")), "{name} is no setting");
    }

    let [remote] = file["remotes"].as_array().unwrap().as_slice() else {
        panic!("{file}")
    };
    assert_eq!(text(remote, "type"), "streamable-http");
    let mut url = text(remote, "url");
    for (name, variable) in remote["variables"].as_object().unwrap() {
        assert!(url.contains(&format!("{{{name}}}")), "{name} is not in {url}");
        assert!(
            !text(variable, "description").is_empty() && variable["isRequired"] == true,
            "{variable}"
        );
        url = url.replace(&format!("{{{name}}}"), "mcp.example.com");
    }
    assert_eq!(url, ENDPOINT, "nothing else is to be filled in");
    let [header] = remote["headers"].as_array().unwrap().as_slice() else {
        panic!("{remote}")
    };
    assert_eq!(text(header, "name"), "Authorization");
    assert!(!text(header, "description").is_empty());
    assert_eq!(
        (&header["isRequired"], &header["isSecret"]),
        (&json!(true), &json!(true))
    );
}
