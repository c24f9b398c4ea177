//! The views for MCP hosts (MCP Apps): documents that a host shows beside the result of a tool.
//!
//! Owns the files that only the views have, and the joining of modules, which the page loads one by one, into one document: a
//! host gives a view no origin to load anything from. Modules are joined in one scope, without their imports and exports; a
//! test refuses names that two of them declare. Does not own URIs or tools (the `mcp` module declares those).

use std::sync::LazyLock;

use super::assets::{self, compact};

/// A view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// A list of packages, a package, differences, a verification, or what a dry run would write.
    Package,
    /// What the buckets allow.
    Permissions,
    /// Rows of an object or a query.
    Table,
}

/// The documents in the order of [`View::ALL`].
static DOCUMENTS: LazyLock<[String; 3]> = LazyLock::new(|| View::ALL.map(View::join));

const DOCUMENT: &str = include_str!("files/view.html");
const STYLES: [(&str, &str); 2] = [
    ("page.css", include_str!("files/page.css")),
    ("view.css", include_str!("files/view.css")),
];
/// Modules of every view, before its own.
const SHARED: [&str; 3] = ["strings.js", "mcp.js", "dom.js"];
/// Begins the part of a module, or of the object of sentences, that only the page needs.
const OF_PAGE: &str = "// Of the page alone.\n";

impl View {
    pub const ALL: [Self; 3] = [Self::Package, Self::Permissions, Self::Table];

    /// The document.
    #[must_use]
    pub fn html(self) -> &'static str {
        let [package, permissions, table] = &*DOCUMENTS;
        match self {
            Self::Package => package,
            Self::Permissions => permissions,
            Self::Table => table,
        }
    }

    /// The name that people see.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Package => "Quilt package",
            Self::Permissions => "Buckets and rights",
            Self::Table => "Table",
        }
    }

    /// Modules of the page that this view has besides the shared ones.
    const fn modules(self) -> &'static [&'static str] {
        match self {
            Self::Package => &["table.js", "preview.js", "packages.js", "revision.js"],
            Self::Permissions => &["rights.js"],
            Self::Table => &["table.js"],
        }
    }

    /// Names and contents of all modules, in the order in which they run.
    fn sources(self) -> Vec<(&'static str, String)> {
        let own = match self {
            Self::Package => ("view_package.js", include_str!("files/view_package.js")),
            Self::Permissions => ("view_permissions.js", include_str!("files/view_permissions.js")),
            Self::Table => ("view_table.js", include_str!("files/view_table.js")),
        };
        let of_page = SHARED.iter().chain(self.modules());
        let of_page = of_page.map(|name| (*name, assets::content(name).unwrap_or_default()));
        let all = of_page.chain([("host.js", include_str!("files/host.js")), own]);
        all.map(|(name, content)| (name, without_page(content))).collect()
    }

    fn join(self) -> String {
        let scripts = self.sources();
        let scripts = scripts
            .iter()
            .map(|(name, content)| compact(name, &without_modules(content)));
        let style: String = STYLES.iter().map(|(name, content)| compact(name, content)).collect();
        DOCUMENT
            .replace("{version}", env!("CARGO_PKG_VERSION"))
            .replace("{title}", self.title())
            .replace("{style}", &style)
            .replace("{script}", &scripts.collect::<String>())
    }
}

/// Removes what only the page has: of an object its last members, of a module its end.
fn without_page(content: &str) -> String {
    match content.split_once(OF_PAGE) {
        None => content.to_owned(),
        Some((before, members)) if before.ends_with("\n  ") => {
            let (_, after) = members.split_once("\n};").unwrap_or_default();
            format!("{}\n}};{after}", before.trim_end())
        }
        Some((before, _)) => before.to_owned(),
    }
}

/// Removes imports and exports, which stand at the beginning of lines, each import on one.
fn without_modules(content: &str) -> String {
    let lines = content.lines().filter(|line| !line.starts_with("import "));
    let lines = lines.map(|line| line.strip_prefix("export ").unwrap_or(line));
    lines.flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    const MAX_BYTES: usize = 40 * 1024;

    /// The names that a module declares outside of functions: its lines that are not indented.
    fn declared(content: &str) -> Vec<String> {
        let declares = [
            "const ",
            "let ",
            "function ",
            "async function ",
            "async function* ",
            "class ",
        ];
        let lines = content.lines().map(|line| line.strip_prefix("export ").unwrap_or(line));
        let rests = lines.filter_map(|line| declares.iter().find_map(|word| line.strip_prefix(word)));
        rests
            .map(|rest| rest.chars().take_while(|c| is_name(*c)).collect())
            .collect()
    }

    #[test]
    fn each_view_is_small() {
        for view in View::ALL {
            let bytes = view.html().len();
            assert!((10 * 1024..MAX_BYTES).contains(&bytes), "{view:?}: {bytes} bytes");
        }
    }

    #[test]
    fn modules_that_are_joined_declare_no_name_twice() {
        for view in View::ALL {
            let mut by_name = HashMap::new();
            for (module, content) in view.sources() {
                assert!(!content.is_empty(), "{module} is no file of the page");
                for name in declared(&content) {
                    assert!(!name.is_empty(), "{module} declares names that are not read here");
                    let other = by_name.insert(name.clone(), module);
                    assert_eq!(other, None, "{view:?}: {module} declares `{name}` too");
                }
            }
            assert!(by_name.contains_key("startView") && by_name.contains_key("McpClient"));
        }
    }

    fn is_name(c: char) -> bool {
        c.is_alphanumeric() || c == '_' || c == '$'
    }

    /// Whether a text has a name.
    fn uses(content: &str, name: &str) -> bool {
        content.split(|c: char| !is_name(c)).any(|part| part == name)
    }

    #[test]
    fn everything_that_is_imported_and_used_is_joined() {
        for view in View::ALL {
            let sources = view.sources();
            for (module, content) in &sources {
                let code = compact(module, &without_modules(content));
                for import in content.lines().filter(|line| line.starts_with("import ")) {
                    let (names, from) = import.split_once(" } from \"./").expect(module);
                    let from = from.trim_end_matches("\";");
                    let imported = sources.iter().find(|(name, _)| *name == from);
                    let imported = imported.map_or_else(Vec::new, |(_, imported)| declared(imported));
                    for name in names.trim_start_matches("import { ").split(", ") {
                        let is_joined = imported.iter().any(|found| found == name);
                        assert!(is_joined || !uses(&code, name), "{module}: {name} of {from}");
                    }
                }
                assert!(!code.contains("import("), "{module}");
                assert!(
                    !content.contains("\nexport {") && !content.contains("\nexport default"),
                    "{module}"
                );
            }
        }
    }

    /// A sentence that a view lacks would be shown as `undefined`.
    #[test]
    fn every_sentence_of_a_view_is_joined() {
        for view in View::ALL {
            let sources = view.sources();
            let (_, strings) = sources.first().unwrap();
            for object in ["text", "viewText"] {
                let (_, members) = strings.split_once(&format!("const {object} = {{\n")).unwrap();
                let (members, _) = members.split_once("\n};").unwrap();
                let mut count = 0;
                for (module, content) in &sources {
                    for (at, found) in content.match_indices(&format!("{object}.")) {
                        let name: String = content[at + found.len()..]
                            .chars()
                            .take_while(|c| is_name(*c))
                            .collect();
                        // Such as `context.`.
                        if !name.is_empty() && !content[..at].ends_with(is_name) {
                            assert!(uses(members, &name), "{view:?}: {object}.{name} of {module}");
                            count += 1;
                        }
                    }
                }
                assert!(count > 3, "{view:?}: {object}: {count}");
            }
        }
    }

    #[test]
    fn the_document_has_no_end_of_a_script_inside_of_it() {
        for view in View::ALL {
            let html = view.html();
            for part in ["</script", "<!--", "<script"] {
                let expected = usize::from(part != "<!--");
                assert_eq!(html.matches(part).count(), expected, "{view:?}: {part}");
            }
            assert!(!html.contains("{script}") && !html.contains("import ") && !html.contains("\nexport "));
        }
    }
}
