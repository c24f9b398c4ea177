//! Names of commands, flags, variables, tools, tests and versions in the documentation, compared with the program.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use fancy_regex::Regex;

use crate::support::tools;

use super::{Page, ROOT, pages};

/// Variables of clients, of tests and of the Python server, which are no settings of the server.
const OTHER_VARIABLES: [&str; 6] = [
    "QUILT_TOKEN",
    "QUILT_DEPLOYMENT",
    "QUILT_DISABLE_USAGE_METRICS",
    "QUILT_MCP_SOAK",
    "QUILT_MCP_TEST_MODEL_CLIENTS",
    "QUILT_MCP_TYPO",
];

/// A name in the files of the AWS SDKs.
const OTHER_NAME: &str = "credential_process";

fn program(arguments: &[&str]) -> String {
    let mut command = tools::isolated(Path::new(env!("CARGO_BIN_EXE_quilt-mcp")));
    tools::run(command.args(arguments)).unwrap()
}

/// Returns the subcommands that a help lists.
fn subcommands(help: &str) -> Vec<String> {
    let Some((_, list)) = help.split_once("Commands:\n") else {
        return Vec::new();
    };
    let names = list.lines().map_while(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// Returns the help of each command, by its words.
fn helps() -> BTreeMap<String, String> {
    let mut helps = BTreeMap::new();
    let mut waiting: Vec<Vec<String>> = vec![Vec::new()];
    while let Some(words) = waiting.pop() {
        let mut arguments: Vec<&str> = words.iter().map(String::as_str).collect();
        arguments.push("--help");
        let help = program(&arguments);
        waiting.extend(
            subcommands(&help)
                .into_iter()
                .map(|name| [words.clone(), vec![name]].concat()),
        );
        helps.insert(words.join(" "), help);
    }
    helps
}

/// Returns the code of a page: the lines of its blocks, and what its prose quotes.
fn code(page: &Page) -> Vec<String> {
    let blocks = page.blocks().into_iter().filter(|block| block.language == "sh");
    let lines = blocks.flat_map(|block| {
        let joined = block.code.replace("\\\n", " ");
        joined.lines().map(str::to_owned).collect::<Vec<_>>()
    });
    lines.chain(page.quoted().into_iter().map(str::to_owned)).collect()
}

/// Returns what is wrong with a line that runs the program.
fn wrong_call(line: &str, helps: &BTreeMap<String, String>) -> Option<String> {
    let line = line.split(" # ").next().unwrap_or_default();
    let called = ["quilt-mcp ", "cargo run -- "].iter().find_map(|name| {
        let (before, rest) = line.split_once(name)?;
        // It is run at the beginning of a line or of a part of it; elsewhere it is an argument.
        let before = before.trim_end();
        (before.is_empty() || before.ends_with(['|', '&', ';', '('])).then_some(rest)
    })?;
    let words: Vec<&str> = called
        .split(['|', '>', '<', ';', '&'])
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let mut command = String::new();
    for word in &words {
        let longer = format!("{command} {word}").trim().to_owned();
        if !helps.contains_key(&longer) {
            break;
        }
        command = longer;
    }
    let help = helps.get(&command)?;
    // A word where a subcommand is needed is one that is not there.
    let next = words.get(command.split_whitespace().count());
    let is_name = |word: &&&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-');
    if help.contains("Commands:\n") && next.is_some_and(|word| is_name(&word)) {
        return Some(format!("`{line}`: no such command"));
    }
    let flags = words.iter().filter(|word| word.starts_with("--"));
    let flag = flags
        .map(|word| word.split('=').next().unwrap_or_default())
        .find(|flag| !has_flag(help, flag))?;
    Some(format!("`{line}`: `quilt-mcp {command}` has no {flag}"))
}

fn has_flag(help: &str, flag: &str) -> bool {
    help.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .any(|word| word == flag)
}

#[test]
fn commands_and_flags_exist() {
    let helps = helps();
    assert!(helps.len() > 8, "{:?}", helps.keys());
    let mut wrong = Vec::new();
    let mut calls = 0;
    for page in pages() {
        for line in code(&page) {
            calls += usize::from(line.contains("quilt-mcp "));
            wrong.extend(wrong_call(&line, &helps).map(|fault| format!("{}: {fault}", page.name)));
        }
    }
    assert!(wrong.is_empty() && calls > 10, "{calls} {wrong:#?}");
    for line in [
        "quilt-mcp serve --prot 1",
        "quilt-mcp token mnt",
        "x | quilt-mcp token inspect - --ttl 2h",
    ] {
        assert!(wrong_call(line, &helps).is_some(), "{line}");
    }
}

/// Returns the variables of the settings and their aliases.
fn variables() -> BTreeSet<String> {
    let table = program(&["docs", "config"]);
    let first = table.lines().filter_map(|row| row.split('|').nth(1));
    let names = first.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    names.map(str::to_owned).collect()
}

#[test]
fn variables_are_settings() {
    let known = variables();
    assert!(known.len() > 40);
    let name = Regex::new(r"\b(QUILT_[A-Z0-9_]*[A-Z0-9]|MCP_(?:JWT|ENHANCED)_[A-Z_]*[A-Z])\b").unwrap();
    let mut wrong = Vec::new();
    for page in pages() {
        for found in name.find_iter(&page.text) {
            let found = found.unwrap().as_str();
            if !known.contains(found) && !OTHER_VARIABLES.contains(&found) {
                wrong.push(format!("{}: {found}", page.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Returns the text of all files below these folders, and of these files.
fn sources(folders: &[&str]) -> String {
    let mut waiting: Vec<_> = folders.iter().map(|folder| Path::new(ROOT).join(folder)).collect();
    let mut text = String::new();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(path).unwrap().map(|file| file.unwrap().path()));
        } else if let Ok(file) = fs::read_to_string(&path) {
            text.push_str(&file);
        }
    }
    text
}

/// A tool, argument, field or code that was renamed is found, because the code no longer has its name.
#[test]
fn names_of_tools_arguments_fields_and_codes_are_in_the_code() {
    let folders = [
        "Cargo.toml",
        "src",
        "crates",
        "deploy",
        "tests/it",
        "tests/peers",
        "benches",
    ];
    let sources = sources(&folders) + &program(&["docs", "metrics"]);
    let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words: BTreeSet<&str> = sources.split(|c| !in_name(c)).collect();
    let name = Regex::new("^[a-z0-9]+(_[a-z0-9]+)+$").unwrap();
    let mut wrong = Vec::new();
    // What has changed has names of before.
    let pages = pages();
    let current = pages
        .iter()
        .filter(|page| !["CHANGELOG.md", "docs/upgrading.md"].contains(&page.name.as_str()));
    for page in current {
        let missing = page
            .quoted()
            .into_iter()
            .filter(|quoted| name.is_match(quoted).unwrap() && !words.contains(quoted) && *quoted != OTHER_NAME);
        wrong.extend(missing.map(|quoted| format!("{}: {quoted}", page.name)));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Returns the file of a module of the tests, if there is one.
fn module(path: &str) -> Option<String> {
    let path = Path::new(ROOT).join("tests/it").join(path.replace("::", "/"));
    let candidates = [path.with_extension("rs"), path.join("mod.rs")];
    candidates.iter().find_map(|file| fs::read_to_string(file).ok())
}

#[test]
fn tests_that_are_named_exist() {
    let name = Regex::new("^[a-z0-9_]+(::[a-z0-9_]+)+$").unwrap();
    let mut count = 0;
    let mut wrong = Vec::new();
    for page in pages() {
        for quoted in page.quoted() {
            let first = quoted.split("::").next().unwrap();
            if !name.is_match(quoted).unwrap() || module(first).is_none() {
                continue;
            }
            count += 1;
            let (path, test) = quoted.rsplit_once("::").unwrap();
            let exists = module(path).is_some_and(|source| source.contains(&format!("fn {test}(")));
            if !exists && module(quoted).is_none() {
                wrong.push(format!("{}: {quoted}", page.name));
            }
        }
    }
    assert!(wrong.is_empty() && count > 40, "{count} {wrong:#?}");
}

/// The versions of the clients that docs/clients.md calls tested are those that are installed.
#[test]
fn tested_clients_have_the_versions_that_are_installed() {
    let pins = sources(&["tests/peers"]);
    let page = pages().into_iter().find(|page| page.name == "docs/clients.md").unwrap();
    let rows: Vec<Vec<&str>> = page
        .text
        .lines()
        .filter(|line| line.contains("| `peers::") || line.contains("| `shipping::"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    assert!(rows.len() > 10);
    for row in rows {
        let [_, package, version, _] = row[..] else {
            panic!("{row:?}")
        };
        let package = package.trim_matches('`');
        let pinned = [
            format!("\"{package}\": \"{version}\""),
            format!("\n{package}=={version}\n"),
        ]
        .iter()
        .any(|pin| pins.contains(pin))
            || Regex::new(&format!(r"\n{package}\[[a-z,]+\]=={}\n", version.replace('.', r"\.")))
                .unwrap()
                .is_match(&pins)
                .unwrap();
        assert!(pinned, "{package} {version} is not what tests/peers installs");
    }
}

#[test]
fn the_version_is_the_same_everywhere() {
    let version = env!("CARGO_PKG_VERSION");
    let tag = Regex::new(r"/quilt-mcp:(\d+\.\d+\.\d+)").unwrap();
    for file in ["task-definition.json", "docs/deploy.md"] {
        let text = fs::read_to_string(Path::new(ROOT).join(file)).unwrap();
        let found: Vec<String> = tag
            .captures_iter(text.as_str())
            .map(|found| found.unwrap().get(1).unwrap().as_str().to_owned())
            .collect();
        assert!(
            !found.is_empty() && found.iter().all(|tag| tag == version),
            "{file}: {found:?}"
        );
    }
}
