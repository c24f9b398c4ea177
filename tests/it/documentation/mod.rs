//! The documentation: tables, links, blocks of code, commands, and names of settings, tools and tests.
//!
//! Nothing here uses the network.

mod blocks;
mod commands;
mod links;
mod names;
mod tables;

use std::fs;
use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A page of the documentation.
struct Page {
    /// Its path from the root.
    name: String,
    text: String,
}

/// A block of code.
struct Block {
    language: String,
    code: String,
    /// Where it stands, for messages.
    place: String,
}

/// Returns the README and the pages beside it, in `docs` and in `.github`.
fn pages() -> Vec<Page> {
    let mut names: Vec<String> = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"]
        .map(str::to_owned)
        .to_vec();
    for folder in ["docs", ".github"] {
        for file in fs::read_dir(Path::new(ROOT).join(folder)).unwrap() {
            names.push(format!("{folder}/{}", file.unwrap().file_name().to_string_lossy()));
        }
    }
    // The folder of GitHub has other files too.
    names.retain(|name| Path::new(name).extension().is_some_and(|extension| extension == "md"));
    names.sort();
    names
        .into_iter()
        .map(|name| Page {
            text: fs::read_to_string(Path::new(ROOT).join(&name)).unwrap(),
            name,
        })
        .collect()
}

impl Page {
    /// Returns its blocks of code.
    fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut open = false;
        for (number, line) in self.text.lines().enumerate() {
            if let Some(language) = line.trim_start().strip_prefix("```") {
                open = !open;
                if open {
                    blocks.push(Block {
                        language: language.to_owned(),
                        code: String::new(),
                        place: format!("{}:{}", self.name, number + 1),
                    });
                }
            } else if open && let Some(block) = blocks.last_mut() {
                block.code.push_str(line);
                block.code.push('\n');
            }
        }
        assert!(!open, "{}: a block of code does not end", self.name);
        blocks
    }

    /// Returns its lines outside of blocks of code.
    fn prose(&self) -> Vec<&str> {
        let mut open = false;
        let is_prose = |line: &&str| {
            let fence = line.trim_start().starts_with("```");
            open ^= fence;
            !open && !fence
        };
        self.text.lines().filter(is_prose).collect()
    }

    /// Returns what stands between backticks in its prose.
    fn quoted(&self) -> Vec<&str> {
        self.prose()
            .into_iter()
            .flat_map(|line| line.split('`').skip(1).step_by(2))
            .collect()
    }
}
