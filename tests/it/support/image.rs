//! The container's image without a container engine: its file system, and the processes in it.
//!
//! The base is made of the Debian packages of the Dockerfile's base, as far as they concern a program, in this
//! machine's release, against which the binary was built. A stage of the Dockerfile is applied on top. A process is
//! then started as a container's is: the file system is its root, mounted read-only; it runs as the image's user,
//! without capabilities, with the image's variables and those of the test.

use std::env::var_os;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use super::tools;

/// The packages of the base; the first one makes the folders.
const PACKAGES: [&str; 6] = [
    "base-files",
    "ca-certificates",
    "libc6",
    "libgcc-s1",
    "netbase",
    "tzdata",
];
/// The certificates of the base.
const CERTIFICATES: &str = "etc/ssl/certs/ca-certificates.crt";
/// Mounts the root, checks the mount, and executes the command.
const MOUNT: &str = r#"
set -eu
mount --bind "$0" "$0"
mount -o remount,bind,ro "$0"
if touch "$0/written" 2>/dev/null; then echo "the root can be written" >&2; exit 97; fi
exec "$@"
"#;

/// Returns the Dockerfile's instructions in order, each with its name and its arguments on one line.
pub fn instructions() -> anyhow::Result<Vec<(String, String)>> {
    let dockerfile = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Dockerfile"))?;
    let lines: Vec<&str> = dockerfile
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .collect();
    let whole = lines.join("\n").replace("\\\n", " ");
    let parts = whole.lines().filter_map(|line| line.trim().split_once(' '));
    Ok(parts
        .map(|(name, rest)| (name.to_uppercase(), rest.trim().to_owned()))
        .collect())
}

/// Returns the instructions of a stage, those of the stages on which it is based first. `None`: the last stage.
fn stage(all: &[(String, String)], wanted: Option<&str>) -> anyhow::Result<Vec<(String, String)>> {
    let begins = |(name, rest): &(String, String)| {
        let own = rest.split_once(" AS ").map(|(_, own)| own);
        name == "FROM" && wanted.is_none_or(|wanted| own == Some(wanted))
    };
    let first = all.iter().rposition(begins).context("no such stage")?;
    let base = all[first].1.split(' ').next().unwrap_or_default();
    let is_stage = all[..first]
        .iter()
        .any(|(name, rest)| name == "FROM" && rest.ends_with(&format!(" AS {base}")));
    let mut instructions = if is_stage {
        stage(&all[..first], Some(base))?
    } else {
        Vec::new()
    };
    let own = all[first + 1..].iter().take_while(|(name, _)| name != "FROM");
    instructions.extend(own.cloned());
    Ok(instructions)
}

/// The instructions of a stage.
pub struct Recipe {
    pub user: String,
    pub variables: Vec<String>,
    pub copies: Vec<(String, String)>,
    pub command: Vec<String>,
    pub healthcheck: Vec<String>,
}

impl Recipe {
    /// Reads the last stage, which is the server.
    pub fn read() -> anyhow::Result<Self> {
        Self::of(None)
    }

    fn of(target: Option<&str>) -> anyhow::Result<Self> {
        let mut recipe = Self {
            user: String::new(),
            variables: Vec::new(),
            copies: Vec::new(),
            command: Vec::new(),
            healthcheck: Vec::new(),
        };
        let (mut entrypoint, mut arguments) = (Vec::new(), Vec::new());
        let exec_form = |text: &str| serde_json::from_str::<Vec<String>>(text).context("not in exec form");
        for (name, rest) in &stage(&instructions()?, target)? {
            match name.as_str() {
                "USER" => recipe.user.clone_from(rest),
                "ENV" => recipe.variables.extend(rest.split_whitespace().map(str::to_owned)),
                "COPY" => {
                    let words: Vec<&str> = rest.split_whitespace().filter(|word| !word.starts_with("--")).collect();
                    let [from, to] = words[..] else {
                        bail!("COPY of more than one file: {rest}")
                    };
                    recipe.copies.push((from.to_owned(), to.to_owned()));
                }
                "ENTRYPOINT" => entrypoint = exec_form(rest)?,
                "CMD" => arguments = exec_form(rest)?,
                "HEALTHCHECK" => {
                    let (_, command) = rest.split_once("CMD").context("a health check without a command")?;
                    recipe.healthcheck = exec_form(command)?;
                }
                "LABEL" | "EXPOSE" => {}
                other => bail!("{other} is not understood here"),
            }
        }
        recipe.command = [entrypoint, arguments].concat();
        Ok(recipe)
    }
}

impl Recipe {
    /// Returns the program of the image: that of these tests, or for the server's image the one that `.ci/run` has built without
    /// the development environment, as the Dockerfile does.
    fn program(&self) -> PathBuf {
        #[expect(clippy::disallowed_methods, reason = "not a setting of the server")]
        let built = var_os("QUILT_MCP_IMAGE_PROGRAM");
        let is_server = self.command.get(1).is_some_and(|command| command == "serve");
        let built = built.filter(|_| is_server).map(PathBuf::from);
        built.unwrap_or_else(|| env!("CARGO_BIN_EXE_quilt-mcp").into())
    }

    /// Whether the program has no development environment, as that of the published image.
    pub fn is_as_published(&self) -> bool {
        self.program() != Path::new(env!("CARGO_BIN_EXE_quilt-mcp"))
    }
}

/// The image, unpacked.
pub struct Image {
    pub recipe: Recipe,
    root: TempDir,
}

impl Image {
    /// Assembles the server's image around the binary under test.
    pub fn assemble() -> anyhow::Result<Self> {
        Self::of(Recipe::read()?)
    }

    /// Assembles the image of another stage.
    pub fn assemble_target(target: &str) -> anyhow::Result<Self> {
        Self::of(Recipe::of(Some(target))?)
    }

    fn of(recipe: Recipe) -> anyhow::Result<Self> {
        let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        tools::run(Command::new("cp").arg("-a").arg(base()?.join(".")).arg(root.path()))?;
        for (from, to) in &recipe.copies {
            if from != "/build/target/release/quilt-mcp" {
                bail!("{from} is not known here");
            }
            let to = root.path().join(to.trim_start_matches('/'));
            fs::create_dir_all(to.parent().context("the root cannot be a file")?)?;
            fs::copy(recipe.program(), to)?;
        }
        Ok(Self { recipe, root })
    }

    /// Adds a certificate authority to those that the image trusts.
    pub fn trust(&self, pem: &str) -> anyhow::Result<()> {
        let file = self.root.path().join(CERTIFICATES);
        let all = format!("{}\n{pem}", fs::read_to_string(&file)?);
        Ok(fs::write(file, all)?)
    }

    /// Returns the container's command with these additional variables.
    pub fn command(&self, variables: &[(&str, String)]) -> Command {
        self.process(&self.recipe.command, variables)
    }

    /// Returns the container's program with other arguments.
    pub fn run(&self, arguments: &[&str]) -> Command {
        let program = self.recipe.command.iter().take(1).cloned();
        let arguments = arguments.iter().map(ToString::to_string);
        self.process(&program.chain(arguments).collect::<Vec<_>>(), &[])
    }

    /// Returns the health check's command in the container.
    pub fn healthcheck(&self, variables: &[(&str, String)]) -> Command {
        self.process(&self.recipe.healthcheck, variables)
    }

    fn process(&self, program: &[String], variables: &[(&str, String)]) -> Command {
        let root = self.root.path();
        let (user, group) = self
            .recipe
            .user
            .split_once(':')
            .unwrap_or((&self.recipe.user, &self.recipe.user));
        let mut command = tools::isolated(Path::new("unshare"));
        command
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", MOUNT])
            .arg(root);
        command
            .args(["env", "-i"])
            .arg(format!("SSL_CERT_FILE=/{CERTIFICATES}"))
            .args(&self.recipe.variables);
        command.args(variables.iter().map(|(name, value)| format!("{name}={value}")));
        command
            .args(["unshare", "--user"])
            .arg(format!("--map-user={user}"))
            .arg(format!("--map-group={group}"));
        command
            .arg(format!("--root={}", root.display()))
            .arg("--wd=/")
            .args(program);
        command
    }
}

/// Returns the base's file system, which the first test makes.
fn base() -> anyhow::Result<PathBuf> {
    let release = fs::read_to_string("/etc/os-release").context("Debian's packages are needed")?;
    let pins = [PACKAGES.join(" "), release];
    let home = tools::installed(
        "image-base",
        &[&pins[0], &pins[1]],
        &Path::new("root").join(CERTIFICATES),
        |home| {
            let (packages, root) = (home.join("packages"), home.join("root"));
            fs::create_dir(&packages)?;
            fs::create_dir(&root)?;
            let download = tools::run(
                Command::new("apt-get")
                    .args(["download", "-qq"])
                    .args(PACKAGES)
                    .current_dir(&packages),
            );
            download.context("`apt-get update` may be missing")?;
            let mut files: Vec<_> = fs::read_dir(&packages)?
                .map(|file| Ok(file?.path()))
                .collect::<anyhow::Result<_>>()?;
            files.sort();
            for file in files {
                tools::run(Command::new("dpkg-deb").arg("-x").arg(file).arg(&root))?;
            }
            let bundle = "find root/usr/share/ca-certificates -name '*.crt' | sort | xargs cat";
            let bundle = tools::run(Command::new("sh").args(["-c", bundle]).current_dir(home))?;
            fs::create_dir_all(root.join("etc/ssl/certs"))?;
            Ok(fs::write(root.join(CERTIFICATES), bundle)?)
        },
    )?;
    Ok(home.join("root"))
}
