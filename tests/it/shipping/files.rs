//! Dockerfile, task definition, workflows, and the policies of docs/deploy.md.

use std::collections::BTreeSet;
use std::fs;
use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use fancy_regex::Regex;
use quilt_mcp::config::ServeConfig;
use serde_json::{Value, json};

use crate::support::image::{Recipe, instructions};
use crate::support::server::Server;
use crate::support::stage::{SHARED, Stage};
use crate::support::{SECRET, programs, token, tools};

/// Names of variables that are secrets.
const TELLING: [&str; 6] = ["SECRET", "TOKEN", "PASSWORD", "PASSWD", "CREDENTIAL", "_KEY"];

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn workflows() -> Vec<(String, String)> {
    let files = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.github/workflows")).unwrap();
    files
        .map(|file| file.unwrap().path())
        .map(|path| (path.display().to_string(), fs::read_to_string(path).unwrap()))
        .collect()
}

/// Returns the matches of a pattern's first group in a text.
fn all_of(pattern: &str, text: &str) -> BTreeSet<String> {
    let pattern = Regex::new(pattern).unwrap();
    pattern
        .captures_iter(text)
        .map(|found| found.unwrap().get(1).unwrap().as_str().to_owned())
        .collect()
}

#[test]
fn the_dockerfile_the_workflows_and_the_scripts_pass_their_linters() {
    if !programs::found(&["shellcheck"]) {
        return;
    }
    let scripts = ["scripts/test", ".ci/run"];
    let mut shellcheck = tools::isolated(Path::new("shellcheck"));
    tools::run(shellcheck.current_dir(env!("CARGO_MANIFEST_DIR")).args(scripts)).unwrap();
    // actionlint lets shellcheck look into the scripts of workflows, and says nothing when it is not there.
    let mut hadolint = tools::linter("hadolint").unwrap();
    tools::run(
        hadolint
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["--failure-threshold", "style", "Dockerfile"]),
    )
    .unwrap();
    let mut actionlint = tools::linter("actionlint").unwrap();
    let files = workflows().into_iter().map(|(path, _)| path);
    tools::run(actionlint.current_dir(env!("CARGO_MANIFEST_DIR")).args(files)).unwrap();
}

/// A machine of which `scripts/test` sees these programs alone.
struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    /// It has the compilers, and what the script itself uses.
    fn new() -> Self {
        let machine = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for name in ["bash", "env", "sh", "cp", "rm", "tail"] {
            let real = programs::path(name).unwrap_or_else(|| panic!("{name}"));
            machine.has(name, &format!("exec {} \"$@\"", real.display()));
        }
        machine.has("id", "echo 0");
        machine.has("cc", "exit 0");
        machine.has("cargo", "echo \"cargo $*\"");
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Gives it a program, by its path from the folder of programs: a script of the shell.
    fn has(&self, name: &str, script: &str) {
        let path = self.path("bin").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs the script with `CI` set to this, and returns its exit status and all that it printed.
    fn test(&self, arguments: &[&str], ci: &str) -> (Option<i32>, String) {
        let mut command = Command::new(programs::path("bash").unwrap());
        command
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/test"))
            .args(arguments)
            .env_clear()
            .env("PATH", self.path("bin"))
            .env("CARGO_TARGET_DIR", self.path("target"))
            .env("CI", ci);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.code(), said)
    }
}

#[test]
fn the_script_of_the_tests_names_what_is_missing() {
    let machine = Machine::new();
    let (code, said) = machine.test(&["--check"], "");
    let all = "missing: curl haproxy openssl shellcheck iproute2 util-linux chromium python3 python3-venv nodejs npm";
    assert_eq!((code, said.trim()), (Some(1), all));
    for name in ["python3", "node", "npm", "openssl"] {
        machine.has(name, "exit 0");
    }
    let (_, said) = machine.test(&["--check"], "");
    assert_eq!(
        said.trim(),
        "missing: curl haproxy shellcheck iproute2 util-linux chromium"
    );
    fs::remove_file(machine.path("bin/cc")).unwrap();
    let (code, said) = machine.test(&["--check"], "");
    assert!(code == Some(1) && said.contains("cc is missing"), "{said}");
}

/// Debian 12 has Node 18, and the tests need a newer one.
#[test]
fn the_script_of_the_tests_uses_the_node_that_it_installed() {
    let machine = Machine::new();
    for name in [
        "curl",
        "haproxy",
        "openssl",
        "shellcheck",
        "ip",
        "unshare",
        "chromium",
        "python3",
        "npm",
    ] {
        machine.has(name, "exit 0");
    }
    // An old node says so; the one of PyPI is there once pip has run.
    machine.has("node", "exit 1");
    machine.has("../new-node", "exit 0");
    let installed = machine.path("target/test-tools/programs/bin");
    let install = format!(
        "cp {} {}",
        machine.path("new-node").display(),
        installed.join("node").display()
    );
    machine.has("../target/test-tools/programs/bin/python", &install);
    let (code, said) = machine.test(&["--install"], "true");
    assert_eq!((code, said.trim()), (Some(0), "installing Node from PyPI"));
    let (code, said) = machine.test(&["--test", "it"], "true");
    assert_eq!((code, said.trim()), (Some(0), "cargo test --locked --test it"));
}

/// One package that cannot be installed, as Chromium's on Ubuntu, keeps none of the others out. Without Python and Node, what
/// needs neither is run.
#[test]
fn the_script_of_the_tests_installs_what_can_be_installed_and_runs_the_rest() {
    let machine = Machine::new();
    for name in ["openssl", "shellcheck", "ip", "unshare"] {
        machine.has(name, "exit 0");
    }
    let tool = machine.path("bin/openssl");
    let apt_get = format!(
        "case \"$*\" in
*install*chromium*|*install*python3*|*install*nodejs*|*install*npm*)
    echo 'Reading package lists...'
    echo 'E: Package has no installation candidate'
    exit 100 ;;
*install*) cp {} {}/\"$(for name; do :; done; echo \"$name\")\" ;;
esac",
        tool.display(),
        machine.path("bin").display()
    );
    machine.has("apt-get", &apt_get);
    let (code, said) = machine.test(&["packages::"], "");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(
        lines[0],
        "installing Debian's packages: curl haproxy chromium python3 python3-venv nodejs npm"
    );
    assert!(machine.path("bin/curl").exists() && machine.path("bin/haproxy").exists());
    for expected in [
        "chromium cannot be installed:",
        "E: Package has no installation candidate",
        "still missing: chromium python3 python3-venv nodejs npm",
        "cargo test --locked --no-fail-fast packages::",
    ] {
        assert!(lines.contains(&expected), "{expected}: {said}");
    }
    assert!(said.contains("tests that need Python 3.11 or newer"), "{said}");
    let (code, said) = machine.test(&["packages::"], "true");
    assert!(code == Some(1) && !said.contains("cargo test"), "{said}");
}

/// Returns the lines of a workflow that run code which others could change.
fn unpinned(workflow: &str) -> Vec<&str> {
    let pinned = Regex::new(r"uses: ([\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+|\./\.github/workflows/\w+\.yml)$").unwrap();
    let image = Regex::new(r"container: [\w./:-]+@sha256:[0-9a-f]{64}$").unwrap();
    let runs = |line: &&str| line.contains("uses:") || line.trim_start().starts_with("container:");
    let is_pinned = |line: &&str| pinned.is_match(line).unwrap() || image.is_match(line).unwrap();
    workflow.lines().filter(runs).filter(|line| !is_pinned(line)).collect()
}

#[test]
fn what_others_wrote_is_pinned_by_digest() {
    assert_eq!(
        unpinned("      - uses: actions/checkout@v4"),
        ["      - uses: actions/checkout@v4"]
    );
    let files = workflows();
    assert!(files.len() >= 3);
    for (path, workflow) in &files {
        assert!(workflow.contains("uses: actions/checkout@"), "{path}");
        assert_eq!(unpinned(workflow), Vec::<&str>::new(), "{path}");
    }
    let instructions = instructions().unwrap();
    let bases: Vec<&str> = instructions
        .iter()
        .filter(|(name, _)| name == "FROM")
        .map(|(_, rest)| rest.as_str())
        .collect();
    let stages = bases
        .iter()
        .filter_map(|base| base.split_once(" AS "))
        .map(|(_, name)| name)
        .collect::<Vec<_>>();
    let foreign = bases
        .iter()
        .map(|base| base.split(' ').next().unwrap())
        .filter(|base| !stages.contains(base));
    let foreign: Vec<&str> = foreign.collect();
    let pinned = Regex::new(r"^[\w./:-]+:[\w.-]+@sha256:[0-9a-f]{64}$").unwrap();
    assert!(foreign.iter().all(|base| pinned.is_match(base).unwrap()), "{foreign:?}");
    // The binary asks for the glibc that it was built against.
    let [build, run] = foreign[..] else {
        panic!("{foreign:?}")
    };
    assert!(build.contains("bookworm") && run.contains("debian12"), "{foreign:?}");
    // The binaries of a release come from the same compiler.
    assert!(
        files
            .iter()
            .any(|(_, workflow)| workflow.contains(&format!("container: {build}"))),
        "{build}"
    );
}

#[test]
fn workflows_may_do_little_and_end() {
    for (path, workflow) in workflows() {
        let workflow: Value = serde_saphyr::from_str(&workflow).unwrap();
        assert_eq!(workflow["permissions"], json!({}), "{path}");
        assert!(workflow["concurrency"]["group"].is_string(), "{path}");
        for (name, job) in workflow["jobs"].as_object().unwrap() {
            assert!(job["permissions"].is_object(), "{path}: {name}");
            assert!(
                job["timeout-minutes"].is_u64() || job["uses"].is_string(),
                "{path}: {name}"
            );
        }
    }
}

/// The image is built from the files that `.dockerignore` lets through; they must be enough.
#[test]
fn the_image_can_be_built_from_what_it_is_given() {
    let given = tempfile::tempdir().unwrap();
    let ignored = read(".dockerignore");
    let mut lines = ignored.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(lines.next(), Some("*"), "other files are left out");
    for line in lines {
        if let Some(file) = line.strip_prefix('!') {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
            tools::run(Command::new("cp").arg("-r").arg(file).arg(given.path())).unwrap();
        } else {
            fs::remove_dir_all(given.path().join(line)).unwrap();
        }
    }
    // Reads the manifest as a build does, with all targets that it names, and builds nothing. What only other platforms need
    // may not be there.
    let host = Command::new("rustc")
        .args(["--print", "host-tuple"])
        .output()
        .unwrap()
        .stdout;
    let host = format!("--target={}", String::from_utf8(host).unwrap().trim());
    let fetch = ["fetch", "--offline", "--locked", "--quiet", &host];
    tools::run(Command::new(env!("CARGO")).args(fetch).current_dir(&given)).unwrap();
    let sources = all_of(
        r#"include_(?:str|bytes)!\("([^"]+)"\)"#,
        &sources(&["src", "crates/quilt-format/src"]),
    );
    assert!(
        !sources.is_empty() && sources.iter().all(|file| !file.contains("..")),
        "{sources:?}"
    );
}

fn container(definition: &Value) -> &Value {
    let containers = definition["containerDefinitions"].as_array().unwrap();
    assert_eq!(containers.len(), 1);
    &containers[0]
}

fn setting(container: &Value, name: &str) -> Option<String> {
    let mut variables = container["environment"].as_array().unwrap().iter();
    variables
        .find(|variable| variable["name"] == name)
        .map(|variable| variable["value"].as_str().unwrap().to_owned())
}

/// The settings of the server: name, and whether it is a secret.
fn settings() -> Vec<(String, bool)> {
    let command = <ServeConfig as clap::Args>::augment_args(clap::Command::new("serve"));
    let variable = |arg: &clap::Arg| Some((arg.get_env()?.to_str()?.to_owned(), arg.is_hide_env_values_set()));
    command.get_arguments().filter_map(variable).collect()
}

/// The variables of a task definition's `environment` that hold a secret.
fn open_secrets(definition: &Value) -> Vec<String> {
    let secret: Vec<String> = settings()
        .into_iter()
        .filter(|(_, is_secret)| *is_secret)
        .map(|(name, _)| name)
        .collect();
    let holds = |name: &str, value: &str| {
        secret.iter().any(|secret| secret == name)
            || TELLING.iter().any(|part| name.to_uppercase().contains(part))
            || ["eyJ", "qk_", "AKIA", "ASIA"]
                .iter()
                .any(|begin| value.starts_with(begin))
            || value
                .split_once("://")
                .is_some_and(|(_, rest)| rest.split('/').next().unwrap().contains('@'))
    };
    let variables = container(definition)["environment"].as_array().unwrap().iter();
    let variables = variables.map(|it| (it["name"].as_str().unwrap(), it["value"].as_str().unwrap()));
    variables
        .filter(|(name, value)| holds(name, value))
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// What ECS would not take.
fn refused_by_ecs(definition: &Value) -> Value {
    let mut check = tools::python_script("ecs_shape.py").unwrap();
    let mut check = check.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    check
        .stdin
        .take()
        .unwrap()
        .write_all(definition.to_string().as_bytes())
        .unwrap();
    let output = check.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_task_definition_is_one_that_ecs_takes() {
    let definition: Value = serde_json::from_str(&read("task-definition.json")).unwrap();
    assert_eq!(refused_by_ecs(&definition), json!([]));
    // The check finds defects.
    let wrong = |path: &str, value: Value| {
        let mut wrong = definition.clone();
        *wrong.pointer_mut(path).unwrap() = value;
        refused_by_ecs(&wrong).as_array().unwrap().len()
    };
    assert_eq!(wrong("/requiresCompatibilities/0", json!("FARGAT")), 1);
    assert_eq!(wrong("/containerDefinitions/0/stopTimeout", json!("70")), 1);
    let mut unknown = definition.clone();
    unknown["containerDefinitions"][0]["readOnlyRootFilesystem"] = json!(true);
    assert_eq!(refused_by_ecs(&unknown).as_array().unwrap().len(), 1);
}

#[test]
fn the_task_runs_the_image_as_it_is_meant_to_run() {
    let definition: Value = serde_json::from_str(&read("task-definition.json")).unwrap();
    assert_eq!(definition["requiresCompatibilities"], json!(["FARGATE"]));
    let sizes = ["networkMode", "cpu", "memory"].map(|name| definition[name].as_str().unwrap());
    assert_eq!(sizes, ["awsvpc", "256", "512"]);
    let container = container(&definition);
    let image = Recipe::read().unwrap();
    assert_eq!(container["readonlyRootFilesystem"], true);
    assert_eq!(container["linuxParameters"]["capabilities"], json!({ "drop": ["ALL"] }));
    assert_eq!(container["user"], image.user);
    assert_eq!(
        container["healthCheck"]["command"],
        json!([vec!["CMD".to_owned()], image.healthcheck].concat())
    );
    assert_eq!(image.variables, ["QUILT_MCP_HOST=0.0.0.0"]);

    let mut flags = Vec::new();
    let known = settings();
    for variable in container["environment"].as_array().unwrap() {
        let name = variable["name"].as_str().unwrap();
        assert!(known.iter().any(|(known, _)| known == name), "{name} is no setting");
        if name == "QUILT_MCP_DRAIN" {
            flags.push(format!("--drain={}", variable["value"].as_str().unwrap()));
        }
    }
    for secret in container["secrets"].as_array().unwrap() {
        assert!(
            known.contains(&(secret["name"].as_str().unwrap().to_owned(), true)),
            "{secret}"
        );
    }
    let config = ServeConfig::from_flags(&flags).unwrap();
    assert_eq!(container["portMappings"][0]["containerPort"], config.listen.port);
    // A call that begins in the last moment may take its whole time, and then the process still ends by itself.
    let announcement = quilt_mcp::server::ConnectionLimits::default().announcement;
    assert!(config.connections.drain >= announcement + config.calls.tool_timeout);
    let stop = Duration::from_secs(container["stopTimeout"].as_u64().unwrap());
    assert!(
        stop > config.connections.drain + Duration::from_secs(1) && stop <= Duration::from_mins(2),
        "Fargate's most"
    );
    assert_eq!(setting(container, "QUILT_MCP_AMBIENT").as_deref(), Some("never"));
    let accounts = all_of(r"(?:\D|^)(\d{12})(?:\D|$)", &definition.to_string());
    assert_eq!(
        accounts,
        BTreeSet::from(["123456789012".to_owned()]),
        "a placeholder account"
    );
}

#[test]
fn no_secret_stands_in_the_task_definition() {
    let definition: Value = serde_json::from_str(&read("task-definition.json")).unwrap();
    assert_eq!(open_secrets(&definition), Vec::<String>::new());
    for (name, value) in [
        ("MCP_JWT_SECRET", "x"),
        ("MCP_ENHANCED_JWT_SECRET", "x"),
        ("QUILT_API_KEY", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("DATABASE_PASSWORD", "x"),
        ("HARMLESS", "qk_x"),
        ("HTTPS_PROXY", "http://user:password@proxy.example.com:3128"),
    ] {
        let mut open = definition.clone();
        let variables = open["containerDefinitions"][0]["environment"].as_array_mut().unwrap();
        variables.push(json!({ "name": name, "value": value }));
        assert_eq!(open_secrets(&open), [name]);
    }
}

/// All of the code in these folders and files, without its unit tests.
fn sources(paths: &[&str]) -> String {
    let mut waiting: Vec<_> = paths
        .iter()
        .map(|path| Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .collect();
    let mut text = String::new();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(path).unwrap().map(|file| file.unwrap().path()));
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            text.push_str(
                fs::read_to_string(path)
                    .unwrap()
                    .split("#[cfg(test)]\nmod ")
                    .next()
                    .unwrap(),
            );
        }
    }
    text
}

/// The policies of docs/deploy.md, by the name in bold that stands before each.
fn policies() -> Vec<(String, Value)> {
    let deploy = read("docs/deploy.md");
    let pieces: Vec<&str> = deploy.split("```json\n").collect();
    let name = |before: &str| before.rsplit("**").nth(1).unwrap().to_owned();
    let policy = |after: &str| serde_json::from_str(after.split("```").next().unwrap()).unwrap();
    pieces.windows(2).map(|two| (name(two[0]), policy(two[1]))).collect()
}

fn policy(name: &str) -> Value {
    let policies = policies();
    let found = policies.iter().find(|(title, _)| title == name);
    found
        .unwrap_or_else(|| panic!("{name} is none of {policies:?}"))
        .1
        .clone()
}

/// The policies for roles are enough, and each part of them is needed.
#[tokio::test]
async fn the_documented_policies_let_a_token_name_its_role() {
    let (task, trust) = (policy("Task role"), policy("Trust policy of each such role"));
    let actions = task["Statement"][0]["Action"].as_array().unwrap();
    assert_eq!(actions.len(), 3);
    let claims = json!({ "sub": "alice", "role_arn": "arn:aws:iam::123456789012:role/quilt/reader",
        "session_tags": { "team": "plankton" } });
    let outcome = async |task: &Value, trust: &Value| {
        let stage = Stage::embedded().await;
        let aws = stage.aws();
        // Here the server's own identity is a user.
        let key = aws.create_user("quilt-mcp-task", std::slice::from_ref(task)).unwrap();
        let trust = trust
            .to_string()
            .replace(":role/quilt-mcp-task", ":user/quilt-mcp-task");
        let may_list = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": format!("arn:aws:s3:::{SHARED}")}]});
        aws.create_role("quilt/reader", &serde_json::from_str(&trust).unwrap(), &[may_list])
            .unwrap();
        let keys = crate::support::stage::Keys {
            access_key_id: key.access_key_id.clone(),
            secret_access_key: secrecy::ExposeSecret::expose_secret(&key.secret_access_key).to_owned(),
            session_token: None,
        };
        let flags = [
            format!("--jwt-secret={SECRET}"),
            "--ambient=never".to_owned(),
            "--assumable-roles=arn:aws:iam::123456789012:role/quilt/*".to_owned(),
        ];
        let server = Server::start(&stage, Some(&keys), &flags).await;
        let answer = server
            .call(
                &token(claims.clone()),
                "bucket_objects_list",
                json!({ "bucket": SHARED }),
            )
            .await;
        answer.output()["error_code"].as_str().unwrap_or("ok").to_owned()
    };
    assert_eq!(outcome(&task, &trust).await, "ok");
    for (left_out, action) in actions.iter().enumerate() {
        let without = |policy: &Value| {
            let mut policy = policy.clone();
            policy["Statement"][0]["Action"]
                .as_array_mut()
                .unwrap()
                .remove(left_out);
            policy
        };
        assert_eq!(
            outcome(&without(&task), &trust).await,
            "assume_role_failed",
            "without {action}"
        );
        assert_eq!(
            outcome(&task, &without(&trust)).await,
            "assume_role_failed",
            "without {action}"
        );
    }
}

/// The roles of the task definition are those that docs/deploy.md describes, and they may reach what the task needs.
#[test]
fn the_documented_policies_are_about_the_task_definition() {
    let definition: Value = serde_json::from_str(&read("task-definition.json")).unwrap();
    let container = container(&definition);
    let execution = policy("Execution role").to_string();
    let secret = container["secrets"][0]["valueFrom"].as_str().unwrap();
    assert!(
        execution.contains(&format!("{}??????", &secret[..secret.len() - 6])),
        "{execution}"
    );
    let logs = container["logConfiguration"]["options"]["awslogs-group"]
        .as_str()
        .unwrap();
    assert!(execution.contains(&format!(":log-group:{logs}:*")), "{execution}");
    let image = container["image"].as_str().unwrap();
    let repository = image.split_once('/').unwrap().1.split(':').next().unwrap();
    assert!(execution.contains(&format!(":repository/{repository}")), "{execution}");
    let deploy = read("docs/deploy.md");
    for role in ["executionRoleArn", "taskRoleArn"] {
        let name = definition[role].as_str().unwrap().rsplit('/').next().unwrap();
        assert!(deploy.contains(&format!("`{name}`")), "{name}");
    }
    // The identity that users' rights must never fall back on can do nothing on S3.
    assert!(policies().iter().all(|(_, policy)| !policy.to_string().contains("s3:")));
}
