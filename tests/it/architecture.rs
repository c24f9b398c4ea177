//! The architecture as docs/architecture.md describes it: the order of the modules, and paths that exist.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The modules of the table in docs/architecture.md, from the top down.
fn documented_modules() -> Result<Vec<String>> {
    let page = std::fs::read_to_string(Path::new(ROOT).join("docs/architecture.md"))?;
    let table = page.split("| module | owns |").nth(1).context("no table of modules")?;
    let rows = table.lines().skip(2).take_while(|line| line.starts_with("| `"));
    let names = rows.filter_map(|row| row.split('`').nth(1));
    Ok(names.map(str::to_owned).collect())
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}

/// The paths that a file names after `prefix` (`crate::` or `super::`), in code that is neither a comment nor a unit test.
fn imports<'a>(code: &'a str, prefix: &str) -> Vec<Vec<&'a str>> {
    let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let paths = lines.flat_map(|line| line.split(prefix).skip(1));
    let is_path = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let path = |rest: &'a str| rest.split(|c: char| !is_path(c)).next().unwrap_or_default();
    paths
        .map(|rest| path(rest).split("::").filter(|name| !name.is_empty()).collect())
        .collect()
}

/// The file of a module: `folder/name.rs` or `folder/name/mod.rs`, for the longest beginning of the path that is one.
fn resolve(folder: &Path, path: &[&str]) -> Option<PathBuf> {
    (1..=path.len()).rev().find_map(|length| {
        let module = folder.join(path[..length].join("/"));
        [module.with_extension("rs"), module.join("mod.rs")]
            .into_iter()
            .find(|file| file.exists())
    })
}

/// The files that a file imports from, other than the parent that declares it.
fn imported_files(src: &Path, file: &Path) -> Result<BTreeSet<PathBuf>> {
    let code = std::fs::read_to_string(file)?;
    let folder = file.parent().context("no folder")?;
    // Submodules of `a.rs` are in `a/`; `super` of `a/mod.rs` is the folder above.
    let parent = if file.ends_with("mod.rs") {
        folder.parent().context("no folder")?
    } else {
        folder
    };
    let absolute = imports(&code, "crate::")
        .into_iter()
        .filter_map(|path| resolve(src, &path));
    let relative = imports(&code, "super::")
        .into_iter()
        .filter_map(|path| resolve(parent, &path));
    let declares = |other: &PathBuf| file.starts_with(other.parent().unwrap_or(src)) && other.ends_with("mod.rs");
    Ok(absolute
        .chain(relative)
        .filter(|other| other != file && !declares(other))
        .collect())
}

#[test]
fn no_files_import_each_other() -> Result<()> {
    let mut loops = Vec::new();
    for src in ["src", "crates/quilt-format/src", "crates/embedded-aws/src"] {
        let src = Path::new(ROOT).join(src);
        for file in rust_files(&src)? {
            for other in imported_files(&src, &file)?.into_iter().filter(|other| *other > file) {
                if imported_files(&src, &other)?.contains(&file) {
                    loops.push(format!("{} and {}", file.display(), other.display()));
                }
            }
        }
    }
    ensure!(loops.is_empty(), "{loops:#?}");
    Ok(())
}

#[test]
fn modules_import_only_modules_below_them() -> Result<()> {
    let modules = documented_modules()?;
    let floor = |name: &str| modules.iter().position(|module| module == name);
    let src = Path::new(ROOT).join("src");
    let mut wrong = Vec::new();
    for file in rust_files(&src)? {
        let path = file.strip_prefix(&src)?.to_string_lossy().into_owned();
        let module = path
            .split('/')
            .next()
            .unwrap_or_default()
            .trim_end_matches(".rs")
            .to_owned();
        if matches!(module.as_str(), "lib" | "main") {
            continue;
        }
        let own = floor(&module).with_context(|| format!("docs/architecture.md has no row for {module}"))?;
        let code = std::fs::read_to_string(&file)?;
        for import in imports(&code, "crate::") {
            let Some(other) = import.first().filter(|other| **other != module) else {
                continue;
            };
            if floor(other).is_none_or(|floor| floor < own) {
                wrong.push(format!("{path} imports {other}"));
            }
        }
    }
    ensure!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

#[test]
fn paths_in_the_documents_exist() -> Result<()> {
    let root = Path::new(ROOT);
    let mut pages = vec![root.join("CONTRIBUTING.md")];
    for entry in std::fs::read_dir(root.join("docs"))? {
        pages.push(entry?.path());
    }
    let mut missing = Vec::new();
    for page in &pages {
        let text = std::fs::read_to_string(page)?;
        let quoted = text.split('`').skip(1).step_by(2);
        let is_path = |text: &&str| {
            ["src/", "crates/", "tests/", "docs/", ".ci/"]
                .iter()
                .any(|folder| text.starts_with(folder))
                && !text.contains(['<', ' ', '*', '…', ':'])
        };
        for path in quoted.filter(is_path) {
            if !root.join(path).exists() {
                missing.push(format!("{}: {path}", page.display()));
            }
        }
    }
    ensure!(missing.is_empty(), "{missing:#?}");
    Ok(())
}
