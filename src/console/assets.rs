//! The embedded files of the page. They are served without comments, indentation and line ends that mean nothing, and their
//! URLs contain a hash of all of them, so that browsers may keep them.

use std::sync::LazyLock;

use sha2::{Digest as _, Sha256};

use super::ConsoleMode;

/// A file of the page.
pub(super) struct Asset {
    pub name: &'static str,
    content: &'static str,
    /// Whether the file belongs to the console, which `connect` does not serve.
    is_console: bool,
}

impl Asset {
    const fn of_connect(name: &'static str, content: &'static str) -> Self {
        Self {
            name,
            content,
            is_console: false,
        }
    }

    const fn of_console(name: &'static str, content: &'static str) -> Self {
        Self {
            name,
            content,
            is_console: true,
        }
    }

    /// The file as it is served.
    pub fn served(&self) -> String {
        let (of_page, _) = self.content.split_once(OF_VIEWS).unwrap_or((self.content, ""));
        compact(self.name, of_page)
    }

    pub fn content_type(&self) -> &'static str {
        match self.name.rsplit_once('.') {
            Some((_, "css")) => "text/css; charset=utf-8",
            _ => "text/javascript; charset=utf-8",
        }
    }
}

/// The document that loads the others.
pub(super) const PAGE: &str = include_str!("files/page.html");

/// Begins the part of a file that only the views for MCP hosts need.
const OF_VIEWS: &str = "\n// Of the views alone.\n";

static ASSETS: [Asset; 18] = [
    Asset::of_connect("page.css", include_str!("files/page.css")),
    Asset::of_connect("connect.js", include_str!("files/connect.js")),
    Asset::of_connect("dom.js", include_str!("files/dom.js")),
    Asset::of_connect("page.js", include_str!("files/page.js")),
    Asset::of_connect("strings.js", include_str!("files/strings.js")),
    Asset::of_console("console.js", include_str!("files/console.js")),
    Asset::of_console("session.js", include_str!("files/session.js")),
    Asset::of_console("mcp.js", include_str!("files/mcp.js")),
    Asset::of_console("http.js", include_str!("files/http.js")),
    Asset::of_console("identity.js", include_str!("files/identity.js")),
    Asset::of_console("rights.js", include_str!("files/rights.js")),
    Asset::of_console("packages.js", include_str!("files/packages.js")),
    Asset::of_console("revision.js", include_str!("files/revision.js")),
    Asset::of_console("preview.js", include_str!("files/preview.js")),
    Asset::of_console("table.js", include_str!("files/table.js")),
    Asset::of_console("tools.js", include_str!("files/tools.js")),
    Asset::of_console("form.js", include_str!("files/form.js")),
    Asset::of_console("requests.js", include_str!("files/requests.js")),
];

/// The first 16 digits of the SHA-256 of all files.
pub(super) static DIGEST: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for asset in &ASSETS {
        hash.update(asset.name);
        hash.update(asset.content);
    }
    let digest = hash.finalize();
    let first = digest.first_chunk().copied().unwrap_or_default();
    format!("{:016x}", u64::from_be_bytes(first))
});

/// Removes comments, blank lines, indentation, and line ends that mean nothing. Files have block comments only where they begin
/// with two asterisks, line comments only on lines of their own, and no string of several lines.
pub(super) fn compact(name: &str, content: &str) -> String {
    let mut parts = content.split("/**");
    let mut code = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.split_once("*/").map_or("", |(_, rest)| rest);
        code.push_str(rest.strip_prefix(' ').unwrap_or(rest));
    }
    let mut compacted = String::with_capacity(code.len());
    let lines = code.lines().map(str::trim);
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with("//")) {
        if line.starts_with(['}', ')', ']']) && compacted.ends_with('\n') {
            compacted.pop();
        }
        compacted.push_str(line);
        if !line.ends_with([';', ',', '{', '(', '[']) {
            compacted.push('\n');
        }
    }
    if !matches!(name.rsplit_once('.'), Some((_, "css"))) {
        return compacted;
    }
    let spaced = [
        (": ", ":"),
        ("; ", ";"),
        (", ", ","),
        (" {", "{"),
        ("{ ", "{"),
        (" }", "}"),
    ];
    spaced
        .iter()
        .fold(compacted, |style, (spaced, short)| style.replace(spaced, short))
}

/// The content of a file, in whole.
pub(super) fn content(name: &str) -> Option<&'static str> {
    ASSETS
        .iter()
        .find(|asset| asset.name == name)
        .map(|asset| asset.content)
}

/// The file of this name, if the mode has it.
pub(super) fn find(mode: ConsoleMode, name: &str) -> Option<&'static Asset> {
    let found = ASSETS.iter().find(|asset| asset.name == name)?;
    match mode {
        ConsoleMode::Off => None,
        ConsoleMode::Connect => (!found.is_console).then_some(found),
        ConsoleMode::Full => Some(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_small() {
        let bytes: usize = PAGE.len() + ASSETS.iter().map(|asset| asset.served().len()).sum::<usize>();
        assert!(bytes < 60 * 1024, "{bytes} bytes");
    }

    #[test]
    fn what_only_authors_read_is_not_served() {
        let file = "// A file.\n\n/**\n * Adds.\n * @param {number} x\n */\nexport function add(x) {\n  return (/** @type {any} */ (x)) + 1;\n}\n";
        assert_eq!(compact("a.js", file), "export function add(x) {return ((x)) + 1;}\n");
        let style = "a, b {\n  color: red;\n  margin: 0 .5rem\n}\n:root { top: 0; }\n";
        assert_eq!(
            compact("a.css", style),
            "a,b{color:red;margin:0 .5rem}\n:root{top:0;}\n"
        );
        for asset in &ASSETS {
            for line in asset.content.lines() {
                assert!(
                    line.matches('`').count().is_multiple_of(2),
                    "{}: a string of several lines: {line}",
                    asset.name
                );
            }
        }
    }

    #[test]
    fn sentences_of_the_views_are_not_served_with_the_page() {
        let strings = find(ConsoleMode::Connect, "strings.js").unwrap();
        assert!(strings.content.contains("viewText") && !strings.served().contains("viewText"));
    }

    #[test]
    fn modules_import_only_files_that_are_served() {
        for asset in &ASSETS {
            let mode = if asset.is_console {
                ConsoleMode::Full
            } else {
                ConsoleMode::Connect
            };
            let imports = asset
                .content
                .split(" from \"./")
                .skip(1)
                .filter_map(|rest| rest.split('"').next());
            for import in imports {
                assert!(find(mode, import).is_some(), "{} imports {import}", asset.name);
            }
        }
    }
}
