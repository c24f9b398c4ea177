//! Tables that are printed from the code.
//!
//! A table stands between the comments `<!-- quilt-mcp docs NAME -->` and `<!-- end of quilt-mcp docs NAME -->`. After an
//! intended change, `UPDATE_DOCS=1 cargo test --test it documentation::tables` writes all of them anew.

use std::fs;
use std::path::Path;

use crate::support::tools;

use super::{ROOT, pages};

/// Returns what `quilt-mcp docs` prints.
fn printed(arguments: &[&str]) -> String {
    let mut command = tools::isolated(Path::new(env!("CARGO_BIN_EXE_quilt-mcp")));
    tools::run(command.arg("docs").args(arguments)).unwrap()
}

/// Returns the names of the tables, as the program's help lists them.
fn tables() -> Vec<String> {
    let help = printed(&["--help"]);
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let names = commands
        .lines()
        .map_while(|line| line.split_whitespace().next())
        .filter(|name| *name != "help");
    names.map(str::to_owned).collect()
}

#[test]
fn tables_are_those_of_the_program() {
    #[expect(clippy::disallowed_methods, reason = "not a setting of the server")]
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    let names = tables();
    assert!(names.len() >= 5, "{names:?}");
    for name in names {
        let (begin, end) = (
            format!("<!-- quilt-mcp docs {name} -->\n\n"),
            format!("\n<!-- end of quilt-mcp docs {name} -->"),
        );
        let mut shown = 0;
        for page in pages() {
            let Some((before, rest)) = page.text.split_once(&begin) else {
                continue;
            };
            let (table, after) = rest.split_once(&end).unwrap_or_else(|| panic!("{}: {end}", page.name));
            let wanted = printed(&[&name]);
            if update {
                let text = format!("{before}{begin}{wanted}{end}{after}");
                fs::write(Path::new(ROOT).join(&page.name), text).unwrap();
            } else {
                assert_eq!(
                    table, wanted,
                    "{} is not what `quilt-mcp docs {name}` prints; UPDATE_DOCS=1 writes it anew",
                    page.name
                );
            }
            shown += 1;
        }
        assert_eq!(shown, 1, "one page shows the table `{name}`");
    }
}

#[test]
fn the_readme_is_short() {
    let readme = fs::metadata(Path::new(ROOT).join("README.md")).unwrap().len();
    assert!(readme <= 8 * 1024, "{readme} bytes; details belong to a page of docs");
}
